"""When rates jump that only time and parameters decide: each run stops there and starts again.

A difference that is linear in time gives its moment at once, for all runs. Anything else is looked
at from point to point and halved to the last bit: what comes and goes between two of `LOOKS` points
of a run passes unseen.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray, Problem
from p53net.errors import SimulationError
from p53net.model.clocks import Switch
from p53net.model.expressions import Node
from p53net.model.rates import System
from p53net.model.relations import steps_in
from p53net.model.symbols import TIME

LOOKS = 2000
"""Points of a run at which a formula of time is looked at."""
MOST = 100_000
"""Jumps that a run may have."""

_LEAST_LOOKS = 8  # in each stretch between known jumps
_APART = 1e-13  # of the time: closer jumps are one
_SHARE = 0.6180339887  # where in a stretch points begin: they should not hit round numbers


class Clocks(NamedTuple):
    """Values of all switches over time, a row for each run."""

    first: FloatArray
    """Run, switch: from the start on."""
    times: FloatArray
    """Run, jump: they rise; infinite where a run has fewer."""
    values: FloatArray
    """Run, jump, switch: from that time on; NaN for jumps that there are not."""


def clocks_of(problem: Problem, system: System) -> Clocks:
    """Jumps before the end of each run. Raises SimulationError where a run has too many."""
    size = len(problem)
    if not system.switches:
        return Clocks(np.empty((size, 0)), np.empty((size, 0)), np.empty((size, 0, 0)))
    known: dict[str, FloatArray] = {
        name: np.full((size, 1), value) for name, value in system.parameters.items()
    }
    known |= {name: np.reshape(v, (size, 1)) for name, v in problem.parameters.items()}
    ends = np.broadcast_to(problem.times[..., -1], size)
    slopes = [_slope(system, one) for one in system.switches]
    linear = [slope for slope in slopes if slope is not None]
    if len(linear) == len(slopes):
        times = _linear(system, linear, known, ends)
    else:
        times = _looked_for(system, known, ends)
    edges = np.hstack([np.zeros((size, 1)), times, np.full((size, 1), np.inf)])
    edges = np.minimum(edges, ends[:, None])
    values = _values(system, known, (edges[:, 1:] + edges[:, :-1]) / 2)
    later = np.where(np.isfinite(times)[:, :, None], values[:, 1:], np.nan)
    return Clocks(values[:, 0], times, later)


def _slope(system: System, switch: Switch) -> Node | None:
    """How fast a difference changes that is linear in time; None for all else."""
    known, jump = system.expressions, switch.jump
    if jump.kind != "less" or len(steps_in([jump])) > 1:
        return None
    slope = known.derivative(_difference(system, switch), known.symbol(TIME))
    return None if TIME in known.symbols(slope) else slope


def _difference(system: System, switch: Switch) -> Node:
    (left, _), (right, _) = switch.jump.parts
    return system.expressions.sum([(left, 1.0), (right, -1.0)])


def _linear(
    system: System, slopes: list[Node], known: Mapping[str, FloatArray], ends: FloatArray
) -> FloatArray:
    """Where differences are 0, in order."""
    begin = {**known, TIME: np.zeros((len(ends), 1))}
    nodes = [_difference(system, one) for one in system.switches]
    with np.errstate(all="ignore"):
        found = [
            np.broadcast_to(-first / slope, (len(ends), 1))
            for first, slope in zip(
                system.values(nodes, begin), system.values(slopes, begin), strict=True
            )
        ]
    return _ordered(np.hstack(found), ends)


def _ordered(times: FloatArray, ends: FloatArray) -> FloatArray:
    """Those within each run, in order and each once."""
    inside = (times > _APART * ends[:, None]) & (times < ends[:, None])
    times = np.sort(np.where(inside, times, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        again = np.diff(times, axis=1) <= _APART * times[:, 1:]
    times[:, 1:] = np.where(again, np.inf, times[:, 1:])
    times = np.sort(times, axis=1)
    return times[:, : max(int(np.isfinite(times).sum(axis=1).max(initial=0)), 1)]


def _looked_for(system: System, known: Mapping[str, FloatArray], ends: FloatArray) -> FloatArray:
    """Jumps of each run, of equal ones once."""
    needed = frozenset().union(*(system.expressions.symbols(s.jump) for s in system.switches))
    names = sorted(needed & known.keys())
    table = np.hstack([ends[:, None], *(known[name] for name in names)])
    unique, place = np.unique(table, axis=0, return_inverse=True)
    found = []
    for end, *values in unique:
        own = {name: np.float64(value) for name, value in zip(names, values, strict=True)}
        found.append(_jumps(system, own, float(end)))
    most = max(max(map(len, found)), 1)
    padded = [np.pad(one, (0, most - len(one)), constant_values=np.inf) for one in found]
    return np.array(padded)[np.ravel(place)]


def _jumps(system: System, known: Mapping[str, np.float64], end: float) -> FloatArray:
    """Of one run: each switch is looked at between the jumps of those before it."""
    edges = np.array([0.0, end])
    for switch in system.switches:

        def value(times: FloatArray, node: Node = switch.jump) -> FloatArray:
            (found,) = system.values([node], {**known, TIME: times})
            return np.broadcast_to(found, times.shape)

        count = max(LOOKS // (len(edges) - 1), _LEAST_LOOKS)
        shares = np.concatenate([[0.0], (np.arange(count) + _SHARE) / count, [1.0]])
        points = np.ravel(edges[:-1, None] + np.diff(edges)[:, None] * shares[1:-1])
        low = np.concatenate([[0.0], points[:-1]])
        edges = np.union1d(edges, _between(value, np.append(low, points[-1]),
                                           np.append(points, end)))  # fmt: skip
        if len(edges) > MOST:
            raise SimulationError(f"formulas of time have more than {MOST:,} jumps until {end:g}")
    return np.asarray(_ordered(edges[None], np.array([end]))[0])


def _between(
    value: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """All jumps between pairs of points, by halving, until none is left."""
    found = list[FloatArray]()
    with np.errstate(all="ignore"):
        while len(low):
            before, after = value(low), value(high)
            differ = before != after
            low, high, before = low[differ], high[differ], before[differ]
            a, b = low, high
            while True:
                middle = (a + b) / 2
                if not ((middle > a) & (middle < b)).any():
                    break
                same = value(middle) == before
                a, b = np.where(same, middle, a), np.where(same, b, middle)
            found.append(b)
            if sum(map(len, found)) > MOST:
                break
            low = b
    return np.concatenate(found) if found else np.empty(0)


def _values(system: System, known: Mapping[str, FloatArray], times: FloatArray) -> FloatArray:
    """Run, time, switch."""
    found = system.values([one.jump for one in system.switches], {**known, TIME: times})
    return np.stack([np.broadcast_to(one, times.shape) for one in found], axis=2)
