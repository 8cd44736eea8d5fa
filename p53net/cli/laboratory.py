"""The command that writes the lab."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.terminal import app, progress, said, several_of
from p53net.errors import InputError
from p53net.model.structures import ALL


@app.command()
def lab(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An SBML file of anybody, in place of our models."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path("lab.html"),
    structures: Annotated[
        str, typer.Option("--structures", help="To choose from: all, or names with commas between.")
    ] = ALL,
) -> None:
    """Write one HTML file to play with: drugs, cell lines, structures and sliders, run by the batch
    engine compiled to WebAssembly. It opens from disk in any browser, and needs no network.

    The first time takes a minute, for every system is compiled; what was compiled is kept. With an
    SBML file the page has that model alone: sliders for its parameters, and curves.
    """
    from p53net.lab.page import write_lab, write_model

    if model is not None:
        if structures != ALL:
            raise InputError("--structures is of our models; leave it out with a file")
        _said(write_model(out, model))
        return
    chosen = several_of(structures)
    names = None if isinstance(chosen, str) else chosen
    with progress() as told:
        path = write_lab(out, names, told)
    _said(path)


def _said(path: Path) -> None:
    said.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser", soft_wrap=True)
