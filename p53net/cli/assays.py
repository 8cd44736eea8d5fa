"""Commands of assays in a dish."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.beside import BesideHours, BesideLevels, Start, concentrations_of, levels_of
from p53net.cli.draws import Draws, Ensembles, Fits, drawn_of, with_bands
from p53net.cli.studies import PRINT, NoPlot, OwnData, Published, Size, finish
from p53net.cli.terminal import (
    Accuracy,
    Engine,
    OwnTables,
    Settings,
    Structures,
    app,
    number,
    said,
    settings_of,
    structure_of,
)
from p53net.engines.base import FloatArray
from p53net.model import GENERIC
from p53net.simulation.choice import AUTO

assay = typer.Typer(
    name="assay",
    help="Assays in a dish: viability, degradation, caspase-3/7.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(assay)

Drugs = Annotated[list[str], typer.Argument(metavar="DRUG...", help="One drug or more.")]
Concentrations = Annotated[
    str | None,
    typer.Option(
        "--concentrations", help="nM: 0.1,1,10,30,100, or low:high:count in even logarithms."
    ),
]
Line = Annotated[str, typer.Option("--cell-line", help="Cell line; see `p53net list`.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Hours = Annotated[str, typer.Option("--hours", help="Times of reading in h: 2 or 2,24.")]


@assay.command()
def viability(
    drugs: Drugs,
    cell_line: Annotated[
        list[str] | None,
        typer.Option("--cell-line", help="Cell line; repeatable. Default RS4;11 and TP53-null."),
    ] = None,
    hours: Annotated[float, typer.Option("--hours", help="Exposure in h.")] = 72.0,
    concentrations: Concentrations = None,
    replicates: Annotated[int, typer.Option("--replicates", help="Wells for each dose.")] = 3,
    noise: Annotated[
        float, typer.Option("--noise", help="Coefficient of variation of a well, 0 to 1.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Of the noise.")] = 1,
    beside: BesideLevels = None,
    beside_hours: BesideHours = None,
    start: Start = 0.0,
    set_: Settings = None,
    out: Out = Path("viability"),
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    data: OwnData = None,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Simulate a plate: live cells over dose, a logistic fit of each curve, IC50 with interval.

    Example: p53net assay viability KT-253 --cell-line "RS4;11" --cell-line TP53-null --noise 0.08
    """
    from p53net.studies.dish.viability_assay import viability as study

    with said.status("simulating plates"):
        result = study(drugs, cell_line or ["RS4;11", "TP53-null"], hours=hours,
                       concentrations=_nanomolar(concentrations), replicates=replicates,
                       noise=noise, seed=seed,
                       beside=levels_of(beside, beside_hours), start=start,
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       structure=structure_of(structure),
                       **drawn_of(ensemble, draws, fit, own))  # fmt: skip
    fits = result.drop_vars("viability").drop_dims(["dose", "replicate"], errors="ignore")
    tables = {
        "viability": fits.to_dataframe().reset_index(),
        "wells": result["viability"].to_dataframe().reset_index(),
    }
    finish(
        result,
        with_bands(result, tables, ["dose", "replicate"]),
        out,
        no_plot,
        data,
        published,
        size=size,
    )
    if boundary := result.attrs.get("boundary"):
        said.print(boundary, soft_wrap=True)


@assay.command()
def degradation(
    drugs: Drugs,
    cell_line: Line = GENERIC,
    hours: Hours = "2,24",
    concentrations: Concentrations = None,
    beside: BesideLevels = None,
    beside_hours: BesideHours = None,
    start: Start = 0.0,
    set_: Settings = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "degradation"
    ),
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    data: OwnData = None,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Simulate MDM2 by dose and time, the loop closed and opened: DC50, Dmax, and the hook.

    Example: p53net assay degradation KT-253 MD-224 --cell-line "RS4;11" --hours 2,6,24
    """
    from p53net.studies.dish.degradation_assay import degradation as study

    with said.status("simulating plates"):
        result = study(drugs, cell_line, hours=_list(hours, "--hours"),
                       concentrations=_nanomolar(concentrations),
                       beside=levels_of(beside, beside_hours), start=start,
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       structure=structure_of(structure),
                       **drawn_of(ensemble, draws, fit, own))  # fmt: skip
    tables = {
        "degradation": result.drop_dims("dose").to_dataframe().reset_index(),
        "curves": result["MDM2"].to_dataframe().reset_index(),
    }
    finish(result, with_bands(result, tables, ["dose"]), out, no_plot, data, published, size=size)


@assay.command()
def caspase(
    drugs: Drugs,
    cell_line: Line = "SJSA-1",
    hours: Hours = "6,12,24,48",
    concentrations: Concentrations = "1:1e5:11",
    beside: BesideLevels = None,
    beside_hours: BesideHours = None,
    start: Start = 0.0,
    set_: Settings = None,
    out: Out = Path("caspase"),
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    data: OwnData = None,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Simulate caspase-3/7 by dose and time: of a live cell, and of a well with its dead gone.

    Example: p53net assay caspase milademetan --cell-line SJSA-1
    """
    from p53net.studies.dish.caspase_assay import caspase as study

    with said.status("simulating plates"):
        result = study(drugs, cell_line, hours=_list(hours, "--hours"),
                       concentrations=_nanomolar(concentrations),
                       beside=levels_of(beside, beside_hours), start=start,
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       structure=structure_of(structure),
                       **drawn_of(ensemble, draws, fit, own))  # fmt: skip
    tables = {"caspase": result.to_dataframe().reset_index()}
    finish(result, with_bands(result, tables, []), out, no_plot, data, published, size=size)


def _nanomolar(text: str | None) -> FloatArray | None:
    """Concentrations as written."""
    return None if text is None else concentrations_of(text, f"--concentrations {text}")


def _list(text: str, option: str) -> list[float]:
    return [number(part, f"{option} {text}") for part in text.split(",")]
