"""The command that looks for equal doses."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.bodies import CellLine, Out
from p53net.cli.doses import regimen_in_words
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
from p53net.errors import InputError
from p53net.simulation.choice import AUTO


@app.command()
def match(
    drug: Annotated[str, typer.Argument(help="The drug whose dose is looked for.")],
    other: Annotated[str, typer.Argument(help="The drug, or the same, that it is to equal.")],
    regimen: Annotated[
        str, typer.Option("--regimen", help="When and in what proportion: '10 mg q3w'.")
    ],
    target: Annotated[str, typer.Option("--target", help="Of the other drug: '260 mg 3/14'.")],
    by: Annotated[
        list[str],
        typer.Option(
            "--by",
            help="lowest:platelets, tgi, rate:thrombocytopenia:3 (with "
            "--population), or any measure of a sweep. Repeatable.",
        ),
    ],
    between: Annotated[
        str | None, typer.Option("--between", help="Doses to look between: 1:100.")
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", help="Look for days between doses, 7:42, in place of the dose."),
    ] = None,
    days: Annotated[float, typer.Option("--days", help="Length of the study.")] = 56.0,
    cell_line: CellLine = "LPS-amplified",
    population: Annotated[
        int | None, typer.Option("--population", help="Virtual patients; default a typical one.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the virtual patients.")] = 1,
    set_: Settings = None,
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    out: Out = Path("match"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Find the dose of one drug that equals a regimen of another, by what it does in a patient.

    Example: p53net match KT-253 milademetan --regimen "10 mg q3w" --target "260 mg 3/14" --by
    lowest:platelets
    """  # fmt: skip
    from p53net.studies.body.matching import match as study

    with said.status("simulating"):
        result = study(
            drug, regimen_in_words(regimen, days, "mg"), other,
            regimen_in_words(target, days, "mg"), by, between=_range(between),
            every=_intervals(every), cell_line=cell_line, days=days, population=population,
            seed=seed, parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
            structure=structure_of(structure), **drawn_of(ensemble, draws, fit, own),
        )  # fmt: skip
    found = result.drop_dims("candidate")
    tables = {
        "match": found.to_dataframe().reset_index(),
        "response": result["response"].to_dataframe().reset_index(),
    }
    finish(result, with_bands(found, tables, []), out, no_plot, size=size)


def _range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, mark, high = text.partition(":")
    if not mark:
        raise InputError(f"--between {text} is not two doses; write 1:100")
    return number(low, "--between"), number(high, "--between")


def _intervals(text: str | None) -> range | None:
    if text is None:
        return None
    low, mark, high = text.partition(":")
    if not mark or not low.strip().isdecimal() or not high.strip().isdecimal():
        raise InputError(f"--every {text} is not two numbers of days; write 7:42")
    return range(int(low), int(high) + 1)
