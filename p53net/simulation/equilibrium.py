"""Runs of models whose fast reactions are at equilibrium: where they begin, and their limit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from p53net.dosing.medium import courses_of
from p53net.engines.base import FloatArray, Problem, Runs, Tolerances
from p53net.errors import P53NetError, SimulationError
from p53net.model.definition import Definition
from p53net.simulation.begun import Start

if TYPE_CHECKING:
    from p53net.simulation.runs import Runner

_LOOKS = np.array([0.0, *np.geomspace(1e2, 1e9, 8)])
"""Lifetimes of the slowest fast reaction, after which the states are looked at. What is annihilated
in pairs needs many; an integrator drifts away in many. So the quietest of them counts."""

_MOVED = 1e-6  # of its peak until then: what a state at rest may change by between two of them
_NOTHING = 1e-12  # of the largest state

_RATIO = 10.0  # of the speeds of fast reactions in the two runs
_APART = 1e-3  # of a curve's peak, by which these may differ where its limit is not zero
_NOISE = 1e4  # absolute tolerances, by which any may
_REST = 1e-8  # of the largest start: what may be left of what annihilates itself


def no_looser(own: Tolerances, definition: Definition) -> Tolerances:
    """Tolerances of a model, or those of the usual accuracy where these are tighter: an error of a
    fast reaction's states is one of its rate times its speed, which CVODE follows."""
    usual = Tolerances()
    return Tolerances(
        min(own.relative, usual.relative), min(own.absolute, usual.absolute * definition.scale)
    )


def settled(start: Start, alone: "Runner", parameters: Mapping[str, FloatArray]) -> Start:
    """The start with the fast reactions at rest; `alone` runs a model of nothing but them.

    A run of which they do not come to rest has a SimulationError.
    """
    states, size = alone.engine.states, len(start.states)
    found = alone.run(_LOOKS, courses_of([{}] * size), parameters, states)
    peaks = np.maximum.accumulate(np.abs(found.values), axis=2)[:, :, 1:]  # until then
    peaks += _NOTHING / _MOVED * peaks.max(axis=1, keepdims=True, initial=0.0)
    with np.errstate(invalid="ignore"):  # what is nowhere does not move
        moved = np.nan_to_num(np.abs(np.diff(found.values)) / peaks).max(axis=1, initial=0.0)
    quiet = moved[:, 1:].argmin(axis=1) + 1  # the first is from the start itself
    rows = np.arange(size)
    errors: dict[int, P53NetError] = {
        int(i): SimulationError(
            f"{alone.definition.id}: its fast reactions do not come to rest within a billion of "
            "their lifetimes, so they have no equilibrium; give them rates of their own"
        )
        for i in np.flatnonzero(moved[rows, quiet] > _MOVED)
    }
    errors |= {
        i: SimulationError(f"{alone.definition.id}: its fast reactions do not come to rest: {why}")
        for i, why in found.errors.items()
    }
    return start._replace(
        states=found.values[rows, :, quiet + 1], errors={**errors, **start.errors}
    )


def at_limit(
    integrate: Callable[[Problem], Runs],
    problem: Problem,
    definition: Definition,
    own: Tolerances,
) -> Runs:
    """What a problem gives, with the fast reactions of a model infinitely fast, if it has such.

    What they lag behind is as the inverse of their speed, so runs at two speeds say what is left of
    it at infinity: of a lag of a thousandth a millionth remains. Where it is more, a run has a
    SimulationError. `own` are the tolerances of a problem without any.
    """
    if not definition.hurry:
        return integrate(problem)
    tolerances = problem.tolerances or no_looser(own, definition)
    ((name, speed),) = definition.hurry.items()
    first, second = (
        integrate(
            replace(
                problem,
                parameters={**problem.parameters, name: np.full(len(problem), value)},
                tolerances=tolerances,
            )
        )
        for value in (speed, speed / _RATIO)
    )
    lag = (first.values - second.values) / (_RATIO - 1.0)
    errors = {**second.errors, **first.errors}
    # Rates of reactions are left out: at rest they are noise.
    shown = [i for i, output in enumerate(problem.outputs) if output in definition.variables]
    quick, left = np.abs(first.values[:, shown]), np.abs(lag[:, shown])
    allowed = _APART * quick.max(axis=2, keepdims=True, initial=0.0)
    allowed += _NOISE * tolerances.absolute
    allowed += _REST * np.abs(problem.starts).max(axis=1, initial=0.0)[:, None, None]
    limit = np.abs(first.values + lag)[:, shown]
    late = ((_RATIO - 1.0) * left > allowed) & (limit > _APART * quick)
    for i in np.flatnonzero(late.any(axis=(1, 2))):
        output, moment = np.argwhere(late[i])[0]
        errors.setdefault(int(i), SimulationError(
            f"{definition.id}: {problem.outputs[shown[output]]} is not at the equilibrium of the "
            f"fast reactions at {problem.grid(int(i))[moment]:.12g}; leave out times just after an "
            "event, check changed parameters, or give these reactions rates of their own"
        ))  # fmt: skip
    return Runs(first.values + lag, errors, first.steps + second.steps)
