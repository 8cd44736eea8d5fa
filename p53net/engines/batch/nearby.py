"""States at rest beside others, by the implicit function theorem: without an iteration's noise."""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.model.rates import System
from p53net.model.symbols import TIME

_DAMPING = 1e-10  # 1/time: for what rests only because its reactions are switched off
_SAMPLES = 3  # states for each unknown, at which rates are looked at for what they conserve
_NO_RATE = 1e-11  # of the largest: a sum of rates below this is 0 but for rounding


class Nearby:
    """Of one model; `resting` says which states come to rest."""

    def __init__(self, system: System, resting: NDArray[np.bool_]) -> None:
        self._system, self._resting = system, resting
        self._totals = self._conserved()

    def states(
        self, table: FloatArray, starts: FloatArray, of: NDArray[np.intp], jacobians: FloatArray
    ) -> FloatArray:
        """States at rest of cells, a row of parameters and a start for each, that differ little
        from others which are at rest. `of` is the row of each cell's other one, in which it is its
        own; of those, in the order of rows, are `jacobians`. NaN where a state does not follow."""
        _, place = np.unique(of, return_inverse=True)
        with np.errstate(all="ignore"):  # the caller looks for what is not finite
            rates = self._rates(table, starts)
            rates -= rates[of]
        number = _number_within(place)
        right = np.zeros((len(jacobians), starts.shape[1], int(number.max(initial=0)) + 1))
        right[place, :, number] = rates
        return starts + self._shifts(jacobians, right)[place, :, number]

    def _shifts(self, jacobians: FloatArray, rates: FloatArray) -> FloatArray:
        """How far states move, `jacobian @ shift = -rates`, with totals as they are: cell, state,
        move. What never rests does not move."""
        resting, totals = self._resting, self._totals
        matrices = np.where(resting[:, None] & resting[None, :], jacobians, 0.0)
        matrices += totals @ totals.T - _DAMPING * np.eye(len(resting))
        right = np.where(resting[:, None], -rates, 0.0)
        try:
            return np.asarray(np.linalg.solve(matrices, right))
        except np.linalg.LinAlgError:  # of one of them; the others have an answer
            found = np.full_like(right, np.nan)
            for i, matrix in enumerate(matrices):
                with suppress(np.linalg.LinAlgError):
                    found[i] = np.linalg.solve(matrix, right[i])
            return found

    def _conserved(self) -> FloatArray:
        """Sums of states that no reaction changes, whatever the parameters: an orthonormal column
        for each. They are where rates at random states add up to 0."""
        size, source = len(self._system.states), np.random.default_rng(1)
        shape = _SAMPLES * size, size
        table = source.uniform(0.5, 2.0, (shape[0], len(self._system.parameters)))
        rates = self._rates(table, source.uniform(0.5, 2.0, shape))[:, self._resting].T
        scale = np.abs(rates).max(axis=1, keepdims=True, initial=0.0)
        scale[scale == 0.0] = 1.0
        left, sizes, _ = np.linalg.svd(rates / scale)
        sums = left[:, sizes <= _NO_RATE * max(sizes.max(initial=0.0), 1.0)] / scale
        found = np.zeros((size, sums.shape[1]))
        found[self._resting] = np.linalg.qr(sums)[0]
        return found

    def _rates(self, table: FloatArray, states: FloatArray) -> FloatArray:
        """Rates of change: cell, state."""
        system, count = self._system, len(table)
        known = {TIME: np.zeros(count)}
        known |= {name: table[:, i] for i, name in enumerate(system.parameters)}
        known |= {name: states[:, i] for i, name in enumerate(system.states)}
        values = system.values(list(system.rates), known)
        return np.column_stack([np.broadcast_to(one, count) for one in values])


def _number_within(place: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of each element, how many before it are the same."""
    order = np.argsort(place, kind="stable")
    first = np.searchsorted(place[order], place)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank - first
