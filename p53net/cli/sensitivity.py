"""Commands of sensitivity: tornado and Sobol indices."""

from typing import Annotated

import pandas as pd
import typer

from p53net.cli.doses import BodyDays, BodySchedule, Flat, doses_of
from p53net.cli.points import (
    Drugs,
    Figure,
    Hours,
    OneMeasure,
    Scheduler,
    TimeLimit,
    Times,
    Vary,
    Workers,
    axes_of,
    draw,
    grid_of,
    points_bar,
)
from p53net.cli.studies import PRINT, Size
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
    Structures,
    System,
    Volume,
    app,
    model_of,
    settings_of,
    show,
)
from p53net.errors import InputError
from p53net.simulation.choice import AUTO
from p53net.sweeps.design import Distribution
from p53net.sweeps.sensitivity import sobol_indices, tornado


@app.command("tornado")
def tornado_(
    drugs: Drugs = None,
    measure: OneMeasure = "peak:p53_active",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="To move; default all. Repeatable.")
    ] = None,
    factor: Annotated[float, typer.Option("--factor", help="Down and up by this.")] = 2.0,
    local: Annotated[bool, typer.Option("--local", help="Slopes instead of runs.")] = False,
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
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit: TimeLimit = 60.0,
    engine: Engine = AUTO,
    plot: Figure = None,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
) -> None:
    """Move every parameter and dose down and up, and rank what that does to a measure. CSV.

    Example: p53net tornado milademetan --dose 100 --measure escape_index --plot tornado.png
    """
    model = model_of(drugs or [], cell_line, own, system, host, fragments, structure)
    with points_bar() as progress:
        result = tornado(
            model,
            measure,
            moved=parameter,
            factor=factor,
            local=local,
            parameters=settings_of(set_ or []),
            times=grid_of(hours, times),
            doses=doses_of(model, dose or [], pulse, closed, schedule, days, flat),
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
                **({"control": result["control"].values} if local else {}),
                "measure": result.attrs["measure"],
                "unit": result["value"].attrs["units"],
                **{f"{side}_status": one["status"].values for side, one in wide.items()},
            }
        )
    )
    draw(result, plot, size)


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
    schedule: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit: TimeLimit = 60.0,
    engine: Engine = AUTO,
    plot: Figure = None,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
) -> None:
    """Print which share of a measure's variance each axis explains (needs SALib). CSV.

    Example: p53net sobol milademetan --dose 100 --vary k_deg_p53=0.05:1:log
    --vary k_ub_p53=1:100:log --measure escape_index
    """
    axes = axes_of(vary or [])
    drawn = {name: axis for name, axis in axes.items() if isinstance(axis, Distribution)}
    if len(drawn) < len(axes):
        raise InputError("Sobol indices take axes without a count; write --vary NAME=low:high:log")
    model = model_of(drugs or [], cell_line, own, system, host, fragments, structure)
    with points_bar() as progress:
        result = sobol_indices(
            model,
            drawn,
            measure,
            points=points,
            seed=seed,
            parameters=settings_of(set_ or []),
            times=grid_of(hours, times),
            doses=doses_of(model, dose or [], pulse, closed, schedule, days, flat),
            feedback=not open_loop,
            workers=workers,
            scheduler=scheduler,
            time_limit=time_limit,
            engine=engine,
            progress=progress,
        )
    show(result.to_dataframe().reset_index().assign(measure=result.attrs["measure"]))
    draw(result, plot, size)
