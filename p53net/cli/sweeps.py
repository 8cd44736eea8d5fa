"""Commands about sweeps: run one, draw one, and find out which parameters matter."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import xarray as xr

from p53net import drawing
from p53net.cli.doses import BodyDays, BodySchedule, Flat, doses_of
from p53net.cli.points import (
    Drugs,
    Hours,
    Measures,
    Reduce,
    Scheduler,
    TimeLimit,
    Times,
    Vary,
    Workers,
    axes_of,
    grid_of,
    points_bar,
    reductions_of,
    tell_failures,
)
from p53net.cli.studies import PRINT, Size
from p53net.cli.terminal import (
    Accuracy,
    AnyLine,
    Doses,
    Engine,
    Fragments,
    Host,
    OpenLoop,
    OwnTables,
    Pulse,
    Settings,
    Structures,
    System,
    Volume,
    app,
    model_of,
    said,
    settings_of,
)
from p53net.errors import InputError, StoreError, unknown_name
from p53net.figures import style
from p53net.files import made_folder, write_text
from p53net.simulation.choice import AUTO
from p53net.sweeps import store as stores
from p53net.sweeps.result import read_sweep
from p53net.sweeps.run import sweep


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
    schedule: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    curves: Annotated[
        bool, typer.Option("--keep-trajectories", help="Keep the observables' curves.")
    ] = False,
    gradient: Annotated[
        list[str] | None,
        typer.Option("--gradient", help="Parameter or drug: slopes of measures. Repeatable."),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    reduce: Reduce = None,
    chunk: Annotated[int | None, typer.Option("--chunk", help="Points stored together.")] = None,
    time_limit: TimeLimit = 60.0,
    memory_limit: Annotated[
        str, typer.Option("--memory-limit", help="Memory of one worker.")
    ] = "2 GiB",
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
) -> None:
    """Run many points, store them as Parquet chunks, and say how many failed and why.

    Example: p53net sweep milademetan KT-253 --vary milademetan=1:1e4:41:log
    --vary k_deg_p53=0.05:1:21 --measure peak:p53_active --out sweep/
    """
    if (table is None) == (not vary):
        raise InputError("name the points: either --vary, once or more, or --table")
    model = model_of(drugs or [], cell_line, own, system, host, fragments, structure)
    with _kept(out), points_bar() as progress:
        result = sweep(
            model,
            table or axes_of(vary or []),
            points=points,
            design=design,
            seed=seed,
            times=grid_of(hours, times),
            observables=observable or [],
            measures=measure or [],
            doses=doses_of(model, dose or [], pulse, closed, schedule, days, flat),
            parameters=settings_of(set_ or []),
            feedback=not open_loop,
            time_limit=time_limit,
            memory_limit=memory_limit,
            workers=workers,
            scheduler=scheduler,
            store=out,
            resume=resume,
            engine=engine,
            accuracy=accuracy,
            keep_trajectories=curves,
            gradient=gradient or None,
            chunk=chunk,
            reduce=reductions_of(reduce or []),
            progress=progress,
        )
    tell_failures(result)
    if reduce:
        for path in _tables(result, out):
            said.print(f"wrote {path}", soft_wrap=True)
        return
    said.print(f"wrote {out}/; draw it with: p53net plot {out}", soft_wrap=True)


def _tables(result: xr.Dataset, folder: Path) -> Iterator[Path]:
    """A CSV file for each reduction."""
    for name in result.data_vars:
        if str(name).endswith(("_quantile", "_histogram", "_best")):
            (along,) = result[name].dims
            shown = result[[one for one in result.data_vars if result[one].dims == (along,)]]
            yield write_text(folder / f"{name}.csv", shown.to_dataframe().to_csv())


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
    size: Size = PRINT,
) -> None:
    """Draw a sweep: a heat map over two axes, or lines over one.

    Of an unfinished sweep, what was not run is hatched.
    """
    store = stores.read(folder)
    stored, whole = store.stored, store.size
    if 0 < stored < whole:  # said before all is read
        said.print(f"{folder} is not finished: {stored:,} of {whole:,} points are there; "
                   "repeat its sweep with --resume for the others", soft_wrap=True)  # fmt: skip
    if "reductions" in store.manifest:
        raise InputError(f"{folder} keeps reductions, and no points to draw; read its .csv files")
    result = read_sweep(folder)
    missing = int((result["status"] == "not run").sum())
    if missing > whole - stored:
        said.print(f"{missing - whole + stored:,} points are in damaged chunks; --resume computes "
                   "them again", soft_wrap=True)  # fmt: skip
    if missing == whole:
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
        figure = drawing.plot(result, x=x, y=y, colour=colour, size=size)
        for path in paths:
            made_folder(path.parent)
            said.print(f"wrote {style.save(figure, path)}")


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
