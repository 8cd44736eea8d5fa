"""Answers of assays and of patients in every draw of an ensemble, many runs at a time."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import courses_of
from p53net.dosing.regimens import Regimen, regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError, P53NetError
from p53net.evidence.assays import PLATE, destroyed, ic50s
from p53net.inference.per_draw import Numbers, kind_of, nothing, numbers, together
from p53net.measures.claims import Value
from p53net.model import GENERIC
from p53net.model.structures import supposing
from p53net.simulation import choice
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.trials import Cell
from p53net.studies.body import blood
from p53net.studies.body.patients import DAYS, TUMOUR
from p53net.studies.body.population import GRADES, percent_of_all
from p53net.studies.body.xenografts import tgi
from p53net.studies.dish.degradation_assay import fit_below_hook

Places = NDArray[np.intp]

PUBLISHED: Mapping[str, float] = {
    "3/14": 260.0,
    "daily": 90.0,
    "21/28": 120.0,
    "14/28": 160.0,
    "7/28": 160.0,
}
"""Schedules of milademetan to the dose [mg] that is meant where none is said: what the comparison
of schedules has; 160 mg 14/28 is the recommended dose of a trial in leukaemia (Sekiguchi 2023 Int J
Hematol 117:68)."""

PATIENTS = 100
"""Virtual patients of each draw, the same in all."""

GRADE = 3

_REGIMEN = re.compile(r"\s*(?:([\d.]+)\s*(mg/kg|mg)\s+)?(\S+)\s*")
_RUNS = 20_000  # patients in memory at once


_ASSAYS: Mapping[str, Callable[[Sequence[Cell]], FloatArray]] = {
    "ic50": ic50s,
    "dc50": lambda cells: np.array(
        [fit_below_hook(PLATE, one)[0].middle for one in destroyed(cells)]
    ),
    "dmax": lambda cells: np.asarray(100.0 - destroyed(cells).min(axis=1)),
}

ANSWERS: Mapping[str, tuple[str, float | None]] = {
    **dict.fromkeys(_ASSAYS, ("", None)),
    "tgi": ("", None),
    **dict.fromkeys(GRADES, ("grade", float(GRADE))),
}
"""Answers to what is said after the colon, and what it is if nothing is said."""

OF_PATIENTS = ("tgi", *GRADES)
"""Answers whose second word is a regimen."""


def regimen_of(text: str, drug: str, days: float = DAYS) -> Regimen:
    """A regimen in words: `260 mg 3/14`, or the schedule alone of one of milademetan's published
    doses. Raises InputError."""
    match = _REGIMEN.fullmatch(text)
    if match is None:
        raise InputError(f"regimen '{text}' is not understood; write '260 mg 3/14' or '3/14'")
    if match[1] is not None:
        often = None if match[3] == "once" else days
        return regimen(float(match[1]), match[2], match[3], days=often)
    if drug != "milademetan" or match[3] not in PUBLISHED:
        raise InputError(
            f"no dose of {drug} {match[3]} is known; write '260 mg 3/14', or for milademetan one "
            f"of {', '.join(PUBLISHED)}"
        )
    return regimen(PUBLISHED[match[3]], "mg", match[3], days=days)


def assay_answers(
    ensemble: Ensemble, drug: str, line: str, wanted: Sequence[Value]
) -> dict[Value, Numbers]:
    """IC50 [nM] of three days, DC50 [nM] and Dmax [%] of two hours in every draw."""

    def of(structure: str, draws: Places, value: Value) -> Numbers:
        cells = [Cell(ensemble.trial(int(draw)), drug, line or GENERIC) for draw in draws]
        with supposing(structure):
            return numbers(_ASSAYS[value.name](cells))

    return _by_part(ensemble, wanted, of)


def patient_answers(
    ensemble: Ensemble, drug: str, place: str, wanted: Sequence[Value]
) -> dict[Value, Numbers]:
    """Growth inhibition of a typical patient's tumour [%], and virtual patients with a toxicity [%]
    under one regimen, in every draw."""
    ensemble.check_bodies("patients")
    arm = regimen_of(place, drug)

    def of(structure: str, draws: Places, value: Value) -> Numbers:
        if value.name == "tgi":
            return numbers(tumours(ensemble, structure, draws, drug, [arm])[:, 0])
        relative, begun = bloods(ensemble, structure, draws, drug, arm)
        column, grade = list(GRADES).index(value.name), int(value.at or GRADE)
        rates = percent_of_all(relative[..., column], begun[:, [column]], value.name, grade)
        return numbers(rates.mean(axis=1))

    return _by_part(ensemble, wanted, of)


def tumours(
    ensemble: Ensemble,
    structure: str,
    draws: Places,
    drug: str,
    arms: Sequence[Regimen],
    line: str = TUMOUR,
    days: float = DAYS,
) -> FloatArray:
    """Growth inhibition [%] of a typical patient's tumour, over draw and regimen; NaN where a run
    failed."""
    model = shared(drug, system="tumour", host="human", cell_line=line, structure=structure)
    (name,) = model.definition.drugs
    given = [checked_doses(model.definition, one) for one in (None, *({name: a} for a in arms))]
    columns = {n: np.repeat(v, len(given)) for n, v in ensemble.columns(model, draws).items()}
    engine, _ = choice.chosen(model, choice.AUTO, len(draws) * len(given))
    found = model.runner(engine).run(
        np.array([0.0, days * 24.0]), courses_of(given * len(draws)), columns, ["tumour_volume"]
    )
    volumes = found.values[:, 0].reshape(len(draws), len(given), 2)
    return np.array([tgi(one)[1:] for one in volumes])


def bloods(
    ensemble: Ensemble, structure: str, draws: Places, drug: str, arm: Regimen
) -> tuple[FloatArray, FloatArray]:
    """Lowest counts of the same virtual patients relative to their own before treatment (draw,
    patient, count), and the typical ones before treatment (draw, count); NaN where a run fails."""
    with supposing(structure):
        model = blood.marrow(drug, blood.COUNTED)
        columns = ensemble.columns(model, draws)
        trials = [{n: float(v[i]) for n, v in columns.items()} for i in range(len(draws))]
        each = max(1, _RUNS // PATIENTS)
        lowest = np.concatenate([
            blood.lowest_of_trials(model, drug, [arm], trials[i : i + each], PATIENTS)[:, 0]
            for i in range(0, len(trials), each)
        ])  # fmt: skip
        begun = np.array([blood.starting_counts(model, one, PATIENTS) for one in trials])
        usual = {f"{count}_baseline": model.definition.parameters[f"{count}_baseline"].value
                 for count in blood.COUNTS}  # fmt: skip
    typical = [[one.get(name, value) for name, value in usual.items()] for one in trials]
    return lowest / begun, np.array(typical)


def _by_part(
    ensemble: Ensemble, wanted: Sequence[Value], of: Callable[[str, Places, Value], Numbers]
) -> dict[Value, Numbers]:
    """Numbers of each value in each structure; none in a structure that cannot have it."""
    found = {}
    for value in wanted:
        parts = []
        for structure, draws in ensemble.parts():
            try:
                part = of(structure, draws, value)
            except P53NetError as error:
                part = nothing(len(draws), kind_of(error))
            parts.append((draws, part))
        found[value] = together(parts, len(ensemble))
    return found
