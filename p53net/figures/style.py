"""Colours and style of all figures, and how they are written."""

import io
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from p53net.errors import InputError
from p53net.figures.powers import plain_powers
from p53net.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure


# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


WIDE, NARROW = 183 / 25.4, 89 / 25.4
"""Widths of figures in print, over two columns and over one [inch]."""

SMALL = 6.0
"""The smallest text [pt]: labels of many rows."""

_DPI = 300

_MOST_WIDE = WIDE * _DPI  # pixels, also of what is wider

_LETTERS = 18  # of a title to the inch

PRINT, SLIDE = SIZES = ("print", "slide")
"""Where a figure is shown: in print, or on a screen of 13.3 by 7.5 inches."""

_PAGE = 13.33 / WIDE  # a slide's width over that of print: lines and marks grow with the page,
_TEXT = 1.2 * _PAGE  # and text by a fifth more


STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "axes.titlelocation": "left",
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.title_fontsize": 6.5,
    "legend.handlelength": 1.6,
    "figure.titlesize": 7.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.labelpad": 2.5,
    "axes.titlepad": 4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.4,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "patch.linewidth": 0.6,
    "svg.hashsalt": "p53net",  # the same figure gives the same bytes
}


def headline(figure: "Figure", text: str) -> None:
    """The title of a figure, in lines that it has room for."""
    figure.set_label(text)  # is not drawn: what a larger text is wrapped from
    figure.suptitle(_wrapped(text, _LETTERS * figure.get_figwidth()))


def _wrapped(text: str, width: float) -> str:
    return "\n".join(one for line in text.split("\n") for one in textwrap.wrap(line, int(width)))


def chosen_size(size: str) -> str:
    """One of `SIZES`. Raises InputError."""
    if size not in SIZES:
        raise InputError(f"size is '{size}', but must be one of {', '.join(SIZES)}")
    return size


def resized(figure: "Figure", size: str) -> "Figure":
    """The same figure for a slide: larger, and its text larger still. Raises InputError."""
    if chosen_size(size) == PRINT:
        return figure
    import numpy as np
    from matplotlib.collections import Collection, PathCollection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    marks = list(_marks(figure))  # before texts and lines of ticks grow with the others
    for text in figure.findobj(Text):
        assert isinstance(text, Text)  # noqa: S101 - what was asked for
        text.set_fontsize(_TEXT * float(text.get_fontsize()))
    for line in figure.findobj(Line2D):
        assert isinstance(line, Line2D)  # noqa: S101
        line.set(linewidth=_PAGE * line.get_linewidth(), markersize=_PAGE * line.get_markersize(),
                 markeredgewidth=_PAGE * line.get_markeredgewidth())  # fmt: skip
    for patch in figure.findobj(Patch):
        assert isinstance(patch, Patch)  # noqa: S101
        patch.set_linewidth(_PAGE * patch.get_linewidth())
    for several in figure.findobj(Collection):
        assert isinstance(several, Collection)  # noqa: S101
        several.set_linewidth(list(_PAGE * np.atleast_1d(several.get_linewidth())))
        if isinstance(several, PathCollection):
            several.set_sizes(_PAGE**2 * several.get_sizes())
    for axis, which, label, length, width, grid in marks:
        axis.set_tick_params(which=which, labelsize=_TEXT * label, length=_PAGE * length,
                             width=_PAGE * width, grid_linewidth=_PAGE * grid)  # fmt: skip
    width, height = _PAGE * figure.get_size_inches()
    figure.set_size_inches(float(width), float(height))
    if title := str(figure.get_label()):
        room = _LETTERS * figure.get_figwidth() / _TEXT
        figure.suptitle(_wrapped(title, room), fontsize=_TEXT * STYLE["figure.titlesize"])
    return figure


_Kind = Literal["major", "minor"]
_Marks = tuple["Axis", _Kind, float, float, float, float]


def _marks(figure: "Figure") -> Iterator[_Marks]:
    """Of each axis how large labels, ticks and lines of the grid are."""
    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            kinds: tuple[_Kind, ...] = ("major", "minor")
            for which in kinds:
                ticks = axis.get_major_ticks() if which == "major" else axis.get_minor_ticks()
                for tick in ticks[:1]:
                    mark = tick.tick1line
                    yield (axis, which, float(tick.label1.get_fontsize()),
                           float(mark.get_markersize()), float(mark.get_markeredgewidth()),
                           float(tick.gridline.get_linewidth()))  # fmt: skip


def save(figure: "Figure", path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF, by the suffix."""
    (written,) = save_all(figure, [path])
    return written


def save_all(figure: "Figure", paths: Iterable[str | Path]) -> list[Path]:
    """Write a figure in several forms, laid out once."""
    import matplotlib

    plain_powers(figure)
    kinds = {path: _kind(path) for path in paths}
    engine = figure.get_layout_engine()
    with matplotlib.rc_context(STYLE):
        if engine is not None:
            figure.dpi, usual = _DPI, figure.dpi
            engine.execute(figure)  # each drawing would do it, twice
            figure.dpi = usual
            figure.set_layout_engine(None)
        try:
            return [write_bytes(path, _drawn(figure, kind)) for path, kind in kinds.items()]
        finally:
            figure.set_layout_engine(engine)


def _drawn(figure: "Figure", kind: str) -> bytes:
    content = io.BytesIO()
    fixed: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    dpi = min(_DPI, _MOST_WIDE / figure.get_figwidth())
    figure.savefig(content, format=kind, dpi=dpi, metadata=fixed)
    return content.getvalue()


def _kind(path: str | Path) -> str:
    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise InputError(
            f"a figure cannot be written as '{path}'; end the name in .png, .svg, .pdf"
        )
    return kind
