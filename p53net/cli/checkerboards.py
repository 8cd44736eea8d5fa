"""The command that asks whether two drugs do more together than alone."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.beside import concentrations_of
from p53net.cli.draws import Draws, Ensembles, Fits, drawn_of, with_bands
from p53net.cli.studies import PRINT, NoPlot, Size, finish
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
from p53net.ensembles.banded import DEFINED
from p53net.simulation.choice import AUTO


@app.command()
def synergy(
    drug: Annotated[str, typer.Argument(help="A drug.")],
    other: Annotated[str, typer.Argument(help="Another, of another mechanism.")],
    cell_line: Annotated[
        str, typer.Option("--cell-line", help="Cell line; see `p53net list`.")
    ] = "RS4;11",
    hours: Annotated[float, typer.Option("--hours", help="When the plate is read, in h.")] = 72.0,
    concentrations: Annotated[
        str | None,
        typer.Option(
            "--concentrations",
            help="nM: 10,30,100, or low:high:count. Default around the half effect.",
        ),
    ] = None,
    other_concentrations: Annotated[
        str | None, typer.Option("--other-concentrations", help="The same of the other drug.")
    ] = None,
    switch: Annotated[
        float | None,
        typer.Option("--switch", help="The other drug alone until so many h, then the drug alone."),
    ] = None,
    levels: Annotated[
        str, typer.Option("--levels", help="Effects in % whose isoboles are drawn.")
    ] = "25,50,75",
    set_: Settings = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("synergy"),
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Two drugs on a checkerboard: Bliss, Loewe, HSA, combination index, and isoboles.

    Example: p53net synergy milademetan KT-253 --cell-line "RS4;11" --switch 24
    """
    from p53net.studies.dish.synergy_assay import synergy as study

    plates = [
        None if text is None else concentrations_of(text, f"{option} {text}")
        for option, text in (
            ("--concentrations", concentrations),
            ("--other-concentrations", other_concentrations),
        )
    ]
    with said.status("simulating plates"):
        result = study(drug, other, cell_line, hours=hours, concentrations=plates[0],
                       other_concentrations=plates[1], switch=switch,
                       levels=[number(one, f"--levels {levels}") for one in levels.split(",")],
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       structure=structure_of(structure),
                       **drawn_of(ensemble, draws, fit, own))  # fmt: skip
    board = result[[str(n) for n in result.data_vars if "other_dose" in result[n].dims]]
    lines = result[["isobole", "isobole_other", "interaction_index"]]
    alone = result[["dose_alone", "other_alone", "status"]]
    tables = {
        "synergy": alone.to_dataframe().reset_index(),
        "isoboles": lines.to_dataframe().reset_index(),
        "checkerboard": board.to_dataframe().reset_index(),
    }
    for name in ("bliss", "loewe", "hsa"):
        tables["synergy"][f"{name}_score"] = float(
            result[f"{name}_score"].sel(quantile=0.5)
            if "quantile" in result.dims
            else result[f"{name}_score"]
        )
    measures = result.drop_vars([f"{n}{DEFINED}" for n in alone], errors="ignore")
    finish(
        result,
        with_bands(measures, tables, ["dose", "other_dose", "share"]),
        out,
        no_plot,
        size=size,
    )
