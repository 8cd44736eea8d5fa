"""Points over a finished figure: where each goes, and what is said of those that go nowhere."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from p53net.errors import InputError
from p53net.figures.style import SMALL, headline
from p53net.fitting.points import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTERS = 13.0  # of a line below a figure, for each inch of its width
_ROOM = 1.06  # of an axis, beyond the last point


@dataclass(frozen=True)
class Spot:
    """One point of a figure."""

    panel: int
    """Of the axes of the figure, in their order."""
    x: float
    y: float
    colour: str
    y_error: float = np.nan
    """Standard deviation; NaN where it is not known."""
    x_ends: tuple[float, float] | None = None
    """An interval."""
    published: bool = False


Places = Callable[[Point], "list[Spot] | str"]
"""Where a row goes in the figure of a study, or why nowhere."""


def spots_of(points: Sequence[Point], place: Places) -> tuple[list[Spot], Counter[str]]:
    """Where rows go, and how many go nowhere, by reason. Raises InputError where none is left."""
    found: list[Spot] = []
    lost: Counter[str] = Counter()
    for point in points:
        where = why(point) or place(point)
        if isinstance(where, str):
            lost[where] += 1
        else:
            found += where
    if not found:
        raise InputError(f"no row of the data has a place in this figure: {said(lost)}")
    return found, lost


def why(point: Point) -> str:
    """What keeps a row out of any figure of curves; empty where nothing does."""
    if point.blank or (not point.setting.host and not point.dose > 0):
        return "of controls"
    if point.below:
        return "below a limit of quantification"
    return "in AU, which has no scale here" if point.arbitrary else ""


def said(lost: Counter[str]) -> str:
    """Reasons with the numbers of rows."""
    return "; ".join(f"{count} {'row' if count == 1 else 'rows'} {reason}"
                     for reason, count in lost.most_common())  # fmt: skip


def draw_over(figure: "Figure", spots: Sequence[Spot], rows: int, lost: Counter[str]) -> "Figure":
    """The figure with the points, and below it of how many rows they are and what is not shown."""
    axes = figure.axes
    for spot in spots:
        x_error = None if spot.x_ends is None else [
            [spot.x - spot.x_ends[0]], [spot.x_ends[1] - spot.x]]  # fmt: skip
        mark, _ends, _bars = axes[spot.panel].errorbar(
            spot.x, spot.y, spot.y_error if spot.y_error > 0 else None, x_error,
            fmt="*" if spot.published else "D", ms=7 if spot.published else 3.5,
            mfc="#ffd24d" if spot.published else "white", mec=spot.colour,
            mew=0.7 if spot.published else 1.2,
            color=spot.colour, lw=0.6, capsize=2, zorder=6 if spot.published else 5,
        )  # fmt: skip
        mark.set_clip_on(False)  # whole at the edge, too: limits are made to hold it
    for number in {spot.panel for spot in spots}:
        _make_room(axes[number], [spot for spot in spots if spot.panel == number])
    words = []
    if any(not spot.published for spot in spots):
        words.append(f"White diamonds: data ({rows} {'row' if rows == 1 else 'rows'}).")
    if any(spot.published for spot in spots):
        words.append("Stars: published numbers, with their intervals.")
    if lost:
        words.append(f"Not shown: {said(lost)}.")
    if figure.legends:  # below the figure already, where a note would lie over it
        headline(figure, "\n".join([str(figure.get_label()), *words]))
        return figure
    below = figure.get_supxlabel()
    width = int(_LETTERS * figure.get_figwidth())
    lines = [*([below] if below else []), *wrap(" ".join(words), width)]
    figure.supxlabel("\n".join(lines), fontsize=SMALL)
    return figure


def _make_room(panel: "Axes", spots: Sequence[Spot]) -> None:
    """Limits that hold the points; figures fix theirs before."""
    for ends, put, scale, values in (
        (panel.get_xlim(), panel.set_xlim, panel.get_xscale(),
         [end for spot in spots for end in spot.x_ends or (spot.x,)]),
        (panel.get_ylim(), panel.set_ylim, panel.get_yscale(),
         [spot.y + by for spot in spots for by in (0.0, np.nan_to_num(spot.y_error))]),
    ):  # fmt: skip
        low, high = min(values), max(values)
        if scale == "log":
            low, high = low / _ROOM, high * _ROOM
        else:
            room = (_ROOM - 1.0) * (ends[1] - ends[0])
            low, high = (
                low - room if low < ends[0] else low,
                high + room if high > ends[1] else high,
            )
        put(min(ends[0], low), max(ends[1], high))
