"""The command that looks at anybody's SBML."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.terminal import app, said, show, write
from p53net.linting import FAULTS, lint


@app.command("lint")
def lint_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An SBML file of anybody.")],
    end: Annotated[
        float, typer.Option("--end", help="How long a run takes, in the file's unit of time.")
    ] = 100.0,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
) -> None:
    """Look at anybody's SBML: validity, units, names, events, stiffness, and which engine runs it.

    Exits with 1 if there is an error, with --strict also if there is a warning.
    """
    found = lint(file, end=end)
    if json:
        write(found.to_json(orient="records", indent=1) + "\n")
    else:
        show(found)
    counts = {kind: int((found["severity"] == kind).sum()) for kind in (*FAULTS, "note")}
    said.print(f"{file.name}: " + ", ".join(f"{n} {kind}s" for kind, n in counts.items()))
    if any(counts[kind] for kind in FAULTS[: 2 if strict else 1]):
        raise typer.Exit(1)
