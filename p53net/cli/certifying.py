"""The command that asks three engines about one model."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from p53net.cli.doses import BodyDays, BodySchedule, Flat, doses_of
from p53net.cli.terminal import (
    AnyLine,
    Doses,
    Fragments,
    Host,
    OwnTables,
    Structures,
    System,
    app,
    model_of,
    said,
    write,
)
from p53net.dosing.medium import finite_number
from p53net.errors import InputError

_FILES = (".xml", ".sbml")


@app.command()
def certify(
    model: Annotated[
        str,
        typer.Argument(help="A drug, two joined by +, `loop` without a drug, or an SBML file."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for certificate.json and .md.")
    ] = None,
    dose: Doses = None,
    end: Annotated[
        float, typer.Option("--end", help="Length of the run [h, or the file's unit].")
    ] = 72.0,
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    schedule: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
) -> None:
    """Ask the batch engine, RoadRunner and COPASI about one model, and say how far they agree.

    Curves, state at rest, eigenvalues, conserved sums and control coefficients, as a page on stdout
    or, with --out, as a page and JSON in a folder. Exits with 1 where engines disagree.

    Example: p53net certify KT-253 --dose 5 -o certificate/
    """
    from p53net.certifying import certify as certified
    from p53net.certifying import page
    from p53net.simulation.loading import read_sbml

    if finite_number(end, "end", "h") == 0:
        raise InputError("end is 0, but must be more than 0; give the length of the run")
    if Path(model).suffix.lower() in _FILES:
        if dose:
            raise InputError(f"{model} is a file, which has no drugs; leave --dose out")
        loaded, given = read_sbml(model), {}
    else:
        names = [] if model.strip().casefold() == "loop" else model.split("+")
        loaded = model_of(names, cell_line, own, system, host, fragments, structure)
        given = doses_of(loaded, dose or [], None, None, schedule, days, flat)
    with said.status("asking three engines"):
        made = certified(loaded, out, doses=given, times=np.linspace(0.0, end, 145))
    if out is None:
        write(page(made))
    else:
        said.print(f"wrote certificate.json and certificate.md to {out}/", soft_wrap=True)
    if not made["agrees"]:
        said.print("the engines disagree")
        raise typer.Exit(1)
