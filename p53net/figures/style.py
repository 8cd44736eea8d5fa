"""Colours and style of all figures, and how they are written."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p53net.errors import InputError
from p53net.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


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
    import matplotlib

    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise InputError(
            f"a figure cannot be written as '{path}'; end the name in .png, .svg, .pdf"
        )
    content = io.BytesIO()
    fixed: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    with matplotlib.rc_context(STYLE):
        figure.savefig(content, format=kind, dpi=150, metadata=fixed)
    return write_bytes(path, content.getvalue())
