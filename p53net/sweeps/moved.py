"""Parameters and doses that are moved for a slope or a factor: which, from where, in which unit."""

from collections.abc import Mapping, Sequence

import numpy as np

from p53net.dosing.medium import Given
from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.measures.kinds import SEARCHING
from p53net.model import Definition
from p53net.simulation.inputs import checked_parameters
from p53net.sweeps.plan import Plan

_GIVEN = ("input", "computed")


def movable(
    definition: Definition, changed: Mapping[str, float], doses: Mapping[str, Given]
) -> dict[str, float]:
    """Parameters and highest doses that are not 0, with their values."""
    rows = definition.parameters
    values = {n: changed.get(n, r.value) for n, r in rows.items() if r.kind not in _GIVEN}
    return {name: value for name, value in {**_levels(doses), **values}.items() if value != 0}


def checked_moved(plan: Plan, names: Sequence[str] | None) -> tuple[str, ...]:
    """Parameters and drugs with respect to which slopes are wanted; by default all that are not 0.
    Raises InputError, UnknownNameError."""
    definition = plan.definition
    for one in plan.measures:
        if one.own is None and one.kind in SEARCHING:
            raise InputError(
                f"measure {one} looks for a dose, so no curve has its slope; leave it out, or use "
                "tornado with a factor"
            )
    if names is None:
        return tuple(movable(definition, plan.parameters, plan.doses))
    if not isinstance(names, Sequence | np.ndarray):
        raise InputError(f"parameters is {names!r}, but must be a list of names")
    listed = [names] if isinstance(names, str) else list(names)
    if not listed:
        raise InputError("no parameter is named; leave parameters out for all")
    return tuple(dict.fromkeys(_checked(plan, name) for name in listed))


def _checked(plan: Plan, name: object) -> str:
    definition, given = plan.definition, str(name)
    drug = definition.drug_names.get(given.strip().casefold())
    if drug is not None:
        if drug not in plan.axes and not _levels(plan.doses).get(drug):
            raise InputError(f"{drug} is not given, so there is no slope with its dose; dose it")
        return drug
    if given not in definition.parameters:
        raise unknown_name("parameter", given, [*definition.drugs, *definition.parameters])
    checked_parameters(definition, {given: 1.0})  # what is no number to set says so
    return given


def values_of(plan: Plan, names: Sequence[str]) -> FloatArray:
    """Values of parameters, and the highest of doses, that points have in common."""
    levels, rows = _levels(plan.doses), plan.definition.parameters
    known = {n: plan.parameters.get(n, rows[n].value) for n in names if n in rows}
    return np.array([levels[name] if name in levels else known[name] for name in names])


def slope_unit(of: str, by: str) -> str:
    """Unit of a slope: `nM` by `1/h` is `nM h`."""
    if of == by or by == "1":
        return "1" if of == by else of
    if by.startswith("1/"):
        inverse = by.removeprefix("1/").strip("()")
        return inverse if of == "1" else f"{of} {inverse}"
    return f"{of}/{by}" if by.isalpha() else f"{of}/({by})"


def _levels(doses: Mapping[str, Given]) -> dict[str, float]:
    return {drug: max(level for _, level in dose.steps) for drug, dose in doses.items()}
