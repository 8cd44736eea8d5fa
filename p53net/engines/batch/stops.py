"""Where runs stop and start again: at doses, at events of the model, and at their end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray, Problem
from p53net.engines.batch.clocks import Clocks
from p53net.model.rates import System

_STRETCH = 1e-12
"""Of the time at which it begins, or in the unit of time."""

_SOON = 1e-100
"""The earliest stop behind the start: shorter steps have no inverse."""


@dataclass(frozen=True)
class Stops:
    """Where runs stop and start again, a row for each run.

    `times` rise and end with the end of the run, infinite where a run has fewer; after all but the
    last, `changes` are made: a column for each of `names`, NaN for what stays. A change is the new
    value, or, of names in `added`, what is added to the old one.
    """

    times: FloatArray
    names: tuple[str, ...]
    changes: FloatArray
    added: frozenset[str] = frozenset()

    def rows(self, rows: NDArray[np.intp]) -> "Stops":
        """Those of some runs."""
        return replace(self, times=self.times[rows], changes=self.changes[rows])

    def of(self, system: System) -> "Stops":
        """What they change of a part of a model."""
        places = [i for i, n in enumerate(self.names) if n in (*system.states, *system.parameters)]
        names = tuple(self.names[i] for i in places)
        return replace(self, names=names, changes=self.changes[:, :, places])

    def histories(
        self, parameters: Sequence[str], table: FloatArray, times: FloatArray
    ) -> dict[str, FloatArray]:
        """Parameters that stops change, at all times (run, time); `table` has them at the start."""
        places = {name: i for i, name in enumerate(parameters)}
        return {
            name: self._stepped(table[:, [places[name]]], column, times)
            for column, name in enumerate(self.names)
            if name in places
        }

    def _stepped(self, value: FloatArray, column: int, times: FloatArray) -> FloatArray:
        now = np.broadcast_to(value, (len(value), times.shape[-1])).copy()
        for number in range(self.changes.shape[1]):
            new = self.changes[:, [number], column]
            after = (times >= self.times[:, [number]]) & np.isfinite(new)
            now = np.where(after, new, now)
        return now

    def lasting(self) -> "Stops":
        """The same with an end that lies after what comes before it: rows are written along steps,
        so what changes at the very end, or a run of no length, needs a stretch to show in."""
        run, end = np.arange(len(self.times)), np.isfinite(self.times).sum(axis=1) - 1
        before = np.where(end > 0, self.times[run, np.maximum(end - 1, 0)], 0.0)
        times = self.times.copy()
        longer = np.maximum(before * (1 + _STRETCH), _STRETCH)
        times[run, end] = np.where(times[run, end] > before, times[run, end], longer)
        return replace(self, times=times)


def stops_of(problem: Problem, system: System, clocks: Clocks) -> Stops:
    """Doses, the events of the model, and jumps of its rates in time, in order, until the end of
    each run."""
    size, doses = len(problem), problem.events
    events = [(float(stop.time.value), stop.settings) for stop in system.stops]
    names = [*doses.names, *dict.fromkeys(name for _, settings in events for name in settings)]
    named = len(names)
    names += [switch.name for switch in system.switches]
    given = doses.times.shape[1]
    at = np.hstack([doses.times, np.full((size, len(events)), np.inf)])
    changes = np.full((size, at.shape[1], len(names)), np.nan)
    changes[:, :given, : len(doses.names)] = doses.values
    for number, (time, settings) in enumerate(events, start=given):
        at[:, number] = max(time, _SOON) if time > 0.0 else time
        for name, node in settings.items():
            changes[:, number, names.index(name)] = float(node.value)
    at = np.hstack([at, clocks.times])
    changes = np.pad(changes, [(0, 0), (0, clocks.times.shape[1]), (0, 0)], constant_values=np.nan)
    changes[:, at.shape[1] - clocks.times.shape[1] :, named:] = clocks.values
    last = np.broadcast_to(np.asarray(problem.times[..., -1])[..., None], (size, 1))
    within = at <= last
    at, changes = np.where(within, at, np.inf), np.where(within[..., None], changes, np.nan)
    order = np.argsort(at, axis=1, kind="stable")
    at = np.take_along_axis(at, order, axis=1)
    changes = np.take_along_axis(changes, order[..., None], axis=1)
    at = np.hstack([at, np.full((size, 1), np.inf)])
    at[np.arange(size), np.isfinite(at).sum(axis=1)] = last[:, 0]
    return Stops(at, tuple(names), changes, doses.added).lasting()
