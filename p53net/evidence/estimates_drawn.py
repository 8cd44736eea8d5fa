"""The figure of the page on calibration: its table of estimates, drawn.

Profiles take an hour and are not kept; what they say of each parameter, its interval, is a column
of that table, so the figure needs no fit.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

from p53net.evidence import pages
from p53net.evidence.markdown import shown
from p53net.figures import names
from p53net.figures.style import COLOURS, SMALL, STYLE, WIDE, headline
from p53net.model.definition import shown_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SPAN = 6.0  # of the figure: so many times below and above the committed value
_TICKS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Estimate(NamedTuple):
    """A row of the table."""

    name: str
    committed: float
    unit: str
    value: float
    low: float
    high: float
    identified: bool


def standing_estimates() -> list[Estimate]:
    """The estimates that stand on the page. Raises InputError where there is no checkout."""
    (table,) = (one for one in pages.TABLES if one.name == "estimates")
    text = (pages.root() / table.page).read_text(encoding="utf-8")
    found = []
    for line in pages.standing(text, table).splitlines()[2:]:  # below the head and its rule
        entry, parameter, committed, unit, value, ends, identified = (
            cell.strip().strip("`") for cell in line.strip("|").split("|")
        )
        low, high = (float(end) for end in ends.split(" to "))
        found.append(Estimate(names.of_parameter(f"{entry}: {parameter}"), float(committed),
                              shown_unit(unit), float(value), low, high,
                              identified == "yes"))  # fmt: skip
    return found


def estimates_figure() -> "Figure":
    """Each estimate and its 95 % interval over the committed value, with numbers beside them.
    Raises InputError where there is no checkout.

    Examples:
        >>> from p53net.evidence.estimates_drawn import estimates_figure
        >>> figure = estimates_figure()
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        return _drawn(standing_estimates())


def _drawn(rows: list[Estimate]) -> "Figure":
    from matplotlib.lines import Line2D

    from p53net.figures.inline import Figure

    figure = Figure(figsize=(WIDE, 0.9 + 0.17 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for y, row in enumerate(rows):
        low, high = (end / row.committed for end in (row.low, row.high))
        inside = max(low, 1.0 / _SPAN), min(high, _SPAN)
        axes.plot(inside, (y, y), color=COLOURS[0], lw=1.6, solid_capstyle="butt")
        for end, edge, marker in ((low, 1.0 / _SPAN, "<"), (high, _SPAN, ">")):
            if not 1.0 / _SPAN <= end <= _SPAN:  # it does not close
                axes.plot(edge, y, marker, color=COLOURS[0], ms=3.5, clip_on=False)
        axes.plot(row.value / row.committed, y, "o", color=COLOURS[0], ms=4.2,
                  mfc=COLOURS[0] if row.identified else "white")  # fmt: skip
    axes.axvline(1.0, color=COLOURS[1], lw=0.8, zorder=1)
    axes.set_xscale("log")
    axes.set_xlim(1.0 / _SPAN, _SPAN)
    axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("estimate over the committed value [1]")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=SMALL)
    axes.grid(visible=False, axis="y")
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(rows)), [_numbers(row) for row in rows], fontsize=SMALL)
    for axis in (axes, beside):
        axis.tick_params(axis="y", length=0, pad=6)
        axis.spines[["left", "right"]].set_visible(False)
    handles = [
        Line2D([], [], color=COLOURS[0], lw=1.6, label="95 % interval; arrow: it does not close"),
        Line2D([], [], color=COLOURS[0], marker="o", ls="", label="estimate, identified"),
        Line2D([], [], color=COLOURS[0], marker="o", mfc="white", ls="", label="not identified"),
        Line2D([], [], color=COLOURS[1], lw=0.8, label="committed value"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    told = sum(row.identified for row in rows)
    headline(figure, f"{told} of {len(rows)} fitted parameters are identified by the evidence")
    return figure


def _numbers(row: Estimate) -> str:
    """Estimate, interval and unit; an end that is open says so."""
    unit = "" if row.unit in ("1", "dimensionless") else f" {row.unit}"
    low, high = shown(row.low), shown(row.high)
    ends = f"{low} to {high}"
    if row.low == 0.0:
        ends = f"at most {high}"
    elif math.isinf(row.high):
        ends = f"{low} or more"
    return f"{shown(row.value)}{unit} ({ends})"
