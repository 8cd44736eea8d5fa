"""Runs of models that were read from files: from other start values, and to their rest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from p53net.dosing.medium import courses_of, finite_number
from p53net.errors import InputError, SteadyStateError, unknown_name
from p53net.simulation import choice
from p53net.simulation.inputs import checked_parameters

if TYPE_CHECKING:
    from p53net.simulation.model import Model

REST_TIME = 1e8
"""Units of time after which a model has to be at rest."""

_BEFORE = REST_TIME / 100.0
_CHANGE = 1e-6  # that a state at rest may still make between the two, relative
_SMALL = 1e-6  # of the largest state: smaller ones count as this


def started(
    model: "Model", parameters: Mapping[str, float] | None, start: Mapping[str, float] | None
) -> "tuple[Model, Mapping[str, float] | None]":
    """The model whose states in `start` begin there, and the parameters of that run.

    What the file computes of a state at the start follows it. Raises InputError,
    UnknownNameError.
    """
    if start is None or start == {}:
        return model, parameters
    definition = model.definition
    if not definition.external:
        raise InputError(
            f"start is given, but {definition.id} starts at the untreated state of its own "
            "parameters; change these, or export it and read it again"
        )
    if not isinstance(start, Mapping):
        raise InputError(f"start is {start!r}, but must map states to numbers; write {{'A': 1.0}}")
    changed = checked_parameters(definition, parameters)
    values = dict[str, float]()
    for name, value in start.items():
        if name not in definition.states:
            if name in definition.parameters:
                raise InputError(
                    f"start of {name}: nothing moves it; give it in parameters instead"
                )
            raise unknown_name("state", name, definition.states)
        values[name] = finite_number(value, f"start of {name}", definition.units[name],
                                     negative=True)  # fmt: skip
    key = tuple(sorted(values))
    kept = model.base.starting
    if key not in kept:
        from p53net.model.external import with_start_parameters

        kept[key] = with_start_parameters(definition, key)
    other, names = kept[key]
    if model.accuracy is None:
        changed_model = type(model)(other, model.tolerances)
    else:
        changed_model = type(model)(other, accuracy=model.accuracy)
    return changed_model, {**changed, **{names[name]: value for name, value in values.items()}}


def at_rest(
    model: "Model",
    parameters: Mapping[str, float] | None,
    start: Mapping[str, float] | None,
    engine: str,
) -> xr.Dataset:
    """The state at rest that a model comes to from its start: scalars with units.

    Raises SteadyStateError where it does not within `REST_TIME` units of time.
    """
    begun, given = started(model, parameters, start)
    changed = checked_parameters(begun.definition, given)
    names = begun.definition.variables
    name, said = choice.chosen(begun, engine)
    columns = {one: np.array([value]) for one, value in changed.items()}
    times = np.array([0.0, _BEFORE, REST_TIME])
    runner = begun.runner(name)
    found = runner.run(times, courses_of([{}]), columns, names)
    for error in found.errors.values():
        raise SteadyStateError(
            f"{model.definition.id}: it cannot be followed for {REST_TIME:g} units of time, so its "
            f"state at rest is not known: {error}"
        ) from None
    before, last = found.values[0, :, -2], found.values[0, :, -1]
    least = _SMALL * np.abs(found.values).max(initial=0.0)
    moved = np.abs(last - before) > _CHANGE * np.maximum(np.abs(last), least)
    if moved.any():
        moving = ", ".join(np.array(names)[moved][:6])
        raise SteadyStateError(
            f"{model.definition.id}: it does not come to rest within {REST_TIME:g} units of time: "
            f"{moving} still move; simulate it, and look"
        )
    said += runner.said(found.given_up)
    data = {one: ((), float(last[i]), model.about(one)) for i, one in enumerate(names)}
    about = begun.about_run({}, changed, feedback=True)
    return xr.Dataset(data, attrs={**about, "engine": said})
