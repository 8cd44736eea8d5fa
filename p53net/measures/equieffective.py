"""Doses that are equally effective: searches for many cells at once, and what is read at them.

A search is asked of a candidate, and has a number or an error for each of its cells.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import MeasureError, P53NetError
from p53net.measures.candidate import Candidate
from p53net.measures.curves import log_sensitivity
from p53net.measures.resting import FoldsAtRest
from p53net.measures.searching import (
    HIGHEST_DOSE,
    LOWEST_DOSE,
    Found,
    Response,
    effective_doses,
)

Search: TypeAlias = Callable[..., Found]
"""Of a candidate, the hours of the run, and further numbers: what looks for a dose."""

DOSES = np.geomspace(1e-2, 1e6, 33)
"""Constant concentrations [nM] of a dose-response curve."""


def resting_doses(
    one: Candidate,
    folds: FloatArray,
    feedback: NDArray[np.bool_],
    near: FloatArray | None = None,
) -> Found:
    """The lowest constant doses [nM] under which active p53 rests at these multiples of untreated,
    which are sought first `near` those that are given."""

    response, what = FoldsAtRest(one, feedback), "active p53 at rest, in multiples of untreated,"
    found = _lowest(response, folds, what, near)
    wrong = np.flatnonzero(~response.holds(found.values, folds))
    if not len(wrong):
        return found
    again = _lowest(
        lambda some, doses: response.followed(wrong[some], doses),
        folds[wrong], what, None if near is None else near[wrong],
    )  # fmt: skip
    return found.but(wrong, again)


def _lowest(response: Response, folds: FloatArray, what: str, near: FloatArray | None) -> Found:
    """The lowest doses at which responses reach their folds."""
    found = effective_doses(response, folds, [what] * len(folds), near=near)
    missed = [isinstance(found.errors.get(i), MeasureError) for i in range(len(folds))]
    lost = np.flatnonzero(missed)
    if not len(lost):
        return found
    # p53 may fall again where a degrader hooks and drug-bound MDM2 still works
    curves = response(np.repeat(lost, len(DOSES)), np.tile(DOSES, len(lost)))
    above = curves.values.reshape(len(lost), -1) >= folds[lost, None]
    first = above.argmax(axis=1)
    rows, first = lost[first > 0], first[first > 0]
    between = DOSES[first - 1], DOSES[first]
    again = effective_doses(
        lambda some, doses: response(rows[some], doses), folds[rows], [what] * len(rows), between
    )
    return found.but(rows, again)


def dose_ratio(one: Candidate, _hours: float, fold: float) -> Found:
    """The dose that rests active p53 at a multiple of untreated, loop closed over opened."""
    size = len(one)
    found = resting_doses(
        one.of(np.tile(np.arange(size), 2)),
        np.full(2 * size, fold),
        np.repeat([True, False], size),
    )
    errors = {i % size: found.errors[i] for i in sorted(found.errors, reverse=True)}
    return Found(found.values[:size] / found.values[size:], errors)


def loop_factor(one: Candidate, _hours: float, fold: float) -> Found:
    """The loop factor under the dose that rests active p53 at a multiple of untreated."""
    size = len(one)
    found = resting_doses(one, np.full(size, fold), np.full(size, True))
    return found.then(lambda rows: loop_factors(one.of(rows), found.values[rows]))


def loop_factors(one: Candidate, doses: FloatArray) -> Found:
    """(d ln A / d ln k_ub_p53) opened at the treated state, over the same with the loop closed."""
    treated = one.rest(doses, "P2_activity_closed")
    return treated.then(lambda rows: _loop_factors(one.of(rows), doses[rows], treated.values[rows]))


def _loop_factors(one: Candidate, doses: FloatArray, held: FloatArray) -> Found:
    size, errors = len(one), dict[int, P53NetError]()
    rows = np.tile(np.arange(size), 4)
    feedback = np.tile(np.repeat([False, True], size), 2)

    def active(factors: FloatArray) -> FloatArray:
        changed = {
            "k_ub_p53": one.value("k_ub_p53")[rows] * np.repeat(factors, 2 * size),
            "P2_activity_held": held[rows],
        }
        found = one.of(rows).rest(doses[rows], "p53_active", feedback, changed)
        errors.update({i % size: error for i, error in found.errors.items()})
        return found.values.reshape(2, 2, size)

    opened, closed = log_sensitivity(active)
    return Found(opened / closed, errors)


def responses(
    one: Candidate, hours: float, names: Sequence[str], feedback: bool = True
) -> tuple[FloatArray, Mapping[int, P53NetError]]:
    """Values at `hours` under each of `DOSES`, constant, over cell, dose and name; and why a cell
    has none."""
    many = one.of(np.repeat(np.arange(len(one)), len(DOSES)))
    doses = many.constant(np.tile(DOSES, len(one)))
    values, errors = many.run(np.array([0.0, hours]), doses, names, feedback)
    shape = len(one), len(DOSES), len(names)
    return values[:, :, -1].reshape(shape), {i // len(DOSES): e for i, e in errors.items()}


def crossings(active: FloatArray, levels: FloatArray) -> FloatArray:
    """About where curves (row, dose) over `DOSES` first rise above a level each [nM]; NaN where
    they never do, or begin above it."""
    above = active >= levels[:, None]
    after, rows = above.argmax(axis=1), np.arange(len(active))
    low, high = active[rows, after - 1], active[rows, after]
    logs = np.log(DOSES)
    with np.errstate(all="ignore"):  # where a curve does not rise, which has no number
        share = (levels - low) / (high - low)
        doses = np.exp(logs[after - 1] + share * (logs[after] - logs[after - 1]))
    return np.where(after > 0, doses, np.nan)


def equal_dose(one: Candidate, hours: float, fold: float) -> Found:
    """The lowest constant dose [nM] that gives the fold at `hours`."""
    active, errors = responses(one, hours, ["p53_active"])
    start = Found(active[:, 0, 0], errors)
    return start.then(lambda rows: equal_doses(one.of(rows), active[rows, :, 0], hours, fold)[0])


def equal_doses(
    one: Candidate, active: FloatArray, hours: float, fold: float
) -> tuple[Found, NDArray[np.bool_]]:
    """The lowest constant dose [nM] that gives the fold at `hours`, and whether it is the only one.

    `active` is active p53 under each of `DOSES`. Where p53 pulses, a response at one time can cross
    a level more than once.
    """
    above = active >= fold * one.untreated["p53_active"][:, None]
    crossed = above[:, 1:] != above[:, :-1]
    first, crosses = crossed.argmax(axis=1), crossed.any(axis=1)
    between = (
        np.where(crosses, DOSES[first], LOWEST_DOSE),
        np.where(crosses, DOSES[first + 1], HIGHEST_DOSE),
    )
    found = effective_doses(
        lambda rows, doses: one.of(rows).fold_at(hours, doses),
        np.full(len(one), fold),
        [f"active p53 under {one.name} at {hours:g} h, in multiples of untreated,"] * len(one),
        between,
    )
    return found, crossed.sum(axis=1) <= 1


def stoichiometric_load(one: Candidate, hours: float, fold: float, volume: float) -> Found:
    """Drug molecules for each MDM2 molecule of the untreated cell, in a closed dish with `volume`
    [pL] of medium for each cell and the dose that gives the fold at `hours`."""
    volumes = np.full(len(one), volume)
    found = closed_dish_doses(one, volumes, hours, fold)
    return found._replace(values=loads(one, found.values, volumes))


def closed_dish_doses(one: Candidate, volumes: FloatArray, hours: float, fold: float) -> Found:
    """First concentration [nM] that gives the fold with so much medium [pL] for each cell."""
    return effective_doses(
        lambda rows, doses: one.of(rows).fold_at(hours, doses, volumes[rows]),
        np.full(len(one), fold),
        [
            f"active p53 under {one.name} in {volume:g} pL per cell, in multiples of untreated,"
            for volume in volumes
        ],
    )


def loads(one: Candidate, doses: FloatArray, volumes: FloatArray) -> FloatArray:
    """Drug molecules for each MDM2 molecule of the untreated cell, at doses [nM] of a closed
    dish."""
    return np.asarray(doses * volumes / (one.untreated["MDM2_total"] * one.value("cell")))
