"""Blood counts of virtual patients under a regimen, and what the trials counted of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from p53net.dosing.medium import Courses, courses_of, same_courses
from p53net.dosing.regimens import Regimen, regimen
from p53net.engines.base import FloatArray, Tolerances
from p53net.simulation import choice, provenance
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.studies.body.population import GRADES, grades, patients, worsened

DAYS = 56.0
"""How long counts are watched: two courses of 28 days, assumed."""

PATIENTS, SEED = 500, 1

INTERMITTENT = regimen(260.0, "mg", "3/14", days=DAYS)
"""Milademetan's recommended schedule."""

OTHERS = (
    regimen(90.0, "mg", "daily", days=DAYS),
    regimen(120.0, "mg", "21/28", days=DAYS),
    regimen(160.0, "mg", "7/28", days=DAYS),
)
"""What stands for "all other schedules" of phase 1, in equal parts, assumed: its arms were days
1-28, 1-21, 1-7 and 1-3 with 15-17 of 28, at 15 to 340 mg (Gounder 2023; ASCO Post 2023-02), and how
many patients had which dose on which of them is not in what can be read of it."""

COUNTED = Tolerances(1e-6, 1e-13)
"""For many patients: counts are right to 1e-5, of which grades and their rates tell nothing."""

COUNTS = tuple(count for count, _ in GRADES.values())


class Nadir(NamedTuple):
    """The cycle with the lowest count of a typical patient."""

    days: float
    """From the last dose of the cycle to its lowest count."""
    regained: float
    """Share of the loss at that point that is regained before the next cycle; 0 where the lowest
    count comes only after that has begun."""


def lowest_counts(
    model: Model,
    drug: str,
    given: Regimen,
    changed: Mapping[str, float],
    number: int = PATIENTS,
    seed: int = SEED,
    days: float = DAYS,
) -> FloatArray:
    """Lowest counts (patient, count) within `days`, looked at once a day."""
    columns, courses = population(model, drug, given, changed, number, seed)
    times = np.arange(0.0, days * 24.0 + 1.0, 24.0)
    found, _ = model.curves(times, courses, columns, COUNTS)
    return np.asarray(found.values.min(axis=2))


def lowest_of_trials(
    model: Model,
    drug: str,
    arms: Sequence[Regimen],
    trials: Sequence[Mapping[str, float]],
    number: int = PATIENTS,
    seed: int = SEED,
    days: float = DAYS,
) -> FloatArray:
    """The same of the same patients under several regimens, in trials with other typical values:
    (trial, arm, patient, count); NaN where the engine gives up. What decides who enters a trial
    must not be changed."""
    usual = {name: row.value for name, row in model.definition.parameters.items()}
    drawn = patients(usual, number, seed)
    apart = drawn / [usual[name] for name in map(str, drawn)]
    lowest = lowest_of_runs(
        model, drug, [arm for arm in arms for _ in range(number)], trials,
        pd.concat([apart] * len(arms)), days,
    )  # fmt: skip
    return lowest.reshape(len(trials), len(arms), number, -1)


def lowest_of_runs(
    model: Model,
    drug: str,
    arms: Sequence[Regimen],
    trials: Sequence[Mapping[str, float]],
    factors: pd.DataFrame,
    days: float = DAYS,
) -> FloatArray:
    """The same of runs that are one patient each, under an arm of his own, and so many times the
    typical values (run, parameter): (trial, run, count)."""
    usual = {name: row.value for name, row in model.definition.parameters.items()}
    names = dict.fromkeys(name for changed in trials for name in changed)
    typical = {n: np.array([one.get(n, usual[n]) for one in trials]) for n in names}
    columns = {name: np.repeat(values, len(arms)) for name, values in typical.items()}
    for name in (one for one in map(str, factors) if one in usual):
        apart = np.tile(factors[name].to_numpy(), len(trials))
        columns[name] = apart * columns.get(name, usual[name])
    different = list(dict.fromkeys(arms))
    planned = courses_of([checked_doses(model.definition, {drug: one}) for one in different])
    rows = np.tile([different.index(one) for one in arms], len(trials))
    times = np.arange(0.0, days * 24.0 + 1.0, 24.0)
    name, said = choice.chosen(model, choice.AUTO, len(rows))
    found = model.runner(name).attempt(times, planned.of(rows), columns, COUNTS)
    provenance.note(model, said)
    return np.asarray(found.values.min(axis=2).reshape(len(trials), len(arms), -1))


def starting_counts(
    model: Model, changed: Mapping[str, float], number: int = PATIENTS, seed: int = SEED
) -> FloatArray:
    """Counts (patient, count) of the same patients before treatment."""
    typical = {n: row.value for n, row in model.definition.parameters.items()} | dict(changed)
    drawn = patients(typical, number, seed)
    return drawn[[f"{count}_baseline" for count in COUNTS]].to_numpy()


def percent_worsened(lowest: FloatArray, start: FloatArray, toxicity: str, grade: int) -> float:
    """Patients whose grade rises to this or more, in per cent: what a trial counts."""
    column = list(GRADES).index(toxicity)
    return 100.0 * float(worsened(lowest[:, column], start[:, column], toxicity, grade).mean())


def percent_at_least(lowest: FloatArray, toxicity: str, grade: int, spread: float = 0.0) -> float:
    """Patients whose worst grade is at least this, in per cent.

    `spread` is the standard deviation of a measured count's logarithm; with one, the share is a
    smooth function of the counts, which a fit needs.
    """
    column = list(GRADES).index(toxicity)
    counts = lowest[:, column]
    if spread == 0.0:
        return 100.0 * int((grades(counts, toxicity) >= grade).sum()) / len(counts)
    from scipy.special import ndtr

    limit = GRADES[toxicity][1][grade - 1]
    return float(100.0 * ndtr((np.log(limit) - np.log(counts)) / spread).mean())


def nadir(times: FloatArray, counts: FloatArray, cycle: float, last_dose: float) -> Nadir:
    """Of the cycle with the lowest count: `cycle` [h] is its length, and its last dose comes
    `last_dose` [h] after its start. A lowest count before that dose belongs to the cycle before."""
    lowest = int(counts.argmin())
    begun = (times[lowest] - last_dose) // cycle * cycle
    end = min(begun + cycle, times[-1])
    at_end = float(np.interp(end, times, counts))
    loss = counts[0] - counts[lowest]
    regained = (at_end - counts[lowest]) / loss if loss > 0 else np.nan
    if times[lowest] > end:
        regained = 0.0
    return Nadir(float(times[lowest] - begun - last_dose) / 24.0, float(regained))


def by_cycle(
    times: FloatArray, counts: FloatArray, cycle: float, last_dose: float
) -> tuple[FloatArray, FloatArray]:
    """Of every cycle of every patient: days from its last dose to its lowest count from then on,
    and the share of the loss from the first count that is regained by its end; (patient, cycle).

    `counts` are (patient, time); `cycle` and `last_dose` [h] are as in `nadir`.
    """
    days, regained = [], []
    for begun in np.arange(0.0, times[-1] - cycle + 1e-6, cycle):
        rest = (times >= begun + last_dose) & (times <= begun + cycle)
        left, after = counts[:, rest], times[rest] - begun - last_dose
        lowest = left.min(axis=1)
        loss = counts[:, 0] - lowest
        days.append(after[left.argmin(axis=1)] / 24.0)
        back = np.full(len(counts), np.nan)
        regained.append(np.divide(left[:, -1] - lowest, loss, out=back, where=loss > 0))
    return np.array(days).T, np.array(regained).T


def population(
    model: Model,
    drug: str,
    given: Regimen,
    changed: Mapping[str, float],
    number: int = PATIENTS,
    seed: int = SEED,
) -> tuple[dict[str, FloatArray], Courses]:
    """Parameters of virtual patients, a value for each, and the doses of all."""
    typical = {n: row.value for n, row in model.definition.parameters.items()} | dict(changed)
    drawn = patients(typical, number, seed)
    columns = {name: np.full(number, value) for name, value in changed.items()}
    columns |= {str(name): drawn[name].to_numpy() for name in drawn}
    return columns, same_courses(checked_doses(model.definition, {drug: given}), number)


def marrow(drug: str, tolerances: Tolerances | None = None) -> Model:
    """The marrow of patients."""
    return shared(drug, system="marrow", host="human", tolerances=tolerances)
