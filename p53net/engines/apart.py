"""Engines of strangers' models: in a process without files and network, which may die of a model.

What cannot be trusted with a stranger's model stays there for good; a call costs the way there and
back. An engine that runs plain arithmetic, once compiled, is tried there: it compiles, and makes a
first run. Then this process does the same, and all runs.
"""

import hashlib
import threading
import weakref
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from time import perf_counter
from typing import Any, cast

import numpy as np

from p53net.engines.base import (
    AtRest,
    Capabilities,
    Cells,
    DosingEvents,
    Engine,
    Problem,
    Runs,
    Tolerances,
    failed,
)
from p53net.errors import ModelError, P53NetError, TimeLimitError, UnsupportedError
from p53net.model.definition import Definition
from p53net.model.external import Starts, definition_of
from p53net.model.external.apart import READER
from p53net.model.external.culprits import culprit_of
from p53net.model.own import Text
from p53net.sandbox.locked import Ended, Locked, Odd

_HERE = __name__
_GRACE = 1.0  # s, for an engine to see a deadline by itself

_MOST_ALIVE = 32
"""Processes that are kept for models; those whose turn was longest ago end, and begin anew."""

_FEW = threading.Lock()
_alive: dict[int, "weakref.ref[Apart]"] = {}
_served: list[Engine] = []
"""The engine of this process, if it is one that serves."""


class Apart:
    """An engine in a process of its own, which is made again where it has died."""

    def __init__(self, kind: str, definition: Definition, tolerances: Tolerances) -> None:
        """`kind` is `module:class` of the engine. Raises what making it raises there."""
        self.deadline = np.inf
        self._made_of = kind, definition, tolerances
        self._definition = definition
        self._process: Locked | None = None
        self._states: tuple[str, ...] | None = None
        self._lock = threading.RLock()
        self._cause: str | None = None
        self.label, self.capabilities = self._begun()

    @property
    def states(self) -> tuple[str, ...]:
        """What has a start value, in the order of columns."""
        if self._states is None:
            self._states = tuple(self._called("states_there"))
        return self._states

    def ready(self) -> None:
        """Compile, which the first run would do."""
        _ = self.states

    def integrate(self, problem: Problem) -> Runs:
        """All runs of a problem. One that ends the process is an error in its place."""
        _ = self.states  # a model that cannot be compiled is no error of a run
        try:
            return cast(Runs, self._called("integrated", problem, runs=len(problem)))
        except (ModelError, TimeLimitError) as error:
            if len(problem) == 1:
                return failed(1, problem.outputs, problem.times.shape[-1], error)
        rows = [self.integrate(_row(problem, i)) for i in range(len(problem))]
        return Runs(
            np.concatenate([one.values for one in rows]),
            {i: error for i, one in enumerate(rows) for error in one.errors.values()},
            np.concatenate([one.steps for one in rows]),
        )

    def rest(self, cells: Cells, *, near: bool, stable: bool = True) -> AtRest:
        """States at rest, as the engine gives them."""
        return cast(AtRest, self._called("rested", cells, near, stable, runs=len(cells.starts)))

    def file_starts(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Start values as the engine works them out from the file, for changed parameters."""
        return cast(dict[str, float], self._called("started", dict(changed)))

    def _called(self, name: str, *arguments: object, runs: int = 1) -> Any:  # noqa: ANN401
        """What the engine there gives. Raises ModelError where the process died of it, and
        TimeLimitError where a run had to be ended."""
        model = self._definition.id
        with self._lock:
            if self._process is None or self._process.is_gone:
                self._begun()
            _keep_few(self)
            process = cast(Locked, self._process)
            left = self.deadline - perf_counter()
            within = self._definition.time_limit * max(runs, 1)
            clock = max(left + _GRACE, _GRACE) if np.isfinite(left) else None
            try:
                return process.call(
                    f"{_HERE}:{name}", left, *arguments, within=within, at_most=clock
                )
            except Ended as how:
                if how.is_late and name == "integrated":
                    raise TimeLimitError(
                        f"{model}: a run took more than {min(within, left):g} s"
                    ) from None
                cause = self._found_cause(name, arguments) if runs == 1 else ""
                raise ModelError(f"{model} ends the process that runs it: {how}{cause}") from None
            except Odd as what:
                raise ModelError(
                    f"{model} cannot be run, for a reason that was not foreseen ({what}); "
                    "simplify it"
                ) from None

    def _begun(self) -> tuple[str, Capabilities]:
        """Start a process with the engine in it: its label, and what it can."""
        kind, definition, _ = self._made_of
        self._process = Locked((_HERE, kind.partition(":")[0]))
        try:
            label, capabilities = self._process.call(
                f"{_HERE}:begin", *self._made_of, within=definition.time_limit
            )
        except (Ended, Odd) as what:
            raise ModelError(f"{definition.id} cannot be run: {what}; simplify it") from None
        return label, replace(capabilities, apart=True)

    def rests(self) -> None:
        """End the process, unless it works."""
        if self._lock.acquire(blocking=False):
            try:
                if self._process is not None:
                    self._process.close()
            finally:
                self._lock.release()

    def _found_cause(self, name: str, arguments: tuple[object, ...]) -> str:
        """The likely element: the one without whose formula the process lives. Looked for once."""
        if self._cause is None:
            kind, definition, tolerances = self._made_of
            problem = arguments[0] if name == "integrated" else None

            def ends(content: bytes, seconds: float) -> bool:
                with Locked((_HERE, READER, kind.partition(":")[0])) as process:
                    try:
                        process.call(
                            f"{_HERE}:tried", kind, content, tolerances, problem, within=seconds
                        )
                    except Ended:
                        return True
                    except (P53NetError, Odd):
                        return False
                return False

            text = cast(Text, definition.loaded["file"]).text
            self._cause = culprit_of(text.encode(), ends, definition.time_limit)
        return self._cause


def _keep_few(engine: Apart) -> None:
    """Note that this engine's turn is now, and end the processes of those that wait longest: a
    model that nobody has any more may be found as such only late."""
    with _FEW:
        _alive.pop(id(engine), None)
        _alive[id(engine)] = weakref.ref(engine)
        for key in list(_alive)[:-_MOST_ALIVE]:
            if (oldest := _alive.pop(key)()) is not None:
                oldest.rests()


def trial(kind: str, definition: Definition, tolerances: Tolerances) -> None:
    """Let an engine compile a model and make a first run apart, once on each machine.

    Raises what making the engine raises there; UnsupportedError where the process died.
    """
    from p53net.engines.batch.machine import folder, keep, kept

    text = "\0".join([kind, definition.sbml, version("p53net"), version("llvmlite")])
    path = folder() / f"{hashlib.sha256(text.encode()).hexdigest()}.tried"
    if kept(path) is not None:
        return
    with Locked((_HERE, kind.partition(":")[0])) as process:
        try:
            process.call(
                f"{_HERE}:first_run", kind, definition, tolerances, within=definition.time_limit
            )
        except (Ended, Odd) as what:
            raise UnsupportedError(f"a model for which it failed: {what}") from None
    keep(path, b"")


# What follows runs in the process apart.


def begin(kind: str, definition: Definition, tolerances: Tolerances) -> tuple[str, Capabilities]:
    """Make the engine that this process serves."""
    engine = _engine(kind, definition, tolerances)
    _served[:] = [engine]
    return engine.label, engine.capabilities


def states_there(_left: float) -> tuple[str, ...]:
    """Compile."""
    (engine,) = _served
    engine.ready()
    return engine.states


def integrated(left: float, problem: Problem) -> Runs:
    """Runs, with so many seconds left."""
    (engine,) = _served
    engine.deadline = perf_counter() + left
    return engine.integrate(problem)


def rested(left: float, cells: Cells, near: bool, stable: bool) -> AtRest:
    """States at rest, with so many seconds left."""
    (engine,) = _served
    engine.deadline = perf_counter() + left
    return engine.rest(cells, near=near, stable=stable)


def started(_left: float, changed: dict[str, float]) -> dict[str, float]:
    """Start values that the engine works out."""
    (engine,) = _served
    return engine.file_starts(changed)


def tried(kind: str, content: bytes, tolerances: Tolerances, problem: Problem | None) -> None:
    """Read a file, and compile or run it, to see whether this process lives."""
    engine = _engine(kind, definition_of("the model", content, ""), tolerances)
    engine.ready()
    if problem is not None:
        engine.integrate(problem)


def first_run(kind: str, definition: Definition, tolerances: Tolerances) -> None:
    """Make an engine, compile, and run from the start of the file for one unit of time."""
    engine = _engine(kind, definition, tolerances)
    engine.ready()
    values = Starts(definition).of({})
    if values is None:
        return
    parameters = {n: np.array([v]) for n, v in values.items() if n not in engine.states}
    starts = np.array([[values[name] for name in engine.states]])
    problem = Problem(
        parameters, starts, np.array([0.0, 1.0]), definition.variables, DosingEvents.none()
    )
    engine.integrate(problem)


def _engine(kind: str, definition: Definition, tolerances: Tolerances) -> Engine:
    module, _, name = kind.partition(":")
    return cast(Engine, getattr(import_module(module), name)(definition, tolerances))


def _row(problem: Problem, i: int) -> Problem:
    """One run of a problem, as a problem."""
    row = slice(i, i + 1)
    return replace(
        problem,
        parameters={name: values[row] for name, values in problem.parameters.items()},
        starts=problem.starts[row],
        times=problem.times if problem.times.ndim == 1 else problem.times[row],
        events=problem.events.of(row),
    )
