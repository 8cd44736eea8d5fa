"""Cost of a sweep against its points, workers, species and times, and memory; as Markdown.

`python -m benchmarks.scaling` from the repository root, on a quiet machine, takes 2 minutes, with
`--full` an hour. `--memory` measures the memory of a million rows without their runs, `--large`
what `benchmarks.large` does, in 5 minutes. Every sweep
has a process of its own, varies the parameters of the core that `benchmarks.sweep` varies, and
keeps two numbers of each run. Workers start, and the model is compiled, before the time begins.
The engine is RoadRunner, and for the number of points the batch engine too, which
`benchmarks.batch` looks at more closely.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import p53net as pn
from benchmarks import large
from benchmarks.peers.child import Child, peak_memory
from benchmarks.peers.job import DRUGS, READ_OUTS
from benchmarks.sweep import COLOURS, CORE, FACTOR, MARKERS, machine, write
from p53net.figures.style import STYLE, WIDE, headline
from p53net.sweeps.design import Distribution

MODELS = ((), ("milademetan",), ("KT-253",), DRUGS)
POINTS = (100, 1_000, 10_000)
MORE_POINTS = (100_000, 1_000_000)
TIMES = (25, 145, 1000)
ROWS = 1_000_000
LARGE = (2_000_000, 10_000_000)
MEASURES = tuple(f"auc:{name}" for name in READ_OUTS)


class Sweep(NamedTuple):
    """What is asked for."""

    drugs: tuple[str, ...] = DRUGS
    points: int = 2_000
    workers: int | None = 2
    """None: threads of the process itself."""
    times: int = 145
    engine: str = "roadrunner"


class Cost(NamedTuple):
    """What it took."""

    species: int
    seconds: float
    """From the first progress that is told, when workers are ready, to the end."""
    starting: float
    memory: float
    """Peak of the parent [MiB]."""


def axes_of(model: pn.Model) -> dict[str, Distribution]:
    """A third to three times each value."""
    values = {name: model.definition.parameters[name].value for name in CORE}
    return {name: pn.log_uniform(v / FACTOR, v * FACTOR) for name, v in values.items()}


def run(*fields: Any) -> tuple[int, float, float]:  # noqa: ANN401 - those of a Sweep
    """One sweep in this process: species, seconds, seconds to start."""
    asked = Sweep(*fields)
    model = pn.load(*asked.drugs)
    model.steady_state()
    if asked.engine == "batch":
        model.simulate([0.0, 1.0], engine="batch")
    told = [perf_counter()]
    found = pn.sweep(
        model,
        axes_of(model),
        points=asked.points,
        design="sobol",
        doses=dict.fromkeys(asked.drugs, 10.0),
        times=np.linspace(0.0, 72.0, asked.times),
        measures=MEASURES,
        workers=asked.workers,
        engine=asked.engine,
        progress=lambda _: told.append(perf_counter()),
    )
    end = perf_counter()
    failed = int((found["status"] != "ok").sum())
    if failed:
        print(f"{failed} of {asked.points} points failed", file=sys.stderr)
    return len(model.definition.species), end - told[1], told[1] - told[0]


def cost(asked: Sweep) -> Cost:
    """One sweep in a process of its own."""
    with Child() as child:
        answer, memory = child.call("benchmarks.scaling", "run", *asked)
    print(asked, *answer, file=sys.stderr)
    return Cost(*answer, memory)


def million_rows(folder: str) -> tuple[float, float, float]:
    """Peak [MiB] before, seconds to write and to read rows that are copies of one real chunk.

    They go the way of a sweep with a store: chunk by chunk to Parquet, then into one Dataset. What
    is left out are the runs, and Dask, which holds a few chunks at a time.
    """
    from p53net.sweeps import result, rows, store
    from p53net.sweeps.design import design_of
    from p53net.sweeps.plan import plan_of

    size = 1000  # points of a chunk, the most that a sweep takes by default
    model = pn.load(*DRUGS)
    axes = axes_of(model)
    plan, design = plan_of(
        model,
        design_of(axes, ROWS, "sobol", 1),
        times=np.linspace(0.0, 72.0, 145),
        observables=(),
        measures=MEASURES,
        doses=dict.fromkeys(DRUGS, 10.0),
        parameters=None,
        feedback=True,
        time_limit=60.0,
        memory_limit=2**31,
        engine="roadrunner",
        keep_trajectories=False,
    )
    rows.use(model)
    ten = rows.rows_of(plan, design.values(0, 10))
    ready = rows.Rows(
        np.tile(ten.values, (size // 10, 1)), ten.statuses * (size // 10),
        ten.reasons * (size // 10), None,
    )  # fmt: skip
    before, start = peak_memory(), perf_counter()
    manifest = result.manifest_of(plan, design, size, model.run_settings)
    with store.opened(folder, manifest, resume=False) as kept:
        for first in range(0, ROWS, size):
            values = design.values(first, first + size)
            kept.write(first, rows.as_table(plan, first, values, ready))
        written = perf_counter()
        found = result.assembled(kept.manifest, kept.chunks())
    if found.sizes["point"] != ROWS or not (found["status"] == "ok").all():
        raise RuntimeError("rows were lost")
    return before, written - start, perf_counter() - written


def memory_text() -> str:
    """What `--memory` prints."""
    with TemporaryDirectory() as folder, Child() as child:
        (before, writing, reading), peak = child.call(
            "benchmarks.scaling", "million_rows", str(Path(folder, "sweep"))
        )
    return (
        f"{ROWS:,} rows, ready-made: no run behind them, and no Dask. Peak of the process\n"
        f"{peak:,.0f} MiB, of which {before:,.0f} before the first row; {writing:.0f} s to write "
        f"the store, {reading:.0f} s to read it."
    )


def table(costs: Mapping[Sweep, Cost]) -> Iterator[str]:
    """Lines of Markdown."""
    titles = "model", "engine", "species", "points", "times", "workers", "start [s]", "time [s]"
    titles += "points per second", "memory of the parent [MiB]"
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for one, took in costs.items():
        workers = "threads" if one.workers is None else one.workers
        cells = f"{name_of(one)} | {one.engine} | {took.species} | {one.points:,} | {one.times}"
        cells += f" | {workers} | {took.starting:.1f} | {took.seconds:.1f}"
        yield f"| {cells} | {one.points / took.seconds:.0f} | {took.memory:.0f} |"


def name_of(asked: Sweep) -> str:
    """A model by its drugs."""
    return " + ".join(asked.drugs) or "no drug"


@mpl.rc_context(STYLE)
def panels(found: Sequence[Mapping[Sweep, Cost]], batch: Mapping[Sweep, Cost]) -> Figure:
    """Time of one point over points, on the batch engine too, workers, species and times."""
    figure = Figure(figsize=(WIDE, 3.8), layout="constrained")
    labels = "points", "worker processes", "species of the model", "times that are looked at"
    for number, (costs, label) in enumerate(zip(found, labels, strict=True)):
        axes = figure.add_subplot(2, 2, number + 1)
        asked, took = list(costs), list(costs.values())
        x = [
            [float(one.points) for one in asked],
            [float(one.workers) for one in asked],
            [float(one.species) for one in took],
            [float(one.times) for one in asked],
        ][number]
        y = [1e3 * c.seconds / one.points for one, c in costs.items()]
        axes.plot(x, y, marker=MARKERS[0], color=COLOURS[0], label="RoadRunner")
        axes.set_xlabel(label)
        axes.set_ylabel("time per point [ms]")
        axes.set_ylim(0.0, 1.15 * max(y))
        axes.set_title(f"({'abcd'[number]}) over {label}")
        if label == "points":
            other = [1e3 * c.seconds / one.points for one, c in batch.items()]
            sizes = [one.points for one in batch]
            axes.plot(
                sizes, other, marker=MARKERS[1], color=COLOURS[1], label="batch engine, threads"
            )
            axes.set(xscale="log", yscale="log", ylim=(0.5 * min(other), 4.0 * max(y)))
            axes.legend()
        elif label == "worker processes":
            axes.set_xticks(x)
    headline(figure, "What a point of a sweep costs on RoadRunner, and (a) on the batch engine")
    return figure


def main() -> None:
    """Measure; print the table, write the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="up to a million points: an hour")
    parser.add_argument("--quick", action="store_true", help="few points, for trying")
    parser.add_argument("--memory", action="store_true", help="only a million rows without runs")
    parser.add_argument(
        "--large", action="store_true", help="only Dask's CPU time, and 10^7 points"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    options = parser.parse_args()
    print(machine(["p53net", "llvmlite", "libroadrunner", "distributed", "pyarrow", "numpy"]))
    print(f"Command: python -m benchmarks.scaling {' '.join(sys.argv[1:])}\n")
    if options.memory:
        print(memory_text())
        return
    if options.large:
        print(large.text(*((20_000, 50_000) if options.quick else LARGE)))
        return
    usual = 100 if options.quick else Sweep().points
    sizes = POINTS[:2] if options.quick else POINTS + MORE_POINTS * options.full
    asked = [
        [Sweep(points=number) for number in sizes],
        [Sweep(points=usual, workers=number) for number in (1, 2)],
        [Sweep(drugs, usual, 0) for drugs in MODELS],
        [Sweep(DRUGS, usual, 0, times) for times in TIMES],
    ]
    asked += [[Sweep(points=number, workers=None, engine="batch") for number in sizes]]
    costs = {one: cost(one) for one in dict.fromkeys(one for group in asked for one in group)}
    *groups, batch = [{one: costs[one] for one in group} for group in asked]
    write(panels(groups, batch), options.out, "scaling")
    print("\n".join(table(costs)))
    print("\nWorkers 0: in the process itself, threads: in its threads, one for each core. Start:")
    print("until workers are ready, not in the time.")
    print(f"Each point has its own untreated state; {len(CORE)} parameters vary.")


if __name__ == "__main__":
    main()
