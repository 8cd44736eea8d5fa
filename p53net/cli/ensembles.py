"""Commands about ensembles: how sure answers are, and what would make them surer."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from p53net.cli.doses import regimen_in_words
from p53net.cli.draws import Fits, drawn_of
from p53net.cli.studies import PRINT, NoPlot, Size, finish
from p53net.cli.terminal import CellLine, app, progress, said, show
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.draws import ensemble as read
from p53net.files import write_text

EnsembleFile = Annotated[
    Path | None,
    typer.Option("--ensemble", help="What `p53net infer` wrote; default the shipped one."),
]
Draws = Annotated[int | None, typer.Option("--draws", help="Use at most so many of its draws.")]

_SHOWN = ("rank", "experiment", "days", "answer", "now", "promise", "confirmed", "agrees")


@app.command("next-experiment")
def next_experiment(
    answer: Annotated[
        list[str],
        typer.Option("--answer", help="dose_ratio:3, or a claim: 'tgi 3/14 > 14/28'. Repeatable."),
    ],
    ensemble: EnsembleFile = None,
    fit: Fits = None,
    draws: Draws = None,
    experiments: Annotated[
        Path | None,
        typer.Option("--experiments", help="A table of your own, as models/experiments.tsv."),
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Check the best, and some others, by synthetic data.")
    ] = False,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Draw anew for data that weights do not suffice for; hours."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of simulated errors.")] = 1,
    top: Annotated[int, typer.Option("--top", help="Experiments that a terminal shows.")] = 10,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The whole table, as CSV.")
    ] = None,
) -> None:
    """Rank experiments by what they would teach: how far an interval shrinks, and the chance that a
    claim is settled.

    Example: p53net next-experiment --answer dose_ratio:3 --answer "tgi 3/14 > 14/28"
    """
    from p53net.inference.ranking import next_experiment as ranked

    several = _several(ensemble, fit)
    with progress() as told:
        table = ranked(answer, ensemble=several, experiments=experiments, most_draws=draws,
                       confirm=confirm, refit=refit, seed=seed, progress=told)  # fmt: skip
    if out is not None:
        path = write_text(out, table.to_csv(index=False, lineterminator="\n"))
        said.print(f"wrote {path}", soft_wrap=True)
    show(shown(table[table["rank"] <= top]) if sys.stdout.isatty() else table)
    for name, lost in table.groupby("answer", sort=False)["undefined"].first().items():
        if lost:
            said.print(f"{name}: not defined in {lost} draws", soft_wrap=True)


@app.command("trial-questions")
def trial_questions(
    drug: Annotated[str, typer.Argument(help="A drug; see `p53net list`.")] = "milademetan",
    regimen: Annotated[
        list[str] | None,
        typer.Option(
            "--regimen",
            help="As '260 mg 3/14', the first is compared with. Repeatable; default "
            "fifty of milademetan.",
        ),
    ] = None,
    ensemble: EnsembleFile = None,
    fit: Fits = None,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the ensemble.")] = 50,
    population: Annotated[int, typer.Option("--population", help="Virtual patients.")] = 200,
    days: Annotated[float, typer.Option("--days", help="Length of the study.")] = 56.0,
    cell_line: CellLine = "LPS-amplified",
    grade: Annotated[int, typer.Option("--grade", help="Toxicity from this grade on.")] = 3,
    toxicity: Annotated[
        str, typer.Option("--toxicity", help="thrombocytopenia, neutropenia or anaemia.")
    ] = "thrombocytopenia",
    seed: Annotated[int, typer.Option("--seed", help="Of the virtual patients.")] = 1,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "trial-questions"
    ),
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            help="Write regimens.csv here too, below a line that says of "
            "which models and draws it is.",
        ),
    ] = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
) -> None:
    """Ask how plausible it is that one schedule does as much as others, or spares blood counts.

    Example: p53net trial-questions milademetan --regimen "260 mg 3/14" --regimen "160 mg 14/28"
    """
    from p53net.inference.asked_table import kept, regimens_of
    from p53net.inference.questions import trial_questions as study

    arms = [regimen_in_words(text, days, "mg") for text in regimen] if regimen else None
    several = _several(ensemble, fit)
    with progress() as told:
        result = study(drug, arms, ensemble=several, most_draws=draws, population=population,
                       cell_line=cell_line, days=days, grade=grade, toxicity=toxicity, seed=seed,
                       progress=told)  # fmt: skip
    asked = ["probability", "probability_error", "holds_in", "of"]
    tables = {
        "questions": result[asked].to_dataframe().reset_index(),
        "regimens": regimens_of(result),
        "front": result["front"]
        .to_pandas()
        .assign(error=result["front_error"].values)
        .reset_index(),
    }
    finish(result, tables, out, no_plot, size=size)
    if table is not None:
        path = write_text(table, kept(result, several))
        said.print(f"wrote {path}", soft_wrap=True)


def _several(ensemble: Path | None, fit: str | None) -> Ensemble:
    """An ensemble that was asked for, or the draws of a fit. Raises InputError."""
    if fit is None:
        return read(ensemble)
    found = drawn_of(None if ensemble is None else str(ensemble), None, fit, None)["ensemble"]
    assert found is not None  # noqa: S101 - a fit has draws
    return found


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table for a person: numbers with their errors in one cell."""
    found = table.assign(
        now=[
            f"{row.probability:.2f}" if row.kind == "claim" else f"{row.low:.3g} to {row.high:.3g}"
            for row in table.itertuples()
        ],
        promise=[_percent(*pair) for pair in zip(table["promise"], table["promise_error"],
                                                 strict=True)],
    )  # fmt: skip
    if "confirmed" in found:
        found["confirmed"] = [
            _percent(*pair)
            for pair in zip(table["confirmed"], table["confirmed_error"], strict=True)
        ]
    return found[[name for name in _SHOWN if name in found]]


def _percent(value: float, error: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.0f} ± {100 * error:.0f} %"
