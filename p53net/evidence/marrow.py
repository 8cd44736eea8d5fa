"""What the models predict of patients' blood: counts, their grades, and GDF-15 in serum.

Functions are like those of `predictions`.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace

import numpy as np

from p53net.dosing.regimens import regimen
from p53net.evidence.cells import Predictions, in_body
from p53net.evidence.published import observations
from p53net.evidence.trials import highest_rate
from p53net.simulation.model import Model
from p53net.simulation.trials import Cell, Trial, changes, value_of
from p53net.studies.body import blood
from p53net.studies.body.holding import LIMITS
from p53net.studies.body.population import GRADES, worsened

_CYCLES = 8  # of a typical patient; the one with the lowest counts, from the second on, is scored
_CYCLE = 336.0  # h
_MEASURED = 0.05  # standard deviation of a count's logarithm, which smooths shares for a fit
_FEW, _BROAD = 16, 0.25  # patients to look for optima with, and what smooths the shares of few
_JAPAN = 200  # patients for each dose of the trial in Japan
_FOLLOWED, _ENOUGH = 56.0, 10  # days after a regimen, and patients for a median
_KT253 = 0, 18  # events and patients of KT-253's first trial
_DOSES, _CLOSE = (-3.0, 0.5), 0.005  # decimal logarithms of mg/kg to look between, and how near
_SOME, _LESS_BROAD = 64, 0.15  # and for profiles


def biomarker(trials: Sequence[Trial]) -> list[Predictions]:
    """Serum GDF-15 in the first day of 260 mg, typical patient."""
    arms = [regimen(dose, "mg", "once") for dose in (15.0, 60.0, 120.0, 260.0, 340.0)]
    curves = in_body([Cell(trial, "milademetan") for trial in trials], "marrow", "human", arms,
                     np.linspace(0.0, 24.0, 97), ["GDF15_serum"])  # fmt: skip
    model = blood.marrow("milademetan")
    return [
        {
            "gdf15_fold": float(highest[-2]),
            "gdf15_monotone": float((np.diff(highest) > 0).all()),
            "gdf15_kout": value_of(trial, "model", "k_out_GDF15", model),
        }
        for trial, highest in zip(trials, curves[..., 0].max(axis=2), strict=True)
    ]


def toxicity(trials: Sequence[Trial]) -> list[Predictions]:
    """Grade 3 or more in virtual patients, and any grade."""
    return [_toxicity(trial) for trial in trials]


def smooth_toxicity(trials: Sequence[Trial]) -> list[Predictions]:
    """Grade 3 or more as smooth functions of the parameters, for a fit."""
    return _smooth(trials, blood.PATIENTS, _MEASURED)


def rough_toxicity(trials: Sequence[Trial]) -> list[Predictions]:
    """The same of the first few patients, smoothed more."""
    return _smooth(trials, _FEW, _BROAD)


def near_toxicity(trials: Sequence[Trial]) -> list[Predictions]:
    """The same of more patients, smoothed less: once corrected, chi-squared at the ends of
    intervals is that of all patients within 5 %."""
    return _smooth(trials, _SOME, _LESS_BROAD)


def haematology(trials: Sequence[Trial]) -> list[Predictions]:
    """When counts are lowest in a typical patient and whether they recover, and rates that nothing
    was fitted to."""
    return [_haematology(trial) for trial in trials]


def _haematology(trial: Trial) -> Predictions:
    names = {"platelets": "platelet", "neutrophils": "neutrophil"}
    times = np.arange(0.0, _CYCLES * _CYCLE + 1.0, 6.0)
    given = regimen(260.0, "mg", "3/14", cycles=_CYCLES)
    ((curves,),) = in_body([Cell(trial, "milademetan")], "marrow", "human", [given], times,
                           list(names))  # fmt: skip
    found: Predictions = {}
    for key, curve in zip(names.values(), curves.T, strict=True):
        days, regained = blood.by_cycle(times, curve[np.newaxis], _CYCLE, 48.0)
        later = curve[times >= _CYCLE]  # the first cycle is shown apart: docs/marrow.md
        worst = 1 + int(later.argmin() * (times[1] - times[0]) // _CYCLE)
        found |= {f"{key}_nadir": days[0, worst], f"{key}_recovery": regained[0, worst]}
    rows = observations()
    found["haem_reversible"] = float(all(rows[key].holds(value) for key, value in found.items()))
    many, changed = _patients("milademetan"), _in_marrow(trial, "milademetan")
    japan = [regimen(d, "mg", "21/28", days=blood.DAYS) for d in (60.0, 90.0, 120.0)]
    counts = [blood.lowest_counts(many, "milademetan", arm, changed, _JAPAN) for arm in japan]
    start = np.tile(blood.starting_counts(many, changed, _JAPAN), (len(japan), 1))
    found["platelets_japan_any"] = blood.percent_worsened(
        np.concatenate(counts), start, "thrombocytopenia", 1
    )
    found["platelet_recovery_time"] = recovery_days(trial)
    found["kt253_haem"] = kt253_most_dose(trial)
    return found


def recovery_days(trial: Trial) -> float:
    """Days from the first count below 50e9/L to 75e9/L or more, median of virtual patients whose
    platelets fall so low under 260 mg 3/14, where no dose follows; NaN where hardly any does."""
    model, changed = _patients("milademetan"), _in_marrow(trial, "milademetan")
    low, back = LIMITS["platelets"]
    times = np.arange(0.0, (blood.DAYS + _FOLLOWED) * 24.0 + 1.0, 6.0)
    columns, planned = blood.population(model, "milademetan", blood.INTERMITTENT, changed)
    counts = model.curves(times, planned, columns, ["platelets"])[0].values[:, 0]
    fell = np.where((counts < low).any(axis=1), times[(counts < low).argmax(axis=1)], np.inf)
    after = planned.at > fell[:, np.newaxis]
    stopped = replace(planned, levels=np.where(after[..., np.newaxis], np.nan, planned.levels))
    counts = model.curves(times, stopped, columns, ["platelets"])[0].values[:, 0]
    recovered = (counts >= back) & (times > fell[:, np.newaxis])
    days = (times[recovered.argmax(axis=1)] - fell) / 24.0
    known = np.isfinite(fell) & recovered.any(axis=1)
    return float(np.median(days[known])) if known.sum() >= _ENOUGH else math.nan


def kt253_most_dose(trial: Trial, grade: int = 3) -> float:
    """The highest dose [mg/kg, every three weeks] that 0 of 18 patients with neutropenia or
    thrombocytopenia of `grade` or more allows at 95 %: what the trial says of the assumed exposure.
    """
    model, changed = _patients("KT-253"), _in_marrow(trial, "KT-253")
    start, bound = blood.starting_counts(model, changed), highest_rate(*_KT253)

    def above(logarithm: float) -> float:
        given = regimen(10.0**logarithm, "mg/kg", "q3w", days=blood.DAYS)
        lowest = blood.lowest_counts(model, "KT-253", given, changed)
        either = [
            worsened(lowest[:, i], start[:, i], name, grade) for i, name in enumerate(GRADES)
        ][:2]
        return 100.0 * float(np.logical_or(*either).mean()) - bound

    low, high = _DOSES
    while high - low > _CLOSE:
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) > 0 else (middle, high)
    return float(10.0 ** ((low + high) / 2))


def _toxicity(trial: Trial) -> Predictions:
    model, changed = _patients("milademetan"), _in_marrow(trial, "milademetan")
    regimens = (blood.INTERMITTENT, *blood.OTHERS)
    model.ready(runs=blood.PATIENTS)  # before threads share it
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(
            pool.map(
                lambda one: one[0].run(blood.lowest_counts, model, "milademetan", one[1], changed),
                [(copy_context(), one) for one in regimens],  # so that records see their runs
            )
        )
    start = blood.starting_counts(model, changed)
    arms = {"intermittent": counts[:1], "other": counts[1:]}
    found: Predictions = {}
    for arm, several in arms.items():
        lowest, begun = np.concatenate(several), np.tile(start, (len(several), 1))
        for name in GRADES:
            for key, grade in (("any", 1), ("grade3plus", 3)):
                found[f"{name}_{key}_{arm}"] = blood.percent_worsened(lowest, begun, name, grade)
    for name in GRADES:
        found[f"{name}_grade34_mantra"] = found[f"{name}_grade3plus_intermittent"]
    more = found["thrombocytopenia_grade3plus_other"]
    found["thrombocytopenia_order"] = float(
        more > found["thrombocytopenia_grade3plus_intermittent"]
    )
    return found


def _smooth(trials: Sequence[Trial], number: int, spread: float) -> list[Predictions]:
    model = _patients("milademetan")
    changed = changes(model, [Cell(trial, "milademetan") for trial in trials])
    arms = (blood.INTERMITTENT, *blood.OTHERS)
    lowest = blood.lowest_of_trials(model, "milademetan", arms, changed, number)
    return [
        {
            f"{name}_grade3plus_{arm}": blood.percent_at_least(counts, name, 3, spread)
            for arm, counts in (("intermittent", one[0]), ("other", np.concatenate(one[1:])))
            for name in GRADES
        }
        for one in lowest
    ]


def _patients(drug: str) -> Model:
    return blood.marrow(drug, blood.COUNTED)


def _in_marrow(trial: Trial, drug: str) -> dict[str, float]:
    (changed,) = changes(blood.marrow(drug), [Cell(trial, drug)])
    return changed
