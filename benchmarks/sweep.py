"""A sweep on p53net and on its peers: runs per second of a core, error, memory; as Markdown.

`python -m benchmarks.sweep` from the repository root takes 10 minutes.
Model: the loop with milademetan and KT-253, 72 h, 145 points, two read-outs. Each point has other
parameters, spread evenly in the logarithm to a third and three times their values. Peers are given
each point's untreated start state, unless their row says that they find it. They take turns, in
rounds with points of their own, and are timed by the seconds of the processor that they use.
Nothing that is done once for a model is timed. Engines do not have one error at one tolerance, so
a column and a second table compare them at equal true error.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import p53net as pn
from benchmarks.peers.child import Child
from benchmarks.peers.job import DRUGS, READ_OUTS, TIMES, Array, Job, Tolerance, errors
from benchmarks.peers.loops import Timed
from benchmarks.work_precision import COLUMNS, diagram
from p53net.engines.base import Tolerances
from p53net.engines.batch.machine import processor
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
    finds_state: bool = False
    """Whether it finds the untreated state by itself."""
    drawn: bool = False
    """Whether it is in the figure, and in the table at equal error."""


class Turn(NamedTuple):
    """Of one peer for one job and tolerance in one round."""

    rate: float
    """Runs per second of a core."""
    errors: Array
    memory: float
    """Peak of its process [MiB]."""


class Result(NamedTuple):
    """Of all rounds."""

    rate: float
    errors: Array
    memory: float

    @property
    def error(self) -> float:
        """The largest."""
        return float(self.errors.max())


Key = tuple[str, Tolerance, Peer]

OWN = (Tolerances().relative, Tolerances().absolute)
LOOSE, TIGHT = (1e-6, 1e-9), (1e-9, 1e-12)
REFERENCE = (1e-12, 1e-15)
LADDER = [(10.0**-n, 10.0 ** -(n + 3)) for n in range(4, 11)]
ROUNDS = 3
WARM_UP = 2  # points
WRONG = 1e4  # errors of so many tolerances are a fault of this file
FACTOR = 3.0
CORE = ("k_syn_p53", "k_deg_p53", "k_transcr_MDM2_P2", "k_transl_MDM2", "k_deg_MDM2", "K_MDM2")
DRUG = ("k_perm_inhibitor", "fu_medium_inhibitor", "k_on_inhibitor", "Ki_inhibitor")
DRUG += ("k_perm_degrader", "fu_medium_degrader", "k_on_degrader", "Kd_MDM2_degrader")
JOBS = {"core and drug parameters": CORE + DRUG, "drug parameters only": DRUG}
DOSES = (100.0, 1.0)  # nM, of the first and the second of DRUGS, in the middle of their axes

MANY = 20.0  # share of the batch engine: thousands of points in each round
TARGETS = (1e-5, 1e-6, 1e-7, 1e-8)  # errors at which engines are compared


def _sweep(label: str, engine: str, share: float, bars: bool = False, drawn: bool = False) -> Peer:
    options = (("engine", engine), ("bars", bars))
    return Peer(f"p53net, `sweep`, {label}", "p53net", "p53net", share, options, True, drawn)


def _batch(label: str, narrow: bool) -> Peer:
    label = f"p53net, batch engine, {label}"
    return Peer(label, "batch", "p53net", MANY, (("narrow", narrow),), drawn=True)


BASE = Peer("RoadRunner, loop by hand", "roadrunner", "roadrunner", drawn=True)
BATCH = _batch("as wide as it can", narrow=False)
BARS = _sweep("batch, with error bars", "batch", MANY, bars=True)
PEERS = [
    _sweep("RoadRunner", "roadrunner", 1.0),
    _sweep("batch", "batch", MANY, drawn=True),
    BARS,
    BATCH,
    _batch("four lanes, AVX2", narrow=True),
    BASE,
    Peer("RoadRunner, own state", "roadrunner_with_state", "roadrunner", 0.5, finds_state=True),
    Peer("pydiffsol, BDF, LLVM", "pydiffsol", "pydiffsol", drawn=True),
    Peer("tellurium, `loada` each time", "tellurium", "tellurium", 0.01),
    Peer("basico, loop", "basico", "basico", 0.1),
    Peer("COPASI, task", "copasi", "COPASI", 0.3, drawn=True),
    Peer("SciPy LSODA, Numba rates", "scipy", "numba", 0.3, drawn=True),
    Peer("numbalsoda, Numba rates", "numbalsoda", "numbalsoda", drawn=True),
    Peer("AMICI, compiled C++", "amici", "amici", drawn=True),
]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
COLOURS += ("#000000", "#999999")
MARKERS = "osD^vPX*"


PACKAGES = {"p53net": "p53net", "llvmlite": "llvmlite", "roadrunner": "libroadrunner"}
PACKAGES |= {"pydiffsol": "pydiffsol", "tellurium": "tellurium", "basico": "copasi-basico"}
PACKAGES |= {"COPASI": "python-copasi", "numba": "numba", "numbalsoda": "numbalsoda"}
PACKAGES |= {"amici": "amici", "scipy": "scipy", "numpy": "numpy"}
NOTES = """
Medians of {rounds} rounds of {points} points (RoadRunner; slow peers had fewer, the batch engine
{many:,}), by processor time. Ratio: of RoadRunner's loop at the same tolerance, and where its
largest error is the same. Tolerance: relative, absolute [zmol]; pydiffsol's and AMICI's absolute
ones are in nM, for their states are concentrations. The batch engine takes the tolerances as
RoadRunner's and uses 100 times them. Error: of the read-outs in a run, as a fraction of their peak,
from RoadRunner at {error:.0e}; of the first {points} points of a round, where there are more.
Untreated state: found as part of the run or given; with drug parameters only it is the same at
every point. With error bars every point is run at two tolerances, and again where its bar is above
the accuracy. Memory: peak of the process that ran the peer at every tolerance."""


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
            found[key].append(Turn(len(part) / run.seconds, wrong, memory))
            print(f"round {number + 1}: {name}, {tolerance}, {peer.label}", file=sys.stderr)
    return {key: _result(turns) for key, turns in found.items()}


def _result(turns: Sequence[Turn]) -> Result:
    rates = [turn.rate for turn in turns]
    wrong = np.concatenate([turn.errors for turn in turns])
    return Result(float(np.median(rates)), wrong, max(turn.memory for turn in turns))


def room(points: int, share: float) -> int:
    """Points of one round for a peer of this share."""
    return max(2, round(points * share))


def rate_at(error: float, results: Iterable[Result]) -> float:
    """Runs per second at this largest error, between the two points of a peer that are next to it;
    NaN where it is beyond them all. Both are straight lines in their logarithms."""
    found = sorted((np.log(one.error), np.log(one.rate)) for one in results)
    wrong, rates = zip(*found, strict=True)
    inside = wrong[0] <= np.log(error) <= wrong[-1]
    return float(np.exp(np.interp(np.log(error), wrong, rates))) if inside else float("nan")


def of_peer(results: Mapping[Key, Result], job: str, peer: Peer) -> list[Result]:
    """At each tolerance."""
    return [one for (name, _, who), one in results.items() if (name, who) == (job, peer)]


def _cell(number: float, form: str = ".3g") -> str:
    return "-" if np.isnan(number) else format(number, form)


def table(results: Mapping[Key, Result], work: Mapping[Key, Result]) -> Iterator[str]:
    """Lines of Markdown."""
    titles = "points", "engine", "tolerance", "untreated state", "runs per second of a core"
    titles += "ratio at equal tolerance", "ratio at equal true error", "largest error"
    titles += "median error", "memory [MiB]"
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for (name, tol, peer), result in results.items():
        equal = result.rate / results[name, tol, BASE].rate
        true = result.rate / rate_at(result.error, of_peer(work, name, BASE))
        state = "found" if peer.finds_state else "given"
        said = f"accuracy {tol[0]:.0e}" if peer == BARS else f"{tol[0]:.0e}, {tol[1]:.0e}"
        cells = f"{name} | {peer.label} | {said} | {state} | {result.rate:.3g} | {equal:.2f} | "
        cells += f"{_cell(true, '.2f')} | {result.error:.0e} | {np.median(result.errors):.0e}"
        yield f"| {cells} | {result.memory:.0f} |"


def equal_errors(work: Mapping[Key, Result], job: str) -> Iterator[str]:
    """Lines of Markdown: runs per second at equal largest error, and how many times more the batch
    engine makes."""
    peers = dict.fromkeys(peer for name, _, peer in work if name == job)
    yield f"| engine | {' | '.join(f'{error:.0e}' for error in TARGETS)} |"
    yield "|---" * (1 + len(TARGETS)) + "|"
    best = [rate_at(error, of_peer(work, job, BATCH)) for error in TARGETS]
    for peer in peers:
        rates = [rate_at(error, of_peer(work, job, peer)) for error in TARGETS]
        cells = [
            _cell(rate) + ("" if peer == BATCH else f" ({_cell(most / rate, '.0f')})")
            for rate, most in zip(rates, best, strict=True)
        ]
        yield f"| {peer.label} | {' | '.join(cells)} |"


def bars_beside(results: Mapping[Key, Result], work: Mapping[Key, Result]) -> Iterator[str]:
    """What sweeps with bars make of what RoadRunner does: as p53net runs it, and as exactly."""
    for (name, tol, peer), result in results.items():
        if peer == BARS:
            usual = result.rate / results[name, OWN, BASE].rate
            right = result.rate / rate_at(tol[0], of_peer(work, name, BASE))
            yield (
                f"- {name}: {usual:.0f} times RoadRunner at {OWN[0]:.0e}, {OWN[1]:.0e}, and "
                f"{right:.0f} times it where its own largest error is {tol[0]:.0e}."
            )


def kept(results: Mapping[Key, Result]) -> pd.DataFrame:
    """What is drawn of work against precision, a row for each peer and tolerance."""
    rows = [(peer.label, one.error, one.rate) for (*_, peer), one in results.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


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
    """Measure; print the table, write the diagram and its points."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, default=200, help="for RoadRunner in each round")
    parser.add_argument("--quick", action="store_true", help="a minute, for trying")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    options = parser.parse_args()
    points, rounds = (20, 1) if options.quick else (options.points, ROUNDS)
    peers = [peer for peer in PEERS if not missing(peer)]
    apart = room(points, max(peer.share for peer in peers))
    jobs = {name: job_of(name, rounds * apart + WARM_UP) for name in JOBS}
    first = next(iter(jobs))
    rows = [
        (name, tolerance, peer)
        for name in jobs
        for tolerance in ((LOOSE, OWN) if options.quick else (LOOSE, TIGHT, OWN))
        for peer in peers
        if tolerance != OWN or peer.module in ("p53net", "roadrunner")
        if tolerance == LOOSE or peer != BARS
    ]
    ladder = LADDER[:: 3 if options.quick else 1]
    steps = [(first, tolerance, peer) for peer in peers if peer.drawn for tolerance in ladder]
    steps += [(name, tolerance, BASE) for name in jobs if name != first for tolerance in ladder]

    def in_round(number: int, peer: Peer) -> range:
        return range(number * apart, number * apart + room(points, peer.share))

    def at_a_step(number: int, peer: Peer) -> range:
        return range(number * apart, number * apart + room(points, max(1.0, peer.share)) // 2)

    with ExitStack() as stack:
        children = {peer: stack.enter_context(Child()) for peer in peers}
        parts = [range(i * apart, i * apart + points) for i in range(rounds)]
        references = {name: references_of(children[BASE], job, parts) for name, job in jobs.items()}
        print("start states and references are ready", file=sys.stderr)
        results = measured(children, jobs, rows, in_round, rounds, references)
        for reference in references.values():  # of the points that all have at each step
            for part in parts:
                reference[part.start + points // 2 : part.stop] = np.nan
        work = measured(children, jobs, steps, at_a_step, max(1, rounds - 1), references)
    drawn = kept({key: work[key] for key in steps if key[0] == first})
    write(diagram(drawn), options.out, "work_precision")
    drawn.to_csv(options.out / "work_precision.csv", index=False)

    print(machine([package for module, package in PACKAGES.items() if find_spec(module)]))
    print(
        f"{processor().lanes} lanes. Command: python -m benchmarks.sweep {' '.join(sys.argv[1:])}\n"
    )
    print("\n".join(table(results, work)))
    print(NOTES.format(rounds=rounds, points=points, many=apart, error=REFERENCE[0]))
    if absent := list(filter(None, map(missing, PEERS))):
        print(f"Not installed, so left out: {', '.join(absent)}.")
    print(f"\nRuns per second of a core at equal largest error, {first}; in brackets how many")
    print("times as many the batch engine makes:\n")
    print("\n".join(equal_errors(work, first)))
    print(
        f"\nFrom {len(ladder)} tolerances, {ladder[0][0]:.0e} to {ladder[-1][0]:.0e}, with errors"
    )
    print(f"at the same {points // 2} points of each round.\n\nSweeps with error bars:\n")
    print("\n".join(bars_beside(results, work)))


if __name__ == "__main__":
    main()
