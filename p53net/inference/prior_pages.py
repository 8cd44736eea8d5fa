"""The tables and the figure of docs/priors.md."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.evidence.markdown import rows_of, shown
from p53net.evidence.pages import Table
from p53net.evidence.published import observations
from p53net.figures import names
from p53net.figures.style import COLOURS, SMALL, STYLE, WIDE, headline
from p53net.inference.prior import DISTRIBUTIONS, HALF_95, Prior
from p53net.inference.prior_checks import LEVELS, prior_predictive
from p53net.inference.prior_table import priors
from p53net.inference.space import Space
from p53net.model.structures import named_structures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (next(iter(named_structures())), "no partner", "MDMX")
"""Structures on the page: the default and two rivals."""

_MARKS = ("o", "s", "D")
_SPAN = 1e3  # of the figure: this many times below and above what was observed
_SAME = 1.001


def groups_table() -> str:
    """How many priors there are of each kind, and how wide they are."""
    rows = []
    for kind in DISTRIBUTIONS:
        alike = [one for one in priors().values() if one.distribution == kind]
        if alike:
            rows.append([kind, str(len(alike)), DISTRIBUTIONS[kind], _widths(alike)])
    group = [one for one in priors().values() if one.uninformed]
    rows.append(["of these without information", str(len(group)),
                 "log-normal, a factor of three", _widths(group)])  # fmt: skip
    return rows_of("distribution | priors | what it says | 95 % span a factor of", rows)


def _widths(alike: Sequence[Prior]) -> str:
    """The least, the median and the largest factor between the ends of the middle 95 %."""
    if alike[0].fixed:
        return ""
    space = Space(list(alike))
    z = np.full((2, len(space)), HALF_95) * np.array([[-1.0], [1.0]])
    alone = [Space([one]).values(z[:, :1])[:, 0] for one in space.priors]
    factors = sorted(float(high / low) for low, high in alone)
    return f"{shown(factors[0])} to {shown(factors[-1])}, median {shown(float(np.median(factors)))}"


def predictive_table() -> str:
    """What the priors of each structure predict, beside what was observed."""
    made = _made()
    first = made[SHOWN[0]]
    rows = []
    for name in [*LEVELS, *compared(made)]:
        one = first.sel(row=name)
        seen = _interval(float(one["low"]), float(one["high"]))
        unit = str(one["unit"].item())
        title = LEVELS[name][0] if name in LEVELS else name
        cells = [_cell(made[structure].sel(row=name)) for structure in SHOWN]
        rows.append([f"{title} [{unit}]" if unit != "1" else title, seen, *cells])
    head = " | ".join(["row", "observed", *SHOWN])
    return rows_of(head, rows)


def compared(made: Mapping[str, xr.Dataset]) -> list[str]:
    """Rows of the ledger with an interval of numbers above 0, but for those that hold by
    construction, where all draws predict one number."""
    first = next(iter(made.values()))
    ends = first["quantiles"].isel(quantile=[0, -1]).values
    chosen = np.isfinite(first["high"].values) & (first["low"].values > 0)
    return [str(name) for name in first["row"].values[chosen & (ends[:, 1] > _SAME * ends[:, 0])]]


def _cell(one: xr.Dataset) -> str:
    """Median, the middle 95 %, and the share of draws that lie in the observed interval."""
    least = float(one["low"]) / _SPAN if math.isfinite(float(one["low"])) else 0.0
    low, _, middle, _, high = (_number(float(v), least) for v in one["quantiles"].values)
    said = f"{middle} ({low} to {high})"
    if math.isfinite(float(one["inside"])):
        said += f"; {float(one['inside']):.2f} in"
    if (defined := float(one["defined"])) < 1:
        said += f"; {1 - defined:.2f} without"
    return said.replace("%", " %")


def _number(value: float, least: float) -> str:
    """Three digits; nothing but rounding errors is left of what is far below the observed."""
    return shown(value if abs(value) >= least else 0.0) if math.isfinite(value) else "none"


def _interval(low: float, high: float) -> str:
    return f"{shown(low)} to {shown(high)}" if math.isfinite(low) else ""


@cache
def _made() -> dict[str, xr.Dataset]:
    return {structure: prior_predictive(structure) for structure in SHOWN}


def prior_figure(made: Mapping[str, xr.Dataset] | None = None) -> "Figure":
    """Medians, 50 and 95 % of what priors predict, over the middle of what was observed, in which
    the grey bar is the interval of each row."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        return _drawn(_made() if made is None else made)


def _drawn(results: Mapping[str, xr.Dataset]) -> "Figure":
    from p53net.figures.inline import Figure

    rows = compared(results)
    figure = Figure(figsize=(WIDE, 1.1 + 0.16 * len(rows)), layout="constrained")
    axes = figure.subplots()
    first = results[next(iter(results))].sel(row=rows)
    middles = np.sqrt(first["low"].values * first["high"].values)
    for y, (low, high) in enumerate(
        zip(first["low"].values / middles, first["high"].values / middles, strict=True)
    ):
        axes.barh(y, high - low, left=low, height=0.9, color="#cccccc", linewidth=0,
                  label="observed interval" if y == 0 else None)  # fmt: skip
    for number, (structure, result) in enumerate(results.items()):
        quantiles = result.sel(row=rows)["quantiles"].values / middles[:, None]
        inside = np.clip(quantiles, 1 / _SPAN, _SPAN)
        places = np.arange(len(rows)) + 0.27 * (number - (len(results) - 1) / 2)
        colour = COLOURS[number]
        axes.hlines(places, inside[:, 0], inside[:, 4], color=colour, linewidth=0.8)
        axes.hlines(places, inside[:, 1], inside[:, 3], color=colour, linewidth=2.0)
        axes.plot(inside[:, 2], places, _MARKS[number], color=colour, markersize=2.8,
                  label=structure)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(1 / _SPAN, _SPAN)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    named = names.of_observations(
        [names.Row(one.id, one.quantity, one.subject, one.line, one.protocol)
         for one in observations().values()]
    )  # fmt: skip
    axes.set_yticks(range(len(rows)), [named.get(name, name) for name in rows], fontsize=SMALL)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.axvline(1.0, color="black", linewidth=0.6)
    axes.set_xlabel("predicted / middle of the observed interval; thick 50 %, thin 95 % of draws")
    figure.legend(loc="outside lower center", ncols=len(results) + 1)
    headline(figure, "What priors alone predict is wider than what was observed")
    return figure


TABLES = (
    Table("docs/priors.md", "priors", groups_table),
    Table("docs/priors.md", "prior-predictive", predictive_table),
)
