"""States at rest by pseudo-transient Newton steps, for engines that give rates of change."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import SteadyStateError

NOTHING = 1e-12
"""nM: a billionth of a molecule in a cell is none."""

SMALL = 1e-6
"""nM: below this, differences do not count."""

STILL = 1e-6
"""1/h: growth faster than this leaves a state; conserved totals have none."""

FIRST_DAMPING = 0.5
"""1/h, of the first step from a state of another parameter set."""

_STEPS = 100
_DAMPING = 1e-2  # 1/h, below the rate of nearly every process
_LEAST_DAMPING = 1e-5
_SETTLED = 1e-10  # largest relative step at the end


class Newton:
    """Steps of one model: `rates` [nM/h] of a state [nM], and which of its states come to rest."""

    def __init__(
        self,
        rates: Callable[[FloatArray], FloatArray],
        resting: NDArray[np.bool_],
        name: str,
    ) -> None:
        self._rates, self._resting, self._name = rates, resting, name

    def rest(self, near: FloatArray, damping: float = _DAMPING) -> tuple[FloatArray, FloatArray]:
        """The state at rest near a given one, and the Jacobian [1/h] there, without counters.

        Steps repeat with one Jacobian as long as they shrink, for it costs as much as thirty of
        them. Raises SteadyStateError.
        """
        state = near.copy()
        # What is absent and is not made stays so: with no drug, half of the species.
        moving = self._resting & ((state != 0.0) | (self._rates(state) != 0.0))
        size, inverse, fresh = np.inf, None, False
        if not moving.any():  # an empty cell: nothing is there, and nothing is made
            return state, self._jacobian(state, self._resting)
        for _ in range(_STEPS):
            if inverse is None:
                jacobian = self._jacobian(state, moving)
                # The damping makes the system regular along conserved totals, where rates are
                # zero. Too little would blow up rounding errors there into a drift of the totals,
                # so it is lowered only where a slow process needs it.
                system = damping * np.eye(len(jacobian)) - jacobian
                inverse, fresh = self._solved(np.linalg.inv, system), True
            rates = self._rates(state)[moving]
            if not np.isfinite(rates).all():  # a step has left what the rates are defined for
                size = np.inf
                break
            change = inverse @ rates
            state[moving] += change
            before, size = size, np.max(np.abs(change) / (np.abs(state[moving]) + SMALL))
            if damping > _DAMPING:
                damping, inverse = _DAMPING, None
            elif size > before / 2:
                if fresh and size < _SETTLED:  # rounding stops further progress
                    break
                if fresh:
                    damping = max(damping / 3.0, _LEAST_DAMPING)
                inverse = None
            fresh = False
        awake = self._rates(state)[self._resting & ~moving].any()
        if size > _SETTLED or np.min(state) < -SMALL or awake:
            raise SteadyStateError(
                f"{self._name}: no steady state was found; the parameter set may pulse "
                "or drift: simulate it, and check the parameters that were changed"
            )
        return state, self._jacobian(state, self._resting)

    def near(self, start: FloatArray) -> FloatArray:
        """A stable state at rest [nM] near one of another parameter set.

        Only for a model with one state at rest, such as a cell without drug: nothing shows here
        that the cell would come to this one. Raises SteadyStateError.
        """
        state, jacobian = self.rest(start, FIRST_DAMPING)
        if self.speeds(jacobian).max() > STILL:
            raise SteadyStateError(f"{self._name}: the cell moves away from its state at rest")
        return np.where(state < NOTHING, 0.0, state)

    def speeds(self, jacobian: FloatArray) -> FloatArray:
        """Growth [1/h] of what is near a state, along each direction."""
        return np.asarray(self._solved(np.linalg.eigvals, jacobian).real)

    def _solved(
        self, solver: Callable[[FloatArray], NDArray[Any]], matrix: FloatArray
    ) -> NDArray[Any]:
        try:
            return solver(matrix)
        except np.linalg.LinAlgError as error:
            raise SteadyStateError(
                f"{self._name}: no steady state was found ({error}); check the "
                "parameters that were changed for extreme values"
            ) from None

    @np.errstate(invalid="ignore", over="ignore")  # what is not finite is found by the caller
    def _jacobian(self, state: FloatArray, of: NDArray[np.bool_]) -> FloatArray:
        """Derivatives of the rates of some species with respect to the same [1/h]."""
        places = np.flatnonzero(of)
        rates = self._rates(state)
        jacobian = np.empty((len(places), len(places)))
        for column, place in enumerate(places):
            nudge = 1e-6 * max(abs(state[place]), 1e-3)
            moved = state.copy()
            moved[place] += nudge
            jacobian[:, column] = ((self._rates(moved) - rates) / nudge)[places]
        return jacobian
