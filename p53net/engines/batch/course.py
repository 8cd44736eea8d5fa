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
        changed = [n for n in {**names, **dict.fromkeys(doses.names)}
                   if n in jumps.system.parameters]  # fmt: skip
        places = {name: i for i, name in enumerate(jumps.system.parameters)}
        self._changed = {name: places[name] for name in changed}
        self._notes = np.full((len(changed), size, self._count + 1), np.nan)
        """Parameters that change, at the row of output from which on they are as noted."""

    def run(self) -> None:
        """All the way."""
        live = np.arange(len(self._legs.clock))
        with np.errstate(all="ignore"):  # what is not finite is found
            self._run(live)

    def _run(self, live: Rows) -> None:
        legs = self._legs
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
        due = np.minimum(self._moments.due(rows), self._pending.due(rows))
        if self._doses.names:
            due = np.minimum(due, self._dose_times[rows, self._given[rows]])
        return np.asarray(due)

    def _going(self, rows: Rows) -> Rows:
        """Those that are neither at their end nor stuck. At an end rows are left to write."""
        legs = self._legs
        legs.status[rows[self._pending.broken[rows]]] = NO_NUMBER
        rows = rows[legs.status[rows] == driver.OK]
        over = legs.clock[rows] >= self._end[rows]
        if not over.any():
            return rows
        legs.write(rows[over], self._end[rows[over]])
        return rows[~over]

    def _stop(self, rows: Rows) -> None:
        """Doses, events until none is due, and moments that have to be passed."""
        if self._doses.names:
            self._give(rows)
        here, arrived, passed = rows, True, np.zeros(len(rows), dtype=bool)
        for _ in range(MOST_AT_ONCE):
            if not len(rows):
                break
            again = self._settle(rows, arrived, passed)
            waits = self._moments.waiting(rows)
            if waits.any():
                waits &= ~again
                self._pass(rows[waits])
                again |= waits
                passed = passed | waits
            rows, passed, arrived = rows[again], passed[again], False
        self._legs.status[rows] = TOO_MANY_EVENTS
        self._note(here)

    def _settle(self, rows: Rows, arrived: bool, passed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Let the next event happen, where one is due; where conditions have to be seen again.
        `passed` says which runs are just behind a moment."""
        passes = arrived and bool(self._jumps.pairs)
        before = self._moments.flags(rows) if passes else None
        looked, flags = self._moments.refresh(rows)
        if not self._jumps.events:
            return np.zeros(len(rows), dtype=bool)
        if before is None:
            self._pending.trigger(rows, flags, looked, passed)
            return self._pending.happen(rows, looked)
        crossed = self._crossed(before, flags)
        self._pending.trigger(rows, np.where(crossed, 0.0, flags), looked, passed)
        return np.asarray(self._pending.happen(rows, looked) | crossed.any(axis=1))

    def _pass(self, rows: Rows) -> None:
        """Rows of output at this very time come before what holds just after."""
        self._note(rows)
        self._legs.write(rows, self._legs.clock[rows])
        self._moments.pass_(rows)

    def _note(self, rows: Rows) -> None:
        """Parameters, for the rows of output that are to come."""
        for note, column in zip(self._notes, self._changed.values(), strict=True):
            note[rows, self._legs.rows[rows]] = self._legs.table[rows, column]

    def histories(self) -> dict[str, FloatArray]:
        """Parameters that change, at the times of output (run, time)."""
        noted = ~np.isnan(self._notes)
        noted[:, :, 0] = True
        latest = np.maximum.accumulate(np.where(noted, np.arange(self._count + 1), 0), axis=2)
        filled = np.take_along_axis(self._notes, latest, axis=2)[:, :, : self._count]
        return dict(zip(self._changed, filled, strict=True))

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
