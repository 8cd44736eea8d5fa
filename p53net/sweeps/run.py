"""A sweep: many points of one model, in this process, on local workers or on a cluster."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from p53net.engines.base import FloatArray
from p53net.ensembles.cells import EnsembleLike
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError, WorkersError
from p53net.extras import brought, need
from p53net.measures.definition import Measure
from p53net.notebook.bars import told
from p53net.simulation import provenance
from p53net.simulation.choice import AUTO
from p53net.simulation.inputs import Doses
from p53net.simulation.model import Model
from p53net.simulation.provenance import recorded_with
from p53net.sweeps import over_draws, rows, workers
from p53net.sweeps import result as results
from p53net.sweeps import store as stores
from p53net.sweeps.design import Axes, Design, design_of, design_of_table, frame_of
from p53net.sweeps.plan import Plan, checked_model, plan_of
from p53net.sweeps.progress import Progress as Progress
from p53net.sweeps.reduced import failed_of
from p53net.sweeps.reductions import Reduction

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_TIMES: FloatArray = np.linspace(0.0, 72.0, 145)
"""Hours at which a run is looked at, unless others are asked for."""

_SMALL = 500  # points that are done before workers would have started
_LARGEST_CHUNK = 1000  # points: some seconds of work, which a kill can lose
_SMALLEST_BATCH, _LARGEST_BATCH = 100, 4000  # points where many at once cost less
_CHUNKS_FOR_EACH = 8  # of a worker at least, so that none is left alone at the end
_MOST_WORKERS = 1024
_CURVE_BYTES = 64 * 2**20  # of one chunk
_IN_PROCESS = "keep it in this process with workers=0"
_SIZE = re.compile(r"(\d+(?:\.\d*)?(?:e\d+)?)\s*(?:([kmgtp])(i?))?b?", re.IGNORECASE)


_OPTIONS = (
    "times", "observables", "measures", "doses", "parameters", "feedback", "accuracy", "time_limit",
    "memory_limit", "workers", "scheduler", "store", "resume", "engine", "keep_trajectories",
    "gradient", "chunk", "reduce", "progress",
)  # fmt: skip
"""Arguments of a sweep that say nothing of its points."""


@recorded_with(axes=lambda given: frame_of(given) if isinstance(given, str | Path) else given)
def sweep(
    model: Model,
    axes: Axes | pd.DataFrame | str | Path,
    *,
    points: int | None = None,
    design: str = "grid",
    seed: int = 1,
    times: ArrayLike | None = None,
    observables: Sequence[str] | None = None,
    measures: Sequence[Measure | str] = (),
    doses: Mapping[str, Doses] | None = None,
    parameters: Mapping[str, float] | None = None,
    feedback: bool = True,
    accuracy: float | None = None,
    time_limit: float = 60.0,
    memory_limit: int | str = "2 GiB",
    workers: int | None = None,
    scheduler: str | None = None,
    store: str | Path | None = None,
    resume: bool = False,
    engine: str = AUTO,
    keep_trajectories: bool = False,
    gradient: Sequence[str] | None = None,
    chunk: int | None = None,
    reduce: Sequence[Reduction] = (),
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> xr.Dataset:
    """Run a model at many points, each from its own untreated steady state.

    `axes` map drugs [nM], parameter ids and `exposure` [h], after which every drug is washed out,
    to arrays, which are crossed, or to distributions (`log_uniform`, `uniform`). `design` is
    "grid", "sobol" or "latin-hypercube", with `points` values for each distribution, or points in
    all. Or `axes` is a table of points, or its CSV or Parquet file.

    `measures` are kept of each run (made by `p53net.measures`, or texts such as "escape_index"),
    and of `observables` the last value, or with `keep_trajectories` the curve over `times` [h], by
    default each half hour until 72.
    `doses` are of drugs that are no axis; of one that is, `doses` give the shape, and the axis its
    highest concentration. `gradient` names parameters and drugs: each measure then has a column
    `d_<measure>_d_<parameter>` for each, its slope there, as `Model.gradient` gives.

    Each measure comes with `<measure>_error`, its error bar: half of what two runs differ by, of
    which one has a tenth of the other's tolerance. A point whose bar is above the model's accuracy,
    or `accuracy`, is run again more tightly, `reruns` times; if none is tight enough its status
    says so. Of curves the bar is the largest along each, relative to the value.

    `engine` is "roadrunner", "batch", which runs many points at once, "copasi", a second opinion,
    or "auto": batch from ten points on, or where a measure looks for a dose. What batch cannot run
    goes to RoadRunner: a model, as the attribute `engine` then says, or a point, as its `reason`
    says.

    A small sweep runs in this process, and so does one on the batch engine, in a thread for each
    core. Others, and those with measures of your own that take no arrays, run on `workers`
    processes, by default one for each core, or on the Dask `scheduler` at an address. `workers=0`
    keeps all in one thread of this process. `time_limit` [s] for a point acts between integrations
    of RoadRunner; a worker process is also stopped from outside by it, and by `memory_limit`.
    `store` is a folder that keeps finished chunks of at most `chunk` points; `resume` goes on with
    one. A stored result above 256 MiB is opened and not read: its variables are Dask arrays.
    `reduce` lists what is kept of all points instead of a row for each: `best_of`, `histogram_of`,
    `quantiles_of`.
    `ensemble`, `fit` and `draws` are as in `escape`, but of at most 200 draws: every point is run
    in each, and measures have `quantile`, or `draw`, before the axes; without store, gradient and
    reduce.
    `progress` is told how far the sweep is.

    Returns a Dataset over the grid's axes and `point`, with units, and a `status` and `reason` for
    every point: a point that fails is a row, never an exception. Rows depend on their own inputs
    only. Raises InputError, UnknownNameError, StoreError, WorkersError, OutputError.

    Examples:
        >>> model = pn.load("KT-253")
        >>> axes = {"KT-253": [1.0, 10.0], "k_deg_p53": pn.log_uniform(0.1, 1.0)}
        >>> found = pn.sweep(model, axes, points=3, measures=["peak:p53_active"])
        >>> found["peak_p53_active"].dims, found["peak_p53_active"].values.round()
        (('KT-253', 'k_deg_p53'), array([[150., 105.,  49.],
               [384., 150.,  52.]]))
    """
    if ensemble is not None or draws:
        options = {name: value for name, value in locals().items() if name in _OPTIONS}
        layout = {"points": points, "design": design, "seed": seed}
        return over_draws.swept(sweep, model, axes, ensemble, draws, layout, options)
    if not isinstance(resume, bool | np.bool_):
        raise InputError(f"resume is {resume!r}, but must be True (go on with the store) or False")
    if isinstance(axes, pd.DataFrame | str | Path):
        if points is not None or not isinstance(design, str) or design != "grid":
            raise InputError("a table of points is a design already; leave points and design out")
        chosen = design_of_table(axes)
    else:
        chosen = design_of(axes, points, design, seed)
    model = checked_model(model).to(accuracy)
    plan, chosen = plan_of(
        model,
        chosen,
        times=DEFAULT_TIMES if times is None else times,
        observables=observables,
        measures=measures,
        doses=doses,
        parameters=parameters,
        feedback=feedback,
        time_limit=_seconds(time_limit),
        memory_limit=_bytes(memory_limit),
        engine=engine,
        keep_trajectories=keep_trajectories,
        gradient=gradient,
        reduce=reduce,
    )
    number, threads = _workers(workers, scheduler, chosen.size, plan)
    size = _chunk_size(chunk, chosen.size, max(number, threads), plan)
    settings = {**model.run_settings, "engine": plan.engine_said}
    provenance.note(model, plan.engine_said)
    settings["record"] = provenance.so_far()
    manifest = results.manifest_of(plan, chosen, size, settings)
    if store is None:
        results.check_memory(manifest)
    if store is not None and not isinstance(store, str | Path):
        raise InputError(f"store is {store!r}, but must be the path of a folder")
    if store is None:
        if resume:
            raise InputError("resume needs the store to go on with; name its folder")
        with _source(plan, chosen, model, number, threads, scheduler) as run:
            made = run(_chunks(chosen.size, size, set()))
            begin = Progress(0, 0, chosen.size, 0, 0)
            return results.assembled(manifest, _told(made, begin, size, progress))
    with stores.opened(store, manifest, bool(resume)) as folder:
        size, done = folder.chunk_size, folder.done()
        missing = _chunks(chosen.size, size, done)
        kept = sum(min(size, chosen.size - start) for start in done)
        begin = Progress(kept, 0, chosen.size, kept, folder.corrupt)
        if kept < chosen.size:
            with _source(plan, chosen, model, number, threads, scheduler) as run:
                for start, table in _told(run(missing), begin, size, progress):
                    folder.write(start, table)
        elif progress is not None:
            progress(begin)
        return results.stored(folder)


def _told(
    tables: Iterator[tuple[int, pa.Table]],
    now: Progress,
    size: int,
    progress: Callable[[Progress], None] | None,
) -> Iterator[tuple[int, pa.Table]]:
    """The same tables, each of so many points at most, with the progress told after each."""
    tell = progress or told
    tell(now)
    for start, table in tables:
        yield start, table
        done, failed = min(size, now.total - start), failed_of(table)
        now = now._replace(done=now.done + done, failed=now.failed + failed)
        tell(now)
    if now.done != now.total:
        raise WorkersError(f"{now.total - now.done:,} points did not come back; resume the sweep")


@contextlib.contextmanager
def _source(
    plan: Plan, design: Design, model: Model, number: int, threads: int, scheduler: str | None
) -> Iterator[Callable[[Iterator[workers.Chunk]], Iterator[tuple[int, pa.Table]]]]:
    """What turns chunks into tables."""
    if not number and scheduler is None:
        rows.use(model)
        if plan.capabilities.threads:
            model.runner(plan.engine).ready()  # before threads share it
        with contextlib.ExitStack() as stack:  # threads end with the sweep, however it ends

            def run(chunks: Iterator[workers.Chunk]) -> Iterator[tuple[int, pa.Table]]:
                made = workers.in_process(plan, design, chunks, threads)
                return stack.enter_context(contextlib.closing(made))

            yield run
        return
    from p53net.sweeps import dispatch  # Dask takes a while to import

    joined = workers.connected(scheduler) if scheduler else workers.local(number, plan)
    with joined as (client, alive):
        yield lambda chunks: dispatch.distributed(plan, design, list(chunks), client, alive)


def _chunks(total: int, size: int, done: set[int]) -> Iterator[workers.Chunk]:
    starts = (start for start in range(0, total, size) if start not in done)
    return ((start, min(start + size, total)) for start in starts)


def _chunk_size(chunk: int | None, total: int, number: int, plan: Plan) -> int:
    if chunk is not None:
        if isinstance(chunk, bool) or not isinstance(chunk, int | np.integer) or chunk < 1:
            raise InputError(f"chunk is {chunk!r}, but must be a whole number of points, 1 or more")
        return int(chunk)
    fair = math.ceil(total / (_CHUNKS_FOR_EACH * max(number, 1)))
    curve = 8 * len(plan.needed if plan.capabilities.together else plan.curves) * len(plan.times)
    if plan.together:
        fair, largest = max(fair, _SMALLEST_BATCH), _LARGEST_BATCH
    else:
        largest = _LARGEST_CHUNK
        if plan.capabilities.apart and number == 1:  # each chunk costs a way there and back
            fair = max(fair, _SMALLEST_BATCH)
    return max(1, min(fair, largest, _CURVE_BYTES // max(curve, 1)))


def _workers(number: object, scheduler: str | None, points: int, plan: Plan) -> tuple[int, int]:
    """Processes, none for this one, and threads of this one."""
    if scheduler is not None:
        if not isinstance(scheduler, str) or "://" not in scheduler:
            raise InputError(f"scheduler is {scheduler!r}, but must be like 'tcp://host:8786'")
        if number is not None:
            raise InputError("give workers to run here, or a scheduler, which has its own")
        need("workers", "a sweep on a scheduler")
        return 0, 1
    if number is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if plan.together:
            return 0, cores or 1
        return (cores or 1 if points > _SMALL and brought("workers") else 0), 1
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
        raise InputError(f"workers is {number!r}, but must be a whole number, 0 or more")
    if number > _MOST_WORKERS:
        raise InputError(f"workers is {number:,}, but at most {_MOST_WORKERS} start on one machine")
    if number:
        need("workers", "a sweep in worker processes", _IN_PROCESS)
    return int(number), 1


def _seconds(limit: object) -> float:
    if isinstance(limit, bool) or not isinstance(limit, Real) or not 0 < float(limit) < math.inf:
        raise InputError(f"time_limit is {limit!r}, but must be seconds, above 0")
    return float(limit)


def _bytes(limit: object) -> int:
    number = 0.0
    if isinstance(limit, Integral) and not isinstance(limit, bool):
        number = float(limit)
    elif isinstance(limit, str) and (found := _SIZE.fullmatch(limit.strip())):
        prefix, binary = (found[2] or "").lower(), found[3]
        number = float(found[1]) * (1024 if binary else 1000) ** " kmgtp".index(prefix or " ")
    if not 256 * 2**20 <= number < math.inf:
        raise InputError(
            f"memory_limit is {limit!r}, but must be at least '256 MiB', such as '2 GiB'"
        )
    return int(number)
