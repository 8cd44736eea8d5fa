"""What commands of studies share: the folder of a study's results, and progress."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
import xarray as xr
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from p53net.cli.terminal import said, show
from p53net.errors import InputError, OutputError
from p53net.files import made_folder, write_text
from p53net.sweeps.run import Progress

_NOT_ALWAYS = {"patient": "patients", "pk": "slopes", "calibrate": "profiles"}
"""By study the table that not every run of it writes."""

_QUANTILES = "quantiles"
"""The table of a study over the draws of an ensemble."""

NoPlot = Annotated[bool, typer.Option("--no-plot", help="Skip the figures.")]
OwnData = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Your points over the curves of the figure: a table as `p53net fit` takes it. "
        "Repeatable.",
    ),
]
Published = Annotated[
    bool,
    typer.Option("--published", help="Published numbers over the curves of the figure, as stars."),
]


def _size(size: str) -> str:
    from p53net.figures.style import chosen_size

    return chosen_size(size)


PRINT = "print"
Size = Annotated[
    str,
    typer.Option("--size", metavar="print|slide", callback=_size,
                 help="Of the figure: for print, or for a slide, with larger text."),
]  # fmt: skip


def finish(
    result: xr.Dataset, tables: Mapping[str, pd.DataFrame], out: Path, no_plot: bool,
    data: list[Path] | None = None, published: bool = False, *, size: str = PRINT,
) -> None:  # fmt: skip
    """Print the first table; write all of them, the record of the study and its figure, with points
    of a user's own and published ones, to a folder.

    A figure or table of an earlier run does not stay beside other numbers. Raises OutputError.
    """
    from p53net import drawing
    from p53net.figures import style

    study = str(result.attrs["study"])
    if no_plot and (data or published):
        raise InputError("--data and --published are about the figure; leave --no-plot out")
    figure = None
    if not no_plot:  # before anything is written
        figure = drawing.plot(result, data=data or None, published=published, size=size)
    folder = made_folder(out)
    written = [
        write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
        for name, table in tables.items()
    ]
    written.append(write_text(folder / f"{study}.json", result.attrs["record"] + "\n"))
    if _QUANTILES not in tables:
        _remove(folder / f"{_QUANTILES}.csv")
    if study in _NOT_ALWAYS and _NOT_ALWAYS[study] not in tables:
        _remove(folder / f"{_NOT_ALWAYS[study]}.csv")
    figures = [folder / f"{study}.{kind}" for kind in ("png", "svg")]
    for path in figures:
        _remove(path)
    if figure is not None:
        written += style.save_all(figure, figures)
    show(next(iter(tables.values())))
    names = ", ".join(path.name for path in written)
    said.print(f"wrote {names} to {folder}/", soft_wrap=True)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot replace {path}: {error.strerror or error}") from None


@contextlib.contextmanager
def patients_bar() -> Iterator[Callable[[str, Progress], None]]:
    """A progress bar that is told which system runs, and how many patients are done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(),
               TextColumn("{task.completed:,.0f} of {task.total:,.0f} patients"),
               TimeElapsedColumn())  # fmt: skip
    with Bar(*columns, console=said, transient=True, disable=not said.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda system, now: bar.update(
            task, description=system, completed=now.done, total=now.total
        )
