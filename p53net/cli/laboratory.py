"""The command that writes the lab."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.terminal import app, progress, said, several_of
from p53net.model.structures import ALL


@app.command()
def lab(
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path("lab.html"),
    structures: Annotated[
        str, typer.Option("--structures", help="To choose from: all, or names with commas between.")
    ] = ALL,
) -> None:
    """Write one HTML file to play with: drugs, cell lines, structures and sliders, run by the batch
    engine compiled to WebAssembly. It opens from disk in any browser, and needs no network.

    The first time takes half a minute, for every system is compiled; what was compiled is kept.
    """
    from p53net.lab.page import write_lab

    chosen = several_of(structures)
    names = None if isinstance(chosen, str) else chosen
    with progress() as told:
        path = write_lab(out, names, told)
    said.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser", soft_wrap=True)
