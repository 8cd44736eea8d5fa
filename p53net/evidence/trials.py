"""What a trial can count where a rate is predicted: a binomial whose rate differs between trials.

Two trials of the same regimen, 3 of 20 and 34 of 86, cannot tell how much trials differ, so the
spread was fixed from other drugs before the marrow by stage was fitted (docs/schedules.md).
"""

import math
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError

SPREAD = 0.5
"""Between trials of one regimen: standard deviation of the log odds of an event. Assumed between
0.28, the median between randomised contrasts (Turner 2015: its square is log-normal, -2.56, 1.74),
0.4 of severe thrombocytopenia under trastuzumab emtansine (10.2 % of 882 patients, Dieras 2014, and
5.7 % of KATHERINE's), and 1.0 under several PARP inhibitors (15.9, 9.5 to 25.4 % in 12 trials; Zhou
2017)."""

COUNTED = {
    "thrombocytopenia_grade3plus_intermittent": (3, 20),
    "neutropenia_grade3plus_intermittent": (1, 20),
    "anaemia_grade3plus_intermittent": (0, 20),
    "thrombocytopenia_grade3plus_other": (27, 78),
    "neutropenia_grade3plus_other": (15, 78),
    "anaemia_grade3plus_other": (14, 78),
    "platelets_japan_any": (11, 18),
    "thrombocytopenia_grade34_mantra": (34, 86),
    "neutropenia_grade34_mantra": (22, 86),
    "anaemia_grade34_mantra": (16, 86),
}
"""Observation to patients with the event and all patients of its trial: phase 1, in Japan too, and
MANTRA."""

_ROUNDED = 0.6  # per cent: shares are published without decimals
_AT = np.linspace(-8.5, 8.5, 401)  # of the integral over trials, in standard deviations


class Expected(NamedTuple):
    """What a trial of a predicted rate counts."""

    events: int
    """Observed."""
    number: int
    """Patients."""
    low: int
    """Least events of the central 95 % of such trials."""
    high: int
    """Most."""

    @property
    def inside(self) -> bool:
        """Whether what was observed is among them."""
        return self.low <= self.events <= self.high


def chances(percent: float, number: int, spread: float = SPREAD) -> FloatArray:
    """Chance of 0, 1, ... `number` patients with an event, in a trial of a regimen under which
    `percent` of patients have it in the middle trial. Raises InputError."""
    from scipy.special import gammaln, log_expit, logit

    if not 0.0 <= percent <= 100.0 or spread < 0.0:
        raise InputError(
            f"a rate of {percent:g} % with a spread of {spread:g}; give 0 to 100, 0 up"
        )
    events = np.arange(number + 1)
    if percent in (0.0, 100.0):
        return np.where(events == number * percent / 100.0, 1.0, 0.0)
    weights = np.exp(-(_AT**2) / 2.0)
    odds = logit(percent / 100.0) + spread * _AT[:, np.newaxis]
    ways = gammaln(number + 1) - gammaln(events + 1) - gammaln(number - events + 1)
    each = np.exp(ways + events * log_expit(odds) + (number - events) * log_expit(-odds))
    return np.asarray(weights @ each / weights.sum())


def expected(percent: float, events: int, number: int, spread: float = SPREAD) -> Expected:
    """The central 95 % of counts under a predicted rate, beside what was observed."""
    below = np.cumsum(chances(percent, number, spread))
    low, high = (int(np.searchsorted(below, edge)) for edge in (0.025, 0.975))
    return Expected(events, number, low, high)


def highest_rate(events: int, number: int, chance: float = 0.05, spread: float = SPREAD) -> float:
    """The rate [%] under which so few events, or fewer, still have this chance: an upper bound."""
    from scipy.optimize import brentq
    from scipy.special import expit

    def above(odds: float) -> float:
        rate = 100.0 * float(expit(odds))
        return float(chances(rate, number, spread)[: events + 1].sum()) - chance

    return 100.0 * float(expit(brentq(above, -12.0, 12.0, xtol=1e-9)))


def counted_in(name: str, observed: float, percent: float) -> Expected | None:
    """What such trials count, beside what the trial of an observation [%] did; None where it is no
    count of a trial, or nothing is predicted."""
    if name not in COUNTED or not math.isfinite(percent):
        return None
    events, number = COUNTED[name]
    if abs(observed - 100.0 * events / number) > _ROUNDED:  # a user's own row of that name
        return None
    return expected(percent, events, number)


def log_chance(percent: float, events: int, number: int, spread: float = SPREAD) -> float:
    """Logarithm of the chance of what was observed, for a fit."""
    return float(np.log(chances(percent, number, spread)[events]))
