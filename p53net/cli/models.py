"""Commands about models: one run, the comparison of drugs, exchange, and checks."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from p53net.cli.beside import BesideLevel, levels_of
from p53net.cli.doses import BodyDays, BodySchedule, Flat, doses_of
from p53net.cli.draws import Draws, Ensembles, EnsemblesOrShipped, Fits, drawn_of
from p53net.cli.studies import PRINT, NoPlot, OwnData, Size, finish
from p53net.cli.terminal import (
    Accuracy,
    AnyLine,
    CellLine,
    Doses,
    Engine,
    Fragments,
    Host,
    OpenLoop,
    OwnTables,
    Pulse,
    Settings,
    Several,
    Structures,
    System,
    Volume,
    app,
    model_of,
    progress,
    said,
    settings_of,
    several_of,
    show,
    structure_of,
    tables_of,
    write,
)
from p53net.dosing.medium import finite_number
from p53net.errors import InputError, P53NetError
from p53net.measures.parsing import listed
from p53net.model import (
    GENERIC,
    SYSTEMS,
    cell_line_entries,
    drug_entries,
    host_entries,
    library_of,
    shown_unit,
    with_own,
)
from p53net.model.library import Library
from p53net.model.own import Tables
from p53net.model.structures import listed as known_structures
from p53net.simulation.choice import AUTO, REFERENCE
from p53net.simulation.inputs import MOST_POINTS

_ESCAPE_FIGURES = ("escape.png", "escape.svg")


@app.command("list")
def list_(own: OwnTables = None, structure: Structures = None, fragments: Fragments = None) -> None:
    """List drugs, cell lines, observables and what sweeps can measure, with units."""
    from p53net.model.fragments import all_read_outs

    given, library = tables_of(own), with_own(library_of(structure_of(structure)), fragments)
    rows: list[tuple[str, str, str, str]] = []
    for drug in drug_entries(given, library).values():
        about = f"{drug.facts['mechanism']}; also {', '.join(drug.synonyms)}"
        rows.append(("drug", drug.name, "nM", about if drug.synonyms else drug.facts["mechanism"]))
    for line in cell_line_entries(given).values():
        rows.append(("cell line", line.name, "", line.facts.get("description", "")))
    for name, kind in SYSTEMS.items():
        rows.append(("system", name, "", kind.description))
    for host in host_entries(given).values():
        rows.append(("host", host.name, "", f"also {', '.join(host.synonyms)}"))
    rows += [("fragment", f.name, "", f.description) for f in library.fragments if f.own]
    rows += [("observable", name, shown_unit(unit), meaning)
             for name, unit, meaning in all_read_outs(library)]  # fmt: skip
    rows += [("measure", *about) for about in listed()]
    show(pd.DataFrame(rows, columns=["kind", "name", "unit", "description"]))


@app.command("structures")
def structures_of_models() -> None:
    """List structures: switches of the models, their options, and the evidence for each."""
    show(known_structures())


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
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    schedule: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    out: Annotated[Path | None, typer.Option("--out", help="CSV file instead of stdout.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Also draw a figure: .png, .svg or .pdf.")
    ] = None,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
    data: OwnData = None,
) -> None:
    """Simulate a time course and print it as CSV: time in h, concentrations in nM.

    Example: p53net simulate KT-253 --dose 10 --hours 72 --pulse 4 --plot run.png

    In a body: p53net simulate milademetan --system tumour --dose 260mg --schedule 3/14 --hours 672
    """
    length = finite_number(hours, "hours", "h")
    if length == 0:
        raise InputError("hours is 0, but must be more than 0; give the length of the run")
    if not 2 <= points <= MOST_POINTS:
        raise InputError(f"points is {points:,}; allowed are 2 to {MOST_POINTS:,}")
    drawn = drawn_of(ensemble, draws, fit, own)
    if data and plot is None:
        raise InputError("--data is drawn over the figure; say where with --plot run.png")
    model = model_of(drugs or [], cell_line, drawn["tables"], system, host, fragments, structure)
    given = doses_of(model, dose or [], pulse, closed, schedule, days, flat)
    if drugs and not given:
        said.print("no --dose is given: this run is drug-free")
    with said.status("simulating"):
        run = model.simulate(
            np.linspace(0.0, length, points),
            given,
            settings_of(set_ or []),
            feedback=not open_loop,
            engine=engine,
            accuracy=accuracy,
            ensemble=drawn["ensemble"],
        )
        text = run.to_dataframe().reset_index().to_csv(index=False, lineterminator="\n")
    if engine not in (AUTO, REFERENCE):  # which one run is on anyway
        said.print(f"engine: {run.attrs['engine']}", soft_wrap=True)
    if plot is not None:
        from p53net import drawing
        from p53net.figures import style

        figure = drawing.plot(run, data=data or None, size=size)
        said.print(f"wrote {style.save(figure, plot)}")
    if out is None:
        write(text)
    else:
        from p53net.files import write_text

        said.print(f"wrote {write_text(out, text)}")


@app.command()
def escape(
    drugs: Annotated[
        list[str] | None,
        typer.Argument(metavar="DRUG", help="Drugs to compare; default milademetan and KT-253."),
    ] = None,
    cell_line: CellLine = GENERIC,
    hours: Annotated[float, typer.Option("--hours", help="Constant exposure in h.")] = 24.0,
    pulse: Annotated[float, typer.Option("--pulse", help="Short exposure in h.")] = 4.0,
    fold: Annotated[float, typer.Option("--fold", help="Active p53 at equal effect.")] = 3.0,
    beside: BesideLevel = None,
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("escape"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
    structures: Several = None,
    ensemble: EnsemblesOrShipped = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Compare drugs: which escapes the feedback, by how much, and what does not differ.

    With an ensemble each number is the median of its draws with the ends of 95 % of them, and each
    claim says in how many draws it holds.

    Writes escape.png, escape.svg, escape.csv, escape.json and summary.txt into a folder; with
    --structures instead structures.png, structures.svg, structures.json, claims.csv, measures.csv.
    """
    from p53net.files import made_folder, write_text
    from p53net.studies.escape import report as escape_report
    from p53net.studies.escape import rivals
    from p53net.studies.escape import study as escape_study

    alone = not (own or structure or structures)
    drawn = drawn_of(ensemble, draws, fit, own, usual=alone)
    new = not out.exists()
    folder = made_folder(out)
    inputs = {
        "drugs": list(drugs or escape_study.DRUGS),
        "cell_line": cell_line,
        "hours": hours,
        "pulse_hours": pulse,
        "fold": fold,
        "beside": levels_of(beside),
        "engine": engine,
        "accuracy": accuracy,
        "structure": structure_of(structure),
        **drawn,
    }
    if structures is not None:
        inputs["structures"] = several_of(structures)
    try:
        with progress() as told:
            result = escape_study.escape(progress=told, **inputs)  # type: ignore[arg-type]
    except P53NetError:
        if new:
            folder.rmdir()
        raise
    if structures is not None:
        tables = {"claims": rivals.claim_table(result), "measures": rivals.measure_table(result)}
        finish(result, tables, out, no_plot, size=size)
        return
    table = escape_report.table(result)
    words = escape_report.summary(result)
    if drawn["ensemble"] is not None:
        point = escape_study.escape(**{**inputs, "ensemble": None})  # type: ignore[arg-type]
        words += f"\n\n{escape_report.beside(point, result)}"
    texts = {
        "escape.csv": table.to_csv(index=False, lineterminator="\n"),
        "escape.json": result.attrs["record"] + "\n",
        "summary.txt": words + "\n",
    }
    written = [write_text(folder / name, text) for name, text in texts.items()]
    for name in _ESCAPE_FIGURES:  # a figure of another run must not stand beside these numbers
        (folder / name).unlink(missing_ok=True)
    if not no_plot:
        from p53net import drawing
        from p53net.figures import style

        figure = drawing.plot(result, size=size)
        written += style.save_all(figure, [folder / name for name in _ESCAPE_FIGURES])
    said.print(words, soft_wrap=True)
    names = ", ".join(path.name for path in written)
    said.print(f"\nwrote {names} to {folder}/", soft_wrap=True)


@app.command()
def export(
    model: Annotated[
        str, typer.Argument(help="A drug, two joined by +, or `loop` for the untreated loop.")
    ],
    file: Annotated[Path, typer.Argument(help="File to write: .xml, .sbml, .ant, .cps or .omex.")],
    dose: Doses = None,
    pulse: Pulse = None,
    closed: Volume = None,
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    schedule: BodySchedule = None,
    days: BodyDays = None,
    flat: Flat = False,
    set_: Settings = None,
    open_loop: OpenLoop = False,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draw: Annotated[int | None, typer.Option("--draw", help="One draw of the ensemble.")] = None,
    settling: Annotated[
        float, typer.Option("--settling", help="First run without drug in the file, for these h.")
    ] = 0.0,
    petab: Annotated[
        Path | None,
        typer.Option("--petab", help="Folder of a PEtab problem, to go into an .omex."),
    ] = None,
) -> None:
    """Write a model for COPASI or any SBML tool, with its dose and its untreated start.

    Example: p53net export milademetan+KT-253 both.xml --dose milademetan=100 --dose KT-253=1

    In a body: p53net export milademetan patient.xml --system marrow --dose 260mg --schedule 3/14

    With how to run it: p53net export KT-253 study.omex --dose KT-253=5

    Of an ensemble: p53net export KT-253 draw.cps --draw 17
    """
    from p53net.exchange import files as exchange

    names = [] if model.strip().casefold() == "loop" else model.split("+")
    drawn = drawn_of(ensemble, None, fit, own)
    loaded = model_of(names, cell_line, drawn["tables"], system, host, fragments, structure,
                      drawn["ensemble"], draw)  # fmt: skip
    given = doses_of(loaded, dose or [], pulse, closed, schedule, days, flat)
    path = exchange.export(loaded, file, given, settings_of(set_ or []), feedback=not open_loop,
                           settling=settling, petab=petab)  # fmt: skip
    said.print(f"wrote {path}")


@app.command()
def check(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="As for `export`; default all.")
    ] = None,
    cell_line: AnyLine = None,
    system: System = "dish",
    host: Host = None,
    own: OwnTables = None,
    structure: Structures = None,
    fragments: Fragments = None,
) -> None:
    """Check models: consistency, units with magnitudes, annotation, sources. CSV of findings.

    Exits with 1 if there is any finding. Of your own fragments each finding is shown once.
    """
    from p53net.model.check import findings, unused_fragments

    library = with_own(library_of(structure_of(structure)), fragments)
    rows: list[tuple[str, str, str, str]] = []
    if not models:
        rows += [("models", *finding) for finding in unused_fragments()]
    used: set[str] = set()
    for written, where, whose in _checked(models, system, host, tables_of(own), library):
        names = [name for name in written if name.strip().casefold() != "loop"]
        loaded = model_of(names, cell_line, own, where, whose, fragments, structure)
        sbml = loaded.sbml()
        found = findings(sbml, loaded.definition.parameters)
        used |= {text.name for text in loaded.definition.fragments}
        places = loaded.definition.places
        for one in found:
            line = f" ({places[one.subject].line})" if one.subject in places else ""
            rows.append((loaded.definition.id, one.check, one.subject, one.message + line))
        said.print(f"{loaded.definition.id}: {len(found) or 'no'} findings")
    unused = "no model that was checked has it; name one, and a drug with --tables"
    rows += [("", "fragment", one.name, unused)
             for one in library.fragments if one.own and one.where not in used]  # fmt: skip
    table = pd.DataFrame(rows, columns=["model", "check", "subject", "message"])
    show(table.drop_duplicates(["check", "subject", "message"]) if fragments else table)
    if rows:
        raise typer.Exit(1)


def _checked(
    models: list[str] | None, system: str, host: str | None, own: Tables, library: Library
) -> list[tuple[list[str], str, str | None]]:
    """Drugs, system and host of the models to check: those that are named, or the package's, as far
    as users' fragments are for them, and each drug of a user's table."""
    from p53net.exchange.files import SHIPPED

    if models:
        return [(name.split("+"), system, host) for name in models]
    fits = [name for name in SYSTEMS if all(name in f.systems for f in library.fragments if f.own)]
    chosen = [(list(one.drugs), one.system, one.host) for one in SHIPPED if one.system in fits]
    usual = drug_entries()
    return chosen + [
        ([name], system, host)
        for name, entry in drug_entries(own, library).items()
        if usual.get(name) != entry
    ]


@app.command()
def doctor() -> None:
    """Report versions and known-bad combinations. Exits with 1 if something needed is broken."""
    from p53net.doctor import diagnose

    with said.status("looking at the installation"):
        rows = [(one.item, one.found, one.status, one.remedy) for one in diagnose()]
    show(pd.DataFrame(rows, columns=["item", "found", "status", "remedy"]))
    if any(status == "broken" for _, _, status, _ in rows):
        raise typer.Exit(1)


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("models/sbml"),
) -> None:
    """Rebuild the shipped SBML and equations from the model text, byte for byte."""
    from p53net.exchange import files as exchange
    from p53net.files import made_folder

    with said.status("building models"):
        written = exchange.build(made_folder(folder))
    said.print(f"wrote {len(written)} files to {folder}")
