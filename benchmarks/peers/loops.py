"""The peers: each is a function of a job and a tolerance, and returns what runs some points.

What is done once for a model is done there, and is not timed.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.peers.job import READ_OUTS, SETTLING, TIMES, Array, Job, Tolerance

if TYPE_CHECKING:
    from roadrunner import RoadRunner

    from tests.support.generated import System


class Timed(NamedTuple):
    """What some points took, and what came out."""

    seconds: float
    """Of the processor, all threads together."""
    curves: Array
    """For each point a row for each of `TIMES` and a column for each of `READ_OUTS`."""


Runs = Callable[[range], Timed]
_prepared: dict[object, Runs] = {}


def timed(
    peer: str,
    job: Job,
    tolerance: Tolerance,
    options: Mapping[str, Any],
    warm_up: range,
    points: range,
) -> Timed:
    """Run points of a job on a peer, which is prepared and warmed up when it is first asked."""
    key = peer, job.name, tolerance, *options.items()
    if key not in _prepared:
        _prepared[key] = globals()[peer](job, tolerance, **options)
        _prepared[key](warm_up)
    return _prepared[key](points)


def _loop(run: Callable[[int], Array]) -> Runs:
    """One point after the other."""

    def runs(points: range) -> Timed:
        start = process_time()
        curves = [run(point) for point in points]
        return Timed(process_time() - start, np.array(curves))

    return runs


def p53net(job: Job, tolerance: Tolerance, engine: str, bars: bool) -> Runs:
    """The sweep of a user in one process, with its curves; the untreated states are part of it.
    With bars, the relative tolerance is the accuracy of the model."""
    import pandas as pd

    import p53net as pn
    from p53net.engines.base import Tolerances

    chosen = {"accuracy": tolerance[0]} if bars else {"tolerances": Tolerances(*tolerance)}
    model = pn.Model(pn.load(*job.medium).definition, **chosen)
    columns = np.hstack([job.values, job.doses])
    table = pd.DataFrame(columns, columns=[*job.parameters, *job.medium])

    def runs(points: range) -> Timed:
        start = process_time()
        found = pn.sweep(
            model,
            table.iloc[points.start : points.stop],
            times=TIMES,
            observables=READ_OUTS,
            keep_trajectories=True,
            engine=engine,
            workers=0,
        )
        seconds = process_time() - start
        if not (found["status"] == "ok").all():
            raise RuntimeError(f"points failed: {set(found['reason'].values.tolist())}")
        return Timed(seconds, np.stack([found[name].values for name in READ_OUTS], axis=-1))

    return runs


def batch(job: Job, tolerance: Tolerance, narrow: bool) -> Runs:
    """p53net's batch engine itself, all points in one call; `narrow` for processors that have AVX2
    and no AVX-512."""
    import p53net as pn
    from p53net.engines.base import DosingEvents, Problem, Tolerances
    from p53net.engines.batch import Batch
    from p53net.engines.batch.machine import processor

    target = processor()
    if narrow:
        without = re.sub(r"\+(avx512\w*|evex512|avx10\S*)", r"-\1", target.features)
        target = replace(target, features=without, lanes=min(4, target.lanes))
    engine = Batch(pn.load(*job.medium).definition, Tolerances(*tolerance), target)
    order = [job.species.index(name) for name in engine.states]

    def runs(points: range) -> Timed:
        part, size = slice(points.start, points.stop), len(points)
        settings = dict(zip(job.parameters, job.values[part].T, strict=True))
        starts, nothing = job.starts[part][:, order], DosingEvents.none(size)
        start = process_time()
        found = engine.integrate(Problem(settings, starts, TIMES, READ_OUTS, nothing))
        seconds = process_time() - start
        if found.errors:
            raise RuntimeError(f"points failed: {set(map(str, found.errors.values()))}")
        return Timed(seconds, found.values.transpose(0, 2, 1))

    return runs


def pydiffsol(job: Job, tolerance: Tolerance) -> Runs:
    """diffsol's BDF on code that LLVM made of DiffSL, with dense matrices, which are faster here.

    Its states are concentrations, so its absolute tolerance counts nM, not zmol.
    """
    import pydiffsol as diffsol

    from benchmarks.peers.diffsl import diffsl
    from p53net.model.rates import system_of

    system = system_of(job.sbml)
    solver = diffsol.Ode(
        diffsl(system, job.parameters, READ_OUTS),
        jit_backend=diffsol.llvm,
        matrix_type=diffsol.nalgebra_dense,
        linear_solver=diffsol.lu,
        ode_solver=diffsol.bdf,
    )
    solver.rtol, solver.atol = tolerance
    order = [job.species.index(name) for name in system.states]

    def run(point: int) -> Array:
        inputs = np.concatenate([job.values[point], job.starts[point][order]])
        return np.array(solver.solve_dense(inputs, TIMES).ys).T

    return _loop(run)


def _roadrunner(job: Job, tolerance: Tolerance) -> "RoadRunner":
    import roadrunner

    runner = roadrunner.RoadRunner(job.sbml)
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = tolerance
    runner.integrator.maximum_num_steps = 100_000
    runner.selections = ["time", *READ_OUTS]
    return runner


def _places(runner: "RoadRunner", names: tuple[str, ...]) -> list[int]:
    """Numbers of global parameters, by which RoadRunner sets several at once."""
    known = list(runner.model.getGlobalParameterIds())
    return [known.index(name) for name in names]


def roadrunner(job: Job, tolerance: Tolerance) -> Runs:
    """One compiled model: reset, set, simulate."""
    runner = _roadrunner(job, tolerance)
    places = _places(runner, job.parameters)

    def run(point: int) -> Array:
        runner.resetToOrigin()
        runner.model.setGlobalParameterValues(places, job.values[point])
        runner.model.setFloatingSpeciesConcentrations(job.starts[point])
        return np.array(runner.simulate(0.0, TIMES[-1], len(TIMES)))[:, 1:]

    return _loop(run)


def roadrunner_with_state(job: Job, tolerance: Tolerance) -> Runs:
    """The same, with the cell integrated to its own untreated state before each run."""
    runner = _roadrunner(job, tolerance)
    places = _places(runner, job.parameters)
    dosed = [job.species.index(name) for name in job.medium.values()]

    def prepare(point: int, start: Array) -> None:
        runner.resetToOrigin()
        runner.model.setGlobalParameterValues(places, job.values[point])
        runner.model.setFloatingSpeciesConcentrations(start)

    def run(point: int) -> Array:
        runner.resetToOrigin()
        runner.model.setGlobalParameterValues(places, job.values[point])
        seed = [runner[job.totals[n]] if n in job.totals else 0.0 for n in job.species]
        prepare(point, np.array(seed))
        runner.simulate(0.0, SETTLING, 2)
        state = np.array(runner.model.getFloatingSpeciesConcentrations())
        state[dosed] = job.doses[point]
        prepare(point, state)
        return np.array(runner.simulate(0.0, TIMES[-1], len(TIMES)))[:, 1:]

    return _loop(run)


def tellurium(job: Job, tolerance: Tolerance) -> Runs:
    """The model loaded again for each point, as scripts often do."""
    import tellurium as te

    def run(point: int) -> Array:
        runner = te.loada(job.antimony)
        runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = tolerance
        for name, value in job.settings(point).items():
            runner[name] = value
        for name, value in job.start(point).items():
            runner[f"[{name}]"] = value
        found = runner.simulate(0.0, TIMES[-1], len(TIMES), ["time", *READ_OUTS])
        return np.array(found)[:, 1:]

    return _loop(run)


def basico(job: Job, tolerance: Tolerance) -> Runs:
    """COPASI by the calls of basico; what is the same at every point is set once."""
    import basico

    loaded = basico.load_model_from_string(job.sbml)
    wanted = [f"Values[{name}]" for name in READ_OUTS]
    settings = {"r_tol": tolerance[0], "a_tol": tolerance[1], "use_initial_values": True}
    settings |= {"model": loaded}
    settings |= {"start_time": 0.0, "duration": TIMES[-1], "intervals": len(TIMES) - 1}

    set_at: dict[str, float] = {}

    def run(point: int) -> Array:
        for name, value in job.settings(point).items():
            basico.set_parameters(name, exact=True, initial_value=value, model=loaded)
        for name, value in job.start(point).items():
            if set_at.get(name) != value:
                basico.set_species(name, exact=True, initial_concentration=value, model=loaded)
                set_at[name] = value
        return basico.run_time_course_with_output(wanted, **settings)[wanted].to_numpy()

    return _loop(run)


def copasi(job: Job, tolerance: Tolerance) -> Runs:
    """COPASI's task itself (LSODA), with start values set in its objects.

    The task takes them when it is initialised. The container brings concentrations and amounts in
    line; `updateInitialValues` of the model would compile this anew each time, in 3 ms.
    """
    import COPASI

    loaded = COPASI.CRootContainer.addDatamodel()
    loaded.importSBMLFromString(job.sbml)
    task, model = loaded.getTask("Time-Course"), loaded.getModel()
    task.setMethodType(COPASI.CTaskEnum.Method_deterministic)
    task.getMethod().getParameter("Relative Tolerance").setDblValue(tolerance[0])
    task.getMethod().getParameter("Absolute Tolerance").setDblValue(tolerance[1])
    task.getProblem().setAutomaticStepSize(False)
    task.getProblem().setDuration(TIMES[-1])
    task.getProblem().setStepNumber(len(TIMES) - 1)
    parameters = [model.getModelValue(name) for name in job.parameters]
    species = [model.getMetabolite(name) for name in job.species]
    per_nanomolar = model.getQuantity2NumberFactor()
    molecules = [per_nanomolar * one.getCompartment().getInitialValue() for one in species]
    container, kind = model.getMathContainer(), COPASI.CCore.Framework_ParticleNumbers
    columns: list[int] = []

    def run(point: int) -> Array:
        for one, value in zip(parameters, job.values[point].tolist(), strict=True):
            one.setInitialValue(value)
        for one, value in zip(species, (job.starts[point] * molecules).tolist(), strict=True):
            one.setInitialValue(value)
        container.fetchInitialState()
        container.updateInitialValues(kind)
        container.pushInitialState()
        task.initializeRaw(COPASI.CCopasiTask.OUTPUT_UI)
        if not task.processRaw(True):
            raise RuntimeError("COPASI did not reach the end")
        task.restore()
        series = task.getTimeSeries()
        if not columns:
            names = [series.getSBMLId(i, loaded) for i in range(series.getNumVariables())]
            columns.extend(names.index(name) for name in READ_OUTS)
        rows, read = range(len(TIMES)), series.getConcentrationData
        return np.array([[read(row, column) for column in columns] for row in rows])

    return _loop(run)


@cache
def _amici_module(sbml: str) -> Any:  # noqa: ANN401 - a module that AMICI writes
    """The model as C++ that AMICI has compiled, with the read-outs as its observables."""
    from amici import MeasurementChannel, SbmlImporter, import_model_module

    name, path = "p53net_benchmark", os.environ.get("PATH", "")
    # SWIG must be the one that AMICI was installed with, not another of the system
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    read_outs = [MeasurementChannel(f"read_{one}", formula=one) for one in READ_OUTS]
    try:
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            SbmlImporter(sbml, from_file=False).sbml2amici(
                name, folder, observation_model=read_outs, generate_sensitivity_code=False
            )
            return import_model_module(name, folder)
    finally:
        os.environ["PATH"] = path


def amici(job: Job, tolerance: Tolerance) -> Runs:
    """CVODES by AMICI, without sensitivities.

    Its states are concentrations here, so its absolute tolerance counts nM, not zmol.
    """
    from amici.sim.sundials import AMICI_SUCCESS, RDataReporting, run_simulation

    model = _amici_module(job.sbml).get_model()
    model.set_timepoints(TIMES)
    # otherwise each time point costs a copy of all sensitivities, though none are asked for
    model.set_parameter_list([])
    known = model.get_free_parameter_ids()
    places = [known.index(name) for name in job.parameters]
    constants = np.array(model.get_free_parameters())
    order = [job.species.index(name) for name in model.get_state_ids()]
    solver = model.create_solver()
    solver.set_relative_tolerance(tolerance[0])
    solver.set_absolute_tolerance(tolerance[1])
    solver.set_max_steps(100_000)
    solver.set_return_data_reporting_mode(RDataReporting.observables_likelihood)

    def run(point: int) -> Array:
        constants[places] = job.values[point]
        model.set_free_parameters(constants)
        model.set_initial_state(job.starts[point][order])
        found = run_simulation(model, solver)
        if found.status != AMICI_SUCCESS:
            raise RuntimeError("AMICI did not reach the end")
        return np.array(found.y)

    return _loop(run)


class _Generated(NamedTuple):
    """The model as functions that Numba has compiled."""

    parameters: list[str]
    constants: Array
    """Their values in the file."""
    states: list[str]
    volumes: Array
    """A state's amount over its concentration."""
    rates: Any
    """Writes rates of change: `rates(time, amounts, change, constants)`."""
    read: Any
    """Writes the read-outs of each row of amounts: `read(rows, out, constants)`."""


def _generated(job: Job) -> _Generated:
    """Rates and read-outs in the words of `generated.py`, in a form that Numba compiles."""
    import numba

    from tests.support.generated import System, balance

    system = System(job.sbml)
    one = [f"s_{system.model.getSpecies(n).getCompartment()}" for n in system.states]
    source = "\n".join(
        [
            "def rates(t, a, out, c):",
            *_lines(
                system, [balance(system.model, system.model.getSpecies(n)) for n in system.states]
            ),
            "",
            "def row(t, a, out, c):",
            *_lines(system, [f"s_{name}" for name in READ_OUTS]),
        ]
    )
    space: dict[str, Any] = {"power": numba.njit(_power)}
    exec(source, space)  # noqa: S102 - written by the line above
    rates, row = numba.njit(space["rates"]), numba.njit(space["row"])

    @numba.njit
    def read(rows: Array, out: Array, constants: Array) -> None:
        for i in range(len(rows)):
            row(0.0, rows[i], out[i], constants)

    constants = np.array(system.held)
    return _Generated(
        system.parameters, constants, system.states, np.array(system.at_start(one)), rates, read
    )


def _lines(system: "System", wanted: list[str]) -> list[str]:
    """The body of a function that writes the wanted expressions of `a` and `c` to `out`."""
    used = {name: set(re.findall(r"\bs_(\w+)", text)) for name, text in system.running.items()}
    used = {name: needs & system.running.keys() for name, needs in used.items()}
    needed, new = set[str](), set(re.findall(r"\bs_(\w+)", " ".join(wanted)))
    while new := new & system.running.keys() - needed:
        needed |= new
        new = set().union(*(used[name] for name in new))
    order = [name for name in TopologicalSorter(used).static_order() if name in needed]
    lines = [f"s_{name} = c[{i}]" for i, name in enumerate(system.parameters)]
    lines += [f"a_{name} = a[{i}]" for i, name in enumerate(system.states)]
    lines += [f"s_{name} = {system.running[name]}" for name in order]
    lines += [f"out[{i}] = {text}" for i, text in enumerate(wanted)]
    return [f"    {line}" for line in lines]


def _power(base: float, exponent: float) -> float:
    """Power; where it is not real, because a solver tries states just below 0, it is 0."""
    return 0.0 if base < 0.0 and exponent != np.floor(exponent) else base**exponent


def _with_rates(job: Job, solver: Callable[[_Generated], Callable[[Array, Array], Array]]) -> Runs:
    """What SciPy and numbalsoda share: `solver` makes a function of start amounts and constants."""
    code = _generated(job)
    solve = solver(code)
    places = [code.parameters.index(name) for name in job.parameters]
    order = [job.species.index(name) for name in code.states]
    constants = code.constants.copy()

    def run(point: int) -> Array:
        constants[places] = job.values[point]
        rows = solve(job.starts[point][order] * code.volumes, constants)
        found = np.empty((len(TIMES), len(READ_OUTS)))
        code.read(rows, found, constants)
        return found

    return _loop(run)


def scipy(job: Job, tolerance: Tolerance) -> Runs:
    """LSODA by `odeint`, which is faster here than `solve_ivp`, with rates that Numba compiled."""
    from scipy.integrate import odeint

    def solver(code: _Generated) -> Callable[[Array, Array], Array]:
        rates, change = code.rates, np.empty(len(code.states))

        def slope(time: float, amounts: Array, constants: Array) -> Array:
            rates(time, amounts, change, constants)
            return change

        settings = {"rtol": tolerance[0], "atol": tolerance[1], "mxstep": 100_000, "tfirst": True}
        return lambda amounts, constants: odeint(slope, amounts, TIMES, (constants,), **settings)

    return _with_rates(job, solver)


def numbalsoda(job: Job, tolerance: Tolerance) -> Runs:
    """LSODA without Python in its loop, on the same rates."""
    import numba
    from numbalsoda import lsoda, lsoda_sig

    def solver(code: _Generated) -> Callable[[Array, Array], Array]:
        rates, states, held = code.rates, len(code.states), len(code.parameters)

        @numba.cfunc(lsoda_sig)
        def slope(time, amounts, change, constants):  # noqa: ANN001, ANN202 - typed by lsoda_sig
            rates(
                time,
                numba.carray(amounts, (states,)),
                numba.carray(change, (states,)),
                numba.carray(constants, (held,)),
            )

        def solve(amounts: Array, constants: Array) -> Array:
            rows, good = lsoda(
                slope.address, amounts, TIMES, constants, tolerance[0], tolerance[1], 100_000
            )
            if not good:
                raise RuntimeError("numbalsoda did not reach the end")
            return rows

        solve.keeps = slope  # type: ignore[attr-defined]  # its address must stay valid
        return solve

    return _with_rates(job, solver)
