"""Measures of feedback escape: pure functions of curves and of steady states, of one cell or many.

Concentrations in nM and times in h. "Active p53" is the observable `p53_active`, A in the
formulas; a subscript 0 is the untreated cell.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p53net.errors import MeasureError

FloatArray = NDArray[np.float64]

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


def rebound(active: FloatArray, untreated: "float | FloatArray") -> Any:  # noqa: ANN401 - as above
    """How far active p53 falls below its untreated level after washout: max(0, 1 - min A/A0).

    Curves here and below may be NaN before the washout."""
    return np.maximum(0.0, 1.0 - np.fmin.reduce(active, axis=-1) / untreated)


def half_time(times: FloatArray, values: FloatArray, floor: "float | FloatArray") -> Any:  # noqa: ANN401 - as above
    """Time until values have lost half of their height above `floor`, counted from the first.

    The last such crossing counts, linearly interpolated. There is none where the curve starts at
    the floor or does not come down in time.
    """
    above = values - np.asarray(floor)[..., None]
    first = np.argmax(~np.isnan(above), axis=-1)
    level = _taken(above, first) / 2.0
    high = above >= level[..., None]
    last = above.shape[-1] - 1
    left = last - np.argmax(high[..., ::-1], axis=-1)
    right = np.minimum(left + 1, last)
    begin, end = _taken(times, left), _taken(times, right)

    def crossing() -> Any:  # noqa: ANN401 - as above
        at_left = _taken(above, left)
        share = (at_left - level) / (at_left - _taken(above, right))
        return begin + share * (end - begin) - _taken(times, first)

    return where_defined(
        level > 0,
        lambda: where_defined(
            left < last,
            crossing,
            f"the curve has not lost half of its height in {np.max(times):g} h; run longer",
        ),
        "a half-time needs a curve that starts above its floor; raise the dose",
    )


def _taken(rows: FloatArray, places: "NDArray[np.intp] | np.intp") -> FloatArray:
    """One element of each row; of a single row also where there are many places."""
    if rows.ndim == 1:
        return np.asarray(rows[places])
    return np.take_along_axis(rows, np.asarray(places)[..., None], axis=-1)[..., 0]


def log_sensitivity(response: Callable[[FloatArray], FloatArray], step: float = 1e-3) -> Any:  # noqa: ANN401 - as above
    """d ln response / d ln x at x = 1, by central differences of the given relative step.

    The response is asked once, for both values of x, and has a row for each.
    """
    up, down = np.log(response(np.exp(np.array([step, -step]))))
    return (up - down) / (2.0 * step)
