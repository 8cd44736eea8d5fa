"""Colours and style of all figures, and how they are written."""

import io
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p53net.errors import InputError
from p53net.figures.powers import plain_powers
from p53net.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


WIDE, NARROW = 183 / 25.4, 89 / 25.4
"""Widths of figures in print, over two columns and over one [inch]."""

SMALL = 6.0
"""The smallest text [pt]: labels of many rows."""

_DPI = 300

_LETTERS = 18  # of a title to the inch


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
    width = int(_LETTERS * figure.get_figwidth())
    lines = [one for line in text.split("\n") for one in textwrap.wrap(line, width)]
    figure.suptitle("\n".join(lines))


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
    figure.savefig(content, format=kind, dpi=_DPI, metadata=fixed)
    return content.getvalue()


def _kind(path: str | Path) -> str:
    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise InputError(
            f"a figure cannot be written as '{path}'; end the name in .png, .svg, .pdf"
        )
    return kind
