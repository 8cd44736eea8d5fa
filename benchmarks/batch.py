"""The batch engine against species, sets and output points; its compile time; a million sets.

`python -m benchmarks.batch` from the repository root, on a quiet machine, takes 3 minutes, and
`python -m benchmarks.batch --million` 6. Models are those of this package and chains of 5 to 150
species, written for it. Runs are of 72 h on one thread, from start values that are given, and
each set has other parameters, spread to a third and three times their values. RoadRunner runs the
first sets one after the other, in a loop by hand. A model is compiled in a process of its own.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import TYPE_CHECKING, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

import p53net as pn
from benchmarks.peers.child import Child
from benchmarks.peers.job import DRUGS, READ_OUTS, Array
from benchmarks.scaling import MODELS
from benchmarks.sweep import COLOURS, CORE, DOSES, FACTOR, LOOSE, OWN, Tolerance, machine, write
from p53net.engines.base import DosingEvents, Problem, Tolerances
from p53net.figures.style import STYLE, WIDE, headline

if TYPE_CHECKING:
    import xarray as xr

LENGTHS = (5, 10, 20, 40, 80, 150)  # species of a chain
SETS = (1, 10, 100, 1_000, 10_000, 100_000)
TIMES = (2, 10, 50, 145, 500, 2_000)
USUAL_SETS, USUAL_TIMES = 2_000, 145
HOURS = 72.0
DOSE = 10.0  # nM of each drug
BLOCK = 4_000  # sets in a call, as in a sweep
MILLION = 1_000_000
MEASURES = ("peak:p53_active", "auc:MDM2_total")
RUNS = 50  # of RoadRunner
BETWEEN = 0.05  # s between two looks at the memory of processes


Case = tuple[str, ...] | int
"""A model: that of this package with these drugs, or a chain of so many species."""
Sizes = tuple[int, int]
"""Sets and output times."""


class Cost(NamedTuple):
    """What one model took."""

    species: int
    reactions: int
    cold: float
    """Seconds of the first call in a new process, with nothing kept on disk."""
    warm: float
    """The same with the code on disk."""
    seconds: dict[Sizes, float]
    """Of all sets, once the code is ready."""
    steps: float
    """Mean of a set."""
    roadrunner: dict[int, float]
    """Seconds of one run in RoadRunner, for each number of times."""
    difference: float
    """Largest difference of a read-out from RoadRunner's, as a fraction of its peak."""


def name_of(case: Case) -> str:
    """What the tables call a model."""
    return f"chain of {case}" if isinstance(case, int) else " + ".join(case) or "no drug"


def chain(length: int) -> str:
    """SBML of a cascade: conversions that go back and forth, and production by Hill functions.

    The last species slows the production of the first a little.
    """
    import antimony

    draw = np.random.default_rng(1)
    lines = ["model chain", "compartment cell = 1"]
    lines += [f"species S{i} in cell = 1" for i in range(1, length + 1)]
    lines += ["K = 2; n = 3", f"k_0 = 10; => S1; k_0*(0.5 + 0.5/(1 + S{length}/K))"]
    for i in range(1, length + 1):
        decay, rate, back = (10 ** draw.uniform((-0.5, 1.0, 0.0), (0.5, 2.0, 1.0))).tolist()
        lines.append(f"d_{i} = {decay!r}; S{i} => ; d_{i}*S{i}")
        if i == length:
            break
        if i % 2:
            lines.append(f"k_{i} = {rate!r}; b_{i} = {back!r}")
            lines.append(f"S{i} => S{i + 1}; k_{i}*S{i} - b_{i}*S{i + 1}")
        else:
            lines.append(f"k_{i} = {rate!r}; => S{i + 1}; 0.1 + k_{i}*S{i}^n/(K^n + S{i}^n)")
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString("\n".join([*lines, "end"])) < 0:
        raise RuntimeError(antimony.getLastError())
    return str(antimony.getSBMLString())


class Prepared:
    """A model with what its sets differ in and start from."""

    def __init__(self, case: Case, folder: str) -> None:
        os.environ["P53NET_CACHE"] = folder
        if isinstance(case, int):
            with TemporaryDirectory() as place:
                file = Path(place, "chain.xml")
                file.write_text(chain(case))
                self.model = pn.read_sbml(file)
            self.varied = tuple(f"k_{i}" for i in range(case))
            self.read_outs: tuple[str, ...] = ("S1", f"S{case}")
            self.start = dict.fromkeys(self.model.definition.species, 1.0)
        else:
            self.model, self.varied, self.read_outs = pn.load(*case), CORE, READ_OUTS
            runner = self.model.runner("roadrunner")
            state = runner.resting.of({}, 1, ()).states[0]
            self.start = dict(zip(runner.engine.states, state.tolist(), strict=True))
            drugs = self.model.definition.drugs
            self.start |= {f"{drugs[drug]}_medium": DOSE for drug in case}

    def values(self, sets: int) -> Array:
        """A row of parameters for each set."""
        known = self.model.definition.parameters
        middle = np.array([known[name].value for name in self.varied])
        draws = np.random.default_rng(1).uniform(-1.0, 1.0, (sets, len(middle)))
        return middle * FACTOR**draws

    def first(self) -> float:
        """Seconds of a call with one set, whatever must be made ready for it."""
        start = perf_counter()
        self.run(self.values(1), USUAL_TIMES)
        return perf_counter() - start

    def run(self, values: Array, times: int) -> tuple[Array, float]:
        """Curves (set, read-out, time) of the batch engine and the mean of its steps."""
        engine, size = self.model.runner("batch").engine, len(values)
        found = engine.integrate(
            Problem(
                dict(zip(self.varied, values.T, strict=True)),
                np.tile([self.start[name] for name in engine.states], (size, 1)),
                np.linspace(0.0, HOURS, times),
                self.read_outs,
                DosingEvents.none(size),
            )
        )
        if found.errors:
            raise RuntimeError(f"{len(found.errors)} sets failed: {found.errors}")
        return found.values, float(found.steps.mean())

    def in_blocks(self, values: Array, times: int) -> None:
        """The same for many sets, without keeping the curves."""
        for first in range(0, len(values), BLOCK):
            self.run(values[first : first + BLOCK], times)

    def by_roadrunner(self, values: Array, times: int) -> tuple[Array, float]:
        """Curves of RoadRunner, and seconds of a run; its first run is not counted."""
        import roadrunner

        runner, tolerances = (
            roadrunner.RoadRunner(self.model.definition.sbml),
            self.model.tolerances,
        )
        runner.integrator.relative_tolerance = tolerances.relative
        runner.integrator.absolute_tolerance = tolerances.absolute
        runner.integrator.maximum_num_steps = 100_000
        rules = set(self.model.definition.derived)
        runner.selections = [one if one in rules else f"[{one}]" for one in self.read_outs]
        known = list(runner.model.getGlobalParameterIds())
        places = [known.index(name) for name in self.varied]
        state = np.array([self.start[name] for name in runner.model.getFloatingSpeciesIds()])

        def run(row: Array) -> Array:
            runner.resetToOrigin()
            runner.model.setGlobalParameterValues(places, row)
            runner.model.setFloatingSpeciesConcentrations(state)
            return np.array(runner.simulate(0.0, HOURS, times)).T

        run(values[0])
        start = perf_counter()
        curves = [run(row) for row in values]
        return np.array(curves), (perf_counter() - start) / len(values)


def cold(case: Case, folder: str) -> float:
    """Seconds of the first call of all."""
    return Prepared(case, folder).first()


def measured(
    case: Case, folder: str, sizes: Sequence[Sizes], runs: int
) -> tuple[int, int, float, dict[Sizes, float], float, dict[int, float], float]:
    """The fields of a Cost without `cold`; RoadRunner does so many runs."""
    import libsbml

    prepared = Prepared(case, folder)
    warm = prepared.first()
    document = libsbml.readSBMLFromString(prepared.model.definition.sbml)
    seconds = {}
    for sets, times in sizes:
        values = prepared.values(sets)
        seconds[sets, times] = median_seconds(partial(prepared.in_blocks, values, times))
    values = prepared.values(runs)
    by_roadrunner = {}
    for times in dict.fromkeys([*(times for _, times in sizes), USUAL_TIMES]):
        expected, by_roadrunner[times] = prepared.by_roadrunner(values, times)
    curves, _ = prepared.run(values, times)
    _, steps = prepared.run(prepared.values(sizes[0][0]), USUAL_TIMES)
    wrong = np.abs(curves - expected) / expected.max(axis=2, keepdims=True)
    species = len(prepared.model.definition.species)
    reactions = document.getModel().getNumReactions()
    return species, reactions, warm, seconds, steps, by_roadrunner, float(wrong.max())


def median_seconds(run: Callable[[], None], least: float = 1.0, most: int = 30) -> float:
    """Of so many repetitions, or fewer if they take longer than `least` seconds; at least 3."""
    run()
    took: list[float] = []
    while len(took) < 3 or (sum(took) < least and len(took) < most):
        start = perf_counter()
        run()
        took.append(perf_counter() - start)
        if took[-1] > 5 * least:
            break
    return float(np.median(took))


def cost(case: Case, sizes: Sequence[Sizes], runs: int) -> Cost:
    """One model, first without and then with its code on disk, each in a new process."""
    with TemporaryDirectory() as folder:
        with Child() as child:
            first, _ = child.call("benchmarks.batch", "cold", case, folder)
        with Child() as child:
            answer, _ = child.call("benchmarks.batch", "measured", case, folder, sizes, runs)
    print(name_of(case), answer, file=sys.stderr)
    species, reactions, warm, *others = answer
    return Cost(species, reactions, first, warm, *others)


def per_run(cost: Cost, sizes: Sizes) -> float:
    """Milliseconds of a run, once the code is ready."""
    return 1e3 * cost.seconds[sizes] / sizes[0]


def species_table(costs: Mapping[Case, Cost], sizes: Sizes) -> Iterator[str]:
    """Lines of Markdown: one model a line."""
    titles = "model", "species", "reactions", "compile [s]", "from disk [s]", "steps", "run [ms]"
    titles += "RoadRunner's run [ms]", "times faster", "largest difference"
    yield from _head(titles)
    for case, took in sorted(costs.items(), key=lambda pair: pair[1].species):
        mine, other = per_run(took, sizes), 1e3 * took.roadrunner[sizes[1]]
        cells = f"{name_of(case)} | {took.species} | {took.reactions} | {took.cold:.2f} | "
        cells += f"{took.warm:.2f} | {took.steps:.0f} | {mine:.3g} | {other:.3g} | "
        yield f"| {cells}{other / mine:.0f} | {took.difference:.0e} |"


def sets_table(took: Cost, sizes: Sequence[Sizes]) -> Iterator[str]:
    """Lines of Markdown: one number of sets a line."""
    titles = "sets", "time, code ready [s]", "runs per second", "with code from disk"
    yield from _head([*titles, "with compiling"])
    for one in sizes:
        ready, number = took.seconds[one], one[0]
        rates = [number / (ready + before) for before in (0.0, took.warm, took.cold)]
        yield f"| {number:,} | {ready:.3g} | " + " | ".join(f"{r:,.3g}" for r in rates) + " |"


def times_table(took: Cost, sizes: Sequence[Sizes]) -> Iterator[str]:
    """Lines of Markdown: one number of output times a line."""
    yield from _head(["output times", "run [ms]", "RoadRunner's run [ms]", "times faster"])
    for one in sizes:
        mine, other = per_run(took, one), 1e3 * took.roadrunner[one[1]]
        yield f"| {one[1]:,} | {mine:.3g} | {other:.3g} | {other / mine:.0f} |"


def _head(titles: Sequence[str]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"


@mpl.rc_context(STYLE)
def panels(
    costs: Mapping[Case, Cost], usual: Sizes, sets: Sequence[Sizes], times: Sequence[Sizes]
) -> Figure:
    """Time of a run over species, runs per second over sets, time of a run over output times."""
    figure = Figure(figsize=(WIDE, 3.3), layout="constrained")
    axes: Sequence[Axes] = figure.subplots(1, 3)
    took = costs[DRUGS]
    for kind, marker, name in ((int, "o", "chains"), (tuple, "s", "models of this package")):
        group = sorted((c.species, c) for case, c in costs.items() if isinstance(case, kind))
        x, line = [species for species, _ in group], "-" if kind is int else ""
        styles = {"marker": marker, "linestyle": line, "markersize": 3.0}
        other = [1e3 * one.roadrunner[usual[1]] for _, one in group]
        mine = [per_run(one, usual) for _, one in group]
        axes[0].plot(x, other, color=COLOURS[1], label=f"RoadRunner, {name}", **styles)
        axes[0].plot(x, mine, color=COLOURS[0], label=f"batch engine, {name}", **styles)
    axes[0].set_xlabel("species of the model")
    axes[0].set_ylabel("time of a run [ms]")

    x = [one[0] for one in sets]
    for before, said, colour, marker, line in (
        (0.0, "code ready", COLOURS[0], "o", "-"),
        (took.warm, f"and {took.warm:.1f} s, code from disk", COLOURS[2], "s", "--"),
        (took.cold, f"and {took.cold:.1f} s, compiling", COLOURS[3], "^", ":"),
    ):
        y = [one[0] / (took.seconds[one] + before) for one in sets]
        axes[1].plot(x, y, color=colour, marker=marker, linestyle=line, label=said, markersize=3.0)
    rate = 1.0 / took.roadrunner[USUAL_TIMES]
    axes[1].axhline(rate, color=COLOURS[1], label="RoadRunner, one by one")
    axes[1].set_xlabel("parameter sets")
    axes[1].set_ylabel("runs per second [1/s]")

    x = [one[1] for one in times]
    other = [1e3 * took.roadrunner[number] for number in x]
    axes[2].plot(x, other, color=COLOURS[1], marker="s", label="RoadRunner", markersize=3.0)
    mine = [per_run(took, one) for one in times]
    axes[2].plot(x, mine, color=COLOURS[0], marker="o", label="batch engine", markersize=3.0)
    axes[2].set_xlabel("output times of a run")
    axes[2].set_ylabel("time of a run [ms]")
    for letter, one in zip("abc", axes, strict=True):
        one.set(xscale="log", yscale="log")
        one.set_title(f"({letter})", loc="left")
        one.yaxis.set_major_formatter("{x:g}")
        one.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    axes[0].set_xticks(LENGTHS, [str(length) for length in LENGTHS])
    headline(figure, "What a run costs: by size of the model, by number of sets, by output times")
    axes[2].set_xticks(TIMES, [f"{number:,}" for number in TIMES])
    for one in (axes[0], axes[2]):
        one.xaxis.set_minor_locator(NullLocator())
    return figure


def million(points: int, relative: float, absolute: float) -> tuple[float, dict[str, int], int]:
    """Seconds of a sweep in this process, its statuses, and how many points RoadRunner ran."""
    model = pn.Model(pn.load(*DRUGS).definition, Tolerances(relative, absolute))
    axes = {name: pn.log_uniform(low, high) for name, (low, high) in bounds().items()}
    start = perf_counter()
    found = pn.sweep(
        model,
        axes,
        points=points,
        design="sobol",
        times=np.linspace(0.0, HOURS, USUAL_TIMES),
        measures=MEASURES,
        engine="batch",
    )
    return perf_counter() - start, *_statuses(found)


def bounds() -> dict[str, tuple[float, float]]:
    """The eight axes: a third to three times the parameters of the core, and the doses [nM]."""
    known = pn.load(*DRUGS).definition.parameters
    middle = {name: known[name].value for name in CORE} | dict(zip(DRUGS, DOSES, strict=True))
    return {n: (_rounded(value / FACTOR), _rounded(value * FACTOR)) for n, value in middle.items()}


def _rounded(value: float) -> float:
    """As one would write it."""
    return float(f"{value:.3g}")


def stored(folder: str) -> tuple[dict[str, int], int]:
    """Statuses in the folder of a sweep, and how many points RoadRunner ran."""
    return _statuses(pn.read_sweep(folder))


def _statuses(found: "xr.Dataset") -> tuple[dict[str, int], int]:
    statuses, counts = np.unique(found["status"].values.astype(str), return_counts=True)
    by_roadrunner = int(np.char.startswith(found["reason"].values.astype(str), "by ").sum())
    return dict(zip(statuses.tolist(), counts.tolist(), strict=True)), by_roadrunner


def command(points: int, folder: str) -> list[str]:
    """The same sweep from the command line, at the default tolerances, into a folder."""
    words = ["p53net", "sweep", *DRUGS]
    for name, (low, high) in bounds().items():
        words += ["--vary", f"{name}={low:g}:{high:g}:log"]
    for measure in MEASURES:
        words += ["--measure", measure]
    words += ["--points", str(points), "--design", "sobol", "--hours", f"{HOURS:g}"]
    return [*words, "--times", str(USUAL_TIMES), "--engine", "batch", "--out", folder]


def watched(words: Sequence[str]) -> tuple[float, float]:
    """Seconds of a command, and the peak of the memory of all its processes together [MiB]."""
    import psutil

    start, peak = perf_counter(), 0
    with subprocess.Popen(  # noqa: S603 - our own command
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        tree = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                each = [tree, *tree.children(recursive=True)]
                peak = max(peak, sum(one.memory_info().rss for one in each))
            sleep(BETWEEN)
        seconds = perf_counter() - start
        if process.returncode:
            raise RuntimeError(process.stderr.read().decode() if process.stderr else "")
    return seconds, peak / 2**20


def million_text(points: int) -> Iterator[str]:
    """What `--million` prints."""
    yield from _head(
        ["how", "tolerance", "time [s]", "runs per second", "memory [MiB]", "statuses"]
    )
    for tolerance in (OWN, LOOSE):
        with Child() as child:
            answer, memory = child.call("benchmarks.batch", "million", points, *tolerance)
        seconds, *said = answer
        yield _million_row("`pn.sweep`, one process", tolerance, points, seconds, memory, *said)
    with TemporaryDirectory() as place:
        folder = str(Path(place, "sweep"))
        run = command(points, folder)
        seconds, memory = watched([sys.executable, "-m", *run])
        with Child() as child:
            said, _ = child.call("benchmarks.batch", "stored", folder)
    yield _million_row("`p53net sweep`, stored", OWN, points, seconds, memory, *said)
    yield f"\n{points:,} sets, {len(bounds())} axes in a Sobol design, {HOURS:g} h, {USUAL_TIMES}"
    yield f"times, measures {' and '.join(MEASURES)}; each point finds its own untreated state."
    yield "Time: all of the call or command, with what is done once. Memory: peak of the process"
    yield "that asked and of all that it started. By command:\n"
    yield f"    {shlex.join(command(points, 'sweep'))}"


def _million_row(
    how: str,
    tolerance: Tolerance,
    points: int,
    seconds: float,
    memory: float,
    statuses: Mapping[str, int],
    by_roadrunner: int,
) -> str:
    said = ", ".join(f"{number:,} {status}" for status, number in statuses.items())
    cells = f"{how} | {tolerance[0]:.0e}, {tolerance[1]:.0e} | {seconds:.1f} | "
    cells += f"{points / seconds:,.0f} | {memory:.0f} | {said}, {by_roadrunner:,} by RoadRunner"
    return f"| {cells} |"


def main() -> None:
    """Measure; print the tables, write the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--million", action="store_true", help="only a million sets, three times")
    parser.add_argument("--quick", action="store_true", help="few sets, for trying")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    options = parser.parse_args()
    print(machine(["p53net", "llvmlite", "libroadrunner", "numpy"]))
    print(f"Command: python -m benchmarks.batch {' '.join(sys.argv[1:])}\n", flush=True)
    if options.million:
        for line in million_text(10_000 if options.quick else MILLION):
            print(line, flush=True)
        return
    usual = (200 if options.quick else USUAL_SETS, USUAL_TIMES)
    sets = [(number, USUAL_TIMES) for number in (SETS[:4] if options.quick else SETS)]
    times = [(usual[0], number) for number in TIMES]
    cases: list[Case] = [*MODELS, *LENGTHS]
    costs = {
        case: cost(case, list(dict.fromkeys([usual, *(sets + times) * (case == DRUGS)])), RUNS)
        for case in cases
    }
    write(panels(costs, usual, sets, times), options.out, "batch_scaling")
    print("\n".join(species_table(costs, usual)))
    print(
        f"\n{usual[0]:,} sets, {USUAL_TIMES} output times, one thread. Compile: the first call in"
    )
    print("a new process, with nothing on disk; from disk: the same with the compiled code there.")
    print("Both begin with the SBML and end with the first set. Steps: mean of a set. Difference:")
    print(f"from RoadRunner at the same tolerance, in {RUNS} runs, as a fraction of a read-out's")
    print("peak.\n")
    print("\n".join(sets_table(costs[DRUGS], sets)))
    print(f"\n{name_of(DRUGS)}, {USUAL_TIMES} output times, one thread, in calls of at most")
    print(f"{BLOCK:,} sets.\n")
    print("\n".join(times_table(costs[DRUGS], times)))
    print(f"\n{name_of(DRUGS)}, {usual[0]:,} sets, one thread.")


if __name__ == "__main__":
    main()
