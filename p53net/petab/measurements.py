"""The measurement table, as arrays: what was measured, in which experiment, when."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.petab.experiments import Experiment
from p53net.petab.observables import Observable
from p53net.petab.tables import Row, number

LATEST = 1e12
"""Time of a measurement, in the model's unit; later ones are at rest, `inf`."""

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Group:
    """All measurements of one observable."""

    observable: Observable
    rows: Places
    """In the table."""
    experiments: Places
    times: FloatArray
    """Infinite for a state at rest."""
    at: Places
    """Of each time, its place in the grid of its experiment."""
    values: FloatArray
    columns: Mapping[str, Places]
    """Placeholder to the column of `Data.numbers`, after those of parameters, or of parameters."""


@dataclass(frozen=True)
class Data:
    """All measurements."""

    rows: tuple[Row, ...]
    experiments: tuple[Experiment, ...]
    grids: tuple[FloatArray, ...]
    """Of each experiment: times, which begin with 0; infinity comes last."""
    groups: tuple[Group, ...]
    numbers: FloatArray
    """Which measurements give for placeholders."""


def data_of(
    rows: Sequence[Row],
    observables: Mapping[str, Observable],
    parameters: Mapping[str, int],
    experiment_of: Callable[[Row], Experiment],
) -> Data:
    """The measurements of a problem. `parameters` are columns by name. Raises InputError."""
    experiments = list[Experiment]()
    places = dict[str, int]()
    numbers = dict[float, int]()
    grouped = dict[str, list[tuple[int, Row, int]]]()
    for i, row in enumerate(rows):
        found = experiment_of(row)
        if found.name not in places:
            places[found.name] = len(experiments)
            experiments.append(found)
        name = row.needed("observableId")
        if name not in observables:
            raise InputError(f"{row}: {unknown_name('observable', name, observables)}")
        grouped.setdefault(name, []).append((i, row, places[found.name]))
    times = [_time(row) for row in rows]
    where = [places[experiment_of(row).name] for row in rows]
    grids = [
        np.unique([0.0, *(t for t, own in zip(times, where, strict=True) if own == e)])
        for e in range(len(experiments))
    ]
    groups = []
    for name, members in grouped.items():
        observable = observables[name]
        columns = _columns([row for _, row, _ in members], observable, parameters, numbers)
        at = [np.searchsorted(grids[e], times[i]) for i, _, e in members]
        groups.append(
            Group(
                observable,
                np.array([i for i, _, _ in members]),
                np.array([e for _, _, e in members]),
                np.array([times[i] for i, _, _ in members]),
                np.array(at),
                np.array([_value(row, observable) for _, row, _ in members]),
                columns,
            )
        )
    return Data(tuple(rows), tuple(experiments), tuple(grids), tuple(groups), np.array([*numbers]))


def _time(row: Row) -> float:
    found = row.number_of("time")
    if found < 0.0:
        raise InputError(f"{row}: time is {found:g}, and runs begin at 0")
    if LATEST < found < math.inf:
        raise InputError(f"{row}: time is {found:g}; give at most {LATEST:g}, or inf for a rest")
    return found


def _value(row: Row, observable: Observable) -> float:
    found = row.number_of("measurement")
    if not math.isfinite(found):
        raise InputError(f"{row}: measurement is {found}; give a finite number")
    if observable.noise.transformation != "lin" and found <= 0.0:
        raise InputError(
            f"{row}: measurement is {found:g}, but {observable.id} is compared by its logarithm; "
            "leave the row out"
        )
    return found


def _columns(
    rows: Sequence[Row],
    observable: Observable,
    parameters: Mapping[str, int],
    numbers: dict[float, int],
) -> dict[str, Places]:
    """Columns of what each row gives for each placeholder."""
    found: dict[str, list[int]] = {}
    for row in rows:
        for column, names in observable.placeholders.items():
            given = row.several(column)
            if len(given) != len(names):
                raise InputError(
                    f"{row}: {column} has {len(given)} of the {len(names)} that {observable.id} "
                    "needs; separate them by semicolons"
                )
            for name, text in zip(names, given, strict=True):
                place = _column(row, column, text, parameters, numbers)
                found.setdefault(name, []).append(place)
    return {name: np.array(places) for name, places in found.items()}


def _column(
    row: Row, column: str, text: str, parameters: Mapping[str, int], numbers: dict[float, int]
) -> int:
    if text in parameters:
        return parameters[text]
    value = number(text)
    if value is None:
        raise InputError(f"{row}: {column}: {unknown_name('parameter', text[:60], parameters)}")
    if not math.isfinite(value) or (column == "noiseParameters" and value < 0.0):
        raise InputError(f"{row}: {column} has {text[:60]}; give a number above 0")
    return len(parameters) + numbers.setdefault(value, len(numbers))
