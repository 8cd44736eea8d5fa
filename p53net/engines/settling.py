"""Cells at rest on engines that integrate one run after the other and give rates of change."""

from contextlib import suppress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import AtRest, Cells, FloatArray
from p53net.engines.newton import NOTHING, SMALL, STILL, Newton
from p53net.errors import P53NetError, SimulationError, SteadyStateError, TimeLimitError

SETTLING_TIME = 2000.0
"""Hours after which a cell is at rest: at default values a thousand of its slowest half-lives."""

APPROACH_TIME = 200.0
"""Hours that bring a pulsing cell near the state that it pulses round."""

_SAME_STATE = 1e-2  # integration and Newton must agree to this fraction
_LIFETIMES = 30.0  # of the slowest process until it has settled


class Follower(Protocol):
    """One cell on an engine, which can be put into a state, followed and looked at."""

    name: str
    resting: NDArray[np.bool_]
    """Which states come to rest: counters never do."""

    def prepare(self, parameters: dict[str, float], state: FloatArray) -> None:
        """Begin anew with these parameters, in this state [nM], at time 0."""

    def put(self, state: FloatArray) -> None:
        """Move to a state [nM]."""

    def follow(self, begin: float, end: float) -> FloatArray:
        """The state [nM] after following the cell from where it is. Raises SimulationError."""

    def rates(self, state: FloatArray) -> FloatArray:
        """Rates of change [nM/h] in a state."""

    def values(self, quantities: tuple[str, ...]) -> FloatArray:
        """Of species and derived quantities, now."""


def at_rest(cell: Follower, cells: Cells, near: bool, stable: bool) -> AtRest:
    """What `Engine.rest` gives, a cell after the other."""
    states = np.full_like(cells.starts, np.nan)
    values = np.full((len(states), len(cells.quantities)), np.nan)
    rates = np.full_like(states, np.nan)
    errors: dict[int, P53NetError] = {}
    for i, parameters, start in cells.rows():
        try:
            if near:
                cell.prepare(parameters, start)
                states[i] = _near(cell, start, cells.still)
                cell.put(states[i])
            else:
                states[i] = _settled(cell, parameters, start, stable)
                cell.prepare(parameters, states[i])
                rates[i] = cell.rates(states[i])
            values[i] = cell.values(cells.quantities)
        except TimeLimitError:
            raise
        except P53NetError as error:
            errors[i] = error
        except Exception as error:  # whatever it is, it is that of one cell
            errors[i] = SteadyStateError(f"{cell.name}: {type(error).__name__}: {error}")
    return AtRest(states, values, errors, None if near else rates)


def _near(cell: Follower, start: FloatArray, still: FloatArray | None) -> FloatArray:
    if still is not None and np.array_equal(cell.rates(start), still):
        return start
    return Newton(cell.rates, cell.resting, cell.name).near(start)


def _settled(
    cell: Follower, parameters: dict[str, float], start: FloatArray, stable: bool
) -> FloatArray:
    """Integration brings the state near, pseudo-transient Newton steps bring it to rest.

    Raises SteadyStateError where the steps do not converge, or, unless `stable` is False, where
    the cell would not stay in the state or integration, for as long as the slowest process needs,
    does not come near it.
    """
    newton = Newton(cell.rates, cell.resting, cell.name)
    cell.prepare(parameters, start)
    # A pulsing cell comes no nearer with time; a short way finds the state it pulses round.
    try:
        integrated = cell.follow(0.0, SETTLING_TIME if stable else APPROACH_TIME)
    except SimulationError:
        if not stable:
            raise
        cell.prepare(parameters, start)
        cell.follow(0.0, APPROACH_TIME)  # fails too if it is not for pulses
        raise SteadyStateError(
            f"{cell.name}: the cell does not come to rest within {SETTLING_TIME:,.0f} h: it "
            "pulses; check the parameters that were changed"
        ) from None
    state, jacobian = newton.rest(integrated)
    if stable:
        speeds = newton.speeds(jacobian)
        leaves = bool(speeds.max() > STILL)
        needed = _LIFETIMES / float(np.abs(speeds[np.abs(speeds) > STILL]).min())
        if needed > SETTLING_TIME and not leaves:  # slow, and perhaps still on its way
            cell.put(integrated)
            with suppress(SimulationError):  # it pulses: too many steps to follow
                integrated = cell.follow(SETTLING_TIME, SETTLING_TIME + needed)
                state, _ = newton.rest(integrated)
        apart = np.abs(state - integrated)[cell.resting]
        far = apart > _SAME_STATE * (np.abs(state)[cell.resting] + SMALL)
        if leaves or far.any():
            raise SteadyStateError(
                f"{cell.name}: the cell does not come to rest: it pulses, or moves "
                "away; simulate it, and check the parameters that were changed"
            )
    return np.where(state < NOTHING, 0.0, state)
