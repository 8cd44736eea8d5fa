"""Parameters and doses that are moved for a slope or a factor: which, from where, in which unit."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np

from p53net.dosing.medium import Given
from p53net.errors import InputError, UnknownNameError, unknown_name
from p53net.model import Definition
from p53net.simulation.inputs import checked_doses, checked_parameters

_GIVEN = ("input", "computed")
_MEDIUM = "medium"


def movable(
    definition: Definition, changed: Mapping[str, float], doses: Mapping[str, Given]
) -> dict[str, float]:
    """Parameters and highest doses that are not 0, with their values."""
    rows = definition.parameters
    values = {n: changed.get(n, r.value) for n, r in rows.items() if r.kind not in _GIVEN}
    if any(dose.closed for dose in doses.values()):
        values.pop(_MEDIUM, None)  # which the dose sets
    return {name: value for name, value in {**highest(doses), **values}.items() if value != 0}


def checked_moved(
    names: Sequence[str] | None,
    definition: Definition,
    given: Mapping[str, float],
) -> tuple[str, ...]:
    """Parameters and drugs with respect to which measures have slopes. `given` are the doses that
    there are. Raises InputError, UnknownNameError."""
    if not isinstance(names, Sequence | np.ndarray):
        raise InputError(f"parameters is {names!r}, but must be a list of names")
    listed = [names] if isinstance(names, str) else list(names)
    if not listed:
        raise InputError("no parameter is named; leave parameters out for all that are not 0")
    return tuple(dict.fromkeys(_checked(str(name), definition, given) for name in listed))


def _checked(name: str, definition: Definition, given: Mapping[str, float]) -> str:
    drug = definition.drug_names.get(name.strip().casefold())
    if drug is not None:
        if not given.get(drug):
            raise InputError(f"{drug} is not given, so there is no slope with its dose; dose it")
        return drug
    if name not in definition.parameters:
        with suppress(UnknownNameError):  # a drug that exists says how to load it
            checked_doses(definition, {name: 1.0})
        raise unknown_name("parameter", name, [*definition.drugs, *definition.parameters])
    if definition.parameters[name].kind == "computed":
        raise InputError(f"parameter {name} is worked out from the untreated cell; leave it out")
    checked_parameters(definition, {name: 1.0})  # an input that is no number says so
    return name


def highest(doses: Mapping[str, Given]) -> dict[str, float]:
    """Dose of each drug, in its own unit."""
    return {drug: dose.highest for drug, dose in doses.items()}


def slope_unit(of: str, by: str) -> str:
    """Unit of a slope: `nM` by `1/h` is `nM h`."""
    if of == by or by == "1":
        return "1" if of == by else of
    if by.startswith("1/"):
        inverse = by.removeprefix("1/").strip("()")
        return inverse if of == "1" else f"{of} {inverse}"
    return f"{of}/{by}" if by.isalpha() else f"{of}/({by})"
