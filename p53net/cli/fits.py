"""Commands that fit data of a user's own."""

from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.studies import PRINT, NoPlot, Size
from p53net.cli.terminal import (
    OwnTables,
    Structures,
    app,
    number,
    progress,
    said,
    show,
    structure_of,
    tables_of,
)
from p53net.errors import InputError

Data = Annotated[
    list[Path],
    typer.Argument(
        help="A .csv or .tsv table of data, or several, or the YAML file of a PEtab problem."
    ),
]


@app.command()
def fit(
    data: Data,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            help='What is fitted, such as "milademetan: fu_medium_inhibitor"; default those that '
            "move the data most. Repeatable.",
        ),
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior",
            metavar="NAME=KIND:A:B",
            help='"KT-253: k_perm_degrader=log-uniform:0.1:10". Repeatable.',
        ),
    ] = None,
    priors: Annotated[
        Path | None, typer.Option("--priors", help="A table like models/priors.tsv.")
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            "--noise",
            metavar="OBSERVABLE=KIND:WIDTH",
            help="plasma=log-normal:0.2, viability=normal, or p53=0.15. Repeatable.",
        ),
    ] = None,
    scale: Annotated[
        list[str] | None,
        typer.Option("--scale", help="An observable with a scale of its own. Repeatable."),
    ] = None,
    offset: Annotated[
        list[str] | None,
        typer.Option("--offset", help="An observable with an offset of its own. Repeatable."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Whose rows; default all as one.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="subject: each by itself, and how they differ."),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option("--draws", help="Of the posterior; 0 for none. Default 1000, by subject 0."),
    ] = None,
    starts: Annotated[int, typer.Option("--starts", help="Of the optimum.")] = 16,
    seed: Annotated[int, typer.Option("--seed", help="Of all random numbers.")] = 1,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("fit"),
    petab: Annotated[
        Path | None,
        typer.Option("--petab", help="Also write the fit as PEtab: a folder, or an .omex."),
    ] = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    own: OwnTables = None,
    structure: Structures = None,
) -> None:
    """Fit parameters to plates, blots, plasma curves, tumours and blood counts.

    Says which parameters the data tell and which they do not, and what to measure. Writes
    parameters, nuisances, predicted, profiles and draws as CSV, said.txt, fit.json, draws.nc for
    ArviZ, ensemble.parquet and your tables for --fit of studies, and a figure.

    Example: p53net fit plate.csv --parameter "RS4;11: K_PUMA_caspase" -o fit

    Each subject by itself: p53net fit plasma.csv --by subject --parameter "milademetan in human:
    CL_inhibitor"
    """
    from p53net.fitting.fitted import fit as fitted

    if priors is not None and prior:
        raise InputError("--priors and --prior are both given; give one of them")
    options: dict[str, object] = {
        "priors": priors or _priors(prior), "tables": tables_of(own),
        "structure": structure_of(structure), "noise": _noise(noise), "scale": scale or (),
        "offset": offset or (), "starts": starts, "seed": seed,
        **({} if draws is None else {"draws": draws}),
    }  # fmt: skip
    table = data if len(data) > 1 else data[0]
    if by is not None:
        if by != "subject" or subject is not None:
            raise InputError("--by is subject, and goes without --subject; write --by subject")
        _each(table, parameter or [], options, out, None if no_plot else size)
        return
    with progress() as told:
        found = fitted(table, parameter or None, subject=subject, progress=told, **options)  # type: ignore[arg-type]
    written = found.save(out)
    if not no_plot and found.target is not None:
        found.plot(out / "fit.png", size=size)
        written.append(out / "fit.png")
    if petab is not None:
        from p53net.exchange.files import export

        written.append(export(found, petab))
    show(found.parameters.reset_index())
    said.print(found.said, soft_wrap=True)
    said.print(f"wrote {', '.join(path.name for path in written)} to {out}/", soft_wrap=True)


def _each(
    table: Path | list[Path], parameters: list[str], options: dict[str, object], out: Path,
    size: str | None,
) -> None:  # fmt: skip
    """Fits of each subject; a figure of this size, if any."""
    from p53net.fitting.by_subject import fit_by_subject

    with said.status("fitting each subject"):
        found = fit_by_subject(table, parameters, **options)
    written = found.save(out)
    if size is not None:
        found.plot(out / "subjects.png", size=size)
    show(found.summary.reset_index())
    said.print(found.said, soft_wrap=True)
    said.print(f"wrote {len(written)} files to {out}/", soft_wrap=True)


@app.command()
def hill(
    data: Annotated[Path, typer.Argument(help="A .csv or .tsv table of plates.")],
    own: OwnTables = None,
    structure: Structures = None,
) -> None:
    """Fit a plain logistic curve to each plate of a table: IC50s without any model.

    Example: p53net hill plate.csv
    """
    from p53net.fitting.hill_curves import hill as curves

    show(curves(data, tables=tables_of(own), structure=structure_of(structure)))


def _priors(texts: list[str] | None) -> dict[str, tuple[str, float, float]] | None:
    found: dict[str, tuple[str, float, float]] = {}
    for text in texts or []:
        name, _, rest = text.rpartition("=")
        parts = rest.split(":")
        if not name or len(parts) != 3:
            raise InputError(f"--prior {text} is not NAME=KIND:A:B; write log-uniform:0.1:10")
        if name in found:
            raise InputError(f"--prior gives {name} twice; give it once")
        where = f"--prior {text}"
        found[name] = parts[0], number(parts[1], where), number(parts[2], where)
    return found or None


def _noise(texts: list[str] | None) -> dict[str, str | float | tuple[str, float]] | None:
    found: dict[str, str | float | tuple[str, float]] = {}
    for text in texts or []:
        name, mark, rest = text.partition("=")
        if not mark:
            raise InputError(f"--noise {text} is not OBSERVABLE=KIND; write plasma=log-normal:0.2")
        if name in found:
            raise InputError(f"--noise gives {name} twice; give it once")
        kind, mark, width = rest.partition(":")
        if mark:
            found[name] = kind, number(width, f"--noise {text}")
        else:
            found[name] = kind if kind[:1].isalpha() else number(kind, f"--noise {text}")
    return found or None
