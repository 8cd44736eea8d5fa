"""Commands of studies in mice and patients."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
import xarray as xr

from p53net.cli.beside import (
    BesideRegimen,
    BesideRegimens,
    regimen_beside,
    regimens_beside,
)
from p53net.cli.doses import Flat, Form, Schedule, arm_of, regimen_in_words, usual
from p53net.cli.draws import Draws, Ensembles, Fits, drawn_of, with_bands
from p53net.cli.studies import PRINT, NoPlot, OwnData, Published, Size, finish, patients_bar
from p53net.cli.terminal import (
    Accuracy,
    Engine,
    OwnTables,
    Settings,
    Structures,
    app,
    said,
    settings_of,
    structure_of,
)
from p53net.dosing.labels import FREE_BASE
from p53net.ensembles.banded import DEFINED, median
from p53net.model import host_entries, resolve
from p53net.simulation.choice import AUTO
from p53net.studies.body.rules import HoldLike, rule_from_words

Doses = Annotated[
    list[str] | None,
    typer.Option(
        "--dose",
        help="Each dose: 260, 260mg, 50mg/kg; a whole regimen: '20 mg q3w over 2 h'; or an event "
        "table, doses.csv. Repeatable.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Drug = Annotated[str, typer.Argument(metavar="DRUG", help="A drug with known pharmacokinetics.")]
Workers = Annotated[
    int | None, typer.Option("--workers", help="Worker processes; 0 for this process.")
]
Hold = Annotated[
    bool, typer.Option("--hold", help="Hold and reduce doses as trials do when counts are low.")
]
HoldRules = Annotated[
    list[str] | None,
    typer.Option("--hold-rule", help="Hold by a rule of your own: 'platelets grade 3 until 1 "
                 "leave 75%', 'haemoglobin 8 until 10'. Repeatable."),
]  # fmt: skip
CellLine = Annotated[str, typer.Option("--cell-line", help="Cell line of the tumour.")]
_PROPORTIONAL = ["15", "60", "120", "260", "340"]  # mg
_IN_MICE = ["25", "50", "100"]  # mg/kg


@app.command()
def pk(
    drug: Drug,
    dose: Doses = None,
    schedule: Schedule = None,
    beside: BesideRegimen = None,
    days: Annotated[float, typer.Option("--days", help="How long doses are given.")] = 14.0,
    host: Annotated[str, typer.Option("--host", help="human or mouse.")] = "human",
    hours: Annotated[float | None, typer.Option("--hours", help="Length of the run.")] = None,
    form: Form = FREE_BASE,
    flat: Flat = False,
    set_: Settings = None,
    out: Out = Path("pk"),
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    data: OwnData = None,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Simulate plasma concentrations: Tmax, Cmax, AUC0-24, clearance, half-life, proportionality.

    Doses are in mg in man and mg/kg in the mouse. Milademetan's are usually 15, 60, 120, 260
    and 340 mg or 25, 50 and 100 mg/kg, 3/14.
    Example: p53net pk milademetan --schedule 3/14 --dose 260
    """
    from p53net.studies.body.pharmacokinetics import pk as study

    drawn = drawn_of(ensemble, draws, fit, own)
    unit = "mg" if resolve("host", host, host_entries(drawn["tables"])).name == "human" else "mg/kg"
    doses = usual(drug, "--dose", dose, _PROPORTIONAL if unit == "mg" else _IN_MICE)
    arms = [arm_of(text, schedule, lambda: usual(drug, "--schedule", None, "3/14"), days, unit,
                   form, flat=flat) for text in doses]  # fmt: skip
    with said.status("simulating"):
        result = study(drug, arms, host=host, hours=hours,
                       beside=regimen_beside(beside, days, unit),
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       structure=structure_of(structure), **drawn)  # fmt: skip
    table = result[["tmax", "cmax", "auc", "clearance", "half_life"]].to_dataframe().reset_index()
    names = [name for name in ("plasma", "plasma_nM", "beside_plasma") if name in result]
    curves = result[names].to_dataframe().reset_index()
    tables = {"pk": table, "curves": curves}
    if "slope" in result:
        tables["slopes"] = result["slope"].to_dataframe().reset_index()
    measures = result.drop_vars(["slope", f"slope{DEFINED}"], errors="ignore")
    finish(result, with_bands(measures, tables, ["time"]), out, no_plot, data, published, size=size)


@app.command()
def xenograft(
    drug: Drug,
    dose: Doses = None,
    schedule: Schedule = None,
    cell_line: Annotated[
        str, typer.Option("--cell-line", help="Cell line of the tumour; see `p53net list`.")
    ] = "ST-02-0075",
    beside: BesideRegimen = None,
    days: Annotated[float, typer.Option("--days", help="Length of the study.")] = 28.0,
    form: Form = FREE_BASE,
    flat: Flat = False,
    set_: Settings = None,
    out: Out = Path("xenograft"),
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    no_plot: NoPlot = False,
    size: Size = PRINT,
    data: OwnData = None,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Simulate tumours in mice beside untreated ones: volume, TGI with its formula, regression.

    Doses are in mg/kg. Milademetan's are usually 25, 50 and 100, daily.
    Example: p53net xenograft KT-253 --dose 1 --schedule once --cell-line "RS4;11" --days 63
    """
    from p53net.studies.body.xenografts import xenograft as study

    doses = usual(drug, "--dose", dose, _IN_MICE)
    arms = [arm_of(text, schedule, lambda: usual(drug, "--schedule", None, "daily"), days, "mg/kg",
                   form, flat=flat) for text in doses]  # fmt: skip
    with said.status("simulating"):
        result = study(drug, arms, cell_line, days=days,
                       beside=regimen_beside(beside, days, "mg/kg"),
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       structure=structure_of(structure),
                       **drawn_of(ensemble, draws, fit, own))  # fmt: skip
    said.print(f"TGI = {result.attrs['tgi']}", soft_wrap=True)
    tables = {
        "xenograft": result.drop_dims("time").to_dataframe().reset_index(),
        "curves": result.drop_vars(["tgi", "change", "lowest", "days_below"])
        .to_dataframe()
        .reset_index(),
    }
    finish(result, with_bands(result, tables, ["time"]), out, no_plot, data, published, size=size)


@app.command()
def patient(
    drug: Drug,
    dose: Annotated[
        str | None,
        typer.Option(
            "--dose",
            help="Each dose: 260, 260mg, 1mg/kg; a whole regimen: '520 mg once + 260 mg "
            "daily from 1 d'; or an event table, doses.csv.",
        ),
    ] = None,
    schedule: Schedule = None,
    beside: BesideRegimen = None,
    days: Annotated[float, typer.Option("--days", help="Length of the study.")] = 56.0,
    cell_line: CellLine = "LPS-amplified",
    population: Annotated[
        int | None, typer.Option("--population", help="Virtual patients; default a typical one.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the virtual patients.")] = 1,
    hold: Hold = False,
    hold_rule: HoldRules = None,
    set_: Settings = None,
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    workers: Workers = None,
    form: Form = FREE_BASE,
    out: Out = Path("patient"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
    data: OwnData = None,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Simulate a patient, or a population: plasma, tumour p53, GDF-15, blood counts and grades.

    Milademetan is usually given as 260 mg 3/14.
    Example: p53net patient milademetan --dose 260 --schedule 3/14 --population 500 --seed 1
    """
    from p53net.studies.body.patients import patient as study

    amount = usual(drug, "--dose", dose, "260")
    given = arm_of(amount, schedule, lambda: usual(drug, "--schedule", None, "3/14"), days, "mg",
                   form)  # fmt: skip
    with patients_bar() as told:
        result = study(drug, given, cell_line=cell_line, days=days, population=population,
                       seed=seed, hold=_rules(hold, hold_rule),
                       beside=regimen_beside(beside, days, "mg"),
                       parameters=settings_of(set_ or []),
                       engine=engine, accuracy=accuracy, workers=workers,
                       structure=structure_of(structure), **drawn_of(ensemble, draws, fit, own),
                       progress=told)  # fmt: skip
    curves = [str(name) for name in result.data_vars if "time" in result[name].dims]
    frames = {"curves": result[curves].to_dataframe().reset_index()}
    if population is None:
        tables = {"patient": _extremes(median(result)[curves])}
    else:
        rates = result[["rate", "rate_low", "rate_high"]]
        tables = {"patient": rates.to_dataframe().reset_index()}
        tables = with_bands(rates, tables, [])
        each = result[["lowest", "worst_grade", "status"]]
        frames["patients"] = each.to_dataframe().reset_index()
        lost = int((result["status"].values.astype(str) != "ok").sum())
        said.print(f"{population:,} patients, {lost} without a result")
    finish(result, {**tables, **frames}, out, no_plot, data, published, size=size)


@app.command()
def schedules(
    drug: Drug,
    schedule: Annotated[
        list[str] | None,
        typer.Option("--regimen", help="As '260 mg 3/14'. Repeatable; default milademetan's four."),
    ] = None,
    beside: BesideRegimens = None,
    days: Annotated[float, typer.Option("--days", help="Length of the study.")] = 56.0,
    cell_line: CellLine = "LPS-amplified",
    population: Annotated[int, typer.Option("--population", help="Virtual patients.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Of the virtual patients.")] = 1,
    grade: Annotated[int, typer.Option("--grade", help="Toxicity from this grade on.")] = 3,
    hold: Hold = False,
    hold_rule: HoldRules = None,
    set_: Settings = None,
    engine: Engine = AUTO,
    accuracy: Accuracy = None,
    workers: Workers = None,
    out: Out = Path("schedules"),
    no_plot: NoPlot = False,
    size: Size = PRINT,
    published: Published = False,
    own: OwnTables = None,
    structure: Structures = None,
    ensemble: Ensembles = None,
    fit: Fits = None,
    draws: Draws = None,
) -> None:
    """Compare schedules in the same virtual patients: tumour effect against toxicity.

    Example: p53net schedules milademetan --regimen "260 mg 3/14" --regimen "90 mg daily"
    """
    from p53net.studies.body.comparison import schedules as study

    arms = [regimen_in_words(text, days, "mg") for text in schedule] if schedule else None
    with patients_bar() as told:
        result = study(drug, arms, cell_line=cell_line, days=days, population=population, seed=seed,
                       grade=grade, hold=_rules(hold, hold_rule),
                       beside=regimens_beside(beside, days, "mg"),
                       parameters=settings_of(set_ or []), engine=engine, accuracy=accuracy,
                       workers=workers,
                       structure=structure_of(structure), **drawn_of(ensemble, draws, fit, own),
                       progress=told)  # fmt: skip
    wide = result.drop_dims("toxicity")
    for toxicity in result["toxicity"].values:
        for name in ("rate", "rate_low", "rate_high"):
            wide[f"{toxicity}_{name}"] = result[name].sel(toxicity=toxicity, drop=True)
    tables = {"schedules": wide.to_dataframe().reset_index()}
    finish(result, with_bands(wide, tables, []), out, no_plot, published=published, size=size)


def _rules(hold: bool, texts: list[str] | None) -> HoldLike:
    """How doses are held: rules of one's own stand for the usual one."""
    return [rule_from_words(text) for text in texts] if texts else hold


def _extremes(curves: xr.Dataset) -> pd.DataFrame:
    """Start, lowest and highest value of each curve, and when."""
    hours = curves["time"].values
    rows = []
    for name, curve in curves.items():
        low, high = int(curve.values.argmin()), int(curve.values.argmax())
        rows.append(
            {
                "quantity": name,
                "unit": curve.attrs["units"],
                "start": curve.values[0],
                "lowest": curve.values[low],
                "lowest_h": hours[low],
                "highest": curve.values[high],
                "highest_h": hours[high],
            }
        )
    return pd.DataFrame(rows)
