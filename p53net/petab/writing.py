"""PEtab problems written: a model with data as files that other tools fit.

Version 1 of the format, which all of them read. Doses are amounts in the SBML, so that a fitted
volume leaves them as they are; a cell's untreated state is a pre-equilibration, so that it follows
every parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from p53net.dosing.medium import finite_number
from p53net.errors import InputError, unknown_name
from p53net.files import made_folder, write_text
from p53net.simulation.formulas import split
from p53net.simulation.inputs import Doses, checked_doses, checked_parameters
from p53net.simulation.model import Model

Bounds: TypeAlias = "tuple[float, float]"

_COLUMNS = ("observable", "time", "value", "error", "condition")
_KINDS = {"normal": "lin", "log-normal": "log", "log10-normal": "log10"}
_ID = re.compile(r"[A-Za-z_]\w*")
_UNTREATED, _USUAL = "untreated", "usual"
SETTLING = 1000.0
"""h that a cell settles in the file, where it does."""

YAML = """format_version: 1
parameter_file: parameters.tsv
problems:
- condition_files: [conditions.tsv]
  measurement_files: [measurements.tsv]
  observable_files: [observables.tsv]
  sbml_files: [model.xml]
"""


class _Row(NamedTuple):
    """A measurement."""

    observable: str
    time: float
    value: float
    error: float | None
    condition: str


def write_petab(
    model: Model,
    data: pd.DataFrame,
    parameters: Mapping[str, Bounds],
    folder: str | Path,
    *,
    doses: Mapping[str, Doses] | None = None,
    conditions: Mapping[str, Mapping[str, float]] | None = None,
    noise: str = "normal",
) -> Path:
    """Write a model with data as a PEtab problem of version 1, and return its YAML file.

    `data` has a row for each measurement: `observable`, a quantity of the model or a formula of
    such; `time` [h] (of a file's model in its unit), `value`, and, where they are known, `error`
    (a standard deviation) and `condition`. `parameters` are what is to be fitted, with bounds,
    above 0: fitted by their decadic logarithms, nominally at the model's values. Observables
    without errors have a standard deviation each that is fitted too, `noise_1` and so on.
    `doses` are those of `simulate`; `conditions` give values, by condition, of parameters of the
    model, of doses that the file calls `dose_inhibitor` and so on [nmol], and of species at the
    start. `noise` is "normal", or "log-normal" or "log10-normal": of logarithms of values.

    A cell in a dish under constant doses is pre-equilibrated without drug. Whatever else has a cell
    settles in the file itself, for `SETTLING` h, and times of measurements are so much later; then
    conditions set no start values. Raises InputError with the row, UnknownNameError, OutputError.

    Examples:
        >>> import pandas as pd
        >>> data = pd.DataFrame({"observable": "p53_total", "time": [0, 24], "value": [25, 180]})
        >>> model, bounds = pn.load("KT-253"), {"k_deg_p53": (0.01, 10)}
        >>> data, doses = data.assign(error=9), {"KT-253": 5.0}
        >>> path = pn.write_petab(model, data, bounds, "loop", doses=doses)
        >>> sorted(file.name for file in path.parent.iterdir())
        ['conditions.tsv', 'measurements.tsv', 'model.xml', 'observables.tsv', 'parameters.tsv',
         'problem.yaml']
    """
    if noise not in _KINDS:
        raise InputError(f"noise is {noise!r}; allowed are {', '.join(_KINDS)}")
    rows = _rows(model, data, noise)
    bounds = _bounds(model, parameters)
    settling = _settling(model, doses)
    text, known = _sbml(model, doses, settling)
    resting = model.definition.has_loop and not settling
    used = {row.condition for row in rows}
    settings = _conditions(model, doses, conditions, known, used, resting)
    observables = _observables(model, rows)
    for name in bounds:
        if any(name in values for values in settings.values()):
            raise InputError(f"{name} is to be fitted, and conditions set it; do one of them")
    errors = _errors(observables, rows)
    tables = {
        "conditions.tsv": _condition_table(settings),
        "observables.tsv": pd.DataFrame(
            [(name, formula, _KINDS[noise], f"noiseParameter1_{name}", "normal")
             for formula, name in observables.items()],
            columns=["observableId", "observableFormula", "observableTransformation",
                     "noiseFormula", "noiseDistribution"],
        ),
        "measurements.tsv": _measurement_table(rows, observables, errors, resting, settling),
        "parameters.tsv": _parameter_table(model, bounds, errors, rows, noise),
    }  # fmt: skip
    place = made_folder(folder)
    write_text(place / "model.xml", text)
    for name, table in tables.items():
        write_text(place / name, table.to_csv(sep="\t", index=False, lineterminator="\n"))
    return write_text(place / "problem.yaml", YAML)


def _rows(model: Model, data: pd.DataFrame, noise: str) -> list[_Row]:
    if not isinstance(data, pd.DataFrame):
        raise InputError("data is no DataFrame; give one with the columns observable, time, value")
    for column in data:
        if column not in _COLUMNS:
            raise InputError(f"data has a column {column!r}; allowed are {', '.join(_COLUMNS)}")
    for needed in _COLUMNS[:3]:
        if needed not in data:
            raise InputError(f"data has no column {needed!r}; give observable, time and value")
    if data.empty:
        raise InputError("data has no rows; give a row for each measurement")
    return list(_checked(model, data, noise))


def _checked(model: Model, data: pd.DataFrame, noise: str) -> Iterator[_Row]:
    records = [{str(k): v for k, v in one.items()} for one in data.to_dict("records")]
    for number, row in enumerate(records, start=1):
        where = f"data, row {number}"
        observable, condition = row["observable"], row.get("condition", _USUAL)
        if not isinstance(observable, str) or not observable.strip():
            raise InputError(f"{where}: observable is {observable!r}, and no name or formula")
        if not isinstance(condition, str) or not _ID.fullmatch(condition):
            raise InputError(f"{where}: condition is {condition!r}, and no word of letters, "
                             "digits and _")  # fmt: skip
        time = finite_number(row["time"], f"{where}: time", model.definition.time_unit)
        value = finite_number(row["value"], f"{where}: value", negative=True)
        if noise != "normal" and value <= 0:
            raise InputError(f"{where}: value is {value:g}, which has no logarithm; use noise="
                             "'normal', or leave the row out")  # fmt: skip
        error = row.get("error")
        if error is not None and not (isinstance(error, float) and np.isnan(error)):
            error = finite_number(error, f"{where}: error")
            if error == 0:
                raise InputError(f"{where}: error is 0; give more, or leave it out")
        else:
            error = None
        yield _Row(observable.strip(), time, value, error, condition)


def _bounds(model: Model, parameters: Mapping[str, Bounds]) -> dict[str, Bounds]:
    if not isinstance(parameters, Mapping) or not parameters:
        raise InputError(
            f"parameters is {parameters!r}, but must map ids to bounds; write "
            "{'k_deg_p53': (0.01, 10)}"
        )
    found = dict[str, Bounds]()
    for name, pair in parameters.items():
        checked_parameters(model.definition, {name: 1.0})
        try:
            low, high = (finite_number(one, f"a bound of {name}") for one in pair)
        except (TypeError, ValueError):
            raise InputError(f"bounds of {name} are {pair!r}; give two numbers") from None
        value = model.definition.parameters[name].value
        if not 0 < low < high:
            raise InputError(f"bounds of {name} are {low:g} and {high:g}; they must be above 0 and "
                             "rise")  # fmt: skip
        if not low <= value <= high:
            raise InputError(f"bounds of {name} are {low:g} and {high:g}, and its value is "
                             f"{value:g}; give bounds around it")  # fmt: skip
        found[name] = low, high
    return found


def _sbml(model: Model, doses: Mapping[str, Doses] | None, settling: float) -> tuple[str, set[str]]:
    """The model, and what conditions may set in it."""
    from p53net.model.sbml import read  # compiled libraries
    from p53net.simulation.one_run import sbml_of

    resting = model.definition.has_loop and not settling
    text = sbml_of(model, None if resting else doses, None, feedback=True, settling=settling,
                   noted=True)  # fmt: skip
    own = read(text).getModel()
    parts = [*own.getListOfParameters(), *own.getListOfCompartments()]
    parts += [] if settling else own.getListOfSpecies()
    return text, {one.getId() for one in parts}


def _settling(model: Model, doses: Mapping[str, Doses] | None) -> float:
    """h without drug in the file, where a start that follows what is fitted cannot be said by a
    pre-equilibration: cells grow, or what becomes of later doses is not said."""
    definition = model.definition
    given = checked_doses(definition, doses)
    plain = all(dose.is_constant and not dose.closed for dose in given.values())
    rests = definition.cell is None and plain
    return SETTLING if definition.has_loop and not rests else 0.0


def _conditions(
    model: Model,
    doses: Mapping[str, Doses] | None,
    conditions: Mapping[str, Mapping[str, float]] | None,
    known: set[str],
    used: set[str],
    resting: bool,
) -> dict[str, dict[str, float]]:
    """Values by condition; in all the same names are set."""
    found = {name: dict(values) for name, values in (conditions or {_USUAL: {}}).items()}
    for name in sorted(used - found.keys()):
        raise unknown_name("condition", name, found)
    for name, values in found.items():
        if not _ID.fullmatch(name) or name == _UNTREATED:
            raise InputError(f"a condition is called '{name}'; use another word")
        for one, value in values.items():
            if one not in known:
                raise unknown_name(f"id in condition {name}", one, known)
            finite_number(value, f"condition {name}: {one}", negative=True)
    names = sorted({one for values in found.values() for one in values})
    for name, values in found.items():
        for one in names:
            if one not in values:
                raise InputError(f"condition {name} does not set {one}, and others do; set it too")
    if resting:
        media = {model.definition.dosed[drug]: float(dose.steps[0][1]) * dose.per_unit
                 for drug, dose in checked_doses(model.definition, doses).items()}  # fmt: skip
        species = {*model.definition.dosed.values()} & ({*names} | media.keys())
        for values in found.values():
            for one in species:
                values.setdefault(one, media.get(one, 0.0))
        usual = model.definition.parameters
        found[_UNTREATED] = {
            one: 0.0 if one in species else usual[one].value
            for one in sorted({*names} | species) if one in species or one in usual
        }  # fmt: skip
    return found


def _observables(model: Model, rows: Sequence[_Row]) -> dict[str, str]:
    """Ids by formulas."""
    found = dict[str, str]()
    taken = {*model.definition.variables, *model.definition.parameters}
    for formula in dict.fromkeys(row.observable for row in rows):
        names, formulas = split(model.definition, [formula])
        if not formulas and names is not None and formula not in model.definition.variables:
            raise unknown_name("observable", formula, model.definition.variables)
        name = f"observed_{formula}" if _ID.fullmatch(formula) else f"formula_{len(found) + 1}"
        while name in taken:
            name += "_"
        found[formula] = name
    return found


def _errors(observables: Mapping[str, str], rows: Sequence[_Row]) -> dict[str, str]:
    """By observable without errors the parameter that is its standard deviation."""
    return {
        formula: f"noise_{number}"
        for number, formula in enumerate(observables, start=1)
        if any(row.observable == formula and row.error is None for row in rows)
    }


def _condition_table(settings: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    names = sorted({one for values in settings.values() for one in values})
    return pd.DataFrame(
        [[name, *(values.get(one, np.nan) for one in names)] for name, values in settings.items()],
        columns=["conditionId", *names],
    )


def _measurement_table(
    rows: Sequence[_Row], observables: Mapping[str, str], errors: Mapping[str, str],
    resting: bool, settling: float,
) -> pd.DataFrame:  # fmt: skip
    lines = [
        {
            "observableId": observables[row.observable],
            **({"preequilibrationConditionId": _UNTREATED} if resting else {}),
            "simulationConditionId": row.condition,
            "measurement": row.value,
            "time": settling + row.time,
            "noiseParameters": errors[row.observable] if row.error is None else repr(row.error),
        }
        for row in rows
    ]
    return pd.DataFrame(lines)


def _parameter_table(
    model: Model,
    bounds: Mapping[str, Bounds],
    errors: Mapping[str, str],
    rows: Sequence[_Row],
    noise: str,
) -> pd.DataFrame:
    lines = [(name, "log10", low, high, model.definition.parameters[name].value, 1)
             for name, (low, high) in bounds.items()]  # fmt: skip
    for formula, name in errors.items():
        size = 1.0
        if noise == "normal":
            size = float(np.mean([abs(r.value) for r in rows if r.observable == formula])) or 1.0
        lines.append((name, "log10", 1e-4 * size, 10 * size, 0.1 * size, 1))
    return pd.DataFrame(lines, columns=["parameterId", "parameterScale", "lowerBound",
                                        "upperBound", "nominalValue", "estimate"])  # fmt: skip
