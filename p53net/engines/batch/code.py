"""The machine code of a model, and how it is called with arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.engines.batch.driver import JOB, Driver
from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.machine import Processor, compiled, memory
from p53net.engines.batch.outputs import Outputs
from p53net.engines.batch.special import FormulaCode
from p53net.engines.batch.steady import REST, Rest
from p53net.engines.batch.stops import Stops
from p53net.model.rates import System


class Compiled:
    """The machine code of a model with some parameters burnt in."""

    def __init__(
        self,
        system: System,
        burnt: dict[str, float],
        target: Processor,
        kind: type[Driver] = Driver,
        *,
        floored: bool = False,
    ) -> None:
        code = FormulaCode(target.lanes)
        self.kernel = Kernel(code, system, burnt, floored=floored)
        self.kernel.write()
        kind(code, self.kernel).write()
        Rest(code, self.kernel).write()
        self.lanes = target.lanes
        self._machine = compiled(str(code), ("integrate", "rest"), target)
        self._clock = len(self.kernel.states) - len(system.states)
        self.entries = np.array(list(self.kernel.jacobian.entries), dtype=np.int64).reshape(-1, 2)
        """Row and column of each slope."""

    def integrate(
        self,
        table: FloatArray,
        starts: FloatArray,
        absolute: FloatArray,
        relative: float,
        stops: Stops,
        times: FloatArray,
        outputs: Outputs,
        most_steps: int,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Outputs (run, output, time), status and steps of each run."""
        size, rows = len(starts), times.shape[-1]
        places = {name: i for i, name in enumerate((*self.kernel.states, *self.kernel.parameters))}
        padding = [(0, 0)] * (times.ndim - 1) + [(0, self.lanes)]
        padded = np.pad(times, padding, constant_values=np.inf)
        found = np.empty((size, len(outputs.ends), rows + self.lanes))
        status, steps = np.empty(size), np.empty(size)
        arrays = {
            "starts": self._with_clock(starts, 0.0),
            "absolute": self._with_clock(absolute, 1.0),
            "parameters": table,
            "stops": stops.times,
            "counts": np.isfinite(stops.times).sum(axis=1),
            "changes": stops.changes,
            "slots": np.array([places[name] for name in stops.names], dtype=np.int64),
            "keeps": np.array([float(name in stops.added) for name in stops.names]),
            "times": padded,
            "found": found,
            "status": status,
            "steps": steps,
            "output_ends": outputs.ends,
            "output_states": np.array([places[name] for name in outputs.states], dtype=np.int64),
            "output_weights": outputs.weights,
            "dense": memory(len(outputs.ends) * 5 * self.lanes),
        }
        numbers: dict[str, float] = {
            "first": 0,
            "last": size,
            "relative": relative,
            "most_steps": float(most_steps),
            "most_stops": stops.times.shape[1],
            "slot_count": len(stops.names),
            "times_stride": padded.shape[-1] if times.ndim > 1 else 0,
            "time_count": rows,
            "output_count": len(outputs.ends),
        }
        self._call("integrate", JOB, arrays, numbers)
        return found[:, :, :rows], status, steps

    def rest(
        self, table: FloatArray, near: FloatArray, resting: NDArray[np.bool_]
    ) -> tuple[FloatArray, ...]:
        """States, entries of the Jacobian there, and the size of the last step, squared."""
        size = len(near)
        found = np.empty((size, len(self.kernel.states)))
        slopes, largest = np.empty((size, len(self.kernel.jacobian.entries))), np.empty(size)
        arrays = {
            "starts": self._with_clock(near, 0.0), "parameters": table,
            "resting": resting.astype(float), "found": found, "slopes": slopes, "largest": largest,
        }  # fmt: skip
        self._call("rest", REST, arrays, {"first": 0, "last": size})
        return found, slopes, largest

    def _with_clock(self, values: FloatArray, clock: float) -> FloatArray:
        return np.hstack([values, np.full((len(values), self._clock), clock)])

    def _call(
        self,
        function: str,
        layout: Sequence[str],
        arrays: Mapping[str, "NDArray[np.float64] | NDArray[np.int64]"],
        numbers: Mapping[str, float],
    ) -> None:
        """Words in the order of a layout: addresses, integers, doubles."""
        job = np.zeros(len(layout), dtype=np.int64)
        kept = {}
        for name, array in arrays.items():
            kept[name] = array if array.flags.c_contiguous else np.ascontiguousarray(array)
            job[layout.index(name)] = kept[name].ctypes.data
        for name, number in numbers.items():
            words = job.view(np.float64) if isinstance(number, float) else job
            words[layout.index(name)] = number
        space = memory(self.kernel.space.size * self.lanes)
        self._machine.functions[function](space.ctypes.data, job.ctypes.data)
