"""What users give a run, checked: times, doses, parameters, observables, and all together."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from p53net.dosing.amounts import in_nanomoles
from p53net.dosing.medium import Given, Medium, as_dose, finite_number
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.model import Definition, drug_names
from p53net.model.library import code_of

Doses: TypeAlias = "Medium | Given"
"""What users write: nM and their course in a dish, a regimen in a body."""

MOST_POINTS = 1_000_000
"""Longest table that one run may ask for."""

_INPUTS = {
    "feedback": "it is an argument: feedback=False opens the loop",
    "closed_dish": "it follows from the dose: pn.closed_dish(10.0, medium_volume=1000)",
}


def checked_doses(definition: Definition, doses: Mapping[str, Doses] | None) -> dict[str, Given]:
    """Doses as a user gives them, by the drugs' own names. Raises InputError."""
    if doses is None:
        return {}
    if not isinstance(doses, Mapping):
        example = "{'milademetan': 100.0}"
        if definition.in_body:
            example = "{'milademetan': pn.regimen(260, 'mg', '3/14', cycles=2)}"
        raise InputError(f"doses is {doses!r}, but must map drug names to doses; write {example}")
    given: dict[str, Given] = {}
    for name, dose in doses.items():
        drug = _drug(definition, name)
        if drug in given:
            raise InputError(f"{drug} is dosed twice, as '{name}' too; give one dose for it")
        given[drug] = _dose(definition, drug, dose)
    if len({dose.medium_volume for dose in given.values()}) > 1:
        raise InputError(
            "one drug is in a closed dish and the other is not, or in another volume; "
            "both share the medium: give both with pn.closed_dish and one medium_volume"
        )
    return given


def _dose(definition: Definition, drug: str, dose: Doses) -> Given:
    if isinstance(dose, Regimen):
        if not definition.in_body:
            raise InputError(
                f"dose of {drug}: {dose.label} is a mass, but cells in a {definition.system} take "
                "a concentration [nM]; give a number, or load a system in a body, such as "
                "pn.load(..., system='tumour')"
            )
        masses = definition.molar_masses[drug]
        return in_nanomoles(dose, masses, definition.body_weight, drug, definition.host)
    if definition.in_body:
        raise InputError(
            f"dose of {drug}: {str(dose)[:60]} is a concentration, but a {definition.host} takes a "
            "mass; write pn.regimen(50, 'mg/kg', 'daily', days=21)"
        )
    return as_dose(dose, drug)


def _drug(definition: Definition, name: str) -> str:
    if definition.external:
        raise InputError(
            f"dose of {name}: {definition.id} was read from a file and has no drugs; "
            "change its parameters instead"
        )
    own = definition.drug_names
    if isinstance(name, str) and name.strip().casefold() in own:
        return own[name.strip().casefold()]
    if isinstance(name, str) and name.strip().casefold() in (known := drug_names()):
        drug = known[name.strip().casefold()]
        has = ", ".join(definition.drugs) or "no drug"
        raise InputError(
            f"dose of {drug}: this model has {has}; load it with "
            f"pn.load({', '.join(repr(d) for d in (*definition.drugs, drug))})"
        )
    raise unknown_name("drug", name, definition.drugs or set(drug_names().values()))


def checked_parameters(
    definition: Definition, parameters: Mapping[str, float] | None
) -> dict[str, float]:
    """Parameters as a user gives them, as floats. Raises InputError, UnknownNameError."""
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise InputError(
            f"parameters is {parameters!r}, but must map ids to numbers; write {{'k_deg_p53': 0.1}}"
        )
    known = definition.parameters
    for name, value in parameters.items():
        if name not in known:
            raise unknown_name("parameter", name, known)
        if (of := definition.computed.get(name)) and not _acts(definition, name):
            what = definition.starts.get(of, of)
            raise InputError(
                f"parameter {name} only tells the untreated {of} of a run, and setting it would "
                f"change nothing; set {what} instead"
            )
        if name in _INPUTS:
            raise InputError(f"parameter {name} cannot be set: {_INPUTS[name]}")
        number = finite_number(
            value, f"parameter {name}", known[name].unit, negative=definition.external
        )
        if number == 0 and name in definition.divisors:
            raise InputError(f"parameter {name} is 0, but the model divides by it; give more")
    return {name: float(value) for name, value in parameters.items()}


def _acts(definition: Definition, name: str) -> bool:
    """Whether anything but its own line has a parameter."""
    lines = (code_of(line) for line in definition.antimony.splitlines())
    return any(re.search(rf"\b{name}\b", line) for line in lines
               if not line.startswith(f"{name} = "))  # fmt: skip


def checked_observables(definition: Definition, names: Sequence[str] | None) -> tuple[str, ...]:
    """Names of what a run returns, each once. Raises InputError, UnknownNameError."""
    if names is None:
        return definition.variables
    if not isinstance(names, Iterable):
        raise InputError(f"observables is {names!r}, but must be a list of names")
    chosen = [names] if isinstance(names, str) else list(names)
    if not chosen:
        raise InputError("observables is empty; name at least one, or leave it out for all")
    for name in chosen:
        if name not in definition.variables and name not in definition.on_request:
            raise unknown_name("observable", name, definition.variables)
    return tuple(dict.fromkeys(chosen))


def check_run(
    definition: Definition,
    doses: Mapping[str, Given],
    parameters: Mapping[str, float],
    feedback: bool,
    end: float = np.inf,
) -> None:
    """Raise InputError where checked inputs do not go together, in a run until `end` [h]."""
    for drug, dose in doses.items():
        if dose.changes[-1] > end:
            raise InputError(
                f"dose of {drug}: it changes at {dose.changes[-1]:g} h, after the run ends at "
                f"{end:g} h; simulate longer or end the dose earlier"
            )
    if not isinstance(feedback, bool | np.bool_):
        raise InputError(f"feedback is {feedback!r}, but must be True or False (opened)")
    if definition.external and not feedback:
        raise InputError(
            f"feedback=False, but {definition.id} was read from a file and has no loop "
            "that could be opened; leave feedback out, and change parameters instead"
        )
    if not feedback and not definition.external and not definition.has_loop:
        raise InputError(f"feedback=False, but {definition.id} has no loop; leave feedback out")
    if "medium" in parameters and any(dose.closed for dose in doses.values()):
        raise InputError(
            "parameter medium is set beside a closed dish, which sets it by medium_volume; "
            "leave one out"
        )


def checked_times(times: ArrayLike) -> FloatArray:
    """Times [h] as an array that starts at 0 and rises. Raises InputError."""
    try:
        if isinstance(times, str | Mapping | Set | np.ma.MaskedArray):
            raise TypeError
        raw = np.asarray(times)
        if raw.dtype.kind not in "iuf":
            raise TypeError
        grid = raw.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"times must be numbers [h], not {str(times)[:60]!r}") from None
    if grid.ndim != 1 or grid.size < 2:
        raise InputError("times must be a list of at least two numbers [h], starting at 0")
    if grid.size > MOST_POINTS:
        raise InputError(f"times has {grid.size:,} points; at most {MOST_POINTS:,} are allowed")
    if not np.isfinite(grid).all():
        raise InputError("times contains NaN or infinity; give finite hours")
    if grid[0] != 0.0:
        raise InputError(
            f"times starts at {grid[0]:g} h, but every run starts at 0; put 0 first and cut later"
        )
    if (np.diff(grid) <= 0).any():
        where = int(np.argmax(np.diff(grid) <= 0))
        raise InputError(
            f"times must rise strictly, but {grid[where + 1]:g} h follows {grid[where]:g} h; "
            "sort them and drop repeats"
        )
    return grid
