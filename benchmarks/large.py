"""Large sweeps: CPU time on a Dask scheduler against one thread, and memory of many points.

`python -m benchmarks.scaling --large` prints both. Eight parameters vary, each point has its own
untreated state, nominal tolerance 1e-6, one measure. CPU time is that of all processes that take
part, from the first progress that is told, when workers are there and warm, to the labelled result.
"""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any, NamedTuple

import psutil
import xarray as xr

import p53net as pn
from benchmarks.peers.child import Child
from benchmarks.peers.job import DRUGS
from benchmarks.sweep import CORE, FACTOR
from p53net.engines.base import Tolerances

VARIED = (*CORE, "Ki_inhibitor", "k_ub_MDM2")
TOLERANCE = 1e-6
WARM = 20_000
WORKERS = 2
_DASK = [sys.executable, "-m"]
_LOOK_EVERY = 0.05  # s


class Took(NamedTuple):
    """One sweep."""

    cpu: float
    seconds: float
    digest: str
    """Of all arrays."""


class Memory(NamedTuple):
    """One stored sweep and its result, opened."""

    seconds: float
    mean: float
    """Of the measure, from the opened result."""
    peak: float
    """Largest sum of the resident memory of the process and all that it started [MiB]."""


def swept(
    points: int,
    watched: Sequence[psutil.Process],
    **options: Any,  # noqa: ANN401 - of `sweep`
) -> tuple[Took, xr.Dataset]:
    """A sweep and the CPU time of these processes."""
    usual = pn.load(*DRUGS)
    absolute = usual.tolerances.absolute * TOLERANCE / usual.tolerances.relative
    model = pn.Model(usual.definition, Tolerances(TOLERANCE, absolute))
    values = {name: model.definition.parameters[name].value for name in VARIED}
    begun: list[tuple[float, float]] = []

    def tell(_: pn.Progress) -> None:
        if not begun:
            begun.append((_cpu(watched), perf_counter()))

    found = pn.sweep(
        model,
        {name: pn.log_uniform(v / FACTOR, v * FACTOR) for name, v in values.items()},
        points=points,
        design="sobol",
        doses=dict.fromkeys(DRUGS, 10.0),
        measures=["peak:p53_active"],
        engine="batch",
        progress=tell,
        **options,
    )
    ((cpu, start),) = begun
    took = _cpu(watched) - cpu, perf_counter() - start
    return Took(*took, "" if options.get("store") else _digest(found)), found


def one_thread(points: int) -> Took:
    """In one thread of this process."""
    own = [psutil.Process()]
    swept(WARM, own, workers=0)
    return swept(points, own, workers=0)[0]


def on_cluster(points: int) -> Took:
    """On a scheduler and workers in processes of their own."""
    with _cluster() as (address, others):
        everyone = [psutil.Process(), *others]
        swept(WARM, everyone, scheduler=address)
        return swept(points, everyone, scheduler=address)[0]


def stored(points: int, folder: str) -> tuple[float, float]:
    """Into a store, and all of the opened result looked at: seconds, and the mean."""
    took, found = swept(points, [psutil.Process()], store=folder)
    failed = int((found["status"] != "ok").sum())
    if failed:
        print(f"{failed} of {points} points failed", file=sys.stderr)
    return took.seconds, float(found["peak_p53_active"].mean())


def memory(points: int) -> Memory:
    """Of a process that stores many points in threads."""
    with TemporaryDirectory() as folder, Child() as child:
        child.call("benchmarks.large", "nothing")
        root = psutil.Process().children()[-1]
        peaks, over = [0.0], threading.Event()

        def look() -> None:
            while not over.wait(_LOOK_EVERY):
                family = [root, *root.children(recursive=True)]
                peaks.append(sum(_memory(one) for one in family) / 2**20)

        watch = threading.Thread(target=look)
        watch.start()
        try:
            (seconds, mean), own = child.call(
                "benchmarks.large", "stored", points, str(Path(folder, "sweep"))
            )
        finally:
            over.set()
            watch.join()
    return Memory(seconds, mean, max(*peaks, own))


def nothing() -> None:
    """Imports what the others need."""


def text(points: int, many: int) -> str:
    """Both, in words."""
    with Child() as child:
        single, _ = child.call("benchmarks.large", "one_thread", points)
    with Child() as child:
        spread, _ = child.call("benchmarks.large", "on_cluster", points)
    if single.digest != spread.digest:
        raise RuntimeError("the arrays of the two differ")
    held = memory(many)
    return (
        f"| {points:,} points | CPU time [s] | time [s] | efficiency |\n|---|---|---|---|\n"
        f"| one thread | {single.cpu:.1f} | {single.seconds:.1f} | 1 |\n"
        f"| Dask scheduler, {WORKERS} workers | {spread.cpu:.1f} | {spread.seconds:.1f} | "
        f"{single.cpu / spread.cpu:.2f} |\n\nAll arrays are equal to the last bit.\n\n"
        f"{many:,} points to a store and opened: {held.seconds:.0f} s, "
        f"{many / held.seconds:,.0f} points per second; peak of the process and all that it "
        f"started {held.peak:,.0f} MiB."
    )


@contextmanager
def _cluster() -> Iterator[tuple[str, list[psutil.Process]]]:
    """A scheduler's address, and all its processes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        file = folder / "scheduler.json"
        here = ["--no-dashboard", "--host", "127.0.0.1"]
        started = [
            _started(stack, "dask_scheduler", *here, "--port", "0", "--scheduler-file", str(file))
        ]
        while not (file.exists() and "address" in file.read_text()):
            sleep(_LOOK_EVERY)
        address = file.read_text().split('"address": "')[1].split('"')[0]
        place = ["--nthreads", "1", "--local-directory", str(folder)]
        for _ in range(WORKERS):
            started.append(_started(stack, "dask_worker", address, *here, *place))
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)
        yield address, [p for one in started for p in (one, *one.children(recursive=True))]


def _started(stack: ExitStack, name: str, *words: str) -> psutil.Process:
    command = [*_DASK, f"distributed.cli.{name}", *words]
    process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))  # noqa: S603
    stack.callback(process.terminate)
    return psutil.Process(process.pid)


def _cpu(processes: Sequence[psutil.Process]) -> float:
    times = [one.cpu_times() for one in processes]
    return float(sum(one.user + one.system for one in times))


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _digest(found: xr.Dataset) -> str:
    whole = hashlib.sha256()
    for name in sorted(map(str, found.variables)):
        values = found[name].values
        whole.update(values.tobytes() if values.dtype.kind == "f" else "".join(values).encode())
    return whole.hexdigest()
