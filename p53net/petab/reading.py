"""Reading a PEtab problem: its files, its model, and what they say of each other."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence, Set
from pathlib import Path

from p53net.errors import InputError, UnsupportedError, unknown_name
from p53net.model.definition import TIME_LIMIT, Definition
from p53net.model.expressions import Expressions
from p53net.notebook.bars import waited
from p53net.petab.experiments import (
    CONDITIONS,
    Experiment,
    Period,
    Settings,
    of_conditions,
    periods_of,
    reader,
)
from p53net.petab.folder import Files, files_of
from p53net.petab.measurements import Data, data_of
from p53net.petab.observables import Observable, observables_of
from p53net.petab.parameters import Parameters, parameters_of
from p53net.petab.problem import PetabProblem
from p53net.petab.tables import Row, by_id, rows_of
from p53net.simulation.accuracy import ACCURACY
from p53net.simulation.loading import read_sbml
from p53net.simulation.model import Model

_NEEDED = {
    "parameter": ("parameterId", "nominalValue", "estimate"),
    "observable": ("observableId", "observableFormula", "noiseFormula"),
    "measurement": ("observableId", "measurement", "time"),
}
_OF_V1 = {"condition": ("conditionId",), "measurement": ("simulationConditionId",)}
_OF_V2 = {
    "condition": ("conditionId", "targetId", "targetValue"),
    "experiment": ("experimentId", "time", "conditionId"),
    "mapping": ("petabEntityId", "modelEntityId"),
}


@waited
def read_petab(
    path: object,
    *,
    folder: object = None,
    accuracy: float = ACCURACY,
    time_limit: float = TIME_LIMIT,
) -> PetabProblem:
    """A parameter-estimation problem in the PEtab format, version 1 or 2, ready to evaluate.

    `path` is its YAML file; all files that this names are in its folder, or in `folder`, or below.
    The model is read as by `read_sbml`, with the same limits; formulas in tables are read, and
    never run as code. `accuracy` is the largest relative error that curves are integrated for.

    Returns a `PetabProblem`: `log_likelihood` and `gradient` take arrays (vector, parameter), on
    the scales of its table. Raises InputError for files and tables that are not sound, with the
    row; ModelError for the model; UnsupportedError for what is sound and cannot be run.

    Examples:
        >>> import pandas as pd
        >>> data = pd.DataFrame({"observable": "p53_total", "time": [0, 24], "value": [25, 180]})
        >>> model, bounds = pn.load("KT-253"), {"k_deg_p53": (0.01, 10)}
        >>> data, doses = data.assign(error=9), {"KT-253": 5.0}
        >>> path = pn.write_petab(model, data, bounds, "loop", doses=doses)
        >>> problem = pn.read_petab(path)
        >>> problem.names, problem.log_likelihood([[-0.7], [-0.6]]).round(1)
        (('k_deg_p53',), array([-8.1, -7.3]))
    """
    files = files_of(path, folder)
    tables = _tables(files)
    _check_mapping(tables.get("mapping", ()))
    parameters = parameters_of(tables["parameter"], files.version)
    if not parameters.free:
        raise InputError(f"{files.name}: no parameter has estimate 1; there is nothing to fit")
    model = read_sbml(files.model, accuracy=accuracy, time_limit=time_limit)
    definition, known = model.definition, Expressions()
    _refuse_states(parameters, definition, tables["parameter"])
    quantities = {*definition.variables, *definition.on_request, *definition.parameters}
    names = {*quantities, *parameters.rows}
    observables = observables_of(tables["observable"], known, names, files.version)
    targets = sorted({*definition.parameters, *definition.states})
    read = reader(known, parameters.rows, targets, set(definition.states))
    conditions = CONDITIONS[files.version](tables["condition"], read)
    changed = {name for one in conditions.values() for name in one}
    model, starts = _with_followers(model, changed, accuracy)
    experiment_of = _EXPERIMENTS[files.version](tables, conditions, definition)
    data = data_of(tables["measurement"], observables, parameters.columns, experiment_of)
    symbols = _symbols(known, observables.values())
    inside = {
        name
        for settings in conditions.values()
        for one in settings.values()
        for name in known.symbols(one.node)
    }
    _refuse_unused(parameters, data, tables["parameter"], symbols | quantities | inside)
    settled = parameters.rows.keys() - set(definition.derived) - changed
    outputs = tuple(sorted((symbols & quantities) - settled))
    name = Path(files.name).stem
    return PetabProblem(name, model, known, parameters, data, outputs, starts)


def _tables(files: Files) -> dict[str, list[Row]]:
    other = _OF_V1 if files.version == 1 else _OF_V2
    return {
        kind: rows_of(
            some, (*_NEEDED.get(kind, ()), *other.get(kind, ())), least=int(kind in _NEEDED)
        )
        for kind, some in files.tables.items()
    }


def _check_mapping(rows: Sequence[Row]) -> None:
    """Raise for what is more than a name for people: quantities of SBML have ids that tables use.

    UnsupportedError where it is one without an id of its own, such as a parameter of a reaction;
    InputError where it has one, which PEtab 2 says to use.
    """
    for name, row in by_id(rows, "petabEntityId").items():
        of = row.text("modelEntityId")
        if of in ("", name):
            continue
        if of.isascii() and of.isidentifier():
            raise InputError(
                f"{row}: {of} has an id that tables can use, so {name} must not stand for it; "
                f"write {of} in all tables"
            )
        raise UnsupportedError(
            f"{row}: {name} stands for '{of[:60]}', which is no id of the model; make it a "
            "parameter of the whole model, with an id"
        )


def _of_conditions(
    _tables: Mapping[str, list[Row]], conditions: Mapping[str, Settings], _definition: Definition
) -> Callable[[Row], Experiment]:
    """What gives the experiment of a measurement, in format 1."""
    return lambda row: of_conditions(row, conditions)


def _of_experiments(
    tables: Mapping[str, list[Row]], conditions: Mapping[str, Settings], definition: Definition
) -> Callable[[Row], Experiment]:
    """The same in format 2."""
    known = periods_of(tables["experiment"], conditions, set(definition.states))
    as_in_file = Experiment("the model as it is", None, (Period(0.0, {}),))

    def found(row: Row) -> Experiment:
        name = row.text("experimentId")
        if name and name not in known:
            raise InputError(f"{row}: {unknown_name('experiment', name, known)}")
        return known[name] if name else as_in_file

    return found


_EXPERIMENTS = {1: _of_conditions, 2: _of_experiments}


def _symbols(known: Expressions, observables: Iterable[Observable]) -> set[str]:
    """Names in all formulas."""
    nodes = [node for one in observables for node in (one.value, one.width)]
    return {name for node in nodes for name in known.symbols(node)}


def _refuse_states(parameters: Parameters, definition: Definition, rows: Sequence[Row]) -> None:
    """Raise InputError for a parameter that is a quantity of the model and none of its
    parameters."""
    moving = {*definition.states, *definition.variables} - definition.parameters.keys()
    for row in rows:
        if (name := row.needed("parameterId")) in moving:
            raise InputError(
                f"{row}: {name} changes in time in the model; set where it starts by a condition"
            )


def _with_followers(
    model: Model, targets: Set[str], accuracy: float
) -> tuple[Model, dict[str, str]]:
    """The model, in which start values follow those that conditions set, as the file says; and
    the parameters that are set for this, by state."""
    from p53net.model.external import names_in_starts, with_start_parameters

    definition = model.definition
    behind = frozenset().union(*names_in_starts(definition.sbml).values())
    followed = sorted(targets & set(definition.states) & behind)
    if not followed:
        return model, {}
    changed, names = with_start_parameters(definition, followed)
    return Model(changed, accuracy=accuracy), names


def _refuse_unused(
    parameters: Parameters, data: Data, rows: Sequence[Row], used: Container[str]
) -> None:
    """Raise InputError for a parameter that nothing has: most often a word that is misspelt."""
    given = {
        int(place) for group in data.groups for some in group.columns.values() for place in some
    }
    for row in rows:
        name = row.needed("parameterId")
        if name not in used and parameters.columns[name] not in given:
            raise InputError(
                f"{row}: {name} is neither in the model nor in a condition, a formula or a "
                "measurement; correct its name, or leave it out"
            )
