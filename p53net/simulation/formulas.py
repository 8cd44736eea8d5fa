"""Observables as formulas: what a run returns, worked out of its curves."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from p53net.errors import InputError, unknown_name
from p53net.model.definition import Definition
from p53net.simulation.inputs import checked_observables

_TIME = "time"


def split(
    definition: Definition, observables: Sequence[str] | None
) -> tuple[Sequence[str] | None, tuple[str, ...]]:
    """The quantities that have to be run for these observables, and those that are formulas.

    Raises InputError for what is no formula, UnknownNameError for what it does not have.
    """
    is_name = isinstance(observables, str) and observables.isidentifier()
    if is_name or not isinstance(observables, Iterable):
        return observables, ()
    wanted = [observables] if isinstance(observables, str) else list(observables)
    known = {*definition.variables, *definition.on_request}
    formulas = tuple(
        one for one in wanted
        if isinstance(one, str) and one not in known and not one.strip().isidentifier()
    )  # fmt: skip
    if not formulas:
        return wanted, ()
    needed = [one for one in wanted if one not in formulas]
    for formula in formulas:
        for name in _symbols(formula):
            if name in known:
                needed.append(name)
            elif name != _TIME and name not in definition.parameters:
                raise unknown_name("observable", name, definition.variables)
    return checked_observables(definition, needed or definition.variables[:1]), formulas


def with_formulas(
    run: xr.Dataset,
    definition: Definition,
    observables: Sequence[str] | None,
    formulas: Sequence[str],
    parameters: Mapping[str, float],
) -> xr.Dataset:
    """A run with its formulas, and without what was run for these only."""
    if not formulas:
        return run
    from p53net.model.arrays import Arrays
    from p53net.model.expressions import Evaluation, Expressions
    from p53net.model.formula_text import parsed

    def value(name: str) -> object:
        if name == _TIME:
            return run[_TIME].values
        if name in run:
            return run[name].values
        return parameters.get(name, definition.parameters[name].value)

    known = Expressions()
    for formula in formulas:
        with np.errstate(all="ignore"):
            found = Evaluation(known, Arrays(), value)(parsed(formula, known))
        values = np.broadcast_to(np.asarray(found, dtype=float), run[_TIME].shape)
        if not np.isfinite(values).all():
            raise InputError(
                f"observable {formula[:60]!r} is not finite at all times; give one that is"
            )
        run[formula] = (_TIME, values.copy(), {"units": "", "long_name": formula})
    wanted = [observables] if isinstance(observables, str) else list(observables or ())
    return run[list(dict.fromkeys(wanted))]


def _symbols(formula: str) -> list[str]:
    from p53net.model.expressions import Expressions
    from p53net.model.formula_text import parsed

    known = Expressions()
    try:
        return sorted(known.symbols(parsed(formula, known)))
    except InputError as error:
        raise InputError(f"observable {formula[:60]!r}: {error}") from None
