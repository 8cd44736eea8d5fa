"""Commands about ensembles: how sure answers are, and what would make them surer."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from p53net.cli.terminal import app, progress, said, show
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
    draws: Draws = None,
    experiments: Annotated[
        Path | None,
        typer.Option("--experiments", help="A table of your own, as models/experiments.tsv."),
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Check the best, and some others, by synthetic data.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of simulated errors.")] = 1,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The whole table, as CSV.")
    ] = None,
) -> None:
    """Rank experiments by what they would teach: how far an interval shrinks, and the chance that a
    claim is settled.

    Example: p53net next-experiment --answer dose_ratio:3 --answer "tgi 3/14 > 14/28"
    """
    from p53net.inference.ranking import next_experiment as ranked

    several = read(ensemble)
    with progress() as told:
        table = ranked(answer, ensemble=several, experiments=experiments, draws=draws,
                       confirm=confirm, seed=seed, progress=told)  # fmt: skip
    if out is not None:
        path = write_text(out, table.to_csv(index=False, lineterminator="\n"))
        said.print(f"wrote {path}", soft_wrap=True)
    show(_short(table) if sys.stdout.isatty() else table)
    for name, lost in table.groupby("answer", sort=False)["undefined"].first().items():
        if lost:
            said.print(f"{name}: not defined in {lost} draws", soft_wrap=True)


def _short(table: pd.DataFrame) -> pd.DataFrame:
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
