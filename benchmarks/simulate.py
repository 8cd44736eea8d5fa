"""Error and time of one run, on p53net and on other engines, as Markdown for the docs.

`python -m benchmarks.simulate` from the repository root, on a quiet machine, takes 20 seconds.
The run: milademetan at a constant 1000 nM, 72 h, 145 points, every species and read-out. COPASI and
SciPy run the SBML of `Model.sbml`. Absolute tolerances are 1/1000 of the relative ones. What an
engine does once for a model is not timed. The engines take turns, in random order.
"""

import os
import platform
import sys
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from subprocess import check_output
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from scipy.integrate import odeint

import p53net as pn
from p53net.dosing.medium import same_courses
from p53net.engines.base import Problem, Tolerances
from p53net.simulation.inputs import checked_doses

Columns = Mapping[str, Any]  # one array for each species and read-out
Engine = tuple[Callable[[], Any], Callable[[Any], Columns]]  # what is timed; what reads its result
Key = tuple[str, float]  # name and relative tolerance of an engine

TIMES = np.linspace(0.0, 72.0, 145)
DOSES = {"milademetan": 1000.0}
USUAL: Key = ("p53net, `simulate`", Tolerances().relative)
ROUNDS = 60
ABSENT = 1e-9  # nM: a species that stays below has no relative error (here: no DNA damage)


def p53net(model: pn.Model, tolerance: float) -> tuple[Engine, Engine]:
    """The call of a user, and the call of the engine within it."""
    model = pn.Model(model.definition, Tolerances(tolerance, tolerance / 1000))
    doses, names = checked_doses(model.definition, DOSES), model.definition.variables
    runner = model.runner("roadrunner")
    begun = runner.begin(same_courses(doses), {})
    problem = Problem(begun.parameters, begun.starts, TIMES, names, begun.events)
    bare = partial(runner.engine.integrate, problem)
    whole = partial(model.simulate, TIMES, DOSES, engine="roadrunner")
    return (whole, dict), (bare, lambda runs: dict(zip(names, runs.values[0], strict=True)))


def copasi(path: Path, tolerance: float) -> Engine:
    """COPASI's time course task (LSODA); its last digits differ between loads of one file."""
    import COPASI

    loaded = COPASI.CRootContainer.addDatamodel()
    loaded.importSBML(str(path))
    task = loaded.getTask("Time-Course")
    task.setMethodType(COPASI.CTaskEnum.Method_deterministic)
    task.getMethod().getParameter("Relative Tolerance").setDblValue(tolerance)
    task.getMethod().getParameter("Absolute Tolerance").setDblValue(tolerance / 1000)
    task.getProblem().setAutomaticStepSize(False)
    task.getProblem().setDuration(TIMES[-1])
    task.getProblem().setStepNumber(len(TIMES) - 1)
    task.initializeRaw(COPASI.CCopasiTask.OUTPUT_UI)

    def read(_: bool) -> Columns:
        table, rows = task.getTimeSeries(), range(task.getTimeSeries().getRecordedSteps())
        return {
            table.getSBMLId(i, loaded): np.array([table.getConcentrationData(j, i) for j in rows])
            for i in range(1, table.getNumVariables())
        }

    return partial(task.processRaw, True), read


def scipy(path: Path, tolerance: float) -> Engine:
    """LSODA with rates and read-outs in Python, by `odeint`: `solve_ivp` is slower here."""
    from tests.support.generated import System

    system = System(path.read_text())
    settings = {"rtol": tolerance, "atol": tolerance / 1000, "mxstep": 100_000, "tfirst": True}

    def rates(time: float, amounts: np.ndarray) -> list[float]:
        return system.rates(time, amounts.tolist(), system.held)

    def run() -> Columns:
        states = odeint(rates, system.amounts, TIMES, **settings).tolist()
        rows = [system.show(0.0, state, system.held) for state in states]
        return dict(zip(system.outputs, np.array(rows).T, strict=True))

    return run, dict


def error(found: Columns, reference: Columns) -> float:
    """Largest difference of any species, as a fraction of the largest value it takes."""
    seen = {name: x for name, x in reference.items() if x.max() > ABSENT}
    return float(np.max([abs(found[name] - x).max() / x.max() for name, x in seen.items()]))


def milliseconds(engines: Mapping[Key, Engine]) -> dict[Key, list[float]]:
    """Times of all runs, with the engines taking turns."""
    times: dict[Key, list[float]] = {key: [] for key in engines}
    for number in range(ROUNDS):
        for i in np.random.default_rng(number).permutation(len(engines)):
            key, start = list(engines)[i], perf_counter()
            engines[key][0]()
            times[key].append(1e3 * (perf_counter() - start))
    return times


def main() -> None:
    """Measure, and print the table."""
    from tests.support.generated import scipy_solution

    model, engines, has_copasi = pn.load(*DOSES), dict[Key, Engine](), find_spec("COPASI")
    with TemporaryDirectory() as folder:
        path = Path(folder, "run.xml")
        path.write_text(model.sbml(DOSES))
        second = scipy_solution(path.read_text(), TIMES, rtol=1e-12, method="Radau")
        for tol in sorted({1e-6, 1e-9, USUAL[1]}, reverse=True):
            engines[USUAL[0], tol], engines["p53net, engine call", tol] = p53net(model, tol)
            engines |= {("COPASI, task", tol): copasi(path, tol)} if has_copasi else {}
            engines["SciPy LSODA, Python rates", tol] = scipy(path, tol)
    run, read = p53net(model, 1e-12)[1]
    first = {n: x for n, x in read(run()).items() if n in model.definition.species}
    errors = {key: error(read(run()), first) for key, (run, read) in engines.items()}
    times = milliseconds(engines)  # after the line above warmed up

    info = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    cpu = info.partition("model name\t: ")[2].partition("\n")[0] or platform.processor()
    packages = ["p53net", "libroadrunner", "numpy", "scipy", *["python-copasi"] * bool(has_copasi)]
    print(f"{date.today()}, {cpu}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(", ".join(f"{name} {version(name)}" for name in packages) + f"; {ROUNDS} runs each.\n")
    print(
        "| engine | tolerance | error | median [ms] | minimum [ms] | time over default `simulate` |"
    )
    print("|---" * 6 + "|")
    for (name, tol), runs in times.items():
        ratio = np.median(runs) / np.median(times[USUAL])
        cells = f"{errors[name, tol]:.0e} | {np.median(runs):.1f} | {min(runs):.1f} | {ratio:.1f}"
        print(f"| {name} | {tol:.0e} | {cells} |")
    print(f"\nError: largest of any species above {ABSENT:g} nM, as a fraction of its peak, from")
    print(f"p53net at 1e-12. SciPy's Radau at 1e-12 is {error(second, first):.0e} from that.")
    calls = [check_output([sys.executable, "-m", "benchmarks.first_calls"]) for _ in range(5)]
    once = np.median([[float(x) for x in line.split()] for line in calls], axis=0)
    print(f"First calls in a new process: `import p53net` {once[0]:.2f} s, load and compile")
    print(f"{once[1]:.2f} s, untreated steady state {once[2]:.3f} s (medians of {len(calls)}).")
    print("" if has_copasi else "Not installed, so left out: python-copasi.")


if __name__ == "__main__":
    main()
