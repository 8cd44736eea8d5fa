"""Figures of sensitivity: tornado and Sobol indices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.figures.axes import (
    LOG_BARS,
    is_wide,
    label_of,
    log_ticks,
    new_panel,
    quantity,
    title_of,
)
from p53net.figures.style import COLOURS, SMALL, WIDE
from p53net.sweeps.figures import _DARK, _NO_VALUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MOST_BARS = 20


_BAR = 0.4  # of a row


def tornado_figure(result: xr.Dataset) -> "Figure":
    """Bars from the baseline to the measure with each parameter moved down and up."""
    baseline, factor = float(result["baseline"]), float(result.attrs["factor"])
    failed = int((~np.isfinite(result["value"])).sum())
    shown = result.isel(parameter=slice(_MOST_BARS))
    title = title_of(result, result["value"].size + 1, failed, _left_out(result))
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
        baseline, color="#333333", lw=0.5, label=f"baseline {quantity(result['baseline'])}"
    )
    reached = np.append(shown["value"].values.ravel(), baseline)
    reached = reached[np.isfinite(reached)]
    if is_wide(reached, LOG_BARS):
        panel.set_xscale("log")
        log_ticks(panel.xaxis, reached)
    panel.set_xlabel(label_of(result["value"]))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def sobol_figure(result: xr.Dataset) -> "Figure":
    """Bars of first-order and total indices, with 95 % intervals, the highest total on top."""
    ranked = result.isel(parameter=np.argsort(-result["ST"].values, kind="stable"))
    shown = ranked.isel(parameter=slice(_MOST_BARS))
    ends = [shown[name].values + shown[f"{name}_conf"].values for name in ("ST", "S1")]
    beyond = bool(np.nanmax(ends, initial=0.0) > 1.0)  # shares end at 1; their estimates need not
    about = ["beyond 1 are errors of sampling, which more points narrow"] if beyond else []
    title = title_of(result, result.attrs["runs"], 0, [*_left_out(result), *about])
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
    panel.axvline(0.0, color="#333333", lw=0.5)
    if beyond:
        panel.set_xlim(right=1.0)
    panel.set_xlabel(f"share of the variance of {result.attrs['measure']} [1], with 95 % intervals")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _bar_panel(shown: xr.Dataset, title: str) -> "tuple[Figure, Axes]":
    """A panel with a row for each parameter, the first on top."""
    names = [str(name) for name in shown["parameter"].values]
    figure, panel = new_panel((WIDE, 1.2 + 0.2 * len(names)), title)
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.grid(False, axis="y")
    return figure, panel


def _left_out(result: xr.Dataset) -> list[str]:
    further = result.sizes["parameter"] - _MOST_BARS
    return [f"{further} weaker parameters not shown"] if further > 0 else []


def _row_texts(panel: "Axes", x: float, rows: FloatArray, texts: Sequence[str]) -> None:
    for row, text in zip(rows, texts, strict=True):
        panel.annotate(
            text,
            (x, row),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=_DARK,
        )
