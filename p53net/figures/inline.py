"""A figure that notebooks show where it stands at the end of a cell, without a magic command.

Those of Matplotlib show themselves only where pyplot is loaded, which is global state.
"""

import io

import matplotlib
from matplotlib.figure import Figure as _Figure

from p53net.figures.powers import plain_powers
from p53net.figures.style import STYLE

_ACROSS = 120
"""Pixels of a page for each inch in print: text of 7 pt is 12 pixels high."""

_SHARP = 2  # pixels of the image for each of these


class Figure(_Figure):
    """Matplotlib's figure, with an image of itself for IPython."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        plain_powers(self)
        content = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            self.savefig(content, format="png", dpi=_SHARP * _ACROSS)
        width, height = self.get_size_inches()
        size = {"width": round(width * _ACROSS), "height": round(height * _ACROSS)}
        return content.getvalue(), size
