"""Commands that hold the models against what was published, and fit them to it."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from p53net.cli.draws import Draws, ensemble_of
from p53net.cli.studies import PRINT, NoPlot, Size, finish
from p53net.cli.terminal import (
    Engine,
    OwnTables,
    Several,
    Structures,
    app,
    progress,
    said,
    several_of,
    show,
    structure_of,
    tables_of,
    write,
)
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError
from p53net.simulation.choice import AUTO

_SEED = 1  # of the draws of the priors

Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]


@app.command()
def validate(
    out: Out = Path("validate"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a Markdown table; write nothing.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on any miss.")] = False,
    write_baseline: Annotated[
        bool,
        typer.Option("--write-baseline", help="Commit to these verdicts, models/baseline.tsv."),
    ] = False,
    holdout: Annotated[
        bool, typer.Option("--holdout", help="Print the frozen hold-out instead, with predictions.")
    ] = False,
    ensemble: Annotated[
        str | None,
        typer.Option(
            "--ensemble",
            metavar="FILE",
            help="With --holdout: what the draws of an ensemble and of the priors predict. "
            "`shipped`, or a file that `p53net infer` wrote.",
        ),
    ] = None,
    draws: Draws = None,
    engine: Engine = AUTO,
    structure: Structures = None,
    structures: Several = None,
    own: OwnTables = None,
) -> None:
    """Print published numbers beside their predictions: what each saw of them, inside or not.

    Exits with 1 if a row behaves otherwise than the committed baseline says: a new miss or an
    unexpected hit. With --structures it writes how each row stands in each of them.
    """
    from p53net.evidence import baseline, matrix, validation

    several = ensemble_of(ensemble, draws)
    if several is not None and not holdout:
        raise InputError("--ensemble goes with --holdout; other rows are judged by `p53net infer`")
    if holdout:
        show(_held_out(several))
        return
    if structures is not None:
        with progress() as told:
            both = validation.validate(
                tables=tables_of(own), structures=several_of(structures), engine=engine,
                progress=told,
            )  # fmt: skip
        finish(both, {"counts": matrix.count_table(both), "matrix": matrix.table(both)}, out,
               no_plot, size=size)  # fmt: skip
        return
    if own and write_baseline:
        raise InputError("the baseline is of published rows; write it without --tables")
    with progress() as told:
        result = validation.validate(
            tables=tables_of(own), structure=structure_of(structure), engine=engine, progress=told
        )
    if markdown:
        write(validation.markdown(result))
    else:
        finish(result, {"validate": validation.as_table(result)}, out, no_plot, size=size)
    missed = validation.misses(result)
    said.print(f"{result.attrs['counts']}; missed: {', '.join(missed) or 'none'}", soft_wrap=True)
    if write_baseline:
        said.print(f"wrote {baseline.write(result)}", soft_wrap=True)
    news = baseline.changes(result)
    for line in news:
        said.print(line, soft_wrap=True)
    if news or (strict and missed):
        raise typer.Exit(1)


def _held_out(ensemble: Ensemble | None) -> pd.DataFrame:
    """The hold-out beside its predictions; of an ensemble with as many draws of the priors."""
    from p53net.evidence.holdout import DRAWS, compared, compared_over

    if ensemble is None:
        with said.status("predicting the hold-out"):
            return compared()
    from p53net.inference.scoring import log_score, prior_like

    prior = prior_like(ensemble, min(len(ensemble), DRAWS), _SEED)
    with progress() as told:
        return compared_over(ensemble, prior, log_score, told)


@app.command()
def calibrate(
    blocks: Annotated[
        list[str] | None,
        typer.Argument(metavar="BLOCK", help="Which to fit; default all."),
    ] = None,
    write_: Annotated[
        bool, typer.Option("--write", help="Put the estimates into the models' tables.")
    ] = False,
    no_profiles: Annotated[bool, typer.Option("--no-profiles", help="Estimates only.")] = False,
    engine: Engine = AUTO,
    structure: Structures = None,
    out: Out = Path("calibration"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
) -> None:
    """Fit every number that says `fitted` to the observations marked for it.

    All parameters are fitted together. Writes estimates with intervals, optima, residuals,
    correlations and profiles. Blocks: biochemistry, degradation, viability, potency, biopsies,
    pharmacokinetics, biomarker, tumour, haematology.
    """
    from p53net.evidence import calibration
    from p53net.evidence.committing import write as commit

    with progress() as told:
        result = calibration.calibrate(
            blocks or None,
            profiles=not no_profiles,
            structure=structure_of(structure),
            engine=engine,
            progress=told,
        )
    tables = {
        "calibration": calibration.table(result),
        "optima": calibration.optimum_table(result),
        "residuals": calibration.residual_table(result),
        "correlations": calibration.correlation_table(result),
    }
    if not no_profiles:
        points = result[["value", "chi_squared"]].to_dataframe().dropna().reset_index()
        tables["profiles"] = points[["parameter", "value", "chi_squared"]]
    finish(result, tables, out, no_plot or no_profiles, size=size)
    counts = {**result.attrs, "optima": result.sizes["optimum"]}
    said.print(", ".join(f"{counts[name]} {name}" for name in ("parameters", "observations",
                                                               "optima")))  # fmt: skip
    if write_:
        changes = commit(result)
        said.print("\n".join(changes) or "the tables hold these values already")
