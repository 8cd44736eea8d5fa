"""Figures of sweeps: heat maps, lines, tornado and Sobol indices. Matplotlib is imported on use.

`p53net.figures.plot` calls these within its style.
"""

import json
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.figures import COLOURS

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.path import Path
    from matplotlib.scale import ScaleBase
    from numpy.typing import NDArray

_DARK, _GREY, _PALE = "#555555", "#777777", "#e3e3e3"
_COLOUR_MAP = "viridis"  # perceptually uniform, and read by the colour-blind
_LOG_AXIS, _LOG_COLOUR, _LOG_BARS = 20.0, 100.0, 30.0  # spans from which a scale is logarithmic
_MOST_BARS = 20
_BAR = 0.4  # of a row
_MOST_TICKS = 7  # distinct values up to which each has its tick
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
    right, up = (_edges(along) for along in across)
    norm = _colour_norm(values)
    if norm is not None:
        cells = np.ma.masked_invalid(values)
        mesh = panel.pcolormesh(right, up, cells, cmap=_COLOUR_MAP, norm=norm)
        mesh.set_rasterized(values.size > _MOST_VECTORS)
        _colour_bar(figure, panel, mesh, _label(chosen.values), values)
    lost = ~np.isfinite(values)
    if lost.any():
        look: dict[str, Any] = {"hatch": "////", "edgecolor": _GREY, "linewidth": 0.0}
        outline = _outline(right, up, lost)  # one path: a hatch for each cell takes ms
        panel.add_patch(PathPatch(outline, facecolor=_PALE, **look))
        _failure_legend(figure, chosen, Patch(facecolor=_PALE, **look))
    panel.grid(False)
    for axis, name, along in zip((panel.xaxis, panel.yaxis), (chosen.x, y), across, strict=True):
        _scaled(axis, along, _label(chosen.result[name]))
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
    norm = _colour_norm(values)
    if norm is not None:
        look = _dots(values.size)
        dots = panel.scatter(
            right[kept], up[kept], c=values[kept], norm=norm, cmap=_COLOUR_MAP, **look
        )
        _colour_bar(figure, panel, dots, _label(chosen.values), values)
    if not kept.all():
        crosses = panel.scatter(right[~kept], up[~kept], **_CROSS)
        _failure_legend(figure, chosen, crosses)
    _scaled(panel.xaxis, right, _label(chosen.result[chosen.x]))
    _scaled(panel.yaxis, up, _label(chosen.result[y]))
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
    _scaled(panel.xaxis, right, _label(ordered[chosen.x]))
    panel.set_ylabel(_label(chosen.values))
    panel.update_datalim([(value, 0.0) for value in right], updatey=False)  # failed ends too
    found = up[np.isfinite(up)]
    if not len(found):
        panel.set_yticks([])
    if _is_wide(found, _LOG_COLOUR):
        panel.set_yscale("log")
        _log_ticks(panel.yaxis, found)
    if _lost(chosen).any():
        where = right[~np.isfinite(up).all(axis=0)] if chosen.x != "time" else right[:0]
        foot = panel.get_xaxis_transform()  # at the foot of the panel
        crosses = panel.scatter(where, np.full(len(where), 0.02), transform=foot, **_CROSS)
        _failure_legend(figure, chosen, crosses)
    return figure


def tornado_figure(result: xr.Dataset) -> "Figure":
    """Bars from the baseline to the measure with each parameter moved down and up."""
    baseline, factor = float(result["baseline"]), float(result.attrs["factor"])
    failed = int((~np.isfinite(result["value"])).sum())
    shown = result.isel(parameter=slice(_MOST_BARS))
    title = _title(result, result["value"].size + 1, failed, _left_out(result))
    figure, panel = _bar_panel(shown, title)
    for side, offset, colour, how in (
        ("down", -_BAR / 2, COLOURS[0], "divided"),
        ("up", _BAR / 2, COLOURS[1], "multiplied"),
    ):
        values = shown["value"].sel(side=side).values
        rows = np.arange(len(values)) + offset
        kept = np.isfinite(values)
        panel.barh(
            rows[kept], values[kept] - baseline, _BAR, baseline, color=colour,
            label=f"{how} by {factor:g}",
        )  # fmt: skip
        statuses = shown["status"].sel(side=side).values
        _row_texts(panel, baseline, rows[~kept], [str(status) for status in statuses[~kept]])
    panel.axvline(
        baseline, color="#333333", lw=0.8, label=f"baseline {_quantity(result['baseline'])}"
    )
    reached = np.append(shown["value"].values.ravel(), baseline)
    reached = reached[np.isfinite(reached)]
    if _is_wide(reached, _LOG_BARS):
        panel.set_xscale("log")
        _log_ticks(panel.xaxis, reached)
    panel.set_xlabel(_label(result["value"]))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def sobol_figure(result: xr.Dataset) -> "Figure":
    """Bars of first-order and total indices, with 95 % intervals, the highest total on top."""
    ranked = result.isel(parameter=np.argsort(-result["ST"].values, kind="stable"))
    shown = ranked.isel(parameter=slice(_MOST_BARS))
    title = _title(result, result.attrs["runs"], 0, _left_out(result))
    figure, panel = _bar_panel(shown, title)
    for name, offset, colour, meaning in (
        ("ST", -_BAR / 2, COLOURS[0], "total (ST): with all others"),
        ("S1", _BAR / 2, COLOURS[1], "first order (S1): alone"),
    ):
        values, widths = shown[name].values, shown[f"{name}_conf"].values
        rows = np.arange(len(values)) + offset
        kept = np.isfinite(values)
        panel.barh(
            rows[kept], values[kept], _BAR, color=colour, label=meaning, xerr=widths[kept],
            error_kw={"elinewidth": 1.0, "capsize": 2.0, "ecolor": "#333333"},
        )  # fmt: skip
        _row_texts(panel, 0.0, rows[~kept], [_NO_VALUE] * int((~kept).sum()))
    panel.axvline(0.0, color="#333333", lw=0.8)
    panel.set_xlabel(f"share of the variance of {result.attrs['measure']} [1], with 95 % intervals")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


# --- titles, labels and notes


def _titled(chosen: _Chosen) -> "tuple[Figure, Axes]":
    lost = _lost(chosen)
    held = [
        _held(chosen.result[name])
        for name in chosen.result.coords
        if not chosen.result[name].ndim and chosen.result[name].dtype.kind in "fiu"
    ]
    return _panel((6.4, 4.6), _title(chosen.result, lost.size, int(lost.sum()), held))


def _panel(size: tuple[float, float], title: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=10)
    return figure, figure.subplots()


def _bar_panel(shown: xr.Dataset, title: str) -> "tuple[Figure, Axes]":
    """A panel with a row for each parameter, the first on top."""
    names = [str(name) for name in shown["parameter"].values]
    figure, panel = _panel((6.4, 1.6 + 0.3 * len(names)), title)
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.grid(False, axis="y")
    return figure, panel


def _title(result: xr.Dataset, points: int, failed: int, about: Sequence[str]) -> str:
    """Drugs, cell line, number of points and failures; then what all points have in common."""
    drugs = result.attrs.get("drugs") or "no drug"
    counted = "1 point" if points == 1 else f"{points:,} points"
    ends = f"{failed:,} without a value" if failed else "all with a value"
    line = f"{drugs}, {result.attrs.get('cell_line', '')} line: {counted}, {ends}"
    doses = json.loads(result.attrs.get("doses", "{}"))
    common = [f"{drug} {dose}" for drug, dose in doses.items() if drug not in result.coords]
    common += [
        f"{name} = {_short(value)}"
        for name, value in json.loads(result.attrs.get("parameters", "{}")).items()
    ]
    common += ["loop opened"] if result.attrs.get("feedback") == "open" else []
    return "\n".join([line, *textwrap.wrap("; ".join([*common, *about]), 78)])


def _held(value: xr.DataArray) -> str:
    return f"{value.name} = {_quantity(value)}"


def _quantity(value: xr.DataArray) -> str:
    unit = str(value.attrs.get("units", "1")).replace("1/", "per ")
    return _short(float(value)) + ("" if unit == "1" else f" {unit}")


def _short(value: float) -> str:
    """Three digits, and 1000 rather than 1e+03."""
    return f"{float(f'{value:.3g}'):g}"


def _label(values: xr.DataArray) -> str:
    text = f"{values.attrs.get('long_name', values.name)} [{values.attrs.get('units', '1')}]"
    return textwrap.fill(text, 48)


def _left_out(result: xr.Dataset) -> list[str]:
    further = result.sizes["parameter"] - _MOST_BARS
    return [f"{further} weaker parameters not shown"] if further > 0 else []


def _row_texts(panel: "Axes", x: float, rows: FloatArray, texts: Sequence[str]) -> None:
    for row, text in zip(rows, texts, strict=True):
        panel.annotate(
            text, (x, row), (3, 0), textcoords="offset points", va="center", fontsize=7, color=_DARK
        )


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


def _scale_of(values: FloatArray) -> "ScaleBase":
    """Linear or logarithmic; with a 0 below logarithmic values, linear up to the lowest of them."""
    from matplotlib.scale import LinearScale, LogScale, SymmetricalLogScale

    positive = np.unique(values[values > 0])
    if _is_even(np.unique(values)) or not len(positive):
        return LinearScale(None)
    if not (_is_wide(positive, _LOG_AXIS) or _is_even(np.log(positive))):
        return LinearScale(None)
    if (values > 0).all():
        return LogScale(None)
    return SymmetricalLogScale(None, linthresh=float(positive[0]))


def _is_wide(values: FloatArray, span: float) -> bool:
    return bool(len(values) and values.min() > 0 and values.max() / values.min() >= span)


def _is_even(values: FloatArray) -> bool:
    steps = np.diff(values)
    return len(steps) > 1 and bool(np.allclose(steps, steps[0], rtol=1e-6))


def _edges(values: FloatArray) -> FloatArray:
    """Limits of the cells around sorted values: halfway, as the axis is drawn."""
    if len(values) == 1:
        half = abs(values[0]) / 2 or 0.5
        return np.array([values[0] - half, values[0] + half])
    transform = _scale_of(values).get_transform()
    places = transform.transform(values)
    middles = (places[1:] + places[:-1]) / 2
    ends = 2 * places[0] - middles[0], 2 * places[-1] - middles[-1]
    return np.asarray(transform.inverted().transform(np.array([ends[0], *middles, ends[1]])))


def _scaled(axis: "Axis", values: FloatArray, label: str) -> None:
    """Scale, ticks and label of an axis with these values."""
    from matplotlib.axis import XAxis
    from matplotlib.scale import LinearScale
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    scale, distinct = _scale_of(values), np.unique(values)
    places = scale.get_transform().transform(distinct)
    rescale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
    rescale(scale)
    axis.set_label_text(label)
    few = len(distinct) <= _MOST_TICKS
    if few and (len(distinct) == 1 or np.diff(places).min() >= 0.08 * np.ptp(places)):
        axis.set_major_locator(FixedLocator(distinct.tolist()))
        axis.set_major_formatter(FuncFormatter(lambda value, _position: _short(value)))
        axis.set_minor_locator(NullLocator())
    elif not isinstance(scale, LinearScale):
        _log_ticks(axis, distinct)


def _log_ticks(axis: "Axis", values: FloatArray) -> None:
    """Plain numbers, as many as fit; and 0 where it is among the values."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

    low, high = values[values > 0].min(), values.max()
    steps = (1, 2, 5) if high / low < _LOG_COLOUR else (1,)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    every = math.ceil(len(powers) / 10)
    ticks = [step * 10.0**power for power in powers[::every] for step in steps]
    if high / low < 10.0:
        axis.set_major_locator(MaxNLocator(5))
    else:
        if (values == 0).any():  # linear between 0 and the lowest
            ticks = [0.0, *[tick for tick in ticks if tick >= 0.999 * low]]
        axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: _short(value)))
    axis.set_minor_formatter(NullFormatter())


def _colour_norm(values: FloatArray) -> "Normalize | None":
    """From values to colours, logarithmic over a wide span; None where there is no value."""
    from matplotlib.colors import LogNorm, Normalize

    found = values[np.isfinite(values)]
    if not len(found):
        return None
    kind = LogNorm if _is_wide(found, _LOG_COLOUR) else Normalize
    return kind(float(found.min()), float(found.max()))


def _colour_bar(
    figure: "Figure", panel: "Axes", mapped: "ScalarMappable", label: str, values: FloatArray
) -> None:
    from matplotlib.colors import LogNorm

    bar = figure.colorbar(mapped, ax=panel, label=label)
    if isinstance(mapped.norm, LogNorm):
        _log_ticks(bar.ax.yaxis, values[np.isfinite(values)])


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
    label = _label(chosen.result[chosen.colour])
    if len(distinct) <= len(COLOURS):
        handles = [
            Line2D([], [], color=colour, marker="o", ms=3.5, label=_short(value))
            for value, colour in zip(distinct, COLOURS, strict=False)
        ]
        figure.legend(handles=handles, title=textwrap.fill(label, 22), loc="outside right center")
        return to_rgba_array(COLOURS)[places].reshape(*shape, 4)
    transform = _scale_of(distinct).get_transform()
    forth, back = transform.transform, transform.inverted().transform
    norm = FuncNorm((forth, back), distinct[0], distinct[-1])
    mapped = ScalarMappable(norm, _COLOUR_MAP)
    bar = figure.colorbar(mapped, ax=panel)
    _scaled(bar.ax.yaxis, distinct, label)
    return np.asarray(mapped.to_rgba(values)).reshape(*shape, 4)


def _line_look(values: int, lines: int) -> dict[str, Any]:
    many = {"lw": 0.9, "alpha": 0.8} if lines > len(COLOURS) else {}
    return {"marker": "o" if values <= _MOST_MARKED else "", "ms": 3.5, **many}


def _dots(number: int) -> dict[str, Any]:
    return {"s": 18 if number <= 500 else 6, "lw": 0, "rasterized": number > _MOST_VECTORS}
