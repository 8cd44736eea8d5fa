"""What all commands share: options, doses and settings as written, and where output goes."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError, OutputError
from p53net.model import structures
from p53net.model.own import Tables, as_tables
from p53net.model.structures import StructureLike
from p53net.simulation.choice import AUTO, ENGINES
from p53net.simulation.loading import load
from p53net.simulation.model import VERSION, Model

app = typer.Typer(
    name="p53net",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# What users write is shown as they wrote it: [text] is no markup, :text: no picture.
said = Console(stderr=True, highlight=False, markup=False, emoji=False)

_UNITS = ("nm", "um", "\u00b5m", "\u03bcm", "mm", "mg", "mg/kg", "ng/ml", "ug/ml", "mg/l")
"""What a shell takes for a drug where a dose is written with a space; in lower case."""

CellLine = Annotated[str, typer.Option("--cell-line", help="Cell line; see `p53net list`.")]
AnyLine = Annotated[
    str | None,
    typer.Option("--cell-line", help="Cell line; default generic, in the marrow progenitor."),
]
System = Annotated[
    str,
    typer.Option("--system", help="dish, culture, plasma, tumour or marrow; see `p53net list`."),
]
Host = Annotated[
    str | None, typer.Option("--host", help="Of a system in a body: human (default) or mouse.")
]
Doses = Annotated[
    list[str] | None,
    typer.Option("--dose", help="Medium concentration in nM: 10, or KT-253=10. Repeatable."),
]
Pulse = Annotated[
    float | None, typer.Option("--pulse", help="Hours of exposure, then drug-free medium.")
]
Volume = Annotated[
    float | None,
    typer.Option("--closed", help="Closed dish: medium for each cell in pL; cells deplete it."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Parameter id=value, e.g. DSB=1. Repeatable.")
]
OpenLoop = Annotated[
    bool, typer.Option("--open-loop", help="Hold the MDM2 promoter at its untreated activity.")
]
Engine = Annotated[str, typer.Option("--engine", help=f"{', '.join(ENGINES)}, or {AUTO}.")]
Accuracy = Annotated[
    float | None, typer.Option("--accuracy", help="Largest error, relative. Default 1e-6.")
]
OwnTables = Annotated[
    list[str] | None,
    typer.Option(
        "--tables",
        metavar="FOLDER",
        help="Your own rows: a folder with drugs.tsv, cell_lines.tsv, pharmacokinetics.tsv ..., or "
        "drugs=FILE. Repeatable.",
    ),
]

Fragments = Annotated[
    list[Path] | None,
    typer.Option("--fragments", metavar="FILE", help="Your own model text (.ant). Repeatable."),
]

Structures = Annotated[
    list[str] | None,
    typer.Option(
        "--structure",
        metavar="SWITCH=OPTION",
        help="Another biology: partner=MDMX, or the name of a structure; see `p53net structures`. "
        "Repeatable.",
    ),
]

Several = Annotated[
    str | None,
    typer.Option(
        "--structures", help="Compare structures: all, or their names with commas between."
    ),
]


def _tell_version(asked: bool) -> None:
    if asked:
        write(f"p53net {VERSION}\n")
        raise typer.Exit


@app.callback()
def _p53net(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Executable models of MDM2-p53 pharmacology: inhibitors, degraders, and the feedback."""


def model_of(
    names: list[str],
    cell_line: str | None,
    tables: Tables | list[str] | None,
    system: str = "dish",
    host: str | None = None,
    fragments: list[Path] | None = None,
    structure: list[str] | None = None,
    ensemble: Ensemble | None = None,
    draw: int | None = None,
) -> Model:
    """The model of these drugs in this cell line, in a dish or a body; or a draw of it."""
    for name in names:
        if name.strip().casefold() in _UNITS:
            raise InputError(
                f"'{name}' stands where a drug does; write a dose as one word, --dose 10 of nM to "
                "a dish, --dose 260mg to a body"
            )
    own = tables if isinstance(tables, Tables) else tables_of(tables)
    return load(*names, cell_line=cell_line, system=system, host=host, tables=own,
                fragments=fragments, structure=structure_of(structure), ensemble=ensemble,
                draw=draw)  # fmt: skip


def structure_of(texts: list[str] | None) -> StructureLike:
    """A structure, written as its name or as choices."""
    if not texts or (len(texts) == 1 and "=" not in texts[0]):
        return texts[0] if texts else None
    return structures.written(", ".join(texts))


def several_of(text: str) -> str | list[str]:
    """Names of structures, or all."""
    return text if text == structures.ALL else [one.strip() for one in text.split(",")]


def tables_of(texts: list[str] | None) -> Tables:
    """A user's own tables, written as a folder or as kind=file."""
    mapping: dict[str, str | Path] = {}
    for text in texts or []:
        kind, separator, path = text.partition("=")
        if not separator:
            if len(texts or []) > 1:
                raise InputError("--tables is a folder, or one KIND=FILE or more; give one of both")
            return as_tables(text)
        if kind in mapping:
            raise InputError(f"--tables gives {kind} twice; give it once")
        mapping[kind] = path
    return as_tables(mapping)


def settings_of(texts: list[str], option: str = "--set") -> dict[str, float]:
    """Numbers written as id=value."""
    settings: dict[str, float] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InputError(f"{option} {text} is not id=value; write {option} k_deg_p53=0.1")
        if name in settings:
            raise InputError(f"{option} gives {name} twice; give it once")
        settings[name] = number(value, f"{option} {text}")
    return settings


def number(text: str, where: str) -> float:
    """A plain number, or an InputError that says where it stands."""
    try:
        if "_" in text or not text.isascii():
            raise ValueError
        return float(text)
    except ValueError:
        raise InputError(f"{where}: '{text}' is not a number; write a plain number") from None


def write(text: str) -> None:
    """Text to stdout, whole: a full disk is an error, a reader who left is the end."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # What is still buffered must not fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(1) from None
        raise OutputError(f"cannot write to standard output: {error}; use --out") from None


def show(frame: pd.DataFrame) -> None:
    """A table for a person at a terminal, CSV for everything else."""
    if not sys.stdout.isatty():
        write(frame.to_csv(index=False, lineterminator="\n"))
        return
    table = Table(*map(str, frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    Console(markup=False, emoji=False).print(table)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A progress bar that is told what is being done and the share done."""
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    what = TextColumn("{task.description}", markup=False)
    quiet = not said.is_terminal
    with Progress(*columns, what, console=said, transient=True, disable=quiet) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda what, share: bar.update(task, completed=share, description=what)
