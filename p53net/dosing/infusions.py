"""Infusions in many runs: when each begins and ends, and how much an hour flows in between."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from p53net.errors import InputError

Infusion: TypeAlias = tuple[float, float, float]
"""When it begins and ends [h], and how much an hour flows in between."""

_NEAR = 1e-12  # of a time: what rounding leaves between the end of an infusion and the next dose
_MOST = 20_000_000  # numbers of a table of rates: 160 MB


class Infusions(NamedTuple):
    """Infusions of one drug, a row for each run; where a run has fewer, infinite begins."""

    begins: NDArray[np.float64]
    """Run, infusion: h."""
    ends: NDArray[np.float64]
    """Run, infusion: h."""
    rates: NDArray[np.float64]
    """Run, infusion: nmol/h."""

    def of(self, rows: NDArray[np.intp]) -> "Infusions":
        """Those of some runs, any of them more than once."""
        return Infusions(self.begins[rows], self.ends[rows], self.rates[rows])

    def scaled(self, factors: NDArray[np.float64]) -> "Infusions":
        """The same with all rates of each run multiplied by its factor."""
        return self._replace(rates=self.rates * factors[:, np.newaxis])

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """What flows [nmol/h] from these times (run, time) on: exactly 0 where nothing does.

        Raises InputError where a table of this size does not fit into memory.
        """
        if times.size > _MOST:
            raise InputError(
                f"{len(times):,} runs with {times.shape[1]:,} times at which infusions change are "
                f"more than {_MOST:,}; run fewer at once"
            )
        found = np.zeros(times.shape)
        for begin, end, rate in zip(self.begins.T, self.ends.T, self.rates.T, strict=True):
            flows = (times >= begin[:, np.newaxis]) & (times < end[:, np.newaxis])
            found += np.where(flows, rate[:, np.newaxis], 0.0)
        return found

    @property
    def any(self) -> NDArray[np.bool_]:
        """Whether a run has any."""
        return np.asarray(np.isfinite(self.begins).any(axis=1))

    @property
    def amounts(self) -> NDArray[np.float64]:
        """Run, infusion: nmol."""
        lasts = np.isfinite(self.begins)
        hours = np.where(lasts, self.ends, 0.0) - np.where(lasts, self.begins, 0.0)
        return np.asarray(self.rates * hours)


def infusions_of(runs: Sequence[Sequence[Infusion]], per_unit: Sequence[float]) -> Infusions:
    """Those of several runs, with nmol for each unit of the rates in each."""
    shape = len(runs), max(map(len, runs))
    begins, ends, rates = np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape)
    for run, (several, nanomoles) in enumerate(zip(runs, per_unit, strict=True)):
        for place, (begin, end, rate) in enumerate(several):
            begins[run, place], ends[run, place] = begin, end
            rates[run, place] = rate * nanomoles
    return Infusions(begins, ends, rates)


def met(ends: list[float], starts: list[float]) -> dict[float, float]:
    """Ends of infusions, where a dose follows at once as its very time."""
    found, place = dict[float, float](), 0
    for end in ends:
        while place < len(starts) and starts[place] < end * (1 - _NEAR):
            place += 1
        follows = place < len(starts) and starts[place] <= end * (1 + _NEAR)
        found[end] = starts[place] if follows else end
    return found
