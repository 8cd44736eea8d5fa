"""The machine code of a model with events, and a workspace of numbers that it works on."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.engines.batch.jumps import Jumps
from p53net.engines.batch.look import LOOK, Look
from p53net.engines.batch.machine import Processor, compiled, memory
from p53net.engines.batch.outputs import Outputs
from p53net.engines.batch.special import FormulaCode
from p53net.engines.batch.watched import LEG, NEAR, Watched, WatchedKernel

Rows = NDArray[np.intp]


class JumpingCode:
    """The machine code of a model with events, or with rates that jump."""

    def __init__(
        self, jumps: Jumps, burnt: dict[str, float], target: Processor, *, floored: bool = False
    ) -> None:
        code = FormulaCode(target.lanes)
        self.jumps, self.lanes = jumps, target.lanes
        self.kernel = WatchedKernel(code, jumps, burnt, floored=floored)
        self.kernel.write()
        Watched(code, self.kernel).write()
        Look(code, self.kernel).write()
        self.machine = compiled(str(code), ("integrate", "look"), target)


class Legs:
    """Runs on their way: where each is, and code that takes it on."""

    def __init__(
        self,
        code: JumpingCode,
        table: FloatArray,
        starts: FloatArray,
        absolute: FloatArray,
        relative: float,
        times: FloatArray,
        outputs: Outputs,
        most_steps: int,
    ) -> None:
        size, rows, lanes = len(starts), times.shape[-1], code.lanes
        names = code.kernel.states
        padding = [(0, 0)] * (times.ndim - 1) + [(0, lanes)]
        self._code, self._outputs = code, outputs
        self.states = np.hstack([starts, np.zeros((size, len(names) - starts.shape[1]))])
        self.clock = np.zeros(size)
        self.rows = np.zeros(size, dtype=np.int64)
        self.status, self.steps = np.zeros(size), np.zeros(size)
        flags = np.zeros((size, len(code.jumps.all)))
        self.table = np.ascontiguousarray(np.hstack([table, flags]))
        self.times = np.pad(times, padding, constant_values=np.inf)
        self.found = np.empty((size, len(outputs.ends), rows + lanes))
        self._stops, self._finals = np.empty(size), np.empty(size)
        self._queue = np.empty(size, dtype=np.int64)
        self._looked = np.empty((size, len(code.jumps.looked_at)))
        places = {name: i for i, name in enumerate(names)}
        self._terms = np.array([places[name] for name in outputs.states], dtype=np.int64)
        self._space = memory(code.kernel.space.size * lanes)
        self._space_at = self._space.ctypes.data
        shared = {"queue": self._queue, "parameters": self.table, "starts": self.states}
        self._arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {
            **shared,
            "absolute": np.hstack([absolute, np.ones((size, len(names) - starts.shape[1]))]),
            "stops": self._stops, "finals": self._finals, "clock": self.clock, "rows": self.rows,
            "times": self.times, "found": self.found, "status": self.status, "steps": self.steps,
            "output_ends": outputs.ends, "output_states": self._terms,
            "output_weights": outputs.weights,
            "dense": memory(len(outputs.ends) * 5 * lanes),
        }  # fmt: skip
        self._leg = _job(LEG, self._arrays, {
            "first": 0, "relative": relative, "most_steps": float(most_steps),
            "time_count": rows, "output_count": len(outputs.ends),
            "times_stride": self.times.shape[-1] if times.ndim > 1 else 0,
        })  # fmt: skip
        self._look = _job(LOOK, {**shared, "looked": self._looked}, {"first": 0})

    @property
    def curves(self) -> FloatArray:
        """Outputs of all runs (run, output, time)."""
        return self.found[:, :, : self.found.shape[-1] - self._code.lanes]

    def integrate(self, rows: Rows, stops: FloatArray, finals: NDArray[np.bool_]) -> None:
        """Take runs to their stops, or to a jump before that."""
        self._stops[rows], self._finals[rows] = stops, finals
        self._call("integrate", self._leg, rows)

    def look(self, rows: Rows) -> FloatArray:
        """Values of the formulas that are looked at (run, formula), where runs are."""
        self.states[rows, -1] = self.clock[rows]
        self._call("look", self._look, rows)
        return self._looked[: len(rows)].copy()

    def write(self, rows: Rows, until: FloatArray) -> None:
        """Rows of output up to a time, from where runs are."""
        last = until * (1.0 + NEAR)
        own = (rows, self.rows[rows]) if self.times.ndim > 1 else self.rows[rows]
        soon = self.times[own] <= last
        if not soon.any():
            return
        rows, last = rows[soon], last[soon]
        values = np.empty((len(rows), 0))
        if ends := self._outputs.ends.tolist():
            parts = self._outputs.weights * self.states[rows][:, self._terms]
            values = np.add.reduceat(parts, [0, *ends[:-1]], axis=1)
        number, count = np.arange(self.found.shape[-1]), self.rows[rows]
        times = self.times if self.times.ndim == 1 else self.times[rows]
        ends = (times <= last[:, None]).sum(axis=1)
        due = (number >= count[:, None]) & (number < ends[:, None])
        self.found[rows] = np.where(due[:, None], values[:, :, None], self.found[rows])
        self.rows[rows] = np.maximum(count, ends)

    def _call(self, name: str, job: "_Job", rows: Rows) -> None:
        self._queue[: len(rows)] = rows
        job.words[job.last] = len(rows)
        self._code.machine.functions[name](self._space_at, job.at)


class _Job(NamedTuple):
    """What a call is given."""

    words: NDArray[np.int64]
    at: int
    """Where it is in memory."""
    last: int
    """Which word is the end of the queue."""


def _job(
    layout: tuple[str, ...],
    arrays: Mapping[str, "NDArray[np.float64] | NDArray[np.int64]"],
    numbers: Mapping[str, float],
) -> _Job:
    """Words in the order of a layout: addresses, integers, doubles. The arrays have to stay, and to
    be contiguous."""
    job = np.zeros(len(layout), dtype=np.int64)
    for name, array in arrays.items():
        job[layout.index(name)] = array.ctypes.data
    for name, number in numbers.items():
        words = job.view(np.float64) if isinstance(number, float) else job
        words[layout.index(name)] = number
    return _Job(job, job.ctypes.data, layout.index("last"))
