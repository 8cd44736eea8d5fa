"""Where runs begin whose fast reactions are at equilibrium: those alone, until they are at rest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from p53net.dosing.medium import courses_of
from p53net.engines.base import FloatArray
from p53net.errors import P53NetError, SimulationError
from p53net.simulation.begun import Start

if TYPE_CHECKING:
    from p53net.simulation.runs import Runner

_LONG = 1e9
"""Lifetimes of the slowest fast reaction, after which all are at rest if they come to it."""

_MOVED = 1e-6  # of its peak: what a state may change by in the second half of that
_NOTHING = 1e-12  # of the largest state


def settled(start: Start, alone: "Runner", parameters: Mapping[str, FloatArray]) -> Start:
    """The start with the fast reactions at rest; `alone` runs a model of nothing but them.

    A run of which they do not come to rest has a SimulationError.
    """
    states, size = alone.engine.states, len(start.states)
    times = np.array([0.0, _LONG / 2.0, _LONG])
    found = alone.run(times, courses_of([{}] * size), parameters, states)
    errors: dict[int, P53NetError] = {
        i: SimulationError(f"{alone.definition.id}: its fast reactions do not come to rest: {why}")
        for i, why in found.errors.items()
    }
    sizes = np.abs(found.values).max(axis=2, initial=0.0)
    allowed = _MOVED * sizes + _NOTHING * sizes.max(axis=1, initial=0.0)[:, None]
    moved = np.abs(found.values[:, :, 2] - found.values[:, :, 1]) - allowed
    for i in np.flatnonzero((moved > 0.0).any(axis=1)):
        first = states[int(np.argmax(moved[i] > 0.0))]
        errors[int(i)] = SimulationError(
            f"{alone.definition.id}: its fast reactions do not come to rest: {first} still moves "
            "after a billion of their lifetimes; they have no equilibrium, so give them rates "
            "of their own"
        )
    return start._replace(states=found.values[:, :, 2], errors={**errors, **start.errors})
