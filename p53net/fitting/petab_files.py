"""A fit as a PEtab problem of version 1: its data, models, unknowns, noise and priors as files."""

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logit

from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import SimulationError, UnsupportedError
from p53net.files import write_bytes
from p53net.fitting.assays import LOG_NORMAL, NORMAL
from p53net.fitting.noise import NOISE, OFFSET, SCALE
from p53net.fitting.petab_parts import Part, settles, switches, whole_of
from p53net.fitting.points import Point, Setting
from p53net.fitting.target import Target
from p53net.inference.prior import LOG_NORMAL as LOG_NORMAL_PRIOR
from p53net.inference.prior import LOG_UNIFORM, LOGIT_NORMAL, Prior
from p53net.model.additions import LOGIT
from p53net.petab.reading import read_petab
from p53net.petab.writing import YAML

_SETTLING = (1000.0, 10_000.0, 100_000.0)
"""h, of which the first is taken after which cells are at rest."""

_AGREEMENT = 1e-6
"""Of predictions, relative to the largest of their assay, between the fit and what is written."""

_EXACT = Tolerances(1e-10, 1e-14)
_ACCURACY = 1e-8
_ASIDE = 0.05  # of the range of each unknown, where predictions are compared too
_SCALES = {NORMAL: "lin", LOG_NORMAL: "log"}


class _Unknown(NamedTuple):
    """A row of the parameter table."""

    id: str
    scale: str
    low: float
    high: float
    value: float
    prior: tuple[str, str]


def problem_files(target: Target, best: FloatArray) -> tuple[dict[str, bytes], float]:
    """The files of the problem by name, `problem.yaml`, SBML, and tables; and hours of settling.

    What is written is read again, and has to predict the data as the fit does. Raises
    UnsupportedError for rows that PEtab 1 cannot say, with their numbers, and SimulationError where
    predictions differ.
    """
    _refuse(target.points)
    _warn(target.unknowns.priors)
    scenes = target.scenes.scenes
    away = np.inf
    for hours in _SETTLING if settles([scene for _, scene in scenes]) else (0.0,):
        files = _Written(target, best, hours).files()
        away = _difference(target, best, files)
        if away <= _AGREEMENT:
            return files, hours
    raise SimulationError(
        f"what was written predicts the data otherwise than the fit, by {away:.1e} of the largest; "
        "this is an error of p53net: please report it, with the data"
    )


class _Written:
    """A problem on its way into files."""

    def __init__(self, target: Target, best: FloatArray, hours: float) -> None:
        self._target, self._hours = target, hours
        unknowns = target.unknowns
        self._logits = frozenset(
            i for i, one in enumerate(unknowns.priors) if one.distribution == LOGIT_NORMAL
        )
        self._ids = _ids(unknowns.names, self._logits)
        self._rows = _unknowns(target, best, self._ids)
        several = len(target.scenes.scenes) > 1
        self._parts = [
            Part(scene, hours, f"m{number}_" if several else "", self._ids, self._logits)
            for number, (_, scene) in enumerate(target.scenes.scenes, start=1)
        ]
        self._part = {
            int(i): part
            for part, (places, _) in zip(self._parts, target.scenes.scenes, strict=True)
            for i in places
        }
        self._nuisance = {
            (one.kind, row): self._ids[len(unknowns.parameters) + i]
            for i, one in enumerate(unknowns.nuisances) for row in one.rows
        }  # fmt: skip
        self._conditions: dict[tuple[int, Setting], str] = {}
        self._observables: dict[tuple[object, ...], tuple[str, dict[str, object]]] = {}

    def files(self) -> dict[str, bytes]:
        """All of them."""
        widths = self._target.widths(np.array([[row.value for row in self._rows]]))[0]
        lines = [self._line(i, point, widths[i]) for i, point in enumerate(self._target.points)]
        tables = {
            "measurements.tsv": pd.DataFrame(lines).fillna(""),
            "observables.tsv": pd.DataFrame([row for _, row in self._observables.values()]),
            "conditions.tsv": pd.DataFrame(self._condition_rows()),
            "parameters.tsv": self._parameter_table(),
        }
        texts = {name: table.to_csv(sep="\t", index=False, lineterminator="\n")
                 for name, table in tables.items()}  # fmt: skip
        texts |= {"model.xml": whole_of(self._parts, "fitted"), "problem.yaml": YAML}
        return {name: text.encode() for name, text in texts.items()}

    def _line(self, place: int, point: Point, width: float) -> dict[str, object]:
        """A measurement."""
        observable, placeholders = self._observable(place, point)
        noise = self._nuisance.get((NOISE, place))
        return {
            "observableId": observable,
            "simulationConditionId": self._condition(place, point),
            "measurement": point.value,
            "time": self._hours + point.time,
            "observableParameters": ";".join(placeholders),
            "noiseParameters": noise or repr(float(width)),
            "datasetId": f"row_{point.row.number}",
        }

    def _condition(self, place: int, point: Point) -> str:
        """A blank, which no model runs, is taken beside whatever else there is."""
        if point.blank:
            first = next(i for i, one in enumerate(self._target.points) if not one.blank)
            return self._condition(first, self._target.points[first])
        key = self._parts.index(self._part[place]), point.setting
        return self._conditions.setdefault(key, f"condition_{len(self._conditions) + 1}")

    def _condition_rows(self) -> list[dict[str, float | str]]:
        found = list[dict[str, float | str]]()
        for (number, setting), name in self._conditions.items():
            running = self._parts[number]
            values = dict[str, float | str]()
            for part in self._parts:
                values |= part.condition(setting) if part is running else part.elsewhere
            said = " ".join(filter(None, (
                " + ".join(setting.drugs), setting.label, setting.line, setting.host,
            )))  # fmt: skip
            found.append({"conditionId": name, "conditionName": said, **values,
                          **switches(self._parts, running)})  # fmt: skip
        return found

    def _observable(self, place: int, point: Point) -> tuple[str, list[str]]:
        """What a row measured, and its scale and offset."""
        scale = None if point.blank else self._nuisance.get((SCALE, place))
        offset = self._nuisance.get((OFFSET, place))
        part = self._part.get(place)
        key = (point.assay, point.quantity, point.relative, point.factor, id(part),
               scale is None, offset is None)  # fmt: skip
        if key not in self._observables:
            name = f"observable_{len(self._observables) + 1}"
            kind = self._target.noise[point.assay].kind
            formula = _formula(name, point, part, scale is not None, offset is not None)
            self._observables[key] = name, {
                "observableId": name, "observableName": point.assay,
                "observableFormula": formula, "observableTransformation": _SCALES[kind],
                "noiseFormula": f"noiseParameter1_{name}",
                "noiseDistribution": "normal",
            }  # fmt: skip
        return self._observables[key][0], [one for one in (scale, offset) if one is not None]

    def _parameter_table(self) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "parameterId": row.id, "parameterName": name, "parameterScale": row.scale,
                    "lowerBound": row.low, "upperBound": row.high, "nominalValue": row.value,
                    "estimate": 1, "objectivePriorType": row.prior[0],
                    "objectivePriorParameters": row.prior[1],
                }
                for row, name in zip(self._rows, self._target.unknowns.names, strict=True)
            ]
        )  # fmt: skip


def _formula(name: str, point: Point, part: Part | None, scale: bool, offset: bool) -> str:
    """What an observable is of the model's quantities."""
    terms = []
    if part is not None:
        formula = part.prefix + point.quantity
        if point.relative:
            formula += f" / {part.references[point.quantity, point.relative]}"
        if point.factor != 1.0:
            formula = f"{point.factor!r} * {formula}"
        terms.append(f"observableParameter1_{name} * {formula}" if scale else formula)
    if offset:
        terms.append(f"observableParameter{1 + scale}_{name}")
    return " + ".join(terms) or "0"


def _ids(names: Sequence[str], logits: frozenset[int]) -> list[str]:
    """Ids of what is estimated."""
    found: list[str] = []
    for i, name in enumerate(names):
        word = re.sub(r"\W+", "_", name.replace(": ", "__"), flags=re.ASCII).strip("_")
        if i in logits:
            word = f"{LOGIT}_{word}"
        word = f"_{word}" if word[:1].isdigit() else word
        while word in found:
            word += "_"
        found.append(word)
    return found


def _unknowns(target: Target, best: FloatArray, ids: Sequence[str]) -> list[_Unknown]:
    """Rows of the parameter table, by value; of a share by its logit."""
    unknowns = target.unknowns
    values = unknowns.values(best[None])[0]
    found = []
    for i, name in enumerate(ids):
        low, high = unknowns.ends[:, i].tolist()
        prior = unknowns.priors[i] if i < len(unknowns.priors) else None
        logarithm = (unknowns.nuisances[i - len(unknowns.priors)].logarithm if prior is None
                     else prior.distribution in (LOG_NORMAL_PRIOR, LOG_UNIFORM))  # fmt: skip
        if prior is not None and prior.distribution == LOGIT_NORMAL:
            low, high, value = (float(logit(one)) for one in (low, high, values[i]))
        else:
            value = float(values[i])
        scale = "log" if logarithm else "lin"
        found.append(_Unknown(name, scale, low, high, value, _prior(prior)))
    return found


def _prior(prior: Prior | None) -> tuple[str, str]:
    """Type and numbers; nothing where it is flat on its scale between the bounds."""
    if prior is None or prior.distribution == LOG_UNIFORM:
        return "", ""
    if prior.distribution == LOG_NORMAL_PRIOR:
        return "logNormal", f"{float(np.log(prior.centre))!r};{prior.deviation!r}"
    centre = float(logit(prior.centre)) if prior.distribution == LOGIT_NORMAL else prior.centre
    return "normal", f"{centre!r};{prior.deviation!r}"


def _refuse(points: Sequence[Point]) -> None:
    """What a table of measurements cannot say."""
    below = [point for point in points if point.below]
    if below:
        rows = ", ".join(str(point.row.number) for point in below[:12])
        raise UnsupportedError(
            f"{below[0].row.table}, rows {rows}{' ...' if len(below) > 12 else ''}: values below a "
            "limit of quantification, which PEtab 1 does not have; fit without these rows, or "
            "exchange the table itself"
        )


def _warn(priors: Sequence[Prior]) -> None:
    """What is lost."""
    names = {one.name for one in priors}
    pairs = [f"{one.name} and {one.with_}" for one in priors if one.with_ in names]
    if pairs:
        warnings.warn(
            f"priors of {'; '.join(pairs)} go together, which PEtab 1 does not say: they are "
            "written one by one", stacklevel=4,
        )  # fmt: skip


def _difference(target: Target, best: FloatArray, files: Mapping[str, bytes]) -> float:
    """Largest difference of predictions between the fit and its files, of the largest of an assay,
    at the optimum and beside it."""
    with TemporaryDirectory() as nowhere:
        for name, content in files.items():
            write_bytes(Path(nowhere) / name, content)
        problem = read_petab(Path(nowhere) / "problem.yaml", accuracy=_ACCURACY)
    unknowns = target.unknowns
    aside = _ASIDE * (unknowns.high - unknowns.low)
    vectors = np.clip([best, best + aside, best - aside], unknowns.low, unknowns.high)
    own = target.predicted(vectors, _EXACT)
    other = problem.beside(vectors).values
    worst = 0.0
    for one in target.noise.values():
        rows = list(one.rows)
        apart = np.abs(own[:, rows] - other[:, rows]) / np.nanmax(np.abs(own[:, rows]))
        worst = max(worst, float(np.nan_to_num(apart, nan=np.inf).max()))
    return worst
