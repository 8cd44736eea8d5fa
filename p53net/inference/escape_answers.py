"""Measures of the study of feedback escape in every draw of an ensemble, many cells at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from p53net.ensembles.draws import Ensemble
from p53net.errors import P53NetError
from p53net.inference.per_draw import Numbers, kind_of, nothing, numbers, together
from p53net.inference.treated import Treated
from p53net.measures.candidate import RUNS, TWIN, Candidate, in_cells
from p53net.measures.claims import Value
from p53net.measures.equieffective import (
    closed_dish_doses,
    dose_ratio,
    equal_dose,
    loop_factor,
    resting_doses,
    stoichiometric_load,
)
from p53net.measures.kinds import KINDS
from p53net.measures.searching import Found
from p53net.model import GENERIC
from p53net.simulation.choice import AUTO, chosen
from p53net.simulation.loading import shared

HOURS, FOLD = 24.0, 3.0
"""As in the study: time of exposure [h], and active p53 at the dose that is compared."""

Places = NDArray[np.intp]

_TOGETHER = 256  # cells whose curves are in memory at once

_SEARCHES: Mapping[str, Callable[[Candidate, float], Found]] = {
    "dose_ratio": lambda one, at: dose_ratio(one, HOURS, at),
    "loop_factor": lambda one, at: loop_factor(one, HOURS, at),
    "equal_dose": lambda one, at: equal_dose(one, HOURS, at),
    "stoichiometric_load": lambda one, at: stoichiometric_load(one, HOURS, FOLD, at),
    "closed_dish_dose": lambda one, at: closed_dish_doses(one, np.full(len(one), at), HOURS, FOLD),
    "resting_dose_closed": lambda one, at: _resting(one, at, closed=True),
    "resting_dose_open": lambda one, at: _resting(one, at, closed=False),
}
_WASHED_OUT = ("rebound", "free_MDM2_rise", "persistence", "washout_half_time")
_AT_DOSE = {
    "p53_active_fold": ("fold", "p53_active"),
    "p53_total_fold": ("fold", "p53_total"),
    "MDM2_total_fold": ("fold", "MDM2_total"),
    "MDM2_mRNA_fold": ("fold", "MDM2_mRNA"),
    "escape_index": ("escape_index",),
    "log_undrugged": ("log_undrugged",),
    "log_abundance": ("log_abundance",),
    "log_occupancy": ("log_occupancy",),
    "destroyed_per_drug": ("destroyed_per_drug",),
    "late_swing": ("swing", "p53_active"),
}

ANSWERS: Mapping[str, tuple[str, float | None]] = {
    "dose_ratio": ("fold", None),
    "loop_factor": ("fold", FOLD),
    "equal_dose": ("fold", FOLD),
    "resting_dose_closed": ("fold", None),
    "resting_dose_open": ("fold", None),
    "stoichiometric_load": ("medium volume [pL]", None),
    "closed_dish_dose": ("medium volume [pL]", None),
    **dict.fromkeys(_WASHED_OUT, ("exposure [h]", None)),
    **dict.fromkeys(_AT_DOSE, ("", None)),
}
"""Measures to what is said after the colon, and what it is if nothing is said."""


def in_cells_of(
    ensemble: Ensemble, drug: str, line: str, wanted: Sequence[Value]
) -> dict[Value, Numbers]:
    """Each measure of one drug, or its twin, in a cell line, of every draw. `wanted` were
    checked."""
    parts: dict[Value, list[tuple[Places, Numbers]]] = {value: [] for value in wanted}
    for structure, draws in ensemble.parts():
        for some in np.array_split(draws, -(-len(draws) // _TOGETHER)):
            found = _of_part(ensemble, structure, some, drug, line, wanted)
            for value in wanted:
                parts[value].append((some, found[value]))
    return {value: together(part, len(ensemble)) for value, part in parts.items()}


def _of_part(
    ensemble: Ensemble,
    structure: str,
    draws: Places,
    drug: str,
    line: str,
    wanted: Sequence[Value],
) -> dict[Value, Numbers]:
    try:
        one = candidate_of(ensemble, structure, draws, drug, line)
        cells = None
        found = {}
        for value in wanted:
            if value.name in _SEARCHES:
                found[value] = numbers(*_SEARCHES[value.name](one, _at(value)))
                continue
            cells = cells or _Cells(one)
            found[value] = cells.measured(value)
        return found
    except P53NetError as error:  # of the model itself: no draw of this structure has it
        return {value: nothing(len(draws), kind_of(error)) for value in wanted}


def candidate_of(
    ensemble: Ensemble,
    structure: str,
    draws: Places,
    drug: str,
    line: str,
) -> Candidate:
    """A drug, or its twin, in the cells of draws of one structure."""
    model = shared(drug.removesuffix(TWIN), cell_line=line or GENERIC, structure=structure)
    (name,) = model.definition.drugs
    columns = dict(ensemble.columns(model, draws))
    if drug.endswith(TWIN):
        columns |= {
            parameter: np.full(len(draws), value)
            for parameter, value in model.definition.twins[name].items()
        }
    engine, said = chosen(model, AUTO, RUNS * len(draws))
    one = in_cells(model.runner(engine), model, name, columns, len(draws))
    return replace(one, helped=True, said=said)


class _Cells:
    """Cells at their equally effective doses, whose runs measures share."""

    def __init__(self, one: Candidate) -> None:
        self._one, self._doses = one, equal_dose(one, HOURS, FOLD)
        self._sound = np.flatnonzero(~np.isin(np.arange(len(one)), list(self._doses.errors)))
        self._treated: dict[tuple[float, float | None], Treated] = {}

    def measured(self, value: Value) -> Numbers:
        """A measure of curves, where a cell has an equally effective dose."""
        values, errors = np.full(len(self._one), np.nan), dict(self._doses.errors)
        kind, *arguments = _AT_DOSE.get(value.name, (value.name,))
        counts = self._one.model.definition.counters or value.name != "destroyed_per_drug"
        if len(self._sound) and counts:
            exposure = _at(value) if value.name in _WASHED_OUT else None
            treated = self._of(2.0 * HOURS if value.name == "late_swing" else HOURS, exposure)
            if KINDS[kind].arguments == ("drug",):
                arguments = [self._one.drug]
            with np.errstate(all="ignore"):
                values[self._sound] = KINDS[kind].value(treated, *arguments)
            errors |= {int(self._sound[i]): error for i, error in treated.errors.items()}
        return numbers(values, errors)

    def _of(self, hours: float, exposure: float | None) -> Treated:
        key = hours, exposure
        if key not in self._treated:
            one = self._one.of(self._sound)
            self._treated[key] = Treated(one, self._doses.values[self._sound], *key)
        return self._treated[key]


def _at(value: Value) -> float:
    usual = ANSWERS[value.name][1]
    return float("nan" if usual is None else usual) if value.at is None else value.at


def _resting(one: Candidate, fold: float, *, closed: bool) -> Found:
    return resting_doses(one, np.full(len(one), fold), np.full(len(one), closed))
