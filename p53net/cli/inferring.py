"""The command that makes an ensemble: priors and evidence to a posterior."""

import json
from pathlib import Path
from typing import Annotated

import typer

from p53net.cli.studies import PRINT, NoPlot, Size
from p53net.cli.terminal import OwnTables, app, progress, said, show, tables_of
from p53net.files import made_folder, write_text


@app.command()
def infer(
    out: Annotated[Path, typer.Option("--out", help="Folder for runs and results.")] = Path(
        "posterior"
    ),
    structure: Annotated[
        list[str] | None,
        typer.Option("--structure", help="A structure to weigh. Repeatable; at most eight."),
    ] = None,
    observations: Annotated[
        Path | None, typer.Option("--observations", help="A table of observations of your own.")
    ] = None,
    own: OwnTables = None,
    runs: Annotated[int, typer.Option("--runs", help="Independent runs of each structure.")] = 4,
    particles: Annotated[int, typer.Option("--particles", help="Of each run.")] = 256,
    moves: Annotated[int, typer.Option("--moves", help="At each degree of the evidence.")] = 6,
    kept: Annotated[int, typer.Option("--kept", help="Draws kept of each particle.")] = 12,
    between: Annotated[int, typer.Option("--between", help="Moves between these.")] = 6,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the ensemble.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Of all random numbers.")] = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes; default one a core.")
    ] = None,
    widths: Annotated[
        bool,
        typer.Option(
            "--widths", help="Weigh also with all priors half and twice as wide; takes hours."
        ),
    ] = False,
    bodies: Annotated[
        bool,
        typer.Option("--bodies/--no-bodies", help="Draw bodies too, or cells in a dish alone."),
    ] = True,
    no_plot: NoPlot = False,
    size: Size = PRINT,
) -> None:
    """Weigh parameters and structures by the evidence: an ensemble, and how far to trust it.

    Takes an hour or more. What is done lies in the folder, so that the same command goes on after
    an interruption. Writes ensemble.parquet; weights, also at other widths and without each row,
    convergence, rows, influence and prior_widths as CSV; a figure, and a file for ArviZ of each
    structure.
    """
    from p53net.figures.style import resized, save_all
    from p53net.inference import exporting, influence, posterior, posterior_drawn

    with progress() as told:
        found = posterior.infer(
            structure or posterior.STRUCTURES, observations=observations, tables=tables_of(own),
            runs=runs, particles=particles, moves=moves, kept=kept, between=between, draws=draws,
            widths=widths, bodies=bodies, seed=seed, folder=out, workers=workers, progress=told,
        )  # fmt: skip
    folder = made_folder(out)
    tables = {
        "weights": found.weights,
        "weights_at_widths": found.at_widths,
        "convergence": found.convergence,
        "rows": found.rows,
        "weights_without": influence.weights_without(found),
        "influence": influence.headlines_without(found, found.best),
        "prior_widths": influence.prior_widths(found, found.best),
    }
    written = [write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
               for name, table in tables.items()]  # fmt: skip
    about = json.dumps(found.ensemble.about, indent=1, sort_keys=True)
    written.append(write_text(folder / "posterior.json", about + "\n"))
    written.append(found.ensemble.save(folder / "ensemble.parquet"))
    written += [exporting.save(found, name, folder) for name in found.weights["structure"]]
    if not no_plot:
        figure = resized(posterior_drawn.posterior_figure(found), size)
        written += save_all(figure,
                            [folder / f"posterior.{kind}" for kind in ("png", "svg")])  # fmt: skip
    show(found.weights)
    show(found.convergence)
    said.print(f"wrote {', '.join(path.name for path in written)} to {folder}/", soft_wrap=True)
    if why := found.ensemble.about["why"]:
        said.print(f"not converged: {why}", soft_wrap=True)
        raise typer.Exit(1)
