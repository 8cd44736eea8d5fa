"""Many parameter sets of one model at once: generated code, vectors, one set in each lane.

What a set gives depends on the set alone: not on its lane, its neighbours, or how many there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from p53net.engines.batch import driver
from p53net.engines.batch.driver import JOB, Driver
from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.llvm import Code
from p53net.engines.batch.machine import VERSION, Processor, machine, memory, processor
from p53net.engines.batch.steady import REST, SETTLED, Rest
from p53net.engines.runs import FloatArray, Tolerances
from p53net.model.expressions import Node
from p53net.model.rates import TIME, System, system_of

MOST_STEPS = 100_000
"""Of one run."""

_LEAST_RELATIVE = 1e-14
_LOOSER = 100.0
"""Tolerances here over those that give RoadRunner (CVODE) the same error or a larger one."""

_STILL = 1e-6  # 1/time: growth faster than this leaves a state at rest
_NEGATIVE = -1e-6  # a state at rest below this is none
_NOTHING = 1e-12  # a state at rest below this is 0
_WHY = {
    driver.TOO_MANY_STEPS: f"it takes more than {MOST_STEPS:,} steps",
    driver.TOO_SMALL_STEP: "its steps become too small",
    driver.NOT_FINITE: "its rates are not finite",
}


@dataclass(frozen=True)
class Stops:
    """Where runs stop and start again, a row for each run.

    `times` rise and end with the end of the run, infinite where a run has fewer; after all but the
    last, `changes` are set: a column for each of `names`, NaN for what stays.
    """

    times: FloatArray
    names: tuple[str, ...]
    changes: FloatArray


class Found(NamedTuple):
    """What runs gave."""

    values: FloatArray
    """Run, variable, time; NaN for runs that failed."""
    failures: dict[int, str]
    """Why a run failed."""
    steps: FloatArray


class AtRest(NamedTuple):
    """States at rest."""

    states: FloatArray
    failures: dict[int, str]


class BatchEngine:
    """One model's code. Several threads may use it at once."""

    name = "batch"
    version = VERSION

    def __init__(self, sbml: str, tolerances: Tolerances, target: Processor | None = None) -> None:
        """Raises UnsupportedError where the model has a part without a formula."""
        self.system: System = system_of(sbml)
        self._relative = max(tolerances.relative * _LOOSER, _LEAST_RELATIVE)
        self._absolute = tolerances.absolute * _LOOSER
        self._target = target or processor()
        self._exponents = _exponents(self.system)

    @property
    def states(self) -> tuple[str, ...]:
        """What has a start value, in the order of columns."""
        return self.system.states

    def ready(self) -> None:
        """Compile, which the first run would do."""
        _ = self._usual

    def integrate(
        self,
        parameters: Mapping[str, FloatArray],
        starts: FloatArray,
        volumes: FloatArray,
        stops: Stops,
        times: FloatArray,
        variables: Sequence[str],
    ) -> Found:
        """Runs at once: a row of every array is a run.

        `parameters` are those that differ from the file. `starts` and `volumes`, by which absolute
        tolerances are divided, have a column for each state. `times` are common (one dimension) or
        a row for each run; they rise, and may repeat.
        """
        table, outputs = self._table(parameters, len(starts)), _Outputs(self.system, variables)
        curves = np.empty((len(starts), len(outputs.ends), times.shape[-1]))
        status, steps = np.empty(len(starts)), np.empty(len(starts))
        changing = bool(self._exponents & set(stops.names))
        for rows, code in self._groups(table, changing):
            own = times if times.ndim == 1 else times[rows]
            part = Stops(stops.times[rows], stops.names, stops.changes[rows])
            curves[rows], status[rows], steps[rows] = code.integrate(
                table[rows], starts[rows], self._absolute / volumes[rows], self._relative,
                part, own, outputs,
            )  # fmt: skip
        values = outputs.values(self.system, curves, table, stops, times)
        failures = {int(i): _WHY[int(status[i])] for i in np.flatnonzero(status)}
        for i in np.flatnonzero(~np.isfinite(values).all(axis=(1, 2))):
            failures.setdefault(int(i), _WHY[driver.NOT_FINITE])
        values[list(failures)] = np.nan
        return Found(values, failures, steps)

    def rest(
        self, parameters: Mapping[str, FloatArray], near: FloatArray, counters: Iterable[str] = ()
    ) -> AtRest:
        """Stable states at rest near given ones, with conserved totals as there.

        `counters` are states that never rest and on which nothing depends.
        """
        table = self._table(parameters, len(near))
        states, largest = np.empty_like(near), np.empty(len(near))
        failures: dict[int, str] = {}
        never = {*counters, TIME}
        for rows, code in self._groups(table):
            found, slopes, largest[rows] = code.rest(table[rows], near[rows])
            states[rows] = found[:, : near.shape[1]]
            resting = np.array([name not in never for name in code.kernel.states])
            leaves = _growth(code.entries, slopes, resting) > _STILL
            failures |= dict.fromkeys(rows[leaves].tolist(), "the cell moves away from its rest")
        settled = (largest < SETTLED**2) & (states.min(axis=1) > _NEGATIVE)
        failures |= dict.fromkeys(np.flatnonzero(~settled).tolist(), "no rest was found")
        return AtRest(np.where(states < _NOTHING, 0.0, states), failures)

    def _table(self, parameters: Mapping[str, FloatArray], size: int) -> FloatArray:
        """All parameters of all runs."""
        table = np.tile(np.array(list(self.system.parameters.values())), (size, 1))
        places = {name: i for i, name in enumerate(self.system.parameters)}
        for name, values in parameters.items():
            table[:, places[name]] = values
        return table

    def _groups(
        self, table: FloatArray, changing: bool = False
    ) -> "Iterator[tuple[NDArray[np.intp], _Compiled]]":
        """Rows with the exponents of the file, which are products there, and the others."""
        names = [name for name in self.system.parameters if name in self._exponents]
        places = [list(self.system.parameters).index(name) for name in names]
        usual = np.array([self.system.parameters[name] for name in names])
        own = (table[:, places] == usual).all(axis=1) & (not changing)
        for chosen, code in ((own, "_usual"), (~own, "_any")):
            if chosen.any():
                yield np.flatnonzero(chosen), getattr(self, code)

    @cached_property
    def _usual(self) -> "_Compiled":
        burnt = {name: self.system.parameters[name] for name in self._exponents}
        return _Compiled(self.system, burnt, self._target)

    @cached_property
    def _any(self) -> "_Compiled":
        return _Compiled(self.system, {}, self._target) if self._exponents else self._usual


class _Compiled:
    """The machine code of a model with some parameters burnt in."""

    def __init__(self, system: System, burnt: dict[str, float], target: Processor) -> None:
        code = Code(target.lanes)
        self.kernel = Kernel(code, system, burnt)
        self.kernel.write()
        Driver(code, self.kernel).write()
        Rest(code, self.kernel).write()
        self.lanes = target.lanes
        self._machine = machine(str(code), ("integrate", "rest"), target)
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
        outputs: "_Outputs",
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
            "most_steps": float(MOST_STEPS),
            "most_stops": stops.times.shape[1],
            "slot_count": len(stops.names),
            "times_stride": padded.shape[-1] if times.ndim > 1 else 0,
            "time_count": rows,
            "output_count": len(outputs.ends),
        }
        self._call("integrate", JOB, arrays, numbers)
        return found[:, :, :rows], status, steps

    def rest(self, table: FloatArray, near: FloatArray) -> tuple[FloatArray, ...]:
        """States, entries of the Jacobian there, and the size of the last step, squared."""
        size = len(near)
        found = np.empty((size, len(self.kernel.states)))
        slopes, largest = np.empty((size, len(self.kernel.jacobian.entries))), np.empty(size)
        arrays = {
            "starts": self._with_clock(near, 0.0), "parameters": table, "found": found,
            "slopes": slopes, "largest": largest,
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


class _Outputs:
    """What generated code returns for wanted variables: sums of multiples of states. Variables that
    are not such sums are worked out from their states afterwards."""

    def __init__(self, system: System, variables: Sequence[str]) -> None:
        self._nodes = [
            system.derived.get(name, system.expressions.symbol(name)) for name in variables
        ]
        moving = frozenset(system.states)
        self._sums: dict[Node, dict[str, float]] = {}
        for node in self._nodes:
            terms = _terms(node, moving)
            if terms is not None:
                self._sums[node] = terms
            else:
                for name in sorted(system.expressions.symbols(node) & moving):
                    self._sums[system.expressions.symbol(name)] = {name: 1.0}
        flat = [term for terms in self._sums.values() for term in terms.items()]
        self.states = [name for name, _ in flat]
        self.weights = np.array([weight for _, weight in flat])
        self.ends = np.cumsum([len(terms) for terms in self._sums.values()], dtype=np.int64)

    def values(
        self,
        system: System,
        curves: FloatArray,
        table: FloatArray,
        stops: Stops,
        times: FloatArray,
    ) -> FloatArray:
        """All variables (run, variable, time) from what was returned."""
        if list(self._sums) == self._nodes:
            return curves
        places = {node: i for i, node in enumerate(self._sums)}
        known: dict[str, FloatArray] = {TIME: np.broadcast_to(times, (len(table), times.shape[-1]))}
        for i, name in enumerate(system.parameters):
            known[name] = table[:, [i]]
        for column, name in enumerate(stops.names):
            if name in known:
                known[name] = _stepped(known[name], stops, column, times)
        for node, i in places.items():
            if node.kind == "symbol":
                known[str(node.value)] = curves[:, i]
        rest = [node for node in self._nodes if node not in places]
        with np.errstate(all="ignore"):  # what is not finite is found by the caller
            worked_out = dict(zip(rest, system.values(rest, known), strict=True))
        shape = len(table), times.shape[-1]
        columns = [
            curves[:, places[node]] if node in places else np.broadcast_to(worked_out[node], shape)
            for node in self._nodes
        ]
        return np.stack(columns, axis=1)


def _stepped(value: FloatArray, stops: Stops, column: int, times: FloatArray) -> FloatArray:
    """A parameter over time, as stops change it."""
    now = np.broadcast_to(value, (len(value), times.shape[-1])).copy()
    for number in range(stops.changes.shape[1]):
        new = stops.changes[:, [number], column]
        after = (times >= stops.times[:, [number]]) & np.isfinite(new)
        now = np.where(after, new, now)
    return now


def _terms(node: Node, moving: frozenset[str]) -> dict[str, float] | None:
    """States and their multiples, of a node that is nothing but a sum of them."""
    if node.kind == "symbol":
        return {str(node.value): 1.0} if node.value in moving else None
    scaled = node.kind == "product" and len(node.parts) == 1 and node.parts[0][1] == 1.0
    if not scaled and (node.kind != "sum" or node.value != 0.0):
        return None
    found: dict[str, float] = {}
    for part, multiple in node.parts:
        inner = _terms(part, moving)
        if inner is None:
            return None
        for name, weight in inner.items():
            factor = float(node.value) if scaled else multiple
            found[name] = found.get(name, 0.0) + weight * factor
    return found


def _exponents(system: System) -> frozenset[str]:
    """Parameters in exponents that are not numbers."""
    found, seen = set[str](), set[Node]()
    waiting = [*system.rates]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.kind == "power":
            found |= system.expressions.symbols(node.parts[1][0])
        waiting += [part for part, _ in node.parts]
    return frozenset(found & system.parameters.keys())


def _growth(
    entries: NDArray[np.int64], slopes: FloatArray, resting: NDArray[np.bool_]
) -> FloatArray:
    """The largest real part of an eigenvalue of each matrix, given by its entries.

    States that influence each other in a circle have eigenvalues of their own, so the matrix is
    taken apart first: most of these groups have few states.
    """
    rows, columns = entries.T
    slopes = np.where(resting[rows] & resting[columns], slopes, 0.0)
    found, size = np.full(len(slopes), -np.inf), len(resting)
    waiting = np.arange(len(slopes))
    while len(waiting):  # all that have zeros in the same places at once
        pattern = slopes[waiting[0]] != 0.0
        same = ((slopes[waiting] != 0.0) == pattern).all(axis=1)
        chosen, waiting = waiting[same], waiting[~same]
        edges = rows[pattern], columns[pattern]
        graph = coo_matrix((np.ones(pattern.sum()), edges), shape=(size, size))
        count, part = connected_components(graph, connection="strong")
        for one in np.flatnonzero(np.bincount(part[resting], minlength=count)):
            inside = np.flatnonzero(part == one)
            within = np.flatnonzero((part[rows] == one) & (part[columns] == one))
            block = np.zeros((len(chosen), len(inside), len(inside)))
            places = (np.searchsorted(inside, of[within]) for of in (rows, columns))
            block[:, *places] = slopes[np.ix_(chosen, within)]
            found[chosen] = np.maximum(found[chosen], _abscissa(block))
    return found


def _abscissa(block: FloatArray) -> FloatArray:
    if block.shape[1] == 1:
        return block[:, 0, 0]
    real = np.full(len(block), np.inf)
    finite = np.isfinite(block).all(axis=(1, 2))
    try:
        real[finite] = np.linalg.eigvals(block[finite]).real.max(axis=1)
    except np.linalg.LinAlgError:  # of one of them: it counts as unstable, the others do not
        for i in np.flatnonzero(finite):
            with suppress(np.linalg.LinAlgError):
                real[i] = np.linalg.eigvals(block[i]).real.max()
    return real
