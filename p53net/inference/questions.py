"""Questions about trials, answered in every draw of an ensemble and in the same virtual patients.

Does one schedule do at least as much to the tumour as the others? In how many patients do counts
fall to a grade? And which schedules have the most effect at each price: the Pareto front.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from p53net.dosing.labels import labels_of
from p53net.dosing.regimens import Regimen, as_regimens, regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES, Ensemble
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError, P53NetError
from p53net.inference.answers import as_given
from p53net.inference.claims import standard_error
from p53net.inference.other_answers import PUBLISHED
from p53net.inference.virtual import Trials, trials
from p53net.model import drug_entries
from p53net.model.tables import resolve
from p53net.simulation.loading import shared
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded
from p53net.studies.body.patients import DAYS, TUMOUR, study_times
from p53net.studies.body.population import GRADES, MOST_PATIENTS
from p53net.sweeps.design import checked_seed

SCHEDULES = ("3/28", "5/28", "7/28", "3/14", "5/14", "7/14", "14/28", "21/28", "3/7", "daily")
DOSES = (60.0, 90.0, 120.0, 160.0, 260.0)
"""Fifty regimens of milademetan [mg], with the published ones among them."""

RATE = 20.0
"""Per cent of patients below which a trial would have a toxicity."""

MARGIN = 5.0
"""Points of growth inhibition that count as nothing."""

REFERENCE = "3/14"
"""Schedule that others are compared with."""

ASKS = ("as_much", "within_margin", "below_rate")
"""Of a regimen: whether the reference does at least as much, or less by the margin at most; and
whether its rate of toxicity is below `RATE`."""

_AT = np.arange(0.0, 101.0, 2.5)
"""Rates of toxicity [%] at which the front is drawn."""


@recorded
def trial_questions(
    drug: str = "milademetan",
    regimens: Sequence[Regimen] | None = None,
    *,
    ensemble: Ensemble | None = None,
    fit: FitLike = None,
    most_draws: int = 50,
    population: int = 200,
    cell_line: str = TUMOUR,
    days: float = DAYS,
    grade: int = 3,
    toxicity: str = "thrombocytopenia",
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Tumour effect and toxicity of regimens in virtual patients, in draws of an ensemble.

    There are `population` patients in each of at most `most_draws` draws. All regimens and draws
    have the same patients. By default there are fifty regimens of milademetan, and questions are
    asked of its published ones; else of all, and the first is the one that others are compared
    with.

    Returns a Dataset over `regimen`, `toxicity`, `quantile` (of draws) and `draw_number`: `tgi` [%
    of the growth of an untreated tumour], of the median patient, and `rate` [% of patients who
    worsen to `grade` or more], their medians' Monte-Carlo errors `tgi_error` and `rate_error`, and
    `tgi_draws`, `rate_draws`; `front`, the most effect of any regimen whose rate of `toxicity` is
    at most `at` [%], or 0 untreated, with `front_error`; `on_front`, the share of draws in which no
    other regimen has more effect at no higher rate; `lost`, the share of runs without a result; and
    by `question` its `probability` with `probability_error`, and `holds_in` structures, `of` so
    many; what it `asks` (`as_much`, `within_margin` or `below_rate`), and `about` which regimen.
    Structures without a tumour or a marrow are left out; attribute `left_out` says which.
    `fit` is as in `escape`.
    Raises InputError, UnknownNameError.

    Examples:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"structure": ["default"] * 2, "model: k_deg_MDM2": [1.2, 1.6]})
        >>> own = pn.Ensemble(rows, {})  # `infer` makes one
        >>> plans = [pn.regimen(260, "mg", "3/14", cycles=2), pn.regimen(90, "mg", "q2d", days=28)]
        >>> found = pn.trial_questions("milademetan", plans, ensemble=own, population=8, days=28)
        >>> found["tgi"].dims, found["rate"].dims
        (('regimen', 'quantile'), ('regimen', 'toxicity', 'quantile'))
    """
    name = resolve("drug", drug, drug_entries()).name
    arms, asked = _arms(name, regimens, days)
    if toxicity not in GRADES:
        raise InputError(f"toxicity is {toxicity!r}, but must be one of {', '.join(GRADES)}")
    if isinstance(grade, bool) or grade not in (1, 2, 3, 4):
        raise InputError(f"grade is {grade!r}, but must be 1, 2, 3 or 4")
    if not isinstance(population, int) or not 1 < population <= MOST_PATIENTS:
        raise InputError(f"population is {population!r}, but must be 2 to {MOST_PATIENTS:,}")
    tell = progress or (lambda _what, _share: None)
    several, left_out = _possible(as_given(ensemble).thinned(most_draws), name, cell_line)
    found = trials(
        several, name, arms, line=cell_line, days=days, population=population,
        seed=checked_seed(seed), grade=grade, told=lambda share: tell("patients", share),
    )  # fmt: skip
    column = list(GRADES).index(toxicity)
    labels = labels_of(arms, "regimens")
    again = _resampled(found, column, asked, seed)
    data = _data(found, column, asked, labels, again, several)
    return xr.Dataset(
        data,
        coords={
            "regimen": labels,
            "toxicity": list(GRADES),
            "quantile": list(QUANTILES),
            "draw_number": np.arange(len(several)),
            "at": ("at", _AT, {"units": "%", "long_name": f"patients with {toxicity}, at most"}),
            **_questions(labels, asked, toxicity, grade),
        },
        attrs={
            "study": "trial_questions",
            "drug": name,
            "doses": "; ".join(str(arm) for arm in arms),
            "tumour": cell_line,
            "toxicity": toxicity,
            "grade": grade,
            "days": float(days),
            "population": population,
            "draws": len(several),
            "structures": ", ".join(several.structures),
            "left_out": json.dumps(left_out),
            "seed": seed,
            "version": VERSION,
        },
    )


def _possible(ensemble: Ensemble, drug: str, line: str) -> tuple[Ensemble, dict[str, str]]:
    """Draws whose structure has a tumour and a marrow; and why others have none. Raises
    InputError."""
    left_out: dict[str, str] = {}
    kept = np.ones(len(ensemble), dtype=bool)
    for structure, draws in ensemble.parts():
        try:
            for system, cells in (("tumour", line), ("marrow", None)):
                shared(drug, system=system, host="human", cell_line=cells, structure=structure)
        except P53NetError as error:
            left_out[structure], kept[draws] = str(error), False
    if not kept.any():
        raise InputError(f"no structure has a patient: {left_out}")
    table = ensemble.table[kept].reset_index(drop=True)
    return replace(ensemble, table=table), left_out


def _arms(
    drug: str, regimens: Sequence[Regimen] | None, days: float
) -> tuple[list[Regimen], list[int]]:
    """Regimens, and the places of those that questions are about, the reference first."""
    if regimens is not None:
        arms = as_regimens(regimens, "trial_questions")
        for arm in arms:
            study_times(arm, days)
        return arms, list(range(len(arms)))
    if drug != "milademetan":
        raise InputError(
            f"only milademetan has usual regimens; name those of {drug}, such as "
            "pn.regimen(1, 'mg/kg', 'q3w', days=56)"
        )
    arms = [regimen(dose, "mg", schedule, days=days) for schedule in SCHEDULES for dose in DOSES]
    study_times(arms[0], days)
    kept = [REFERENCE, *(schedule for schedule in PUBLISHED if schedule != REFERENCE)]
    where = {(arm.schedule, arm.amount): i for i, arm in enumerate(arms)}
    return arms, [where[schedule, PUBLISHED[schedule]] for schedule in kept]


def _questions(labels: list[str], asked: list[int], toxicity: str, grade: int) -> dict[str, Any]:
    """Questions as coordinates: in words, what they ask, and about which regimen."""
    first, *others = (labels[i] for i in asked)
    sentences = [
        *(f"{first} does at least as much to the tumour as {one}" for one in others),
        *(
            f"{first} does at least as much as {one}, or less by {MARGIN:g} points"
            for one in others
        ),
        *(
            f"{labels[i]} gives {toxicity} of grade {grade} or more to fewer than {RATE:g} %"
            for i in asked
        ),
    ]
    return {
        "question": sentences,
        "asks": ("question", np.repeat(ASKS, [len(others), len(others), len(asked)])),
        "about": ("question", [*others, *others, first, *others]),
    }


def _held(found: Trials, column: int, asked: list[int]) -> FloatArray:
    """Question, draw: 1 where it is so."""
    tgi, rates = found.tgi_of_median()[asked], found.rates()[column][asked]
    return np.concatenate([tgi[:1] >= tgi[1:], tgi[:1] >= tgi[1:] - MARGIN, rates < RATE]).astype(
        float
    )


def _front(tgi: FloatArray, rate: FloatArray) -> FloatArray:
    """Rate, draw: the most effect of a regimen whose rate is at most this; 0 where none is, for
    who is not treated has neither."""
    allowed = rate[None] <= _AT[:, None, None]
    return np.asarray(np.where(allowed, tgi[None], 0.0).max(axis=1, initial=0.0))


def _on_front(tgi: FloatArray, rate: FloatArray) -> FloatArray:
    """Regimen, draw: 1 where no other regimen is as good in both and better in one."""
    better = (tgi[None] >= tgi[:, None]) & (rate[None] <= rate[:, None])
    strictly = (tgi[None] > tgi[:, None]) | (rate[None] < rate[:, None])
    return 1.0 - (better & strictly).any(axis=1).astype(float)


def _resampled(found: Trials, column: int, asked: list[int], seed: int) -> dict[str, FloatArray]:
    """Standard errors by drawing draws and patients again, with replacement."""
    kept: dict[str, list[FloatArray]] = {}
    for one in found.again(seed):
        tgi, rates = one.tgi_of_median(), one.rates()
        numbers = {
            "tgi": np.median(tgi, axis=1),
            "rate": np.median(rates, axis=2).T,
            "front": np.median(_front(tgi, rates[column]), axis=1),
            "on_front": _on_front(tgi, rates[column]).mean(axis=1),
            "probability": _held(one, column, asked).mean(axis=1),
        }
        for key, value in numbers.items():
            kept.setdefault(key, []).append(value)
    return {key: np.asarray(np.std(values, axis=0)) for key, values in kept.items()}


def _data(
    found: Trials,
    column: int,
    asked: list[int],
    labels: list[str],
    again: dict[str, FloatArray],
    ensemble: Ensemble,
) -> dict[str, Any]:
    tgi, rates = found.tgi_of_median(), found.rates()
    front, held = _front(tgi, rates[column]), _held(found, column, asked)
    parts = [draws for _, draws in ensemble.parts()]
    holds = sum((held[:, draws].mean(axis=1) > 0.5).astype(int) for draws in parts)
    floor = [standard_error(float(row.sum()), len(row)) for row in held]
    lost = np.isnan(found.tgi) | np.isnan(found.worse).any(axis=0)
    effect, share = "growth inhibition of the median patient's tumour", "patients who worsen"

    def about(unit: str, meaning: str) -> dict[str, str]:
        return {"units": unit, "long_name": meaning}

    return {
        "tgi": (("regimen", "quantile"), np.quantile(tgi, QUANTILES, axis=1).T, about("%", effect)),
        "tgi_error": ("regimen", again["tgi"], about("%", "Monte-Carlo error of its median")),
        "tgi_draws": (("regimen", "draw_number"), tgi, about("%", effect)),
        "rate": (("regimen", "toxicity", "quantile"),
                 np.moveaxis(np.quantile(rates, QUANTILES, axis=2), (0, 1), (2, 1)),
                 about("%", share)),
        "rate_error": (("regimen", "toxicity"), again["rate"],
                       about("%", "Monte-Carlo error of its median")),
        "rate_draws": (("regimen", "toxicity", "draw_number"), np.swapaxes(rates, 0, 1),
                       about("%", share)),
        "front": (("at", "quantile"), np.quantile(front, QUANTILES, axis=1).T,
                  about("%", "most effect at this rate")),
        "front_error": ("at", again["front"], about("%", "Monte-Carlo error of its median")),
        "on_front": ("regimen", _on_front(tgi, rates[column]).mean(axis=1),
                     about("1", "share of draws in which it is on the front")),
        "on_front_error": ("regimen", again["on_front"], about("1", "its Monte-Carlo error")),
        "asked": ("regimen", np.isin(np.arange(len(labels)), asked).astype(int),
                  about("1", "1 where questions are about it")),
        "lost": ("regimen", lost.mean(axis=(1, 2)), about("1", "share of runs without a result")),
        "structure": ("draw_number", ensemble.table["structure"].to_numpy(dtype=str),
                      about("1", "structure of each draw")),
        "probability": ("question", held.mean(axis=1), about("1", "share of draws")),
        "probability_error": ("question", np.maximum(again["probability"], floor),
                              about("1", "its Monte-Carlo error")),
        "holds_in": ("question", np.asarray(holds), about("1", "structures in which it holds")),
        "of": ("question", np.full(len(held), len(parts)), about("1", "structures")),
    }  # fmt: skip
