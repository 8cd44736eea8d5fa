"""The command line. Data go to stdout as CSV, everything else to stderr; errors exit with 1."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from p53net.dosing import Dose, closed, constant, finite_number, pulse
from p53net.errors import InputError, OutputError, P53NetError
from p53net.model import GENERIC, OBSERVABLES, cell_line_entries, drug_entries
from p53net.simulate import MOST_POINTS, Model, load

app = typer.Typer(
    name="p53net",
    help="Executable models of MDM2-p53 pharmacology: inhibitors, degraders, and the feedback.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_ESCAPE_FIGURES = ("escape.png", "escape.svg")
_said = Console(stderr=True, highlight=False)

CellLine = Annotated[str, typer.Option("--cell-line", help="Cell line; see `p53net list`.")]
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
DrugTable = Annotated[Path | None, typer.Option("--drug-table", help="Your own drugs (TSV).")]
LineTable = Annotated[
    Path | None, typer.Option("--cell-line-table", help="Your own cell lines (TSV).")
]


def main() -> None:
    """Entry point: one clear line on stderr for an error, never a traceback for bad input."""
    try:
        if sys.stdout is None:
            raise OutputError("standard output is closed; open it, or write a file with --out")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        app()
    except P53NetError as error:
        _said.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        _said.print("interrupted")
        raise SystemExit(130) from None


@app.command("list")
def list_(drug_table: DrugTable = None, line_table: LineTable = None) -> None:
    """List drugs, cell lines and observables, with units."""
    rows: list[tuple[str, str, str, str]] = []
    for drug in drug_entries(drug_table).values():
        about = f"{drug.facts['mechanism']}; also {', '.join(drug.synonyms)}"
        rows.append(("drug", drug.name, "nM", about if drug.synonyms else drug.facts["mechanism"]))
    for line in cell_line_entries(line_table).values():
        rows.append(("cell line", line.name, "", line.facts.get("description", "")))
    rows += [("observable", name, "nM", meaning) for name, meaning in OBSERVABLES.items()]
    _print(pd.DataFrame(rows, columns=["kind", "name", "unit", "description"]))


@app.command()
def simulate(
    drugs: Annotated[
        list[str] | None,
        typer.Argument(metavar="DRUG", help="None, one, or one of each kind."),
    ] = None,
    dose: Doses = None,
    hours: Annotated[float, typer.Option("--hours", help="Length of the run.")] = 72.0,
    points: Annotated[int, typer.Option("--points", help="Rows of the table.")] = 145,
    pulse: Pulse = None,
    closed: Volume = None,
    cell_line: CellLine = GENERIC,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    out: Annotated[Path | None, typer.Option("--out", help="CSV file instead of stdout.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Also draw a figure: .png, .svg or .pdf.")
    ] = None,
    drug_table: DrugTable = None,
    line_table: LineTable = None,
) -> None:
    """Simulate a time course and print it as CSV: time in h, concentrations in nM.

    Example: p53net simulate KT-253 --dose 10 --hours 72 --pulse 4 --plot run.png
    """
    length = finite_number(hours, "hours", "h")
    if length == 0:
        raise InputError("hours is 0, but must be more than 0; give the length of the run")
    if not 2 <= points <= MOST_POINTS:
        raise InputError(f"points is {points:,}; allowed are 2 to {MOST_POINTS:,}")
    model = _model(drugs or [], cell_line, drug_table, line_table)
    given = _doses(model, dose or [], pulse, closed)
    if drugs and not given:
        _said.print("no --dose is given: this run is drug-free", markup=False)
    with _said.status("simulating"):
        run = model.simulate(
            np.linspace(0.0, length, points), given, _settings(set_ or []), feedback=not open_loop
        )
        text = run.to_dataframe().reset_index().to_csv(index=False, lineterminator="\n")
    if plot is not None:
        from p53net import figures

        _said.print(f"wrote {figures.save(figures.plot(run), plot)}", markup=False)
    if out is None:
        _write(text)
    else:
        from p53net.files import write_text

        _said.print(f"wrote {write_text(out, text)}", markup=False)


@app.command()
def escape(
    drug: Annotated[
        list[str] | None,
        typer.Option("--drug", help="Drug to compare; default milademetan, KT-253. Repeatable."),
    ] = None,
    cell_line: CellLine = GENERIC,
    hours: Annotated[float, typer.Option("--hours", help="Constant exposure in h.")] = 24.0,
    pulse: Annotated[float, typer.Option("--pulse", help="Short exposure in h.")] = 4.0,
    fold: Annotated[float, typer.Option("--fold", help="Active p53 at equal effect.")] = 3.0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("escape"),
    no_plot: Annotated[bool, typer.Option("--no-plot", help="Skip the figures.")] = False,
    drug_table: DrugTable = None,
    line_table: LineTable = None,
) -> None:
    """Compare drugs: which escapes the feedback, by how much, and what does not differ.

    Writes escape.png, escape.svg, escape.csv, escape.json and summary.txt into a folder.
    """
    from p53net import escape_report, escape_study
    from p53net.files import made_folder, write_text

    new = not out.exists()
    folder = made_folder(out)
    inputs = {
        "drugs": list(drug or escape_study.DRUGS),
        "cell_line": cell_line,
        "hours": hours,
        "pulse_hours": pulse,
        "fold": fold,
        "drug_table": drug_table,
        "cell_line_table": line_table,
    }
    try:
        with _progress() as progress:
            result = escape_study.escape(progress=progress, **inputs)  # type: ignore[arg-type]
    except P53NetError:
        if new:
            folder.rmdir()
        raise
    table = escape_report.table(result)
    record = json.dumps(escape_study.repeatable(result, inputs), indent=2, ensure_ascii=False)
    words = escape_report.summary(result)
    texts = {
        "escape.csv": table.to_csv(index=False, lineterminator="\n"),
        "escape.json": record + "\n",
        "summary.txt": words + "\n",
    }
    written = [write_text(folder / name, text) for name, text in texts.items()]
    for name in _ESCAPE_FIGURES:  # a figure of another run must not stand beside these numbers
        (folder / name).unlink(missing_ok=True)
    if not no_plot:
        from p53net import figures

        figure = figures.plot(result)
        written += [figures.save(figure, folder / name) for name in _ESCAPE_FIGURES]
    _said.print(words, markup=False, soft_wrap=True)
    names = ", ".join(path.name for path in written)
    _said.print(f"\nwrote {names} to {folder}/", markup=False, soft_wrap=True)


@app.command()
def export(
    model: Annotated[
        str, typer.Argument(help="A drug, two joined by +, or `loop` for the untreated loop.")
    ],
    file: Annotated[Path, typer.Argument(help="File to write: .xml, .sbml, .ant or .cps.")],
    dose: Doses = None,
    pulse: Pulse = None,
    closed: Volume = None,
    cell_line: CellLine = GENERIC,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    drug_table: DrugTable = None,
    line_table: LineTable = None,
) -> None:
    """Write a model for COPASI or any SBML tool, with its dose and its untreated start.

    Example: p53net export milademetan+KT-253 both.xml --dose milademetan=100 --dose KT-253=1
    """
    from p53net import exchange

    names = [] if model.strip().casefold() == "loop" else model.split("+")
    loaded = _model(names, cell_line, drug_table, line_table)
    given = _doses(loaded, dose or [], pulse, closed)
    path = exchange.export(loaded, file, given, _settings(set_ or []), feedback=not open_loop)
    _said.print(f"wrote {path}", markup=False)


@app.command()
def check(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="As for `export`; default all.")
    ] = None,
    cell_line: CellLine = GENERIC,
    drug_table: DrugTable = None,
    line_table: LineTable = None,
) -> None:
    """Check models: consistency, units with magnitudes, annotation, sources. CSV of findings.

    Exits with 1 if there is any finding.
    """
    from p53net.exchange import SHIPPED
    from p53net.model.check import findings

    chosen = [name.split("+") for name in models] if models else [list(d) for d in SHIPPED]
    rows: list[tuple[str, str, str, str]] = []
    for names in chosen:
        names = [name for name in names if name.strip().casefold() != "loop"]
        loaded = _model(names, cell_line, drug_table, line_table)
        sbml = loaded.sbml()
        found = findings(sbml, loaded.definition.parameters)
        rows += [(loaded.definition.id, one.check, one.subject, one.message) for one in found]
        _said.print(f"{loaded.definition.id}: {len(found) or 'no'} findings", markup=False)
    _print(pd.DataFrame(rows, columns=["model", "check", "subject", "message"]))
    if rows:
        raise typer.Exit(1)


@app.command()
def evidence(
    markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False,
) -> None:
    """Print what the shipped models show beside what was observed: met, missed or shown. CSV.

    Exits with 1 if a row that is meant to hold does not.
    """
    from p53net.evidence import evidence as compare
    from p53net.evidence import markdown as as_markdown

    with _progress() as progress:
        table = compare(progress=progress)
    if markdown:
        _write(as_markdown(table))
    else:
        _print(table)
    if (table["verdict"] == "miss").any():
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Report versions and known-bad combinations. Exits with 1 if something needed is broken."""
    from p53net.doctor import diagnose

    with _said.status("looking at the installation"):
        rows = [(one.item, one.found, one.status, one.remedy) for one in diagnose()]
    _print(pd.DataFrame(rows, columns=["item", "found", "status", "remedy"]))
    if any(status == "broken" for _, _, status, _ in rows):
        raise typer.Exit(1)


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("models/sbml"),
) -> None:
    """Rebuild the shipped SBML and equations from the model text, byte for byte."""
    from p53net import exchange
    from p53net.files import made_folder

    with _said.status("building four models"):
        written = exchange.build(made_folder(folder))
    _said.print(f"wrote {len(written)} files to {folder}", markup=False)


def _model(
    names: list[str], cell_line: str, drug_table: Path | None, line_table: Path | None
) -> Model:
    return load(*names, cell_line=cell_line, drugs=drug_table, cell_lines=line_table)


def _doses(
    model: Model, texts: list[str], hours: float | None, volume: float | None
) -> dict[str, Dose]:
    """Doses as written: a bare number is for the model's only drug."""
    if hours is not None and volume is not None:
        raise InputError("--pulse and --closed exclude each other; give one")
    drugs = list(model.definition.drugs)
    given: dict[str, Dose] = {}
    for text in texts:
        name, separator, value = text.rpartition("=")
        if not separator and len(drugs) != 1:
            has = " and ".join(drugs) or "no drug"
            raise InputError(
                f"--dose {text} does not say of which drug; this model has {has}: write NAME=nM"
            )
        if separator and not name:
            raise InputError(f"--dose {text} names no drug; write NAME=nM")
        name = name or drugs[0]
        if name in given:
            raise InputError(f"--dose gives {name} twice; give it once")
        nanomolar = _number(value, f"--dose {text}")
        try:
            if hours is not None:
                given[name] = pulse(nanomolar, hours)
            elif volume is not None:
                given[name] = closed(nanomolar, volume)
            else:
                given[name] = constant(nanomolar)
        except InputError as error:
            raise InputError(f"dose of {name}: {error}") from None
    if not given and (hours is not None or volume is not None):
        raise InputError("--pulse and --closed need a --dose; give one in nM")
    return given


def _settings(texts: list[str]) -> dict[str, float]:
    settings: dict[str, float] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InputError(f"--set {text} is not id=value; write --set k_deg_p53=0.1")
        if name in settings:
            raise InputError(f"--set gives {name} twice; give it once")
        settings[name] = _number(value, f"--set {text}")
    return settings


def _number(text: str, where: str) -> float:
    try:
        if "_" in text or not text.isascii():
            raise ValueError
        return float(text)
    except ValueError:
        raise InputError(f"{where}: '{text}' is not a number; write a plain number") from None


def _write(text: str) -> None:
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


def _print(frame: pd.DataFrame) -> None:
    """A table for a person at a terminal, CSV for everything else."""
    if not sys.stdout.isatty():
        _write(frame.to_csv(index=False, lineterminator="\n"))
        return
    table = Table(*map(str, frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    Console().print(table)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    said = TextColumn("{task.description}")
    quiet = not _said.is_terminal
    with Progress(*columns, said, console=_said, transient=True, disable=quiet) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda what, share: bar.update(task, completed=share, description=what)
