"""What each experiment would read in every draw of an ensemble, were there no error."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import courses_of
from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.errors import P53NetError, TableError
from p53net.inference.answers import checked, numbers_of
from p53net.inference.experiments import UNTREATED, Experiment, given_of, is_answer, values_of
from p53net.inference.per_draw import NOT_HERE, Numbers, kind_of, nothing, numbers, together
from p53net.measures.claims import Value, value_of
from p53net.model.structures import named_structures
from p53net.simulation import choice
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.model import Model


class ReadOut(NamedTuple):
    """What one experiment reads."""

    values: FloatArray
    """Draw, number; NaN where a draw has none."""
    reasons: NDArray[np.object_]
    """Why; empty where a draw has all."""


class _Run(NamedTuple):
    """Runs that experiments share."""

    system: str
    host: str
    line: str
    drug: str
    dose: str


class _Wanted(NamedTuple):
    """What is read of a run: a parameter where there is no hour."""

    run: _Run
    name: str
    at: float | None


def readings(ensemble: Ensemble, given: Sequence[Experiment]) -> dict[str, ReadOut]:
    """By experiment. Raises TableError for a read-out that no structure has."""
    needed = {one.name: [value for each in values_of(one) for value in each] for one in given}
    direct = {
        one.name: {value: _wanted(one, value) for value in needed[one.name] if not is_answer(value)}
        for one in given
    }
    simulated = _simulated(ensemble, [want for each in direct.values() for want in each.values()])
    told = [checked(v) for values in needed.values() for v in values if is_answer(v)]
    answers = numbers_of(ensemble, told)
    found = {}
    for one in given:
        parts = {value: simulated[want] for value, want in direct[one.name].items()}
        parts |= {v: answers[checked(v)] for v in needed[one.name] if is_answer(v)}
        found[one.name] = _of(one, parts, len(ensemble))
    return found


def _of(one: Experiment, parts: Mapping[Value, Numbers], size: int) -> ReadOut:
    for value, part in parts.items():
        if (part.reasons == NOT_HERE).all() and not _anywhere(one, value):
            raise TableError(
                f"experiment {one.name}: no structure has {value.name} in {one.system} with "
                f"{one.drug}; correct the read-out"
            )
    columns = [
        np.broadcast_to(value_of(text, lambda value: parts[value].values, bare=True), size)
        for text in one.read_outs
    ]
    values = np.array(columns, dtype=float).T
    if one.relative:
        values = np.where(values > 0.0, values, np.nan)
    missing = ~np.isfinite(values).all(axis=1)
    reasons = np.where(missing, "not defined", "").astype(object)
    for part in parts.values():
        reasons = np.where(missing & (part.reasons != ""), part.reasons, reasons)
    return ReadOut(np.where(missing[:, None], np.nan, values), reasons)


def _anywhere(one: Experiment, value: Value) -> bool:
    """Whether some structure of the package has it, though none of an ensemble does."""
    for structure in named_structures():
        with suppress(P53NetError):
            model = shared(one.drug, system=one.system, host=one.host or None,
                           cell_line=one.line or None, structure=structure)  # fmt: skip
            if value.name in (*model.definition.parameters, *model.definition.variables):
                return True
    return False


def _wanted(one: Experiment, value: Value) -> _Wanted:
    line = one.line if value.drug in ("", UNTREATED) else value.drug
    treated = value.at and value.drug != UNTREATED
    run = _Run(one.system, one.host, line, one.drug, one.dose if treated else "")
    return _Wanted(run, value.name, value.at)


def _simulated(ensemble: Ensemble, wanted: Sequence[_Wanted]) -> dict[_Wanted, Numbers]:
    by_run: dict[_Run, dict[_Wanted, None]] = {}
    for want in wanted:
        by_run.setdefault(want.run, {})[want] = None
    parts: dict[_Wanted, list[tuple[NDArray[np.intp], Numbers]]] = {want: [] for want in wanted}
    for structure, draws in ensemble.parts():
        for run, several in by_run.items():
            found = _of_run(ensemble, structure, draws, run, list(several))
            for want in several:
                parts[want].append((draws, found[want]))
    return {want: together(part, len(ensemble)) for want, part in parts.items()}


def _of_run(
    ensemble: Ensemble,
    structure: str,
    draws: NDArray[np.intp],
    run: _Run,
    wanted: Sequence[_Wanted],
) -> dict[_Wanted, Numbers]:
    if run.host and not ensemble.has_bodies:
        return {want: nothing(len(draws), "the ensemble has no bodies") for want in wanted}
    try:
        model = shared(run.drug, system=run.system, host=run.host or None,
                       cell_line=run.line or None, structure=structure)  # fmt: skip
    except P53NetError as error:
        return {want: nothing(len(draws), kind_of(error)) for want in wanted}
    columns = ensemble.columns(model, draws)
    found = {}
    for want in wanted:
        known = model.definition.parameters.get(want.name)
        there = known is not None and known.kind != "computed"
        if want.at is None and known is not None and there:
            values = columns.get(want.name, np.full(len(draws), known.value))
            found[want] = numbers(values)
        elif want.at is None or want.name not in model.definition.variables:
            found[want] = nothing(len(draws), NOT_HERE)
    curves = [want for want in wanted if want not in found]
    if curves:
        found |= _curves(model, columns, len(draws), run, curves)
    return found


def _curves(
    model: Model,
    columns: dict[str, FloatArray],
    size: int,
    run: _Run,
    wanted: Sequence[_Wanted],
) -> dict[_Wanted, Numbers]:
    times = np.union1d([0.0, 1.0], [want.at for want in wanted if want.at is not None])
    names = list(dict.fromkeys(want.name for want in wanted))
    (drug,) = model.definition.drugs
    dose = given_of(run.dose, run.drug, run.host, float(times[-1]))
    doses = checked_doses(model.definition, None if dose is None else {drug: dose})
    engine, _ = choice.chosen(model, choice.AUTO, size)
    ran = model.runner(engine).run(times, courses_of([doses] * size), columns, names)
    return {
        want: numbers(
            ran.values[:, names.index(want.name), int(np.searchsorted(times, want.at or 0.0))],
            ran.errors,
        )
        for want in wanted
    }
