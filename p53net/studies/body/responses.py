"""What a patient, or a median of patients, shows under many doses of one regimen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.errors import InputError, P53NetError
from p53net.measures.definition import Measure
from p53net.measures.parsing import described, settled
from p53net.model.own import TablesLike
from p53net.studies.body.bodies import Bodies
from p53net.studies.body.population import GRADES, patients, worsened
from p53net.sweeps.run import sweep

RATE, TGI = "rate", "tgi"
_PLASMA = "drug_plasma"
_SYSTEMS = ("tumour", "marrow")


@dataclass(frozen=True)
class Asked:
    """One measure of a patient."""

    system: str
    measure: Measure
    """Of the curves in that system."""
    unit: str
    meaning: str
    kind: str = ""
    """`rate` or `tgi`, if it is one; else the measure itself."""
    toxicity: str = ""
    grade: int = 0


def asked_of(text: str, body: Bodies, times: FloatArray, population: int | None) -> Asked:
    """A measure as users write it. Raises InputError, UnknownNameError."""
    if not isinstance(text, str):
        raise InputError(f"a measure to match by is {text!r}, but must be text: 'lowest:platelets'")
    kind, *words = text.split(":")
    if kind == RATE:
        return _rate(text, words, body, times, population)
    if kind == TGI and not words:
        last = settled(
            f"at:tumour_volume:{float(times[-1])!r}", body.models["tumour"].definition, times
        )
        return Asked("tumour", last, "%", "growth of an untreated tumour that is lost", TGI)
    error: P53NetError | None = None
    for system in _SYSTEMS:
        definition = body.models[system].definition
        (role,) = definition.drugs.values()
        try:
            one = settled(text.replace(_PLASMA, f"{role}_plasma"), definition, times)
        except P53NetError as reason:
            error = error or reason
        else:
            _, unit, meaning = described(one, definition)
            return Asked(system, one, unit, meaning)
    assert error is not None  # noqa: S101 - no system had it
    raise error


def _rate(
    text: str, words: Sequence[str], body: Bodies, times: FloatArray, population: int | None
) -> Asked:
    grade = words[1] if len(words) == 2 else ""
    if len(words) != 2 or words[0] not in GRADES or grade not in ("1", "2", "3", "4"):
        raise InputError(
            f"measure '{text}' should be written rate:TOXICITY:GRADE, with {', '.join(GRADES)} and "
            "1 to 4"
        )
    if population is None:
        raise InputError(f"measure '{text}' is a share of patients; give a population, such as 500")
    count = GRADES[words[0]][0]
    one = settled(f"lowest:{count}", body.models["marrow"].definition, times)
    meaning = f"patients who worsen to grade {grade} or more {words[0]}"
    return Asked("marrow", one, "%", meaning, RATE, words[0], int(grade))


@dataclass
class Response:
    """A regimen of one drug in one body, at any dose."""

    body: Bodies
    regimen: Regimen
    times: FloatArray
    asked: Sequence[Asked]
    population: int | None
    seed: int
    tables: TablesLike
    engine: str
    engines: list[str] = field(default_factory=list)
    """Which have run it."""

    @property
    def drug(self) -> str:
        """Its name."""
        (name,) = self.body.models["tumour"].definition.drugs
        return name

    def values(self, doses: FloatArray, only: int | None = None) -> FloatArray:
        """Each measure, or one, at largest doses in the unit of the regimen: (measure, dose)."""
        chosen = self.asked if only is None else [self.asked[only]]
        numbers: dict[tuple[str, str], FloatArray] = {}
        for system in _SYSTEMS:
            wanted = {str(one.measure): one.measure for one in chosen if one.system == system}
            if wanted:
                found = self._run(system, list(wanted.values()), doses)
                numbers |= {(system, name): values for name, values in found.items()}
        return np.array([self._one(one, numbers[one.system, str(one.measure)]) for one in chosen])

    def _run(
        self, system: str, measures: Sequence[Measure], doses: FloatArray
    ) -> Mapping[str, FloatArray]:
        """Measures in one system: (dose, patient); NaN where a run has none."""
        model, drawn = self.body.models[system], self._drawn
        own = drawn[[name for name in drawn if name in model.definition.parameters]]
        points = pd.concat([own] * len(doses), ignore_index=True)
        points[self.drug] = np.repeat(doses, len(own))
        result = sweep(
            model,
            points,
            doses={self.drug: self.regimen},
            parameters={n: v for n, v in self.body.changed[system].items() if n not in own},
            times=self.times,
            measures=measures,
            engine=self.engine,
        )
        self.engines.append(str(result.attrs["engine"]))
        names = {str(one): described(one, model.definition)[0] for one in measures}
        return {text: result[name].values.reshape(len(doses), -1) for text, name in names.items()}

    def _one(self, asked: Asked, values: FloatArray) -> FloatArray:
        """One number for each dose."""
        if asked.kind == RATE:
            return 100.0 * np.array([self._worsened(asked, row) for row in values])
        if asked.kind == TGI:
            start, end = self._untreated
            values = 100.0 * (1.0 - (values - start) / (end - start))
        known = np.isfinite(values).any(axis=1)
        found = np.full(len(values), np.nan)
        found[known] = np.nanmedian(values[known], axis=1)
        return found

    def _worsened(self, asked: Asked, lowest: FloatArray) -> float:
        """The share of those patients that have a run."""
        ran = np.isfinite(lowest)
        start = self._drawn.get(f"{GRADES[asked.toxicity][0]}_baseline")
        usual = self.body.typical[f"{GRADES[asked.toxicity][0]}_baseline"]
        begun = np.full(len(lowest), usual) if start is None else start.to_numpy()
        worse = worsened(lowest[ran], begun[ran], asked.toxicity, asked.grade)
        return float(worse.mean()) if ran.any() else float("nan")

    @cached_property
    def _drawn(self) -> pd.DataFrame:
        """The patients; a row without columns is the typical one."""
        if self.population is None:
            return pd.DataFrame(index=[0])
        return patients(self.body.typical, self.population, self.seed, self.tables)

    @cached_property
    def _untreated(self) -> tuple[float, float]:
        """Volumes of an untreated tumour at the start and at the end [mm3]."""
        run = self.body.models["tumour"].simulate(
            [0.0, float(self.times[-1])], parameters=self.body.changed["tumour"],
            observables=["tumour_volume"], engine=self.engine,
        )  # fmt: skip
        start, end = run["tumour_volume"].values
        return float(start), float(end)
