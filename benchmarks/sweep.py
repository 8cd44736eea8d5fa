"""A sweep on p53net and on its peers: runs per second and core, error, memory; as Markdown.

`python -m benchmarks.sweep` from the repository root, on a quiet machine, takes 6 minutes.
Model: the loop with milademetan and KT-253, 72 h, 145 points, two read-outs. Each point has other
parameters, spread evenly in the logarithm to a third and three times their values. Peers are given
each point's untreated start state, unless their row says that they find it. They take turns, in
rounds with points of their own. Nothing that is done once for a model is timed. A second table has
the batch engine and the fastest peers at the same points, thousands of them.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

import p53net as pn
from benchmarks.peers.child import Child
from benchmarks.peers.job import DRUGS, READ_OUTS, TIMES, Array, Job, Tolerance, errors
from benchmarks.peers.loops import Timed
from p53net.engines.base import Tolerances
from p53net.figures.style import save


class Peer(NamedTuple):
    """One row of the table for each tolerance."""

    label: str
    function: str
    """In `benchmarks.peers.loops`."""
    module: str
    """What must be installed."""
    share: float = 1.0
    """Of the points that RoadRunner gets: fewer for slow ones."""
    options: tuple[tuple[str, Any], ...] = ()
    """Other arguments of the function."""
    cores: int = 1
    """On which it runs at once."""
    finds_state: bool = False
    """Whether it finds the untreated state by itself."""
    drawn: bool = False
    """Whether it is in the figure."""


class Result(NamedTuple):
    """Of one peer for one job and tolerance."""

    rates: list[float]
    """Runs per second and core in each round."""
    starting: list[float]
    errors: Array
    memory: float
    """Peak of its process [MiB]."""


class Turn(NamedTuple):
    """What goes into a result in one round."""

    rate: float
    starting: float
    errors: Array
    memory: float


Key = tuple[str, Tolerance, Peer]

OWN = (Tolerances().relative, Tolerances().absolute)
LOOSE, TIGHT = (1e-6, 1e-9), (1e-9, 1e-12)
REFERENCE = (1e-12, 1e-15)
DIAGRAM = [(10.0**-n, 10.0 ** -(n + 3)) for n in range(4, 11)]
ROUNDS = 3
WARM_UP = 2  # points
WRONG = 1e4  # errors of so many tolerances are a fault of this file
FACTOR = 3.0
CORE = ("k_syn_p53", "k_deg_p53", "k_transcr_MDM2_P2", "k_transl_MDM2", "k_deg_MDM2", "K_MDM2")
DRUG = ("k_perm_inhibitor", "fu_medium_inhibitor", "k_on_inhibitor", "Ki_inhibitor")
DRUG += ("k_perm_degrader", "fu_medium_degrader", "k_on_degrader", "Kd_MDM2_degrader")
JOBS = {"core and drug parameters": CORE + DRUG, "drug parameters only": DRUG}
DOSES = (100.0, 1.0)  # nM, of the first and the second of DRUGS, in the middle of their axes

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
MANY = 20.0  # share of the batch engine: thousands of points in each round
REFERENCED = 4.0  # share of points whose errors are known in each round
TURNS = 4  # of each peer at the points that all of them get


def _sweep(label: str, engine: str, workers: int | None, share: float, drawn: bool = False) -> Peer:
    options = (("engine", engine), ("workers", workers))
    cores = CORES if workers is None else max(1, workers)
    label = f"p53net, `sweep`, {label}"
    return Peer(label, "p53net", "p53net", share, options, cores, True, drawn)


def _batch(threads: int, drawn: bool = False) -> Peer:
    label = f"p53net, batch engine, {threads} thread{'s' * (threads > 1)}"
    return Peer(label, "batch", "p53net", MANY, (("threads", threads),), threads, drawn=drawn)


BASE = Peer("RoadRunner, loop by hand", "roadrunner", "roadrunner", drawn=True)
BATCH, BATCH_TWICE = _batch(1, drawn=True), _batch(2)
BATCH_SWEEP = _sweep("batch, one thread", "batch", 0, MANY)
COPASI = Peer("COPASI, task", "copasi", "COPASI", 0.3, drawn=True)
AMICI = Peer("AMICI, compiled C++", "amici", "amici", drawn=True)
PEERS = [
    _sweep("in process", "roadrunner", 0, 1.0, drawn=True),
    _sweep("workers=1", "roadrunner", 1, 2.0),
    _sweep("workers=2", "roadrunner", 2, 4.0),
    BATCH_SWEEP,
    _sweep(f"batch, default ({CORES} threads)", "batch", None, MANY),
    _sweep("batch, workers=2", "batch", 2, MANY),
    BATCH,
    BATCH_TWICE,
    BASE,
    Peer("RoadRunner, own state", "roadrunner_with_state", "roadrunner", 0.5, finds_state=True),
    Peer("tellurium, `loada` each time", "tellurium", "tellurium", 0.01),
    Peer("basico, loop", "basico", "basico", 0.1),
    COPASI,
    Peer("SciPy LSODA, Numba rates", "scipy", "numba", 0.3, drawn=True),
    Peer("numbalsoda, Numba rates", "numbalsoda", "numbalsoda", drawn=True),
    AMICI,
]
SAME_POINTS = (BATCH, BATCH_SWEEP, BASE, AMICI, COPASI)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
COLOURS += ("#000000",)
MARKERS = "osD^vPX"


def missing(peer: Peer) -> str:
    """What the peer needs and is not installed, if anything."""
    if not find_spec(peer.module):
        return peer.module
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++", "cl"]
    needs_compiler = peer.function == "amici" and not any(map(which, compilers))
    return "a C++ compiler for amici" if needs_compiler else ""


def job_of(name: str, points: int, seed: int = 1) -> Job:
    """Points of a job with their untreated start states, which p53net finds."""
    model, varied = pn.load(*DRUGS), JOBS[name]
    middle = np.array([model.definition.parameters[n].value for n in varied] + list(DOSES))
    draws = np.random.default_rng(seed).uniform(-1.0, 1.0, (points, len(middle)))
    table = middle * FACTOR**draws
    values, doses = table[:, : len(varied)], table[:, len(varied) :]
    medium = {drug: f"{model.definition.drugs[drug]}_medium" for drug in DRUGS}
    runner = model.runner("roadrunner")
    species = runner.engine.states
    found = runner.resting.of(dict(zip(varied, values.T, strict=True)), points, ())
    if found.errors:
        raise RuntimeError(f"{len(found.errors)} cells have no untreated state")
    starts = found.states
    starts[:, [species.index(one) for one in medium.values()]] = doses
    text, sbml = model.definition.antimony, model.definition.sbml
    totals = dict(model.definition.starts)
    return Job(name, text, sbml, species, medium, totals, varied, values, doses, starts)


def ask(child: Child, peer: Peer, job: Job, tol: Tolerance, points: range) -> tuple[Timed, float]:
    """Run points on a peer in its process."""
    warm_up = range(len(job.values) - WARM_UP, len(job.values))
    arguments = (peer.function, job, tol, dict(peer.options), warm_up, points)
    return child.call("benchmarks.peers.loops", "timed", *arguments)


def references_of(child: Child, job: Job, parts: Sequence[range]) -> Array:
    """Curves at the parts of a job, and NaN elsewhere."""
    found = np.full((len(job.values), len(TIMES), len(READ_OUTS)), np.nan)
    for part in parts:
        found[part.start : part.stop] = ask(child, BASE, job, REFERENCE, part)[0].curves
    return found


def measured(
    children: Mapping[Peer, Child],
    jobs: Mapping[str, Job],
    rows: Sequence[Key],
    points: Callable[[int, Peer], range],
    rounds: int,
    references: Mapping[str, Array],
) -> dict[Key, Result]:
    """All rows, with the peers taking turns in random order; `points` of a round and a peer."""
    found: dict[Key, list[Turn]] = {key: [] for key in rows}
    for number in range(rounds):
        for i in np.random.default_rng(number).permutation(len(rows)):
            name, tolerance, peer = key = rows[i]
            part = points(number, peer)
            run, memory = ask(children[peer], peer, jobs[name], tolerance, part)
            reference = references[name][part.start : part.stop]
            known = ~np.isnan(reference[:, 0, 0])
            wrong = errors(run.curves[known], reference[known])
            if not wrong.max() <= WRONG * tolerance[0]:
                raise RuntimeError(f"{peer.label}: {name} is {wrong.max():.0e} off")
            rate = len(part) / (run.seconds * peer.cores)
            found[key].append(Turn(rate, run.starting, wrong, memory))
            print(f"round {number + 1}: {name}, {tolerance}, {peer.label}", file=sys.stderr)
    return {key: _result(turns) for key, turns in found.items()}


def _result(turns: Sequence[Turn]) -> Result:
    return Result(
        [turn.rate for turn in turns],
        [turn.starting for turn in turns],
        np.concatenate([turn.errors for turn in turns]),
        max(turn.memory for turn in turns),
    )


def room(points: int, share: float) -> int:
    """Points of one round for a peer of this share."""
    return max(2, round(points * share))


def table(results: Mapping[Key, Result]) -> Iterator[str]:
    """Lines of Markdown."""
    titles = "points", "engine", "tolerance", "untreated state", "runs per second and core"
    titles += "of RoadRunner's", "largest error", "median error", "memory [MiB]"
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for (name, tol, peer), result in results.items():
        rate, base = np.median(result.rates), np.median(results[name, tol, BASE].rates)
        state = "found" if peer.finds_state else "given"
        cells = f"{name} | {peer.label} | {tol[0]:.0e}, {tol[1]:.0e} | {state} | {rate:.3g} | "
        cells += f"{rate / base:.2f} | {result.errors.max():.0e} | {np.median(result.errors):.0e}"
        yield f"| {cells} | {result.memory:.0f} |"


def same_points(results: Mapping[Key, Result]) -> Iterator[str]:
    """Lines of Markdown: peers that have all run the same points."""
    titles = "engine", "untreated state", "runs per second and core", "of RoadRunner's"
    titles += "batch engine over it", "largest error", "median error"
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    rates = {peer: float(np.median(result.rates)) for (*_, peer), result in results.items()}
    for (*_, peer), result in results.items():
        state = "found" if peer.finds_state else "given"
        cells = f"{peer.label} | {state} | {rates[peer]:.3g} | {rates[peer] / rates[BASE]:.3g}"
        cells += f" | {rates[BATCH] / rates[peer]:.3g} | {result.errors.max():.1e}"
        yield f"| {cells} | {np.median(result.errors):.1e} |"


def two_threads(results: Mapping[Key, Result]) -> Iterator[str]:
    """How much faster the batch engine is on two threads than on one."""
    for (name, tol, peer), result in results.items():
        if peer == BATCH_TWICE:
            one, two = np.median(results[name, tol, BATCH].rates), np.median(result.rates)
            yield f"{2 * two / one:.2f} ({name}, {tol[0]:.0e}, {tol[1]:.0e})"


def diagram(results: Mapping[Key, Result]) -> Figure:
    """Work against precision: time of a run over its median error."""
    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    axes = figure.add_subplot()
    peers = dict.fromkeys(peer for *_, peer in results)
    for peer, colour, marker in zip(peers, COLOURS, MARKERS, strict=False):
        mine = [result for (*_, who), result in results.items() if who == peer]
        x = [np.median(result.errors) for result in mine]
        y = [1e3 / np.median(result.rates) for result in mine]
        label = peer.label.replace("`", "")
        axes.plot(x, y, marker=marker, color=colour, label=label, linewidth=1.6, markersize=5)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("median error of a run [fraction of the read-out's peak]")
    axes.set_ylabel("time of a 72 h run on one core [ms]")
    axes.invert_xaxis()
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return figure


def machine(packages: Sequence[str]) -> str:
    """Date, processor and versions."""
    info = Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    cpu = info.partition("model name\t: ")[2].partition("\n")[0] or platform.processor()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{date.today()}, {cpu}, {os.cpu_count()} cores, Python {platform.python_version()},\n"
        f"{versions}."
    )


def write(figure: Figure, folder: Path, name: str) -> None:
    """A figure as PNG and SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("png", "svg"):
        save(figure, folder / f"{name}.{kind}")


def main() -> None:
    """Measure; print the table, write the diagram."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, default=200, help="for RoadRunner in each round")
    parser.add_argument("--quick", action="store_true", help="a minute, for trying")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    options = parser.parse_args()
    points, rounds = (20, 1) if options.quick else (options.points, ROUNDS)
    peers = [peer for peer in PEERS if not missing(peer)]
    apart, known = room(points, max(peer.share for peer in peers)), room(points, REFERENCED)
    jobs = {name: job_of(name, rounds * apart + WARM_UP) for name in JOBS}
    first, last = next(iter(jobs)), list(jobs)[-1]
    rows = [
        (name, tolerance, peer)
        for name in jobs
        for tolerance in ((LOOSE, OWN) if options.quick else (LOOSE, TIGHT, OWN))
        for peer in peers
        if tolerance != OWN or peer.module in ("p53net", "roadrunner")
        if peer.cores == 1 or tolerance != TIGHT
    ]

    def in_round(number: int, peer: Peer, most: int = points) -> range:
        return range(number * apart, number * apart + room(most, peer.share))

    def in_turn(number: int, peer: Peer) -> range:
        """The batch engine does all in each turn, for it is done soon; others a share."""
        if peer in (BATCH, BATCH_SWEEP):
            return range(apart)
        return range(number * apart // TURNS, (number + 1) * apart // TURNS)

    with ExitStack() as stack:
        children = {peer: stack.enter_context(Child()) for peer in peers}
        parts = [range(i * apart, i * apart + known) for i in range(rounds)]
        whole = [range(apart), *parts[1:]]
        child = children[BASE]
        references = {
            name: references_of(child, job, whole if name == first else parts)
            for name, job in jobs.items()
        }
        print("start states and references are ready", file=sys.stderr)
        results = measured(children, jobs, rows, in_round, rounds, references)
        same = [(first, LOOSE, peer) for peer in SAME_POINTS if peer in peers]
        beside = measured(children, jobs, same, in_turn, TURNS, references)
        steps = DIAGRAM[:: 3 if options.quick else 1]
        drawn = [(last, tolerance, peer) for peer in peers if peer.drawn for tolerance in steps]
        half = partial(in_round, most=points // 2)
        work = measured(children, jobs, drawn, half, rounds, references)
    write(diagram(work), options.out, "work_precision")

    packages = {"p53net": "p53net", "llvmlite": "llvmlite", "roadrunner": "libroadrunner"}
    packages |= {"tellurium": "tellurium"}
    packages |= {"basico": "copasi-basico", "COPASI": "python-copasi", "numba": "numba"}
    packages |= {"numbalsoda": "numbalsoda", "amici": "amici", "scipy": "scipy", "numpy": "numpy"}
    print(machine([packages[name] for name in packages if find_spec(name)]))
    print(f"Command: python -m benchmarks.sweep {' '.join(sys.argv[1:])}\n")
    print("\n".join(table(results)))
    sizes = ", ".join(f"{name} {len(varied) + len(DOSES)}" for name, varied in JOBS.items())
    print(f"\nMedians of {rounds} rounds of {points} points (RoadRunner; slow peers had fewer,")
    print(f"workers more, the batch engine {apart:,}); axes with the two doses: {sizes}.")
    print(f"Tolerance: relative, absolute [zmol]. Error: largest of {' and '.join(READ_OUTS)} in")
    print(f"a run, as a fraction of its peak, from RoadRunner at {REFERENCE[0]:.0e}; of the first")
    print(f"{known} points of a round, where there are more. Untreated state: found as part of the")
    print("run or given; with drug parameters only it is the same at every point. The batch engine")
    print("takes the tolerances as RoadRunner's and uses 100 times them. Memory: peak of the")
    print("process that ran the peer at every tolerance, without workers.")
    if any(peer.function == "amici" for peer in peers):
        print("AMICI: states are concentrations, so its absolute tolerance is in nM; its memory")
        print("includes writing its C++ code, once.")
    for peer in peers:
        if dict(peer.options).get("workers"):
            starting = [r.starting for (*_, p), r in results.items() if p == peer]
            print(f"Start of {peer.label}, not in the table: {np.median(starting):.1f} s.")
    print(f"Batch engine, two threads over one: {'; '.join(two_threads(results))}.")
    if absent := list(filter(None, map(missing, PEERS))):
        print(f"Not installed, so left out: {', '.join(absent)}.")

    print(f"\nThe same {apart:,} points, {first}, at {LOOSE[0]:.0e}, {LOOSE[1]:.0e}:\n")
    print("\n".join(same_points(beside)))
    print(f"\nMedians of {TURNS} turns; errors of all {apart:,} points.")


if __name__ == "__main__":
    main()
