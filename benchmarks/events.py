"""`python -m benchmarks.events`: runs with events, against a loop of libRoadRunner by hand.

A growing cell halves its mass when it is large enough, which a state triggers, and is fed at times
that parameters decide; 200 sets of four parameters, 145 times. CPU time, both in one process, in
turn; nominal tolerances are the same. With 1,000 sets as well, for what a moment costs is shared by
all runs that are at one.
"""

import tempfile
from pathlib import Path
from time import process_time

import antimony
import numpy as np
import roadrunner

import p53net as pn
from p53net.engines.base import DosingEvents, FloatArray, Problem, Tolerances

CELL = """
model cell
  compartment c = 1
  species A in c, B in c, C in c, N in c
  A = 1; B = 0.3; C = 0.1; N = 5; mass = 1; divisions = 0; meals = 0
  growth = 0.25; large = 2; k = 3; every = 7
  mass' = growth*mass*N/(1 + N)
  Feed: N -> ; 0.1*N
  A1: -> A; k/(1 + C^4)
  A2: A -> ; A
  B1: -> B; k/(1 + A^4)
  B2: B -> ; B
  C1: -> C; k*mass/(1 + B^4)
  C2: C -> ; C
  Divide: at mass > large: mass = mass/2, A = 0.9*A, divisions = divisions + 1
  Meal: at time > every*(1 + meals): N = N + 5, meals = meals + 1
end
"""
SIZES, END, ROWS = (200, 1000), 72.0, 145
OUTPUTS = ("A", "B", "C", "N", "mass", "divisions")
RELATIVE, ABSOLUTE = 1e-6, 1e-12


def sets(size: int) -> dict[str, FloatArray]:
    """Parameters of all runs."""
    chance = np.random.default_rng(1)
    usual = {"growth": 0.25, "large": 2.0, "k": 3.0, "every": 7.0}
    return {name: value * 1.5 ** chance.uniform(-1, 1, size) for name, value in usual.items()}


def by_batch(model: pn.Model, columns: dict[str, FloatArray], times: FloatArray) -> FloatArray:
    """Run, output, time."""
    engine = model.runner("batch").engine
    size = len(columns["k"])
    start = {"A": 1.0, "B": 0.3, "C": 0.1, "N": 5.0, "mass": 1.0}
    starts = np.tile([start[name] for name in engine.states], (size, 1))
    tolerances = Tolerances(RELATIVE, ABSOLUTE)
    problem = Problem(columns, starts, times, OUTPUTS, DosingEvents.none(size), tolerances)
    return engine.integrate(problem).values


def by_hand(sbml: str) -> roadrunner.RoadRunner:
    """libRoadRunner with the same tolerances."""
    runner = roadrunner.RoadRunner(sbml)
    runner.integrator.relative_tolerance = RELATIVE
    runner.integrator.absolute_tolerance = ABSOLUTE
    runner.timeCourseSelections = [f"[{name}]" if name in "ABCN" else name for name in OUTPUTS]
    return runner


def by_loop(
    runner: roadrunner.RoadRunner, columns: dict[str, FloatArray], times: FloatArray
) -> FloatArray:
    """The same runs, one after the other."""
    found = np.empty((len(columns["k"]), len(OUTPUTS), len(times)))
    for i in range(len(found)):
        runner.resetToOrigin()
        for name, values in columns.items():
            runner[name] = values[i]
        found[i] = np.asarray(runner.simulate(0.0, times[-1], len(times))).T
    return found


def main() -> None:
    """Print CPU times, their ratio, how many events there are and how far the two are apart."""
    antimony.clearPreviousLoads()
    antimony.loadAntimonyString(CELL)
    sbml = antimony.getSBMLString("cell")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cell.xml")
        path.write_text(sbml, encoding="utf-8")
        model = pn.read_sbml(path)
    runner, times = by_hand(sbml), np.linspace(0.0, END, ROWS)
    by_batch(model, sets(8), times)  # compiles
    for size in SIZES:
        print(size, "sets:", compared(model, runner, sets(size), times))


def compared(
    model: pn.Model,
    runner: roadrunner.RoadRunner,
    columns: dict[str, FloatArray],
    times: FloatArray,
) -> str:
    """What to say of both."""
    seconds: dict[str, list[float]] = {"batch": [], "loop": []}
    for _ in range(3):
        begun = process_time()
        ours = by_batch(model, columns, times)
        middle = process_time()
        theirs = by_loop(runner, columns, times)
        seconds["batch"].append(middle - begun)
        seconds["loop"].append(process_time() - middle)
    batch, loop = (min(seconds[name]) / len(ours) * 1e3 for name in ("batch", "loop"))
    apart = np.median(np.abs(ours - theirs) / np.abs(theirs).max(axis=2, keepdims=True))
    return (
        f"batch {batch:.3f} ms a run, loop {loop:.3f} ms, {loop / batch:.1f} times; "
        f"{ours[:, -1, -1].mean():.1f} divisions a run; "
        f"median difference {apart:.1e} of the peak"
    )


if __name__ == "__main__":
    main()
