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
    """10⁻³ as plain text on all logarithmic axes of a figure: exponents of formulas are too small
    to read in print."""
    from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, NullFormatter

    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
                low, high = sorted(axis.get_view_interval())
                if high / low >= _WIDE:
                    axis.set_major_formatter(FuncFormatter(lambda value, _place: _power(value)))
                    axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    return "10" + f"{round(math.log10(value)):d}".translate(_RAISED)
