"""Figures of sweeps: heat maps, lines, tornado and Sobol indices. Matplotlib is imported on use.

`p53net.drawing.plot` calls these within its style.
"""

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.figures.axes import (
    COLOUR_MAP,
    LOG_COLOUR,
    colour_bar,
    colour_norm,
    edges,
    held_text,
    is_wide,
    label_of,
    log_ticks,
    new_panel,
    scale_axis,
    scale_of,
    short,
    title_of,
)
from p53net.figures.style import COLOURS, WIDE

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path
    from numpy.typing import NDArray

_DARK, _GREY, _PALE = "#555555", "#777777", "#e3e3e3"
_MOST_MARKED = 40  # values of x up to which each is marked on its line
_MOST_VECTORS = 5000  # cells or points beyond which an SVG or PDF holds them as an image
_NO_VALUE = "no value"
_CROSS: dict[str, Any] = {"marker": "x", "color": _DARK, "s": 22, "lw": 1.0}  # a point that failed


class _Chosen(NamedTuple):
    """What a figure of a sweep shows."""

    result: xr.Dataset
    measure: str
    x: str
    y: str | None  # an axis, of a map
    colour: str | None  # an axis, of lines

    @property
    def values(self) -> xr.DataArray:
        return self.result[self.measure]

    def flat(self, name: str) -> FloatArray:
        """Values of an axis or measure at each point, in one order for all names."""
        spread = self.result[name].broadcast_like(self.values).transpose(*self.values.dims)
        return np.asarray(spread.values, dtype=float).ravel()


def sweep_figure(result: xr.Dataset, x: str | None, y: str | None, colour: str | None) -> "Figure":
    """A heat map or lines. Raises InputError or UnknownNameError for names that do not fit."""
    chosen = _chosen(result, x, y, colour)
    if chosen.y is None:
        return _lines(chosen)
    if "point" in chosen.values.dims:
        return _scatter(chosen, chosen.y)
    return _heat_map(chosen, chosen.y)


# --- what is shown


def _chosen(result: xr.Dataset, x: str | None, y: str | None, colour: str | None) -> _Chosen:
    measures = _measures(result)
    if not measures:
        raise InputError("a point alone has no figure; keep an axis with more than one value")
    axes_of = {name: _axes(result, name) for name in measures}
    axes = dict.fromkeys(axis for along in axes_of.values() for axis in along)
    given = [name for name in (x, y, colour) if name is not None]
    for name in given:
        if name not in axes and name not in measures:
            raise unknown_name("axis or measure", name, [*axes, *measures])
        if given.count(name) > 1:
            raise InputError(f"{name} is given twice; x, y and colour must differ")
    if x in measures:
        raise InputError(f"x is {x}, a measure, but must be an axis: {', '.join(axes)}")
    if y in measures and colour in measures:
        raise InputError(f"y and colour are both measures; colour must be an axis, not {colour}")
    named_axes = [name for name in given if name in axes]
    measure = next((name for name in given if name in measures), None)
    if measure is None:
        fitting = [n for n in measures if set(named_axes) <= set(axes_of[n])]
        measure = (fitting or measures)[0]
    for name in named_axes:
        if name not in axes_of[measure]:
            raise InputError(f"{measure} has no axis {name}; it has {', '.join(axes_of[measure])}")
    free = _free(result, axes_of[measure], named_axes)
    is_map = y in axes or (
        y is None and colour not in axes and (colour is not None or len(free) + (x is not None) > 1)
    )
    if is_map:
        return _map_of(result, measure, x, y, free)
    return _lines_of(result, measure, x, colour, free)


def _measures(result: xr.Dataset) -> list[str]:
    """Numbers that vary along an axis: those of whole points first, then curves over time."""
    found = [
        str(name)
        for name, values in result.data_vars.items()
        if values.ndim and values.dtype.kind in "fiu" and _axes(result, str(name))
    ]
    return sorted(found, key=lambda name: "time" in result[name].dims)


def _axes(result: xr.Dataset, measure: str) -> list[str]:
    """Axes of a measure, in the order of its dimensions; time first."""
    dimensions = sorted(result[measure].dims, key=lambda name: name != "time")
    coordinates = [str(name) for name in result.coords if name != "point"]
    return [name for dim in dimensions for name in coordinates if result[name].dims == (dim,)]


def _free(result: xr.Dataset, axes: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Axes that are not taken: those with several values, or where there is none, all."""
    left = [name for name in axes if name not in taken]
    return [name for name in left if result[name].size > 1] or ([] if taken else left)


def _map_of(
    result: xr.Dataset, measure: str, x: str | None, y: str | None, free: list[str]
) -> _Chosen:
    left = [*free, *[name for name in _axes(result, measure) if name not in (*free, x, y)]]
    if len(left) < (x is None) + (y is None):
        raise InputError(
            f"a map needs two axes, and {measure} has only {', '.join(_axes(result, measure))}; "
            f"for a line give y='{measure}'"
        )
    x = x or left.pop(0)
    y = y or left.pop(0)
    shown = {result[x].dims[0], result[y].dims[0]}
    return _Chosen(_only(result, measure, shown), measure, x, y, None)


def _lines_of(
    result: xr.Dataset, measure: str, x: str | None, colour: str | None, free: list[str]
) -> _Chosen:
    left = free or [name for name in _axes(result, measure) if name != colour]
    if x is None and not left:
        raise InputError(f"{measure} has only the axis {colour}; name it as x, not as colour")
    x = x or left[0]
    shown = {result[x].dims[0], "point"}  # each point is a mark or a line of its own
    further = [n for n in free if result[n].dims[0] not in shown]
    if colour is None and len(further) == 1:
        colour = further[0]
    if colour is not None:
        shown.add(result[colour].dims[0])
    return _Chosen(_only(result, measure, shown), measure, x, None, colour)


def _only(result: xr.Dataset, measure: str, shown: set[Any]) -> xr.Dataset:
    """The result over these dimensions. Raises InputError where others have several values."""
    others = [dim for dim in result[measure].dims if dim not in shown]
    further = [str(dim) for dim in others if result.sizes[dim] > 1]
    if further:
        numbers = " and ".join(f"{name} ({result.sizes[name]} values)" for name in further)
        how = ", ".join(f"{name}=0" for name in further)
        raise InputError(
            f"{measure} has further axes: {numbers}; choose one value of each before plotting, "
            f"with .sel or .isel({how})"
        )
    return result.isel(dict.fromkeys(others, 0))


# --- kinds of figure


def _heat_map(chosen: _Chosen, y: str) -> "Figure":
    from matplotlib.patches import Patch, PathPatch

    figure, panel = _titled(chosen)
    ordered = chosen.result.sortby([chosen.x, y])
    values = ordered[chosen.measure].transpose(y, chosen.x).values
    across = [ordered[name].values.astype(float) for name in (chosen.x, y)]
    right, up = (edges(along) for along in across)
    norm = colour_norm(values)
    if norm is not None:
        cells = np.ma.masked_invalid(values)
        mesh = panel.pcolormesh(right, up, cells, cmap=COLOUR_MAP, norm=norm)
        mesh.set_rasterized(values.size > _MOST_VECTORS)
        colour_bar(figure, panel, mesh, label_of(chosen.values), values)
    lost = ~np.isfinite(values)
    if lost.any():
        look: dict[str, Any] = {"hatch": "////", "edgecolor": _GREY, "linewidth": 0.0}
        outline = _outline(right, up, lost)  # one path: a hatch for each cell takes ms
        panel.add_patch(PathPatch(outline, facecolor=_PALE, **look))
        _failure_legend(figure, chosen, Patch(facecolor=_PALE, **look))
    panel.grid(False)
    for axis, name, along in zip((panel.xaxis, panel.yaxis), (chosen.x, y), across, strict=True):
        scale_axis(axis, along, label_of(chosen.result[name]))
    panel.set(xlim=(right[0], right[-1]), ylim=(up[0], up[-1]))
    return figure


def _outline(right: FloatArray, up: FloatArray, lost: "NDArray[np.bool_]") -> "Path":
    """The cells of a map that are lost, as one path: a rectangle for each run along a row."""
    from matplotlib.path import Path

    turns = np.diff(np.pad(lost, ((0, 0), (1, 1))).astype(int), axis=1)
    rows, starts = np.nonzero(turns == 1)
    ends = np.nonzero(turns == -1)[1]
    x0, x1, y0, y1 = right[starts], right[ends], up[rows], up[rows + 1]
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(np.array(corners).transpose(2, 0, 1).reshape(-1, 2), np.tile(codes, len(rows)))


def _scatter(chosen: _Chosen, y: str) -> "Figure":
    figure, panel = _titled(chosen)
    right, up, values = (chosen.flat(name) for name in (chosen.x, y, chosen.measure))
    kept = np.isfinite(values)
    norm = colour_norm(values)
    if norm is not None:
        look = _dots(values.size)
        dots = panel.scatter(
            right[kept], up[kept], c=values[kept], norm=norm, cmap=COLOUR_MAP, **look
        )
        colour_bar(figure, panel, dots, label_of(chosen.values), values)
    if not kept.all():
        crosses = panel.scatter(right[~kept], up[~kept], **_CROSS)
        _failure_legend(figure, chosen, crosses)
    scale_axis(panel.xaxis, right, label_of(chosen.result[chosen.x]))
    scale_axis(panel.yaxis, up, label_of(chosen.result[y]))
    return figure


def _lines(chosen: _Chosen) -> "Figure":
    figure, panel = _titled(chosen)
    along = chosen.result[chosen.x].dims[0]
    ordered = chosen.result.sortby(chosen.x)
    ordered = ordered.transpose(..., along)  # the last dimension is one line's
    chosen = chosen._replace(result=ordered)
    right = ordered[chosen.x].values.astype(float)
    up = chosen.flat(chosen.measure).reshape(-1, len(right))
    colours = _line_colours(figure, panel, chosen, up.shape)
    if along == "point":
        for row, tints in zip(up, colours, strict=True):
            panel.scatter(right, row, c=tints, **_dots(up.size))
    else:
        look = _line_look(len(right), len(up))
        for row, tints in zip(up, colours, strict=True):
            panel.plot(right, row, color=tints[0], **look)
    scale_axis(panel.xaxis, right, label_of(ordered[chosen.x]))
    panel.set_ylabel(label_of(chosen.values))
    panel.update_datalim([(value, 0.0) for value in right], updatey=False)  # failed ends too
    found = up[np.isfinite(up)]
    if not len(found):
        panel.set_yticks([])
    if is_wide(found, LOG_COLOUR):
        panel.set_yscale("log")
        log_ticks(panel.yaxis, found)
    if _lost(chosen).any():
        where = right[~np.isfinite(up).all(axis=0)] if chosen.x != "time" else right[:0]
        foot = panel.get_xaxis_transform()  # at the foot of the panel
        crosses = panel.scatter(where, np.full(len(where), 0.02), transform=foot, **_CROSS)
        _failure_legend(figure, chosen, crosses)
    return figure


# --- titles, labels and notes


def _titled(chosen: _Chosen) -> "tuple[Figure, Axes]":
    lost = _lost(chosen)
    held = [
        held_text(chosen.result[name])
        for name in chosen.result.coords
        if not chosen.result[name].ndim and chosen.result[name].dtype.kind in "fiu"
    ]
    return new_panel((0.7 * WIDE, 3.6), title_of(chosen.result, lost.size, int(lost.sum()), held))


def _lost(chosen: _Chosen) -> xr.DataArray:
    """Points without a value of the measure; of a curve, without any."""
    found: xr.DataArray = xr.apply_ufunc(np.isfinite, chosen.values)
    return ~(found.any("time") if "time" in found.dims else found)


def _failure_legend(figure: "Figure", chosen: _Chosen, handle: "Artist") -> None:
    lost = _lost(chosen)
    if "status" in chosen.result:
        statuses = chosen.result["status"].transpose(*lost.dims).values[lost.values]
    else:
        statuses = np.full(int(lost.sum()), _NO_VALUE)
    counts = Counter(str(status) for status in statuses)
    said = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    figure.legend([handle], [f"no value: {said}"], loc="outside lower center")


# --- scales and colours


def _line_colours(
    figure: "Figure", panel: "Axes", chosen: _Chosen, shape: tuple[int, ...]
) -> FloatArray:
    """A colour for each value of each line, and the legend or the colour bar that says which."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import FuncNorm, to_rgba_array
    from matplotlib.lines import Line2D

    if chosen.colour is None:
        return np.broadcast_to(to_rgba_array(COLOURS[0]), (*shape, 4))
    values = chosen.flat(chosen.colour)
    distinct, places = np.unique(values, return_inverse=True)
    label = label_of(chosen.result[chosen.colour])
    if len(distinct) <= len(COLOURS):
        handles = [
            Line2D([], [], color=colour, marker="o", ms=2.2, label=short(value))
            for value, colour in zip(distinct, COLOURS, strict=False)
        ]
        figure.legend(handles=handles, title=textwrap.fill(label, 22), loc="outside right center")
        return to_rgba_array(COLOURS)[places].reshape(*shape, 4)
    transform = scale_of(distinct).get_transform()
    forth, back = transform.transform, transform.inverted().transform
    norm = FuncNorm((forth, back), distinct[0], distinct[-1])
    mapped = ScalarMappable(norm, COLOUR_MAP)
    bar = figure.colorbar(mapped, ax=panel)
    scale_axis(bar.ax.yaxis, distinct, label)
    return np.asarray(mapped.to_rgba(values)).reshape(*shape, 4)


def _line_look(values: int, lines: int) -> dict[str, Any]:
    many = {"lw": 0.9, "alpha": 0.8} if lines > len(COLOURS) else {}
    return {"marker": "o" if values <= _MOST_MARKED else "", "ms": 3.5, **many}


def _dots(number: int) -> dict[str, Any]:
    return {"s": 18 if number <= 500 else 6, "lw": 0, "rasterized": number > _MOST_VECTORS}
