"""Events that wait to happen, of all runs at once, in the order that SBML gives them.

An event is triggered when its condition becomes true, and due after its delay. Of those that are
due at one time the one with the highest priority happens first, and conditions are looked at again
before the next. Events of one priority take turns as a fixed sequence of random numbers says; those
without a priority come last, in the order of the model.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.legs import Legs, Rows
from p53net.model.events import Event
from p53net.model.expressions import Node

MOST_AT_ONCE = 10_000
"""Events that may happen in a run at one time."""


class Pending:
    """What waits in each run."""

    def __init__(self, legs: Legs, jumps: Jumps) -> None:
        system, size = jumps.system, len(legs.clock)
        self._legs, self._jumps, self._events = legs, jumps, jumps.events
        self._places = {node: i for i, node in enumerate(jumps.looked_at)}
        self._columns = {name: (legs.states, i) for i, name in enumerate(system.states)}
        self._columns |= {name: (legs.table, i) for i, name in enumerate(system.parameters)}
        shape = size, len(self._events), 1
        self._due = np.full(shape, np.inf)
        self._turn = np.zeros(shape)
        self._kept = [np.empty((size, 1, len(self._set_by(event)))) for event in self._events]
        self._holds = np.tile(np.array([event.before for event in self._events], bool), (size, 1))
        self._happened = np.zeros(size, dtype=np.int64)
        self._triggered = 0
        self.broken = np.zeros(size, dtype=bool)
        """Runs in which a delay or a new value is no number, or events do not come to an end."""

    def due(self, rows: Rows) -> FloatArray:
        """When the next event happens that waits."""
        return np.asarray(self._due[rows].min(axis=(1, 2), initial=np.inf))

    def trigger(self, rows: Rows, flags: FloatArray, looked: FloatArray) -> None:
        """See which conditions have become true, and which false."""
        holds = self._conditions(flags)
        rose, fell = holds & ~self._holds[rows], ~holds & self._holds[rows]
        self._holds[rows] = holds
        for number, event in enumerate(self._events):
            if not event.persistent and fell[:, number].any():
                self._due[rows[fell[:, number]], number] = np.inf
            new = rose[:, number]
            if new.any():
                self._schedule(number, rows[new], looked[new])

    def happen(self, rows: Rows, looked: FloatArray) -> Rows:
        """Let one event happen in each run in which one is due; those runs."""
        ready = self._due[rows] <= self._legs.clock[rows, None, None]
        busy = ready.any(axis=(1, 2))
        rows, ready, looked = rows[busy], ready[busy], looked[busy]
        if not len(rows):
            return rows
        first = self._first(rows, ready, looked)
        number, slot = np.divmod(first, ready.shape[2])
        for one in np.unique(number).tolist():
            chosen = number == one
            self._execute(one, rows[chosen], slot[chosen], looked[chosen])
        self._happened[rows] += 1
        return rows

    # --- parts

    def _conditions(self, flags: FloatArray) -> NDArray[np.bool_]:
        known = {jump.flag: flags[:, i] for i, jump in enumerate(self._jumps.all)}
        found = self._jumps.system.values([event.trigger for event in self._events], known)
        return np.column_stack([np.broadcast_to(one > 0.5, len(flags)) for one in found])

    def _set_by(self, event: Event) -> list[str]:
        """What it sets of what is integrated."""
        return [name for name in event.settings if name in self._columns]

    def _values(self, nodes: Sequence[Node], looked: FloatArray) -> FloatArray:
        return looked[:, [self._places[node] for node in nodes]]

    def _new_values(self, event: Event, looked: FloatArray) -> FloatArray:
        return self._values([event.settings[name] for name in self._set_by(event)], looked)

    def _schedule(self, number: int, rows: Rows, looked: FloatArray) -> None:
        event, at = self._events[number], self._legs.clock[rows]
        if event.delay is not None:
            at = at + self._values([event.delay], looked)[:, 0]
        bad = ~(at >= self._legs.clock[rows])
        self.broken[rows[bad]] = True
        slot = np.argmax(np.isinf(self._due[rows, number]), axis=1)
        if not np.isinf(self._due[rows, number, slot]).all():
            self._widen()
            slot = np.argmax(np.isinf(self._due[rows, number]), axis=1)
        self._due[rows, number, slot] = np.where(bad, np.inf, at)
        self._triggered += 1
        self._turn[rows, number, slot] = self._triggered
        if event.at_trigger:
            self._kept[number][rows, slot] = self._new_values(event, looked)

    def _widen(self) -> None:
        """Twice as many places for events that wait, of each run and event."""
        self._due = np.concatenate([self._due, np.full_like(self._due, np.inf)], axis=2)
        self._turn = np.concatenate([self._turn, self._turn], axis=2)
        self._kept = [np.concatenate([one, one], axis=1) for one in self._kept]

    def _first(self, rows: Rows, ready: NDArray[np.bool_], looked: FloatArray) -> NDArray[np.intp]:
        """Which event, and which of its places, comes first in each run, as one number."""
        size, events, slots = ready.shape
        rank = np.full((size, events), -np.inf)
        for number, event in enumerate(self._events):
            if event.priority is not None:
                rank[:, number] = self._values([event.priority], looked)[:, 0]
        rank = np.where(np.isnan(rank), -np.inf, rank)
        ranks = np.where(ready, rank[:, :, None], -np.inf)
        best = ready & (ranks == ranks.max(axis=(1, 2), keepdims=True))
        drawn = _shuffled(self._happened[rows], events)
        order = np.where(np.isinf(rank), np.arange(events), drawn)[:, :, None]
        order = np.broadcast_to(order, best.shape) if slots == 1 else order + (
            self._turn[rows] / (self._triggered + 1.0)
        )  # fmt: skip
        return np.asarray(np.argmin(np.where(best, order, np.inf).reshape(size, -1), axis=1))

    def _execute(self, number: int, rows: Rows, slot: NDArray[np.intp], looked: FloatArray) -> None:
        event = self._events[number]
        self._due[rows, number, slot] = np.inf
        values = self._new_values(event, looked)
        if event.at_trigger:
            values = self._kept[number][rows, slot]
        names = self._set_by(event)
        self.broken[rows[np.isnan(values).any(axis=1)]] = True
        for volume, inside in event.contents.items():
            if volume in names:
                array, column = self._columns[volume]
                share = array[rows, column] / values[:, names.index(volume)]
                for name in inside:
                    if name in self._columns:
                        amounts, place = self._columns[name]
                        amounts[rows, place] *= share
        for name, value in zip(names, values.T, strict=True):
            array, column = self._columns[name]
            array[rows, column] = value


def _shuffled(happened: NDArray[np.int64], events: int) -> FloatArray:
    """Random whole numbers from 0 (run, event) that depend on how many events have happened."""
    own = np.arange(1, events + 1, dtype=np.uint64)
    seeds = np.asarray(happened.astype(np.uint64)[:, None] * np.uint64(events) + own)
    with np.errstate(over="ignore"):
        mixed: NDArray[np.uint64] = seeds * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray(np.floor(mixed.astype(float) * 2.0**-32))
