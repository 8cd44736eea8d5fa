"""Colours and style of all figures, and how they are written."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p53net.errors import InputError
from p53net.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


_DPI = 150


STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "p53net",  # the same figure gives the same bytes
}


def save(figure: "Figure", path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF, by the suffix."""
    (written,) = save_all(figure, [path])
    return written


def save_all(figure: "Figure", paths: Iterable[str | Path]) -> list[Path]:
    """Write a figure in several forms, laid out once."""
    import matplotlib

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
