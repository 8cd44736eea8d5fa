"""Commands about sweeps: run one, draw one, and find out which parameters matter."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
import xarray as xr
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from p53net import drawing
from p53net.cli.doses import BodyDays, BodySchedule, Flat, doses_of
from p53net.cli.terminal import (
    AnyLine,
    Doses,
    Engine,
    Fragments,
    Host,
    OpenLoop,
    OwnTables,
    Pulse,
    Settings,
    System,
    Volume,
    app,
    model_of,
    number,
    said,
    settings_of,
    show,
)
from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError, StoreError, unknown_name
from p53net.figures import style
from p53net.files import made_folder
from p53net.simulation.choice import AUTO
from p53net.simulation.inputs import MOST_POINTS
from p53net.sweeps import store as stores
from p53net.sweeps.design import Distribution
from p53net.sweeps.result import read_sweep
from p53net.sweeps.run import Progress, sweep
from p53net.sweeps.sensitivity import sobol_indices, tornado

Drugs = Annotated[
    list[str] | None, typer.Argument(metavar="DRUG", help="None, one, or one of each kind.")
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        help="Axis: a drug [nM], a parameter or exposure [h], as NAME=low:high:count, "
        "NAME=low:high:count:log, NAME=1,3,10; or NAME=low:high or NAME=low:high:log and --points.",
    ),
]
Measures = Annotated[
    list[str] | None,
    typer.Option("--measure", help="peak:p53_active, at:MDM2_total:24, escape_index ... "
                 "Repeatable; see `p53net list`."),
]  # fmt: skip
OneMeasure = Annotated[str, typer.Option("--measure", help="As for `sweep`.")]
Hours = Annotated[float, typer.Option("--hours", help="Length of each run.")]
Times = Annotated[int, typer.Option("--times", help="Number of times that measures see.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", help="Processes; 0: one thread of this one. Default by size and engine."
    ),
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler, tcp://host:8786.")
]
TimeLimit = Annotated[float, typer.Option("--time-limit", help="Seconds for one point.")]
Figure = Annotated[
    Path | None, typer.Option("--plot", help="Also draw a figure: .png, .svg or .pdf.")
]


@app.command("sweep")
def sweep_(
    drugs: Drugs = None,
    vary: Vary = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="Points of your own: CSV or Parquet.")
    ] = None,
    measure: Measures = None,
    observable: Annotated[
        list[str] | None, typer.Option("--observable", help="Keep its last value. Repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the sweep.")] = Path("sweep"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with that folder.")] = False,
    design: Annotated[
        str, typer.Option("--design", help="grid, sobol or latin-hypercube.")
    ] = "grid",
    points: Annotated[
        int | None,
        typer.Option("--points", help="Of a random design; in a grid, of each axis."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of a random design.")] = 1,
    dose: Doses = None,
    pulse: Pulse = None,
    closed: Volume = None,
    hours: Hours = 72.0,
    times: Times = 145,
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    regimen: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    curves: Annotated[
        bool, typer.Option("--keep-trajectories", help="Keep the observables' curves.")
    ] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    chunk: Annotated[int | None, typer.Option("--chunk", help="Points stored together.")] = None,
    time_limit: TimeLimit = 60.0,
    memory_limit: Annotated[
        str, typer.Option("--memory-limit", help="Memory of one worker.")
    ] = "2 GiB",
    engine: Engine = AUTO,
    own: OwnTables = None,
    fragments: Fragments = None,
) -> None:
    """Run many points, store them as Parquet chunks, and say how many failed and why.

    Example: p53net sweep milademetan KT-253 --vary milademetan=1:1e4:41:log
    --vary k_deg_p53=0.05:1:21 --measure peak:p53_active --out sweep/
    """
    if (table is None) == (not vary):
        raise InputError("name the points: either --vary, once or more, or --table")
    model = model_of(drugs or [], cell_line, own, system, host, fragments)
    with _kept(out), _bar() as progress:
        result = sweep(
            model,
            table or _axes(vary or []),
            points=points,
            design=design,
            seed=seed,
            times=_grid(hours, times),
            observables=observable or [],
            measures=measure or [],
            doses=doses_of(model, dose or [], pulse, closed, regimen, days, flat),
            parameters=settings_of(set_ or []),
            feedback=not open_loop,
            time_limit=time_limit,
            memory_limit=memory_limit,
            workers=workers,
            scheduler=scheduler,
            store=out,
            resume=resume,
            engine=engine,
            keep_trajectories=curves,
            chunk=chunk,
            progress=progress,
        )
    _tell(result)
    said.print(f"wrote {out}/; draw it with: p53net plot {out}", soft_wrap=True)


@app.command()
def plot(
    folder: Annotated[Path, typer.Argument(help="Folder of a sweep, finished or not.")],
    x: Annotated[str | None, typer.Option("--x", help="Axis to the right.")] = None,
    y: Annotated[str | None, typer.Option("--y", help="Axis upwards, or a measure.")] = None,
    colour: Annotated[
        str | None, typer.Option("--colour", help="Measure of a heat map, or axis of lines.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", help="NAME=value: where another axis is held. Repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File: .png, .svg or .pdf. Default: the folder.")
    ] = None,
) -> None:
    """Draw a sweep: a heat map over two axes, or lines over one.

    Of an unfinished sweep, what was not run is hatched.
    """
    store = stores.read(folder)
    stored, size = store.stored, store.size
    if 0 < stored < size:  # said before all is read
        said.print(f"{folder} is not finished: {stored:,} of {size:,} points are there; "
                   "repeat its sweep with --resume for the others", soft_wrap=True)  # fmt: skip
    result = read_sweep(folder)
    missing = int((result["status"] == "not run").sum())
    if missing > size - stored:
        said.print(f"{missing - size + stored:,} points are in damaged chunks; --resume computes "
                   "them again", soft_wrap=True)  # fmt: skip
    if missing == size:
        raise StoreError(f"no point of {folder} has run yet; repeat its sweep with --resume")
    for name, value in settings_of(at or [], "--at").items():
        if name not in result.indexes:
            raise unknown_name("axis of a grid", name, map(str, result.indexes))
        values = result[name].values
        if not values.min() <= value <= values.max():
            raise InputError(
                f"--at {name}={value:g}: the axis goes from {values.min():g} to {values.max():g}"
            )
        result = result.sortby(name).sel({name: value}, method="nearest")
    paths = [out] if out else [folder / "sweep.png", folder / "sweep.svg"]
    with said.status("drawing"):
        figure = drawing.plot(result, x=x, y=y, colour=colour)
        for path in paths:
            made_folder(path.parent)
            said.print(f"wrote {style.save(figure, path)}")


@app.command("tornado")
def tornado_(
    drugs: Drugs = None,
    measure: OneMeasure = "peak:p53_active",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="To move; default all. Repeatable.")
    ] = None,
    factor: Annotated[float, typer.Option("--factor", help="Down and up by this.")] = 2.0,
    dose: Doses = None,
    pulse: Pulse = None,
    closed: Volume = None,
    hours: Hours = 72.0,
    times: Times = 145,
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    regimen: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit: TimeLimit = 60.0,
    engine: Engine = AUTO,
    plot: Figure = None,
    own: OwnTables = None,
    fragments: Fragments = None,
) -> None:
    """Move every parameter and dose down and up, and rank what that does to a measure. CSV.

    Example: p53net tornado milademetan --dose 100 --measure escape_index --plot tornado.png
    """
    model = model_of(drugs or [], cell_line, own, system, host, fragments)
    with _bar() as progress:
        result = tornado(
            model,
            measure,
            names=parameter,
            factor=factor,
            parameters=settings_of(set_ or []),
            times=_grid(hours, times),
            doses=doses_of(model, dose or [], pulse, closed, regimen, days, flat),
            feedback=not open_loop,
            workers=workers,
            scheduler=scheduler,
            time_limit=time_limit,
            engine=engine,
            progress=progress,
        )
    wide = {side: result.sel(side=side, drop=True) for side in ("down", "up")}
    show(
        pd.DataFrame(
            {
                "parameter": result["parameter"].values,
                "usual": result["usual"].values,
                **{side: one["value"].values for side, one in wide.items()},
                "baseline": float(result["baseline"]),
                "measure": result.attrs["measure"],
                "unit": result["value"].attrs["units"],
                **{f"{side}_status": one["status"].values for side, one in wide.items()},
            }
        )
    )
    _draw(result, plot)


@app.command()
def sobol(
    drugs: Drugs = None,
    vary: Vary = None,
    measure: OneMeasure = "peak:p53_active",
    points: Annotated[
        int, typer.Option("--points", help="A power of two; runs are this times axes + 2.")
    ] = 256,
    seed: Annotated[int, typer.Option("--seed", help="Of the random points.")] = 1,
    dose: Doses = None,
    pulse: Pulse = None,
    closed: Volume = None,
    hours: Hours = 72.0,
    times: Times = 145,
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    regimen: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit: TimeLimit = 60.0,
    engine: Engine = AUTO,
    plot: Figure = None,
    own: OwnTables = None,
    fragments: Fragments = None,
) -> None:
    """Print which share of a measure's variance each axis explains (needs SALib). CSV.

    Example: p53net sobol milademetan --dose 100 --vary k_deg_p53=0.05:1:log
    --vary k_ub_p53=1:100:log --measure escape_index
    """
    axes = _axes(vary or [])
    drawn = {name: axis for name, axis in axes.items() if isinstance(axis, Distribution)}
    if len(drawn) < len(axes):
        raise InputError("Sobol indices take axes without a count; write --vary NAME=low:high:log")
    model = model_of(drugs or [], cell_line, own, system, host, fragments)
    with _bar() as progress:
        result = sobol_indices(
            model,
            drawn,
            measure,
            points=points,
            seed=seed,
            parameters=settings_of(set_ or []),
            times=_grid(hours, times),
            doses=doses_of(model, dose or [], pulse, closed, regimen, days, flat),
            feedback=not open_loop,
            workers=workers,
            scheduler=scheduler,
            time_limit=time_limit,
            engine=engine,
            progress=progress,
        )
    show(result.to_dataframe().reset_index().assign(measure=result.attrs["measure"]))
    _draw(result, plot)


def _axes(texts: list[str]) -> dict[str, Any]:
    """Axes as written: NAME=low:high[:count][:log], or NAME=1,3,10."""
    axes: dict[str, FloatArray | Distribution] = {}
    for text in texts:
        name, separator, spread = text.partition("=")
        if not separator or not name:
            raise InputError(f"--vary {text} is not NAME=values; write k_deg_p53=0.05:1:21:log")
        if name in axes:
            raise InputError(f"--vary gives {name} twice; give each axis once")
        axes[name] = _axis(spread, f"--vary {text}")
    return axes


def _axis(spread: str, where: str) -> "FloatArray | Distribution":
    if ":" not in spread:
        return np.array([number(value, where) for value in spread.split(",")])
    parts = spread.split(":")
    logarithmic = parts[-1] == "log"
    numbers = [number(part, where) for part in (parts[:-1] if logarithmic else parts)]
    if len(numbers) not in (2, 3):
        raise InputError(f"{where} should be low:high, low:high:count, or either with :log")
    low, high, *counts = numbers
    try:
        axis = Distribution(low, high, logarithmic)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if not counts:
        return axis
    if not 2 <= counts[0] <= MOST_POINTS or counts[0] != int(counts[0]):
        raise InputError(f"{where}: the count is {counts[0]:g}, but must be 2 to {MOST_POINTS:,}")
    return axis.quantile(np.linspace(0.0, 1.0, int(counts[0])))


def _grid(hours: float, times: int) -> FloatArray:
    if finite_number(hours, "hours", "h") == 0:
        raise InputError("hours is 0, but must be more than 0; give the length of the runs")
    if not 2 <= times <= MOST_POINTS:
        raise InputError(f"times is {times:,}; allowed are 2 to {MOST_POINTS:,}")
    return np.linspace(0.0, hours, times)


@contextlib.contextmanager
def _kept(out: Path) -> Iterator[None]:
    """Say what is left of an interrupted sweep, if anything is."""
    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(StoreError, OSError):  # interrupted before the store was made
            store = stores.read(out)
            if store.stored:
                said.print(f"{store.stored:,} of {store.size:,} points are in {out}/; --resume "
                           "goes on", soft_wrap=True)  # fmt: skip
        raise


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar: points done and failed, runs per second, time left."""
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} points"),
        TextColumn("{task.fields[failed]:,} failed, {task.fields[speed]:,.0f} runs/s"),
        TimeRemainingColumn(),
    )
    begun: list[float] = []
    with Bar(*columns, console=said, transient=True, disable=not said.is_terminal) as bar:
        task = bar.add_task("", total=1.0, failed=0, speed=0.0)

        def tell(now: Progress) -> None:
            begun.append(monotonic()) if not begun else None
            speed = (now.done - now.resumed) / max(monotonic() - begun[0], 1e-3)
            bar.update(task, completed=now.done, total=now.total, failed=now.failed, speed=speed)
            if now.recomputed and now.done == now.resumed:
                said.print(f"{now.recomputed} damaged chunks are computed again")

        yield tell


def _tell(result: xr.Dataset) -> None:
    """How many points there are, and what became of them."""
    counts = _counts(result["status"].values.ravel())
    words = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    said.print(f"{sum(counts.values()):,} points: {words}")
    said.print(f"engine: {result.attrs['engine']}", soft_wrap=True)
    for status in counts:  # of points that are ok, some may have a note
        reasons = result["reason"].values[result["status"].values == status]
        for reason, count in list(_counts(reasons[reasons != ""]).items())[:1]:
            said.print(f"  {status}, {count:,} times: {reason}", soft_wrap=True)


def _counts(values: Any) -> Mapping[str, int]:  # noqa: ANN401 - an array of texts
    return {str(k): int(n) for k, n in pd.Series(values).value_counts().items()}


def _draw(result: xr.Dataset, path: Path | None) -> None:
    if path is not None:
        made_folder(path.parent)
        said.print(f"wrote {style.save(drawing.plot(result), path)}")
