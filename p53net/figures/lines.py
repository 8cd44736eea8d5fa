"""A figure of any curves, such as an archive of others names them."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from p53net.figures.style import COLOURS, NARROW

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LABELS = 20
_LONGEST = 60


def lines_figure(
    curves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], str]],
    title: str,
    along: str,
) -> "Figure":
    """Curves of x, y and label in one panel; `along` is what x is."""
    from p53net.figures.inline import Figure

    figure = Figure(figsize=(NARROW, 2.8), layout="constrained")
    axes = figure.subplots()
    looks = cycle((colour, dashes) for dashes in ("-", "--", ":") for colour in COLOURS)
    for (x, y, label), (colour, dashes) in zip(curves, looks, strict=False):
        axes.plot(x, y, dashes, color=colour, label=_plain(label))
    axes.set(title=_plain(title), xlabel=_plain(along))
    if len(curves) <= _MOST_LABELS:
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _plain(text: str) -> str:
    """A stranger's text, whose dollars are no formulas and whose underscores hide nothing."""
    return " ".join(text.split())[:_LONGEST].replace("$", r"\$").lstrip("_")
