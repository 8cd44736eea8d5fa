"""The dose at which a response reaches a level, looked for in many rows at once.

Each row has a bracket and steps of its own, so that what it gives depends on it alone; rows that
still search are evaluated together.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from p53net.errors import MeasureError, P53NetError

FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]

LOWEST_DOSE, HIGHEST_DOSE = 1e-5, 1e7
"""Range [nM] in which an effective dose is looked for."""

_LADDER = 8  # doses in each decade, where a response may fall again
_ABOUT = 1.3  # times a dose that is near: how far the bracket about it goes
_CLOSE = 1e-9  # of ln dose: the width of a bracket that is narrow enough


class Found(NamedTuple):
    """A number for each row."""

    values: FloatArray
    """NaN where there is none."""
    errors: Mapping[int, P53NetError]
    """Why a row has none."""

    def only(self) -> float:
        """The number of a single row. Raises its error."""
        for error in self.errors.values():
            raise error.with_traceback(None)
        return float(self.values[0])

    def row(self, i: int) -> "Found":
        """That of one row."""
        return Found(self.values[[i]], {0: self.errors[i]} if i in self.errors else {})

    def but(self, rows: Places, again: "Found") -> "Found":
        """The same, with what some rows give now in place of what they gave."""
        values = self.values.copy()
        values[rows] = again.values
        errors = {i: error for i, error in self.errors.items() if i not in rows}
        return Found(values, errors | {int(rows[i]): e for i, e in again.errors.items()})

    def then(self, following: Callable[[Places], "Found"]) -> "Found":
        """What the rows that have a number give next; the others keep their errors."""
        rows = np.flatnonzero(~np.isin(np.arange(len(self.values)), list(self.errors)))
        values, errors = np.full_like(self.values, np.nan), dict(self.errors)
        if len(rows):
            found = following(rows)
            values[rows] = found.values
            errors |= {int(rows[i]): error for i, error in found.errors.items()}
        return Found(values, errors)


Response: TypeAlias = Callable[[Places, FloatArray], Found]
"""What some rows give under a dose [nM] for each."""


def effective_doses(
    response: Response,
    targets: FloatArray,
    what: Sequence[str],
    between: tuple[FloatArray, FloatArray] | None = None,
    near: FloatArray | None = None,
) -> Found:
    """The dose [nM] at which the response of each row, which rises with dose, reaches its target.

    It is looked for `between` two doses, one on each side of it; by default over the whole range.
    Where a dose that it should be `near` is known, which may be NaN, it is looked for there first.
    Where the highest dose is not enough, as with a degrader whose hook brings MDM2 back, it is the
    lowest crossing below the dose that does most, of eight in each decade.
    A row has the error of its response, or a MeasureError, naming `what` and the reachable maximum,
    where no dose does.
    """
    size = len(targets)
    least, most = between or (np.full(size, LOWEST_DOSE), np.full(size, HIGHEST_DOSE))
    least, most = least.copy(), most.copy()
    search = _Search(response, targets)
    lowest, highest = np.full((2, size), np.nan)
    if near is not None:
        at, least[at], most[at], lowest[at], highest[at] = _about(search, near, least, most)
    wide = np.flatnonzero(np.isnan(highest))
    highest[wide] = search.of(wide, most[wide])
    short = search.going(np.flatnonzero(highest < 0.0))
    most[short], highest[short] = _below_hook(search, short, least[short], most[short])
    for i in np.flatnonzero(highest < 0.0).tolist():
        even = "even" if most[i] == HIGHEST_DOSE else "and that"
        search.errors[i] = MeasureError(
            f"{what[i]} reaches {highest[i] + targets[i]:.3g}, not {targets[i]:g}, {even} at "
            f"{most[i]:g} nM; choose a lower target"
        )
    wide = search.going(wide)
    lowest[wide] = search.of(wide, least[wide])
    for i in np.flatnonzero(lowest > 0.0).tolist():
        search.errors[i] = MeasureError(
            f"{what[i]} is above {targets[i]:g} already at {least[i]:g} nM; choose a higher target"
        )
    rows = search.going(np.arange(size))
    doses = np.full(size, np.nan)
    doses[rows] = np.exp(
        _roots(search, rows, np.log(least[rows]), np.log(most[rows]), lowest[rows], highest[rows])
    )
    doses[list(search.errors)] = np.nan
    return Found(doses, search.errors)


def effective_dose(
    response: Callable[[float], float],
    target: float,
    what: str,
    between: tuple[float, float] | None = None,
) -> float:
    """The same of one response. Raises MeasureError where no dose reaches the target."""

    def one(_: Places, doses: FloatArray) -> Found:
        return Found(np.array([response(float(dose)) for dose in doses]), {})

    bracket = None if between is None else (np.array(between[:1]), np.array(between[1:]))
    return effective_doses(one, np.array([target]), [what], bracket).only()


class _Search:
    """Responses less their targets, and the rows that have failed."""

    def __init__(self, response: Response, targets: FloatArray) -> None:
        self._response, self._targets = response, targets
        self.errors: dict[int, P53NetError] = {}

    def of(self, rows: Places, doses: FloatArray) -> FloatArray:
        found = self._response(rows, doses) if len(rows) else Found(np.empty(0), {})
        self.errors |= {int(rows[i]): error for i, error in found.errors.items()}
        return found.values - self._targets[rows]

    def tried(self, rows: Places, doses: FloatArray) -> FloatArray:
        """The same where a row may do without: what fails has no number."""
        if not len(rows):
            return np.empty(0)
        return self._response(rows, doses).values - self._targets[rows]

    def going(self, rows: Places) -> Places:
        """Those that have not failed."""
        return rows[~np.isin(rows, list(self.errors))]


def _about(
    search: _Search, near: FloatArray, least: FloatArray, most: FloatArray
) -> tuple[Places, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Rows that cross their target about these doses, the ends of that, and what they give."""
    low, high = near / _ABOUT, near * _ABOUT
    rows = np.flatnonzero((low > least) & (high < most))
    ends = np.stack([low[rows], high[rows]])
    values = np.stack([search.tried(rows, end) for end in ends])
    crosses = (values[0] < 0.0) & (values[1] > 0.0)
    return rows[crosses], *ends[:, crosses], *values[:, crosses]


def _below_hook(
    search: _Search, rows: Places, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The lowest dose of a ladder that reaches the target of a row, or the one that does most; and
    what it gives."""
    if not len(rows):
        return high, np.empty(0)
    steps = math.ceil(_LADDER * float(np.log10(high / low).max()))
    doses = np.geomspace(low, high, steps + 1, axis=1)
    doses[:, -1] = high
    flat = search.of(np.repeat(rows, steps + 1), doses.ravel()).reshape(doses.shape)
    values = np.where(np.isfinite(flat), flat, -np.inf)
    reached = values >= 0.0
    most = steps - values[:, ::-1].argmax(axis=1)
    best = np.where(reached.any(axis=1), reached.argmax(axis=1), most)
    each = np.arange(len(rows))
    return doses[each, best], values[each, best]


def _roots(
    search: _Search, rows: Places, low: FloatArray, high: FloatArray, at_low: FloatArray,
    at_high: FloatArray,
) -> FloatArray:  # fmt: skip
    """Where each row crosses 0 between `low` and `high`, in ln dose, by Chandrupatla's method [Adv.
    Eng. Softw. 28:145 (1997)]: inverse quadratic steps where three points allow it, else halves."""
    found = np.where(at_high == 0.0, high, low)
    at = np.flatnonzero((at_low != 0.0) & (at_high != 0.0))
    new, old = high[at], low[at]  # the last point, and that on the other side of the root
    at_new, at_old = at_high[at], at_low[at]
    share = np.full(len(at), 0.5)
    while len(at):
        point = new + share * (old - new)
        value = search.of(rows[at], np.exp(point))
        same = np.sign(value) == np.sign(at_new)
        third, at_third = np.where(same, new, old), np.where(same, at_new, at_old)
        old, at_old = np.where(same, old, new), np.where(same, at_old, at_new)
        new, at_new = point, value
        found[at] = np.where(np.abs(at_new) < np.abs(at_old), new, old)
        width = np.abs(old - new)
        goes = (width > _CLOSE) & (value != 0.0) & ~np.isnan(value)
        share = np.clip(_inverse(new, old, third, at_new, at_old, at_third), *_inside(width))
        at, share = at[goes], share[goes]
        new, old, at_new, at_old = new[goes], old[goes], at_new[goes], at_old[goes]
    return found


@np.errstate(all="ignore")  # where the three points make no parabola it is not used
def _inverse(
    a: FloatArray, b: FloatArray, c: FloatArray, at_a: FloatArray, at_b: FloatArray,
    at_c: FloatArray,
) -> FloatArray:  # fmt: skip
    """The share of the way from a to b at which the inverse parabola through three points is 0; a
    half where it is not to be trusted."""
    along, up = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    trusted = (1.0 - np.sqrt(1.0 - along) < up) & (up < np.sqrt(along))
    share = at_a / (at_a - at_b) * (at_c / (at_c - at_b))
    share -= (c - a) / (b - a) * (at_a / (at_c - at_a)) * (at_b / (at_b - at_c))
    return np.where(trusted & np.isfinite(share), share, 0.5)


def _inside(width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of a bracket within which a step is not too short to close it."""
    least = np.minimum(0.5, 0.5 * _CLOSE / np.maximum(width, math.ulp(0.0)))
    return least, 1.0 - least
