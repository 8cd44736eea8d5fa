"""The frozen hold-out beside what the models predict of it, compared once: see docs/holdout.md.

Nothing else reads these rows, and nothing is chosen by them.
"""

import csv
import io
import math

import numpy as np
import pandas as pd

from p53net.dosing.regimens import regimen
from p53net.evidence.assays import ic50s
from p53net.files import read_bytes
from p53net.model.library import models_folder
from p53net.simulation.trials import Cell
from p53net.studies.body import blood
from p53net.studies.body.patients import patient

_LARGEST = 2**20
_JAPAN = (60.0, 90.0, 120.0)  # mg, on days 1 to 21 of 28
_WEEKS = 24.0  # that a patient is followed
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
    text = read_bytes(models_folder() / "holdout" / "observations.tsv", _LARGEST, "the hold-out")
    rows = list(csv.DictReader(io.StringIO(text.decode()), delimiter="\t", quoting=csv.QUOTE_NONE))
    known = predictions()
    found = []
    for row in rows:
        low, high = (float(row[end] or other) for end, other in (("low", "-inf"), ("high", "inf")))
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


def _why(name: str, subject: str) -> str:
    return _NOT_PREDICTED.get(name) or _NOT_PREDICTED.get(subject.split()[0], "")


def predictions() -> dict[str, float]:
    """What the models say of each row that they can say something of, in the row's unit. Infinite
    where no dose has the effect."""
    four_days = [Cell({}, "RG7112", "generic"), Cell({}, "RG7112", "TP53-null")]
    wild, mutant = _reached(ic50s(four_days, 96.0))
    wild_ida, mutant_ida = _reached(
        ic50s([Cell({}, "idasanutlin", "generic"), Cell({}, "idasanutlin", "TP53-null")])
    )
    (colon,) = _reached(ic50s([Cell({}, "navtemadlin", "generic")]))
    return {
        "rg7112_ic50_pptp_wt": wild / 1000.0,
        "rg7112_ic50_pptp_mutant": mutant / 1000.0,
        "idasanutlin_mutant_over_wt": mutant_ida / wild_ida,
        "navtemadlin_ic50_hct116": colon,
        "milademetan_anaemia_japan": _anaemia(),
        "milademetan_dose_reduction_mantra": _reductions(),
    }


def _reached(found: np.ndarray) -> list[float]:
    return [float(one) if math.isfinite(one) else math.inf for one in found]


def _anaemia() -> float:
    """Patients whose haemoglobin worsens by a grade, in per cent: of the doses, as many patients as
    the trial had (3, 11 and 4)."""
    model = blood.marrow("milademetan")
    rates = []
    for dose in _JAPAN:
        arm = regimen(dose, "mg", "21/28", days=blood.DAYS)
        counts = blood.lowest_counts(model, "milademetan", arm, {}, blood.PATIENTS)
        start = blood.starting_counts(model, {}, blood.PATIENTS)
        rates.append(blood.percent_worsened(counts, start, "anaemia", 1))
    return float(np.average(rates, weights=[3.0, 11.0, 4.0]))


def _reductions() -> float:
    """Patients who get less than planned within 24 weeks, in per cent, where doses are held and
    reduced as trials do."""
    days = _WEEKS * 7.0
    arm = regimen(260.0, "mg", "3/14", days=days)
    found = patient("milademetan", arm, days=days, population=blood.PATIENTS, hold=True)
    return float(100.0 * (found["given"] < 100.0 - 1e-6).mean())
