"""Events that wait to happen, of all runs at once, in the order that SBML gives them.

An event is triggered when its condition becomes true, and due after its delay. Of those that are
due at one time the one with the highest priority happens first, and conditions are looked at again
before the next. Events of one priority take turns as a fixed sequence of random numbers says; those
without a priority come last, in the order of the model.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.engines.batch.jumps import Jumps, condition
from p53net.engines.batch.legs import Legs, Rows
from p53net.engines.batch.watched import NEAR
from p53net.model.events import Event

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
        self._plans = [self._plan(event) for event in self._events]
        shape = size, len(self._events), 1
        self._due = np.full(shape, np.inf)
        self._turn = np.zeros(shape)
        self._kept = [np.empty((size, 1, len(one.names))) for one in self._plans]
        self._conditions = [condition(event.trigger, jumps) for event in self._events]
        self._holds = np.tile(np.array([event.before for event in self._events], bool), (size, 1))
        self._happened = np.zeros(size, dtype=np.int64)
        self._triggered = 0
        self.broken = np.zeros(size, dtype=bool)
        """Runs in which a delay or a new value is no number, or events do not come to an end."""

    def due(self, rows: Rows) -> FloatArray:
        """When the next event happens that waits."""
        return np.asarray(np.minimum.reduce(self._due[rows], axis=(1, 2), initial=np.inf))

    def trigger(
        self, rows: Rows, flags: FloatArray, looked: FloatArray, passed: NDArray[np.bool_]
    ) -> None:
        """See which conditions have become true, and which false. `passed` says which runs are just
        behind a moment: what waits from there on happens just behind another."""
        holds = np.empty((len(rows), len(self._events)), dtype=bool)
        for number, one in enumerate(self._conditions):
            holds[:, number] = one(flags) > 0.5
        differs = holds != self._holds[rows]
        self._holds[rows] = holds
        for number in np.logical_or.reduce(differs, axis=0).nonzero()[0].tolist():
            changed = differs[:, number].nonzero()[0]
            rose = changed[holds[changed, number]]
            if not self._events[number].persistent:
                fell = changed[~holds[changed, number]]
                self._due[rows[fell], number] = np.inf
            if len(rose):
                self._schedule(number, rows[rose], looked[rose], passed[rose])

    def happen(self, rows: Rows, looked: FloatArray) -> NDArray[np.bool_]:
        """Let one event happen in each run in which one is due; which runs those are."""
        ready = self._due[rows] <= self._legs.clock[rows, None, None]
        busy = np.asarray(np.logical_or.reduce(ready, axis=(1, 2)))
        if not busy.any():
            return busy
        rows, ready, looked = rows[busy], ready[busy], looked[busy]
        first = self._first(rows, ready, looked)
        number, slot = np.divmod(first, ready.shape[2])
        for one in sorted(set(number.tolist())):
            chosen = (number == one).nonzero()[0]
            self._execute(one, rows[chosen], slot[chosen], looked[chosen])
        self._happened[rows] += 1
        return busy

    # --- parts

    def _schedule(
        self, number: int, rows: Rows, looked: FloatArray, passed: NDArray[np.bool_]
    ) -> None:
        event, at = self._events[number], self._legs.clock[rows]
        if event.delay is not None:
            at = at + looked[:, self._places[event.delay]]
            bad = ~(at >= self._legs.clock[rows])
            self.broken[rows[bad]] = True
            behind = passed & (at > self._legs.clock[rows])
            at = np.where(bad, np.inf, np.where(behind, at * (1.0 + 2.0 * NEAR), at))
        free = np.isinf(self._due[rows, number])
        if not np.logical_or.reduce(free, axis=1).all():
            self._widen()
            free = np.isinf(self._due[rows, number])
        slot = free.argmax(axis=1)
        self._due[rows, number, slot] = at
        self._triggered += 1
        self._turn[rows, number, slot] = self._triggered
        if event.at_trigger:
            self._kept[number][rows, slot] = looked[:, self._plans[number].places]

    def _widen(self) -> None:
        """Twice as many places for events that wait, of each run and event."""
        self._due = np.concatenate([self._due, np.full_like(self._due, np.inf)], axis=2)
        self._turn = np.concatenate([self._turn, self._turn], axis=2)
        self._kept = [np.concatenate([one, one], axis=1) for one in self._kept]

    def _first(self, rows: Rows, ready: NDArray[np.bool_], looked: FloatArray) -> NDArray[np.intp]:
        """Which event, and which of its places, comes first in each run, as one number."""
        size, events, slots = ready.shape
        flat = ready.reshape(size, -1)
        if np.count_nonzero(flat) == size:  # one in each
            return np.asarray(flat.argmax(axis=1))
        rank = np.full((size, events), -np.inf)
        for number, event in enumerate(self._events):
            if event.priority is not None:
                rank[:, number] = looked[:, self._places[event.priority]]
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
        plan = self._plans[number]
        self._due[rows, number, slot] = np.inf
        if self._events[number].at_trigger:
            values = self._kept[number][rows, slot]
        else:
            values = looked[:, plan.places]
        self.broken[rows[np.isnan(values).any(axis=1)]] = True
        for place, inside, set_too in plan.volumes:
            array, column = self._columns[plan.names[place]]
            share = array[rows, column] / values[:, place]
            for amounts, at in inside:
                amounts[rows, at] *= share
            values[:, set_too] *= share[:, None]  # a new concentration is one of the old volume
        for name, value in zip(plan.names, values.T, strict=True):
            array, column = self._columns[name]
            array[rows, column] = value

    def _plan(self, event: Event) -> "_Plan":
        names = tuple(name for name in event.settings if name in self._columns)
        volumes = tuple(
            (
                names.index(volume),
                tuple(self._columns[n] for n in inside if n in self._columns and n not in names),
                [names.index(n) for n in inside if n in names],
            )
            for volume, inside in event.contents.items()
            if volume in names
        )
        return _Plan(names, [self._places[event.settings[name]] for name in names], volumes)


class _Plan(NamedTuple):
    """What an event sets of what is integrated."""

    names: tuple[str, ...]
    places: list[int]
    """Of the new values among what is looked at."""
    volumes: tuple[tuple[int, tuple[tuple[FloatArray, int], ...], list[int]], ...]
    """Place of each volume in `names`, columns of concentrations there, and places in `names` of
    those that are set themselves."""


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
