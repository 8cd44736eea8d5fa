"""Axes of figures with many points: scales, ticks, colour bars, titles."""

import json
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.figures.style import headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.scale import ScaleBase


LOG_AXIS, LOG_COLOUR, LOG_BARS = 20.0, 100.0, 30.0
"""Spans from which a scale is logarithmic."""

MOST_TICKS = 7  # distinct values up to which each has its tick


def short(value: float) -> str:
    """Three digits, and 1000 rather than 1e+03."""
    return f"{float(f'{value:.3g}'):g}"


def scale_of(values: FloatArray) -> "ScaleBase":
    """Linear or logarithmic; with a 0 below logarithmic values, linear up to the lowest of them."""
    from matplotlib.scale import LinearScale, LogScale, SymmetricalLogScale

    positive = np.unique(values[values > 0])
    if is_even(np.unique(values)) or not len(positive):
        return LinearScale(None)
    if not (is_wide(positive, LOG_AXIS) or is_even(np.log(positive))):
        return LinearScale(None)
    if (values > 0).all():
        return LogScale(None)
    return SymmetricalLogScale(None, linthresh=float(positive[0]))


def is_wide(values: FloatArray, span: float) -> bool:
    """Whether values above 0 span so much."""
    return bool(len(values) and values.min() > 0 and values.max() / values.min() >= span)


def is_even(values: FloatArray) -> bool:
    """Whether values are evenly spaced."""
    steps = np.diff(values)
    return len(steps) > 1 and bool(np.allclose(steps, steps[0], rtol=1e-6))


def edges(values: FloatArray) -> FloatArray:
    """Limits of the cells around sorted values: halfway, as the axis is drawn."""
    if len(values) == 1:
        half = abs(values[0]) / 2 or 0.5
        return np.array([values[0] - half, values[0] + half])
    transform = scale_of(values).get_transform()
    places = transform.transform(values)
    middles = (places[1:] + places[:-1]) / 2
    ends = 2 * places[0] - middles[0], 2 * places[-1] - middles[-1]
    return np.asarray(transform.inverted().transform(np.array([ends[0], *middles, ends[1]])))


def scale_axis(axis: "Axis", values: FloatArray, label: str) -> None:
    """Scale, ticks and label of an axis with these values."""
    from matplotlib.axis import XAxis
    from matplotlib.scale import LinearScale
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    scale, distinct = scale_of(values), np.unique(values)
    places = scale.get_transform().transform(distinct)
    rescale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
    rescale(scale)
    axis.set_label_text(label)
    few = len(distinct) <= MOST_TICKS
    if few and (len(distinct) == 1 or np.diff(places).min() >= 0.08 * np.ptp(places)):
        axis.set_major_locator(FixedLocator(distinct.tolist()))
        axis.set_major_formatter(FuncFormatter(lambda value, _position: short(value)))
        axis.set_minor_locator(NullLocator())
    elif not isinstance(scale, LinearScale):
        log_ticks(axis, distinct)


def log_ticks(axis: "Axis", values: FloatArray) -> None:
    """Plain numbers, as many as fit; and 0 where it is among the values."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

    low, high = values[values > 0].min(), values.max()
    steps = (1, 2, 5) if high / low < LOG_COLOUR else (1,)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    every = math.ceil(len(powers) / 10)
    ticks = [step * 10.0**power for power in powers[::every] for step in steps]
    if high / low < 10.0:
        axis.set_major_locator(MaxNLocator(5))
    else:
        if (values == 0).any():  # linear between 0 and the lowest
            ticks = [0.0, *[tick for tick in ticks if tick >= 0.999 * low]]
        axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: short(value)))
    axis.set_minor_formatter(NullFormatter())


def colour_norm(values: FloatArray) -> "Normalize | None":
    """From values to colours, logarithmic over a wide span; None where there is no value."""
    from matplotlib.colors import LogNorm, Normalize

    found = values[np.isfinite(values)]
    if not len(found):
        return None
    kind = LogNorm if is_wide(found, LOG_COLOUR) else Normalize
    return kind(float(found.min()), float(found.max()))


def colour_bar(
    figure: "Figure", panel: "Axes", mapped: "ScalarMappable", label: str, values: FloatArray
) -> None:
    """A colour bar with ticks at few distinct values."""
    from matplotlib.colors import LogNorm

    bar = figure.colorbar(mapped, ax=panel, label=label)
    if isinstance(mapped.norm, LogNorm):
        log_ticks(bar.ax.yaxis, values[np.isfinite(values)])


COLOUR_MAP = "viridis"  # perceptually uniform, and read by the colour-blind


def new_panel(size: tuple[float, float], title: str) -> "tuple[Figure, Axes]":
    """A figure with one panel and a title."""
    from p53net.figures.inline import Figure

    figure = Figure(figsize=size, layout="constrained")
    headline(figure, title)
    return figure, figure.subplots()


def title_of(result: xr.Dataset, points: int, failed: int, about: Sequence[str]) -> str:
    """Drugs, cell line, number of points and failures; then what all points have in common."""
    drugs = result.attrs.get("drugs") or "no drug"
    line = result.attrs.get("cell_line")  # a file of a stranger has none, nor drugs
    what = f"{drugs}, {line} line" if line else str(result.attrs.get("model", drugs))
    counted = "1 point" if points == 1 else f"{points:,} points"
    ends = f"{failed:,} without a value" if failed else "all with a value"
    first = f"{what}: {counted}, {ends}"
    doses = json.loads(result.attrs.get("doses", "{}"))
    common = [f"{drug} {dose}" for drug, dose in doses.items() if drug not in result.coords]
    common += [
        f"{name} = {short(value)}"
        for name, value in json.loads(result.attrs.get("parameters", "{}")).items()
    ]
    if "draws" in result.attrs:
        common.append(f"medians of {result.attrs['draws'].split()[0]} draws of an ensemble")
    common += ["loop opened"] if result.attrs.get("feedback") == "open" else []
    return "\n".join([first, *textwrap.wrap("; ".join([*common, *about]), 78)])


def held_text(value: xr.DataArray) -> str:
    """An axis and the value at which it is held."""
    return f"{value.name} = {quantity(value)}"


def quantity(value: xr.DataArray) -> str:
    """A number with its unit."""
    unit = str(value.attrs.get("units", "1")).replace("1/", "per ")
    return short(float(value)) + ("" if unit == "1" else f" {unit}")


def label_of(values: xr.DataArray) -> str:
    """What an axis shows, with its unit, broken into short lines."""
    unit = values.attrs.get("units", "1")
    text = f"{values.attrs.get('long_name', values.name)} [{unit}]"
    return textwrap.fill(text if unit else text.removesuffix(" []"), 48)
