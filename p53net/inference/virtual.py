"""Virtual patients in draws of an ensemble: the same patients, under every regimen, in each draw.

A patient is a factor on what varies between patients, and a draw says what the typical patient is:
so regimens, and draws, are compared in the same patients.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p53net.dosing.medium import courses_of
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.simulation import choice, provenance
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.studies.body.blood import COUNTED, COUNTS
from p53net.studies.body.population import GRADES, patients, percent_of_all

_AGAIN = 64  # resamples of draws and patients
_BEGUN = tuple(f"{count}_baseline" for count in COUNTS)


@dataclass(frozen=True)
class Trials:
    """What patients have under regimens, in each draw; NaN where a run failed."""

    tgi: FloatArray
    """Regimen, draw, patient: growth of the tumour that is lost [%]."""
    worse: FloatArray
    """Toxicity, regimen, draw, patient: the chance to worsen to the grade or more, over counts at
    the start, which only scale what follows."""

    def tgi_of_median(self) -> FloatArray:
        """Regimen, draw: that of the median patient."""
        return np.asarray(np.nanmedian(self.tgi, axis=2))

    def rates(self) -> FloatArray:
        """Toxicity, regimen, draw: per cent of patients."""
        return np.asarray(100.0 * np.nanmean(self.worse, axis=3))

    def of(self, draws: NDArray[np.intp], people: NDArray[np.intp]) -> "Trials":
        """Some draws and patients, any of them more than once."""
        return Trials(self.tgi[:, draws][:, :, people], self.worse[:, :, draws][:, :, :, people])

    def again(self, seed: int) -> Iterator["Trials"]:
        """Trials with draws and patients drawn again, with replacement: what differs between them
        is the Monte-Carlo error."""
        random = np.random.default_rng(seed)
        _, draws, people = self.tgi.shape
        for _ in range(_AGAIN):
            some, others = (random.choice(np.arange(n), n) for n in (draws, people))
            yield self.of(some, others)


def trials(
    ensemble: Ensemble,
    drug: str,
    arms: Sequence[Regimen],
    *,
    line: str,
    days: float,
    population: int,
    seed: int,
    grade: int,
    told: Callable[[float], None],
) -> Trials:
    """The same patients under each regimen in each draw. Raises InputError, UnknownNameError."""
    shape = len(arms), len(ensemble), population
    tgi, worse = np.full(shape, np.nan), np.full((len(GRADES), *shape), np.nan)
    done = 0
    for structure, draws in ensemble.parts():
        cell = shared(drug, system="tumour", host="human", cell_line=line, structure=structure,
                      tolerances=COUNTED)  # fmt: skip
        marrow = shared(drug, system="marrow", host="human", structure=structure,
                        tolerances=COUNTED)  # fmt: skip
        usual = {
            name: row.value
            for one in (cell, marrow)
            for name, row in one.definition.parameters.items()
        }
        factors = patients(usual, population, seed)
        factors = factors / [usual[str(name)] for name in factors]
        tumours, bloods = _Runs(cell, arms, factors), _Runs(marrow, arms, factors)
        untreated = _untreated(cell, ensemble.columns(cell, draws), len(draws), days)
        columns = {one: ensemble.columns(one.model, draws) for one in (tumours, bloods)}

        def of(
            i: int,
            tumours: "_Runs" = tumours,
            bloods: "_Runs" = bloods,
            columns: "dict[_Runs, dict[str, FloatArray]]" = columns,
            untreated: FloatArray = untreated,
            usual: dict[str, float] = usual,
        ) -> tuple[FloatArray, FloatArray]:
            typical = {one: {n: float(v[i]) for n, v in columns[one].items()} for one in columns}
            ends = tumours.run(typical[tumours], np.array([0.0, days * 24.0]), ["tumour_volume"])
            start, end = untreated[i]
            lost = 100.0 * (1.0 - (ends[..., 0, -1] - start) / (end - start))
            daily = np.arange(0.0, days * 24.0 + 1.0, 24.0)
            counts = bloods.run(typical[bloods], daily, COUNTS)
            begun = [typical[bloods].get(name, usual[name]) for name in _BEGUN]
            return lost, _worsened(counts, begun, grade)

        threads = os.cpu_count() or 1
        with ThreadPoolExecutor(threads) as pool:
            jobs = [pool.submit(copy_context().run, of, i) for i in range(len(draws))]
            for draw, job in zip(draws, jobs, strict=True):
                tgi[:, draw], worse[:, :, draw] = job.result()
                done += 1
                told(done / len(ensemble))
    return Trials(tgi, worse)


class _Runs:
    """Patients under regimens in one model."""

    def __init__(self, model: Model, arms: Sequence[Regimen], factors: pd.DataFrame) -> None:
        self.model, self._shape = model, (len(arms), len(factors))
        (drug,) = model.definition.drugs
        one = courses_of([checked_doses(model.definition, {drug: arm}) for arm in arms])
        rows = np.repeat(np.arange(len(arms)), len(factors))
        self._courses = one.of(rows)
        known = model.definition.parameters
        self._usual = {n: known[n].value for n in map(str, factors) if n in known}
        self._factors = {name: np.tile(factors[name].to_numpy(), len(arms)) for name in self._usual}
        name, said = choice.chosen(model, choice.AUTO, len(rows))
        provenance.note(model, said)
        self._runner = model.runner(name)
        self._runner.ready()  # before threads share it

    def run(self, typical: dict[str, float], times: FloatArray, names: Sequence[str]) -> FloatArray:
        """Quantities (regimen, patient, name, time) around one typical patient."""
        size = len(self._courses.at)
        columns = {name: np.full(size, value) for name, value in typical.items()}
        for name, factors in self._factors.items():
            columns[name] = factors * typical.get(name, self._usual[name])
        found = self._runner.attempt(times, self._courses, columns, names)
        return found.values.reshape(*self._shape, len(names), len(times))


def _untreated(model: Model, columns: dict[str, FloatArray], size: int, days: float) -> FloatArray:
    """Volume at the start and at the end of an untreated tumour, in each draw."""
    name, _ = choice.chosen(model, choice.AUTO, size)
    times = np.array([0.0, days * 24.0])
    found = model.runner(name).run(times, courses_of([{}] * size), columns, ["tumour_volume"])
    return found.values[:, 0]


def _worsened(counts: FloatArray, typical: Sequence[float], grade: int) -> FloatArray:
    """Toxicity, regimen, patient: the chance to worsen to the grade of who loses as much of a count
    as each, over all counts that patients may enter a trial with."""
    relative = counts.min(axis=3) / counts[..., 0]
    return np.array([percent_of_all(relative[..., i], typical[i], name, grade) / 100.0
                     for i, name in enumerate(GRADES)])  # fmt: skip
