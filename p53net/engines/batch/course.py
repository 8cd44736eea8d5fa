"""Runs with events, all at once: compiled legs from stop to stop, and between them what happens.

What a run gives depends on its own row alone, and not on the times at which output is wanted.
"""

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import DosingEvents, FloatArray
from p53net.engines.batch import driver
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.legs import JumpingCode, Legs, Rows
from p53net.engines.batch.moments import Moments
from p53net.engines.batch.outputs import Outputs
from p53net.engines.batch.pending import MOST_AT_ONCE, Pending

TOO_MANY_EVENTS, NO_NUMBER = 4, 5
"""What may become of a run, beside what a driver says."""


class Course:
    """Runs of one model with events from 0 to their ends."""

    def __init__(self, legs: Legs, jumps: Jumps, doses: DosingEvents, times: FloatArray) -> None:
        self._legs, self._jumps, self._doses = legs, jumps, doses
        self._moments, self._pending = Moments(legs, jumps), Pending(legs, jumps)
        size = len(legs.clock)
        self._end = np.broadcast_to(times[..., -1], size)
        self._count = times.shape[-1]
        self._given = np.zeros(size, dtype=np.intp)
        pad = np.full((size, 1), np.inf)
        self._dose_times = np.hstack([doses.times, pad])
        names = dict.fromkeys(n for event in jumps.events for n in (
            *event.settings, *(one for inside in event.contents.values() for one in inside)
        ))  # fmt: skip
        changed = [n for n in (*names, *doses.names) if n in jumps.system.parameters]
        places = {name: i for i, name in enumerate(jumps.system.parameters)}
        self._changed = {name: places[name] for name in changed}
        self.histories = {
            name: np.repeat(legs.table[:, [place]], self._count, axis=1)
            for name, place in self._changed.items()
        }
        """Parameters that change, at the times of output (run, time)."""

    def run(self) -> None:
        """All the way."""
        legs = self._legs
        live = np.arange(len(legs.clock))
        while True:
            self._stop(live)
            live = self._going(live)
            if not len(live):
                return
            due, end = self._next(live), self._end[live]
            legs.integrate(live, np.minimum(due, end), due > end)
            live = live[(legs.status[live] == driver.OK) & (legs.rows[live] < self._count)]

    def _next(self, rows: Rows) -> FloatArray:
        """When something happens that time decides."""
        doses = self._dose_times[rows, self._given[rows]]
        own = np.minimum(self._moments.due(rows), self._pending.due(rows))
        return np.asarray(np.minimum(doses, own))

    def _going(self, rows: Rows) -> Rows:
        """Those that are neither at their end nor stuck. At an end rows are left to write."""
        legs = self._legs
        legs.status[rows[self._pending.broken[rows]]] = NO_NUMBER
        rows = rows[legs.status[rows] == driver.OK]
        over = legs.clock[rows] >= self._end[rows]
        legs.write_rest(rows[over])
        return rows[~over]

    def _stop(self, rows: Rows) -> None:
        """Doses, and events until none is due."""
        if not len(rows):
            return
        self._give(rows)
        self._settle(rows, arrived=True)
        passing = self._moments.pass_(rows)
        while passing.any():
            self._settle(rows[passing])
            passing &= self._moments.pass_(rows)
        for name, column in self._changed.items():
            history = self.histories[name]
            later = np.arange(self._count) >= self._legs.rows[rows, None]
            history[rows] = np.where(later, self._legs.table[rows, column, None], history[rows])

    def _settle(self, rows: Rows, *, arrived: bool = False) -> None:
        """Events until none is due."""
        for _ in range(MOST_AT_ONCE):
            before = self._moments.flags(rows)
            looked = self._moments.refresh(rows)
            flags = self._moments.flags(rows)
            if not self._jumps.events:
                return
            crossed = self._crossed(before, flags) if arrived else np.zeros(1, dtype=bool)
            self._pending.trigger(rows, np.where(crossed, 0.0, flags), looked)
            busy = self._pending.happen(rows, looked)
            rows = np.union1d(busy, rows[crossed.any(axis=1)]) if crossed.any() else busy
            arrived = False
            if not len(rows):
                return
        self._legs.status[rows] = TOO_MANY_EVENTS

    def _crossed(self, before: FloatArray, flags: FloatArray) -> NDArray[np.bool_]:
        """Flags of equalities that were passed over: between below and above lies equal."""
        crossed = np.zeros(flags.shape, dtype=bool)
        for one, other in self._jumps.pairs:
            jumped = (before[:, one] != flags[:, one]) & (before[:, other] != flags[:, other])
            crossed[:, [one, other]] |= jumped[:, None]
        return crossed

    def _give(self, rows: Rows) -> None:
        """Doses that are due."""
        legs, doses = self._legs, self._doses
        while True:
            due = self._dose_times[rows, self._given[rows]] <= legs.clock[rows]
            rows = rows[due]
            if not len(rows):
                return
            number = self._given[rows]
            for column, name in enumerate(doses.names):
                self._change(rows, name, doses.values[rows, number, column], name in doses.added)
            self._given[rows] += 1

    def _change(self, rows: Rows, name: str, values: FloatArray, added: bool) -> None:
        system = self._jumps.system
        if name in system.states:
            array, column = self._legs.states, system.states.index(name)
        elif name in system.parameters:
            array, column = self._legs.table, list(system.parameters).index(name)
        else:
            return
        old = array[rows, column]
        new = old + values if added else values
        array[rows, column] = np.where(np.isnan(values), old, new)


def followed(
    code: JumpingCode,
    table: FloatArray,
    starts: FloatArray,
    absolute: FloatArray,
    relative: float,
    doses: DosingEvents,
    times: FloatArray,
    outputs: Outputs,
    most_steps: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Outputs (run, output, time), status and steps of each run."""
    legs = Legs(code, table, starts, absolute, relative, times, outputs, most_steps)
    course = Course(legs, code.jumps, doses, times)
    course.run()
    values = outputs.values(code.jumps.part, legs.curves, table, course.histories, times)
    return values, legs.status, legs.steps
