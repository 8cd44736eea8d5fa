"""The frozen hold-out beside what the models predict of it, compared once: see docs/holdout.md.

Nothing else reads these rows, and nothing is chosen by them.
"""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES, Ensemble
from p53net.errors import P53NetError
from p53net.evidence.assays import cells_of, ic50s
from p53net.evidence.cells import Predictions
from p53net.evidence.published import Observation
from p53net.files import read_bytes
from p53net.model.library import models_folder
from p53net.model.structures import supposing
from p53net.simulation.loading import shared
from p53net.simulation.trials import Cell, Trial, changes
from p53net.studies.body import blood
from p53net.studies.body.holding import held_share
from p53net.studies.body.patients import TUMOUR
from p53net.studies.body.population import patients

Score = Callable[[Observation, FloatArray], float]
"""Logarithm of how likely a row is, given a prediction of each draw."""

DRAWS, PATIENTS = 100, 100
"""Of an ensemble, at most, and virtual patients in each."""

_LARGEST = 2**20
_JAPAN = (60.0, 90.0, 120.0)  # mg, on days 1 to 21 of 28
_WEEKS = 24.0  # that a patient is followed
_TOGETHER = 25  # draws in memory at once
_ENTRY = "_baseline"  # who enters a trial is decided before: not drawn
_NO_EXPOSURE = "no exposure of this drug in this host is in the tables"
_NO_DRUG = "this drug is not in the tables"
_NOT_PREDICTED = {
    "brigimadlin": _NO_DRUG,
    "CGM097": _NO_DRUG,
    "MD-265": _NO_DRUG,
    "MI-1061": _NO_DRUG,
    "siremadlin": _NO_EXPOSURE,
    "navtemadlin": _NO_EXPOSURE,
    "idasanutlin": _NO_EXPOSURE,
    "milademetan_anaemia_aml": "no patients with leukaemia, whose marrow is ill, are modelled",
    "milademetan_discontinuation_mantra": "why patients stop is not modelled",
    "RG7112": "no line with an amplified MDM4 gene is in the tables",
}
"""Why a row, or the rows of a drug, have no prediction."""


def compared() -> pd.DataFrame:
    """A row for each number: `observation`, `tier`, `subject`, `quantity`, `observed`, `low`,
    `high`, `unit`, `predicted`, `verdict` (inside, outside, not predicted) and `why`. Takes a
    minute."""
    (known,) = predictions([{}], blood.PATIENTS)
    found = []
    for row in _rows():
        low, high = _bounds(row)
        value = known.get(row["id"], math.nan)
        verdict, why = "not predicted", _why(row["id"], row["subject"])
        if row["id"] in known:
            verdict, why = "inside" if low <= value <= high else "outside", ""
        found.append(
            {
                "observation": row["id"],
                "tier": row["tier"],
                "subject": row["subject"],
                "quantity": row["quantity"],
                "observed": row["value"],
                "low": row["low"],
                "high": row["high"],
                "unit": row["unit"],
                "predicted": value,
                "verdict": verdict,
                "why": why,
            }
        )
    return pd.DataFrame(found)


def compared_over(
    posterior: Ensemble,
    prior: Ensemble,
    score: Score,
    told: Callable[[str, float], None] = lambda _what, _share: None,
) -> pd.DataFrame:
    """A row for each number that is predicted, over at most 100 draws of each ensemble; of an
    ensemble of cells alone those of cells.

    `posterior`, `posterior_low` and `posterior_high` are the median and the ends of 95 % of the
    draws, `inside` says whether the observed value lies between these (a bound, whether it allows
    some of it), `overlaps` the same of the interval of the observation, `score` is the logarithm
    of how likely the row is, `decades` how wide the 95 % are, `undefined` how many draws have no
    such number. The same of the `prior`.
    """
    both = {"posterior": posterior.thinned(DRAWS), "prior": prior.thinned(DRAWS)}
    made = {
        name: _over(one, posterior.has_bodies, lambda share, n=name, i=i: told(n, (i + share) / 2))  # type: ignore[misc]
        for i, (name, one) in enumerate(both.items())
    }
    found = []
    for row in _rows():
        if row["id"] in made["posterior"]:
            low, high = _bounds(row)
            found.append(
                {
                    "observation": row["id"], "tier": row["tier"], "observed": row["value"],
                    "low": row["low"], "high": row["high"], "unit": row["unit"],
                    **{key: value for name, values in made.items()
                       for key, value in _judged(name, row, (low, high), values[row["id"]],
                                                 score).items()},
                }
            )  # fmt: skip
    return pd.DataFrame(found)


def _judged(
    name: str,
    row: Mapping[str, str],
    bounds: tuple[float, float],
    predicted: FloatArray,
    score: Score,
) -> dict[str, object]:
    """What an ensemble says of one row; no dose that has the effect is infinite."""
    there = predicted[~np.isnan(predicted)]
    ends = (QUANTILES[0], 0.5, QUANTILES[-1])
    low, middle, high = (
        np.quantile(there, ends, method="inverted_cdf").tolist() if len(there) else [math.nan] * 3
    )
    touches = low <= bounds[1] and bounds[0] <= high
    value = float(row["value"]) if row["value"] else math.nan
    more = {} if name == "prior" else {"inside": low <= value <= high if row["value"] else touches,
                                       "overlaps": touches}  # fmt: skip
    start = "" if name == "posterior" else f"{name}_"
    return {
        name: middle,
        f"{name}_low": low,
        f"{name}_high": high,
        **more,
        f"{start}score": score(_observation(row), predicted),
        f"{start}decades": math.log10(high / low) if 0 < low < math.inf else math.nan,
        f"{start}undefined": len(predicted) - len(there),
    }


def _over(ensemble: Ensemble, bodies: bool, told: Callable[[float], None]) -> dict[str, FloatArray]:
    """Predictions of every draw by row, of bodies too or of cells alone."""
    found: list[Predictions] = [{} for _ in range(len(ensemble))]
    done = 0
    for structure, draws in ensemble.parts():
        with supposing(structure):
            for some in np.array_split(draws, -(-len(draws) // _TOGETHER)):
                of = _of_all if bodies else _of_cells
                rows = _sound(of, [ensemble.trial(int(draw)) for draw in some])
                for draw, row in zip(some, rows, strict=True):
                    found[int(draw)] = row
                told((done := done + len(some)) / len(ensemble))
    names = dict.fromkeys(name for row in found for name in row)
    return {name: np.array([row.get(name, math.nan) for row in found]) for name in names}


def _sound(
    of: Callable[[Sequence[Trial]], list[Predictions]], trials: Sequence[Trial]
) -> list[Predictions]:
    """Predictions of each trial, none of one that fails."""
    try:
        return of(trials)
    except P53NetError:
        if len(trials) == 1:
            return [{}]
    half = len(trials) // 2
    return _sound(of, trials[:half]) + _sound(of, trials[half:])


def _rows() -> list[dict[str, str]]:
    text = read_bytes(models_folder() / "holdout" / "observations.tsv", _LARGEST, "the hold-out")
    return list(csv.DictReader(io.StringIO(text.decode()), delimiter="\t", quoting=csv.QUOTE_NONE))


def _bounds(row: Mapping[str, str]) -> tuple[float, float]:
    return float(row["low"] or -math.inf), float(row["high"] or math.inf)


def _observation(row: Mapping[str, str]) -> Observation:
    low, high = _bounds(row)
    return Observation(
        row["id"], row["level"], row["quantity"], row["subject"], row["cell_line"],
        row["protocol"], float(row["value"] or math.nan), low, high, row["unit"], row["source"],
        row["tier"], row["interval"], row["note"],
    )  # fmt: skip


def _why(name: str, subject: str) -> str:
    return _NOT_PREDICTED.get(name) or _NOT_PREDICTED.get(subject.split()[0], "")


def predictions(trials: Sequence[Trial], number: int) -> list[Predictions]:
    """What the models say, in each trial and with so many virtual patients, of each row that they
    can say something of, in the row's unit. Infinite where no dose has the effect."""
    return [cell | body for cell, body in zip(_of_cells(trials), _of_bodies(trials, number),
                                              strict=True)]  # fmt: skip


def _of_all(trials: Sequence[Trial]) -> list[Predictions]:
    return predictions(trials, PATIENTS)


def _of_cells(trials: Sequence[Trial]) -> list[Predictions]:
    four_days = _halves(trials, [("RG7112", "generic"), ("RG7112", "TP53-null")], 96.0)
    three = _halves(trials, [("idasanutlin", "generic"), ("idasanutlin", "TP53-null")])
    colon = _halves(trials, [("navtemadlin", "generic")])
    return [
        {
            "rg7112_ic50_pptp_wt": wild / 1000.0,
            "rg7112_ic50_pptp_mutant": mutant / 1000.0,
            "idasanutlin_mutant_over_wt": mutant_ida / wild_ida if math.isfinite(wild_ida)
            else math.nan,
            "navtemadlin_ic50_hct116": one,
        }
        for (wild, mutant), (wild_ida, mutant_ida), (one,) in zip(
            four_days, three, colon, strict=True
        )
    ]  # fmt: skip


def _of_bodies(trials: Sequence[Trial], number: int) -> list[Predictions]:
    return [
        {"milademetan_anaemia_japan": worse, "milademetan_dose_reduction_mantra": reduced}
        for worse, reduced in zip(_anaemia(trials, number), _reductions(trials, number),
                                  strict=True)
    ]  # fmt: skip


def _halves(
    trials: Sequence[Trial], kinds: Sequence[tuple[str, str]], hours: float = 72.0
) -> list[list[float]]:
    """IC50s of cells (trial, kind)."""
    found = ic50s(cells_of(trials, kinds), hours)
    reached: list[list[float]] = np.where(np.isfinite(found), found, math.inf).reshape(
        len(trials), -1).tolist()  # fmt: skip
    return reached


def _anaemia(trials: Sequence[Trial], number: int) -> list[float]:
    """Patients whose haemoglobin worsens by a grade, in per cent: of the doses, as many patients as
    the trial had (3, 11 and 4)."""
    model = blood.marrow("milademetan", blood.COUNTED)
    arms = [regimen(dose, "mg", "21/28", days=blood.DAYS) for dose in _JAPAN]
    changed = [
        {name: value for name, value in one.items() if not name.endswith(_ENTRY)}
        for one in changes(model, [Cell(trial, "milademetan") for trial in trials])
    ]
    lowest = blood.lowest_of_trials(model, "milademetan", arms, changed, number)
    start = blood.starting_counts(model, {}, number)
    rates = [[blood.percent_worsened(arm, start, "anaemia", 1) if np.isfinite(arm).all()
              else math.nan for arm in trial] for trial in lowest]  # fmt: skip
    found: list[float] = np.average(rates, axis=1, weights=[3.0, 11.0, 4.0]).tolist()
    return found


def _reductions(trials: Sequence[Trial], number: int) -> list[float]:
    """Patients who get less than planned within 24 weeks, in per cent, where doses are held and
    reduced as trials do."""
    arm = regimen(260.0, "mg", "3/14", days=_WEEKS * 7.0)
    model = blood.marrow("milademetan")
    both = (shared("milademetan", system="tumour", host="human", cell_line=TUMOUR), model)
    usual = {n: row.value for one in both for n, row in one.definition.parameters.items()}
    drawn = patients(usual, number, blood.SEED)
    changed = changes(model, [Cell(trial, "milademetan") for trial in trials])
    names = dict.fromkeys(name for one in changed for name in one if not name.endswith(_ENTRY))
    columns = {n: np.repeat([one.get(n, usual[n]) for one in changed], number) for n in names}
    for name in (n for n in map(str, drawn) if n in model.definition.parameters):
        factors = np.tile(drawn[name].to_numpy() / usual[name], len(trials))
        columns[name] = factors * columns.get(name, usual[name])
    share = held_share(model, "milademetan", arm, columns, number * len(trials))
    reduced = (share < 100.0 - 1e-6).reshape(len(trials), number)
    found: list[float] = (100.0 * reduced.mean(axis=1)).tolist()
    return found
