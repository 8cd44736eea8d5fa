"""Powers of ten on logarithmic axes, as plain text."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_WIDE = 20.0  # a span that powers of ten alone label


def powers_of_ten(*axes: "Axis") -> None:
    """10⁻³ as plain text on logarithmic axes, and no ticks between: formulas and ticks are the
    slowest part of a figure."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _position: _power(value)))
        axis.set_minor_locator(NullLocator())


def plain_powers(figure: "Figure") -> None:
    """10⁻³ as plain text on all logarithmic axes of a figure, and 0.2 where they span little:
    exponents of formulas are too small to read in print."""
    from matplotlib.ticker import FuncFormatter, LogFormatter, LogFormatterMathtext, NullFormatter

    class Plain(LogFormatter):
        """Numbers, at the ticks that have a label."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            wide = low > 0 and high / low >= _WIDE
            if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
                powers = FuncFormatter(lambda value, _place: _power(value))
                axis.set_major_formatter(powers if wide else Plain())
            if isinstance(axis.get_minor_formatter(), LogFormatterMathtext):
                axis.set_minor_formatter(NullFormatter() if wide else Plain())


def _power(value: float) -> str:
    return "10" + f"{round(math.log10(value)):d}".translate(_RAISED)
