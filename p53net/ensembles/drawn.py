"""One draw of an ensemble as a model like any other, and curves of all draws of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from p53net.dosing.medium import courses_of
from p53net.ensembles.cells import SHIPPED, Cells, EnsembleLike, Part, as_ensemble
from p53net.errors import InputError
from p53net.model import Definition, define
from p53net.model.own import Tables
from p53net.model.tables import DRAWN
from p53net.simulation.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_observables,
    checked_parameters,
    checked_times,
)
from p53net.simulation.loading import shared
from p53net.simulation.many import attempted
from p53net.simulation.model import Model

_TOGETHER = 100  # draws that run together: curves may be long


def definition_of(
    given: EnsembleLike, draw: int, drugs: Sequence[str], where: Mapping[str, str | None],
    own: Tables,
) -> Definition:  # fmt: skip
    """The definition of a model in the structure and with the values of one draw; of none, the
    shipped ensemble's. `own` are tables of a user's own, which it has to know. Raises
    InputError."""
    ensemble = as_ensemble(SHIPPED if given is None else given)
    if ensemble is None:
        raise InputError("there is no ensemble to take a draw of")
    if not ensemble.knows(own):
        raise InputError(
            "tables and draw are both given, but this ensemble was drawn without these tables; "
            "give one of them"
        )
    structure = ensemble.structure(draw)
    usual = Model(define(*drugs, **where, tables=own, structure=structure))  # type: ignore[arg-type]
    known = usual.definition.parameters
    number = int(ensemble.table.index[draw])
    source = f"draw {number} of the ensemble {ensemble.sha256[:16]}"
    values = {
        name: replace(known[name], value=float(column[0]), kind=DRAWN, source=source)
        for name, column in ensemble.columns(usual, [draw]).items()
    }
    made = define(*drugs, **where, tables=own, structure=structure, drawn=values)  # type: ignore[arg-type]
    left_out = ("structure",) if own.texts else ("tables", "structure")
    loaded = {name: value for name, value in made.loaded.items() if name not in left_out}
    return replace(made, loaded={**loaded, "ensemble": ensemble, "draw": int(draw)})


def curves_over(
    model: Model,
    given: EnsembleLike,
    draws: bool,
    times: ArrayLike,
    doses: Mapping[str, Doses] | None,
    parameters: Mapping[str, float] | None,
    feedback: bool,
    observables: Sequence[str] | None,
    engine: str,
) -> xr.Dataset:
    """What `Model.simulate` gives, of each draw in a model of its structure: quantiles, or each."""
    cells = Cells(given, draws=draws, tables=tables_of(model))
    grid, data = checked_times(times), dict[str, list[np.ndarray]]()
    parts = [(part, of_structure(model, part)) for part in cells.parts(_TOGETHER)]
    names = _shared(observables, [one for _, one in parts])
    engines = dict[str, None]()
    for part, one in parts:
        definition = one.definition
        dosed, changed = (
            checked_doses(definition, doses),
            checked_parameters(definition, parameters),
        )
        check_run(definition, dosed, changed, feedback, float(grid[-1]))
        columns, size = cells.columns(one, part, changed), len(part.draws)
        found, said = attempted(one, grid, courses_of([dosed] * size), columns, names,
                                feedback=feedback, engine=engine)  # fmt: skip
        engines.setdefault(said)
        for i, error in sorted(found.errors.items()):
            cells.fail(part.draws[i], error)
        for i, name in enumerate(names):
            data.setdefault(name, []).append(found.values[:, i])
    order = np.argsort(np.concatenate([part.draws for part, _ in parts]))
    result = xr.Dataset(
        {
            name: (("draw", "time"), np.concatenate(curves)[order], model.about(name))
            for name, curves in data.items()
        },
        {"time": ("time", grid, {"units": model.definition.time_unit, "long_name": "time"})},
    )
    about = model.about_run(dosed, changed, feedback)
    return cells.finished(result, ("time",)).assign_attrs({**about, "engine": "; ".join(engines)})


def of_structure(model: Model, part: Part) -> Model:
    """The model of the same drugs, line, system and tables in the structure of a part. Raises
    InputError where the model has a structure or texts that are not the package's."""
    definition = model.definition
    loaded = definition.loaded
    own = [name for name in ("fragments", "structure", "draw") if name in loaded]
    if own or "names" not in loaded:
        raise InputError(
            f"{definition.id} has {own[0] if own else 'an origin'} of its own, but each draw of an "
            "ensemble has its structure and values; load the model without"
        )
    found = shared(*definition.drugs, cell_line=definition.cell_line or None,
                   system=definition.system, host=definition.host or None,
                   structure=part.structure, tables=tables_of(model),
                   tolerances=None if model.accuracy else model.tolerances)  # fmt: skip
    return found.to(model.accuracy)


def tables_of(model: Model) -> Tables:
    """A user's own that a model was loaded with, which its draws have to know."""
    own = model.definition.loaded.get("tables")
    return own if isinstance(own, Tables) else Tables()


def _shared(observables: Sequence[str] | None, models: Sequence[Model]) -> tuple[str, ...]:
    """Observables that are asked for; or all that every structure has. Raises
    UnknownNameError."""
    if observables is not None:
        for one in models:
            names = checked_observables(one.definition, observables)
        return names
    first, *others = (one.definition.variables for one in models)
    return tuple(name for name in first if all(name in other for other in others))
