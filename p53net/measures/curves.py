"""Measures of feedback escape: pure functions of curves and of steady states.

Concentrations in nM and times in h. "Active p53" is the observable `p53_active`, A in the
formulas; a subscript 0 is the untreated cell.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p53net.errors import MeasureError

FloatArray = NDArray[np.float64]

LOWEST_DOSE, HIGHEST_DOSE = 1e-5, 1e7
"""Range [nM] in which an effective dose is looked for."""

_NO_RISE = 1e-6  # of the untreated level: a mean rise below this is the integrator's noise


def where_defined(
    holds: "np.bool_ | bool | NDArray[np.bool_]", value: Callable[[], Any], otherwise: str
) -> Any:  # noqa: ANN401 - a number or an array, as the curves are
    """A measure where its condition holds. Elsewhere it has no value: a MeasureError that says why
    if there is one curve, NaN if there are many."""
    if np.ndim(holds) == 0 and not holds:
        raise MeasureError(otherwise)
    return value() if np.ndim(holds) == 0 else np.where(holds, value(), np.nan)


def escape_index(
    times: FloatArray, closed: FloatArray, opened: FloatArray, untreated: "float | FloatArray"
) -> Any:  # noqa: ANN401 - a number or an array, as the curves are
    """1 - (area of A above A0, loop closed) / (the same, loop opened).

    0: feedback costs nothing. 1: it abolishes the response. Curves of many cells have a row for
    each.
    """
    level = np.asarray(untreated)[..., None]
    gained = np.trapezoid(opened - level, times)
    return where_defined(
        gained > _NO_RISE * untreated * (times[-1] - times[0]),
        lambda: 1.0 - np.trapezoid(closed - level, times) / gained,
        "the escape index needs a dose that raises active p53 with the loop opened; raise it",
    )


def abundance_occupancy(
    total: "float | FloatArray",
    undrugged: "float | FloatArray",
    total_untreated: "float | FloatArray",
) -> tuple[Any, Any, Any]:
    """ln(Mu/Mu0), its part from abundance ln(Mtot/Mtot0), and from occupancy ln(phi/phi0).

    Mu is MDM2 without drug, phi its share; untreated MDM2 is all undrugged. The second number is
    what feedback hands back, the third what the drug takes. Numbers, or arrays of many cells.
    """
    there = (np.minimum(np.minimum(total, undrugged), total_untreated)) > 0
    why = "abundance and occupancy need MDM2 in the cell; check the parameters"
    abundance = where_defined(there, lambda: np.log(total / total_untreated), why)
    occupancy = where_defined(there, lambda: np.log(undrugged / total), why)
    return abundance + occupancy, abundance, occupancy


def rebound(active: FloatArray, untreated: float) -> float:
    """How far active p53 falls below its untreated level after washout: max(0, 1 - min A/A0)."""
    return max(0.0, 1.0 - float(active.min()) / untreated)


def half_time(times: FloatArray, values: FloatArray, floor: float) -> float:
    """Time until values have lost half of their height above `floor`, counted from times[0].

    The last such crossing counts, linearly interpolated. Raises MeasureError where the curve
    starts at the floor or does not come down in time.
    """
    above = values - floor
    level = above[0] / 2.0
    high = np.flatnonzero(above >= level)
    if above[0] <= 0:
        raise MeasureError("a half-time needs a curve that starts above its floor; raise the dose")
    if high[-1] == len(times) - 1:
        raise MeasureError(
            f"the curve has not lost half of its height in {times[-1] - times[0]:g} h; run longer"
        )
    left, right = high[-1], high[-1] + 1
    share = (above[left] - level) / (above[left] - above[right])
    return float(times[left] + share * (times[right] - times[left]) - times[0])


def log_sensitivity(response: Callable[[float], float], step: float = 1e-3) -> float:
    """d ln response / d ln x at x = 1, by central differences of the given relative step."""
    up, down = response(math.exp(step)), response(math.exp(-step))
    return (math.log(up) - math.log(down)) / (2.0 * step)


def effective_dose(
    response: Callable[[float], float],
    target: float,
    what: str,
    between: tuple[float, float] | None = None,
) -> float:
    """The dose [nM] at which a response that rises with dose reaches `target`.

    It is looked for `between` two doses, one on each side of it; by default over the whole range.
    Raises MeasureError, naming `what` and the reachable maximum, where no dose does.
    """
    from scipy.optimize import brentq  # a third of a second that `import p53net` need not take

    least, most = between or (LOWEST_DOSE, HIGHEST_DOSE)
    low, high = math.log(least), math.log(most)
    highest = response(most)
    if highest < target:
        raise MeasureError(
            f"{what} reaches {highest:.3g}, not {target:g}, even at {most:g} nM; "
            "choose a lower target"
        )
    if response(least) > target:
        raise MeasureError(
            f"{what} is above {target:g} already at {least:g} nM; choose a higher target"
        )
    root = brentq(lambda logarithm: response(math.exp(logarithm)) - target, low, high, xtol=1e-9)
    return math.exp(float(root))
