"""The command that writes computed tables into README and docs."""

from typing import Annotated

import typer

from p53net.cli.terminal import app, progress, said
from p53net.errors import unknown_name
from p53net.files import write_text


@app.command()
def docs(
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help="Which; default all but those that take minutes."),
    ] = None,
) -> None:
    """Compute the tables of README and docs again, and write them where they stand in a checkout.

    Without names it leaves out estimates, optima and fit, which run `p53net calibrate`.
    """
    from p53net.evidence import pages
    from p53net.inference.every_table import TABLES

    known = {table.name: table for table in TABLES}
    for name in tables or []:
        if name not in known:
            raise unknown_name("table", name, known)
    usual = [name for name, table in known.items() if not table.slow]
    chosen = [known[name] for name in tables or usual]
    folder = pages.root()
    changed = 0
    with progress() as told:
        for number, table in enumerate(chosen):
            told(table.name, number / len(chosen))
            path = folder / table.page
            before = path.read_text(encoding="utf-8")
            pages.standing(before, table)  # said before anything is computed
            after = pages.written(before, table, table.make())
            if after != before:
                changed += 1
                write_text(path, after)
                said.print(f"{table.page}: {table.name} is another now", soft_wrap=True)
    said.print(f"tables: {len(chosen)}, changed: {changed}")
