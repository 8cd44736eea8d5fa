"""What assays in a dish share: plates of doses, and quantities beside their vehicle."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from p53net.dosing.medium import Courses, finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.model import resolve
from p53net.model.tables import Entry
from p53net.simulation.choice import AUTO
from p53net.simulation.inputs import checked_parameters
from p53net.simulation.model import Model

DOSES = np.geomspace(1e-3, 1e5, 25)
"""Concentrations [nM] of a plate, three in each decade."""

MOST_DOSES = 1000
_NOTHING = 1e-12  # nM: a billionth of a molecule in a cell is none


def checked_concentrations(concentrations: ArrayLike | None) -> FloatArray:
    """Concentrations [nM] of a plate, rising. Raises InputError."""
    if concentrations is None:
        return DOSES
    try:
        values = [
            finite_number(one, "dose", "nM") for one in np.atleast_1d(concentrations).tolist()
        ]
    except (TypeError, ValueError):
        raise InputError(
            f"concentrations are {concentrations!r}, but must be a list of numbers [nM]"
        ) from None
    if len(values) > MOST_DOSES:
        raise InputError(
            f"a plate of {len(values):,} concentrations; at most {MOST_DOSES:,} are allowed"
        )
    if not values:
        raise InputError("the list of concentrations is empty; give at least one [nM]")
    if len(set(values)) < len(values) or min(values) <= 0:
        raise InputError(
            "each concentration of a plate is given once, above 0; vehicle is added to them"
        )
    return np.array(sorted(values))


def checked_hours(hours: ArrayLike, name: str = "hours") -> FloatArray:
    """Times [h] of reading, rising, above 0. Raises InputError."""
    try:
        values = [finite_number(one, name, "h") for one in np.atleast_1d(hours).tolist()]
    except (TypeError, ValueError):
        raise InputError(f"{name} is {hours!r}, but must be a number [h] or a list") from None
    if not values:
        raise InputError(f"the list of {name} is empty; give at least one [h]")
    if len(set(values)) < len(values) or min(values) <= 0:
        raise InputError(f"{name} are above 0, each once; correct them")
    return np.array(sorted(values))


def checked_names(names: str | Iterable[str], kind: str, entries: Mapping[str, Entry]) -> list[str]:
    """Names of entries, for synonyms too; each once, at least one.

    Raises InputError, UnknownNameError.
    """
    what = kind.replace("_", " ")
    if isinstance(names, str) or not isinstance(names, Iterable):
        names = [names]
    given = [resolve(kind, name, entries).name for name in names]
    if not given:
        raise InputError(f"no {what} is named; give at least one")
    if len(set(given)) < len(given):
        raise InputError(f"a {what} is named twice; give each once")
    return given


def check_vehicle(wells: FloatArray, what: str) -> None:
    """Raises InputError where a vehicle well has nothing to compare with."""
    if not (wells[0] > _NOTHING).all():
        raise InputError(f"untreated cells have no {what} to compare with; check the parameters")


class Wells(NamedTuple):
    """A plate that was read."""

    values: FloatArray
    """Dose, hour, quantity; the first dose is vehicle."""
    engine: str
    """What to say of the engine that ran it."""


def read_plate(
    model: Model,
    drug: str,
    doses: FloatArray,
    hours: FloatArray,
    names: Sequence[str],
    parameters: Mapping[str, float] | None = None,
    *,
    feedback: bool = True,
    engine: str = AUTO,
) -> Wells:
    """Values of some quantities under constant doses, and in vehicle."""
    levels = np.concatenate([[0.0], doses])[:, None, None]
    courses = Courses((drug,), np.zeros((len(levels), 1)), levels)
    changed = checked_parameters(model.definition, parameters)
    columns = {name: np.full(len(levels), value) for name, value in changed.items()}
    times = np.concatenate([[0.0], hours])
    found, said = model.curves(
        times, courses, columns, names, feedback=feedback, engine=engine, runs=len(DOSES)
    )
    return Wells(np.moveaxis(found.values, 1, 2)[:, 1:], said)
