"""A sweep on p53net and on its peers: runs per second and core, error, memory; as Markdown.

`python -m benchmarks.sweep` from the repository root, on a quiet machine, takes 5 minutes.
Model: the loop with milademetan and KT-253, 72 h, 145 points, two read-outs. Each point has other
parameters, spread evenly in the logarithm to a third and three times their values. Peers are given
each point's untreated start state, unless their row says that they find it. They take turns, in
rounds with points of their own. Nothing that is done once for a model is timed.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

import p53net as pn
from benchmarks.peers.child import Child
from benchmarks.peers.job import DRUGS, READ_OUTS, Array, Job, Tolerance, errors
from benchmarks.peers.loops import Timed
from p53net.engines import Tolerances
from p53net.figures import save


class Peer(NamedTuple):
    """One row of the table for each tolerance."""

    label: str
    function: str
    """In `benchmarks.peers.loops`."""
    module: str
    """What must be installed."""
    share: float = 1.0
    """Of the points that RoadRunner gets: fewer for slow ones."""
    engine: str = ""
    """Of p53net."""
    workers: int = 0
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
DRUG = ("k_perm_inhibitor", "fu_inhibitor", "k_on_inhibitor", "Ki_inhibitor")
DRUG += ("k_perm_degrader", "fu_degrader", "k_on_degrader", "Kd_MDM2_degrader")
JOBS = {"core and drug parameters": CORE + DRUG, "drug parameters only": DRUG}
DOSES = (100.0, 1.0)  # nM, of the first and the second of DRUGS, in the middle of their axes

ENGINES = ("roadrunner",)  # of p53net


def _sweep(engine: str, workers: int) -> Peer:
    where = f"workers={workers}" if workers else "in process"
    label = ", ".join(["p53net, `sweep`", *[engine] * (engine != ENGINES[0]), where])
    share = 2.0 * workers or 1.0
    return Peer(label, "p53net", "p53net", share, engine, workers, True, not workers)


BASE = Peer("RoadRunner, loop by hand", "roadrunner", "roadrunner", drawn=True)
PEERS = [
    *(_sweep(engine, workers) for engine in ENGINES for workers in (0, 1, 2)),
    BASE,
    Peer("RoadRunner, own state", "roadrunner_with_state", "roadrunner", 0.5, finds_state=True),
    Peer("tellurium, `loada` each time", "tellurium", "tellurium", 0.01),
    Peer("basico, loop", "basico", "basico", 0.1),
    Peer("COPASI, task", "copasi", "COPASI", 0.3, drawn=True),
    Peer("SciPy LSODA, Numba rates", "scipy", "numba", 0.3, drawn=True),
    Peer("numbalsoda, Numba rates", "numbalsoda", "numbalsoda", drawn=True),
    Peer("AMICI, compiled C++", "amici", "amici", drawn=True),
]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
MARKERS = "osD^vP"


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
    species = model._engine.species
    rows = [model._untreated_state(dict(zip(varied, row.tolist(), strict=True))) for row in values]
    starts = np.array([state for state, _ in rows])
    starts[:, [species.index(one) for one in medium.values()]] = doses
    text, sbml = model.definition.antimony, model.definition.sbml
    totals = dict(model.definition.starts)
    return Job(name, text, sbml, species, medium, totals, varied, values, doses, starts)


def ask(child: Child, peer: Peer, job: Job, tol: Tolerance, points: range) -> tuple[Timed, float]:
    """Run points on a peer in its process."""
    warm_up = range(len(job.values) - WARM_UP, len(job.values))
    options = {"engine": peer.engine, "workers": peer.workers} if peer.engine else {}
    arguments = (peer.function, job, tol, options, warm_up, points)
    return child.call("benchmarks.peers.loops", "timed", *arguments)


def measured(
    jobs: Mapping[str, Job],
    rows: Sequence[Key],
    points: int,
    rounds: int,
    references: Mapping[str, Array],
) -> dict[Key, Result]:
    """All rows, with the peers taking turns in random order."""
    found: dict[Key, list[tuple[Timed, float, Array]]] = {key: [] for key in rows}
    with ExitStack() as stack:
        peers = dict.fromkeys(peer for *_, peer in rows)
        children = {peer: stack.enter_context(Child()) for peer in peers}
        for number in range(rounds):
            for i in np.random.default_rng(number).permutation(len(rows)):
                name, tolerance, peer = key = rows[i]
                size = max(2, round(points * peer.share))
                where = number * room(points)
                part = range(where, where + size)
                run, memory = ask(children[peer], peer, jobs[name], tolerance, part)
                wrong = errors(run.curves, references[name][part.start : part.stop])
                if wrong.max() > WRONG * tolerance[0]:
                    raise RuntimeError(f"{peer.label}: {name} is {wrong.max():.0e} off")
                found[key].append((run, memory, wrong))
                print(f"round {number + 1}: {name}, {tolerance}, {peer.label}", file=sys.stderr)
    return {key: _result(key[2], runs) for key, runs in found.items()}


def _result(peer: Peer, runs: Sequence[tuple[Timed, float, Array]]) -> Result:
    return Result(
        [len(wrong) / (run.seconds * max(1, peer.workers)) for run, _, wrong in runs],
        [run.starting for run, *_ in runs],
        np.concatenate([wrong for *_, wrong in runs]),
        max(memory for _, memory, _ in runs),
    )


def room(points: int) -> int:
    """Points of one round, enough for the peer that gets most."""
    return max(2, round(points * max(peer.share for peer in PEERS)))


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


def diagram(results: Mapping[Key, Result]) -> Figure:
    """Work against precision: time of a run over its median error."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
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
    axes.legend(frameon=False)
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
    jobs = {name: job_of(name, rounds * room(points) + WARM_UP) for name in JOBS}
    with Child() as child:
        references = {
            name: ask(child, BASE, job, REFERENCE, range(len(job.values)))[0].curves
            for name, job in jobs.items()
        }
    print("start states and references are ready", file=sys.stderr)
    rows = [
        (name, tolerance, peer)
        for name in jobs
        for tolerance in ((LOOSE, OWN) if options.quick else (LOOSE, TIGHT, OWN))
        for peer in peers
        if tolerance != OWN or peer.module in ("p53net", "roadrunner")
        if not (peer.workers and tolerance == TIGHT)
    ]
    results = measured(jobs, rows, points, rounds, references)
    packages = {"p53net": "p53net", "roadrunner": "libroadrunner", "tellurium": "tellurium"}
    packages |= {"basico": "copasi-basico", "COPASI": "python-copasi", "numba": "numba"}
    packages |= {"numbalsoda": "numbalsoda", "amici": "amici", "scipy": "scipy", "numpy": "numpy"}
    print(machine([packages[name] for name in packages if find_spec(name)]))
    print(f"Command: python -m benchmarks.sweep {' '.join(sys.argv[1:])}\n")
    print("\n".join(table(results)))
    sizes = ", ".join(f"{name} {len(varied) + len(DOSES)}" for name, varied in JOBS.items())
    print(f"\nMedians of {rounds} rounds of {points} points (RoadRunner; slow peers had fewer,")
    print(f"workers more); axes with the two doses: {sizes}. Tolerance: relative, absolute")
    print(f"[zmol]. Error: largest of {' and '.join(READ_OUTS)} in a run, as a fraction of its")
    print(f"peak, from RoadRunner at {REFERENCE[0]:.0e}. Untreated state: found as part of the run")
    print("or given; with drug parameters only it is the same at every point. Memory: peak of the")
    print("process that ran the peer at every tolerance, without workers.")
    if any(peer.function == "amici" for peer in peers):
        print("AMICI: states are concentrations, so its absolute tolerance is in nM; its memory")
        print("includes writing its C++ code, once.")
    starting = {p.workers: r.starting for (*_, p), r in results.items() if p.workers}
    for number, seconds in starting.items():
        print(f"Start with workers={number}, not in the table: {np.median(seconds):.1f} s.")
    if absent := list(filter(None, map(missing, PEERS))):
        print(f"Not installed, so left out: {', '.join(absent)}.")

    last, steps = list(jobs)[-1], DIAGRAM[:: 3 if options.quick else 1]
    drawn = [(last, tolerance, peer) for peer in peers if peer.drawn for tolerance in steps]
    work = measured(jobs, drawn, points // 2, rounds, references)
    write(diagram(work), options.out, "work_precision")


if __name__ == "__main__":
    main()
