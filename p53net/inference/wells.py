"""Wells of many cells at once, for a likelihood: quick runs without error bars or a helper.

One model runs all drugs of one mechanism in all lines, in one structure, for they differ in values
alone. Each trial is a row of parameter values. What an engine gives up is NaN and is counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from p53net.dosing.medium import Courses, Given, constant, same_courses
from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import P53NetError
from p53net.model.structures import supposing
from p53net.simulation.choice import AUTO, chosen
from p53net.simulation.model import Model
from p53net.simulation.trials import Cell, changes, entries_of

TOLERANCES = Tolerances(1e-4, 1e-11)
"""Of quick runs: errors of about a hundredth where evidence is known to a tenth."""

_MANY = 100  # runs: a likelihood is asked again and again


@dataclass(frozen=True)
class Kind:
    """One drug in one line, with values that stand for all others."""

    drug: str
    line: str
    fixed: tuple[tuple[str, float], ...] = ()


@dataclass
class Wells:
    """Kinds of cells in a dish or culture, under rows of constant doses [nM], vehicle first."""

    model: Model
    kinds: Sequence[Kind]
    doses: FloatArray
    """Kind, dose; vehicle is added."""
    times: FloatArray
    names: Sequence[str]
    failures: Counter[str] = field(default_factory=Counter)
    """Why runs failed, and how often."""
    read: set[str] = field(default_factory=set)
    """Parameters that were given and count in some cell."""

    def run(self, parameters: Mapping[str, int], values: FloatArray) -> FloatArray:
        """Quantities (trial, kind, well, time, name); the first well is vehicle.

        `parameters` say which column of `values` (trial, parameter) an `ENTRY: PARAMETER` is.
        """
        trials, kinds = len(values), len(self.kinds)
        levels = np.broadcast_to(
            np.column_stack([np.zeros(kinds), self.doses]), (trials, kinds, self._wells)
        )
        return self.under(levels, parameters, values)

    def under(
        self, levels: FloatArray, parameters: Mapping[str, int], values: FloatArray
    ) -> FloatArray:
        """The same under doses of each trial: (trial, kind, well)."""
        runs = levels.size
        courses = Courses(tuple(self.model.definition.drugs), np.zeros((runs, 1)),
                          levels.reshape(-1, 1, 1))  # fmt: skip
        return self._under(courses, levels.shape, parameters, values)

    def dosed(
        self, given: Given | None, parameters: Mapping[str, int], values: FloatArray
    ) -> FloatArray:
        """The same of a single well, which gets the same in every trial; none is vehicle."""
        shape = len(values), len(self.kinds), 1
        (drug,) = self.model.definition.drugs
        doses = {drug: constant(0.0) if given is None else given}
        return self._under(same_courses(doses, shape[0] * shape[1]), shape, parameters, values)

    def _under(
        self,
        courses: Courses,
        shape: tuple[int, ...],
        parameters: Mapping[str, int],
        values: FloatArray,
    ) -> FloatArray:
        trials, kinds, wells = shape
        cells = trials * kinds
        each = {
            name: column.reshape(cells)
            for name, column in self._columns(parameters, values).items()
        }
        runner = self.model.runner(self._engine)
        rows = np.repeat(np.arange(cells), wells)
        start = runner.start(each, cells).of(rows)
        found = runner.attempt(
            self.times, courses, {name: column[rows] for name, column in each.items()},
            list(self.names), start=start, tolerances=TOLERANCES,
        )  # fmt: skip
        self._count(found.errors, found.given_up)
        curves = found.values.reshape(trials, kinds, wells, len(self.names), -1)
        return np.moveaxis(curves, 3, 4)

    @property
    def _wells(self) -> int:
        return int(self.doses.shape[1]) + 1

    @cached_property
    def _engine(self) -> str:
        return chosen(self.model, AUTO, _MANY)[0]

    @cached_property
    def _usual(self) -> list[dict[str, float]]:
        """What each kind changes in the model, by the tables."""
        with supposing(self.model.definition.structure):
            cells = [Cell({}, kind.drug, kind.line) for kind in self.kinds]
            return [
                {**found, **dict(kind.fixed)}
                for found, kind in zip(changes(self.model, cells), self.kinds, strict=True)
            ]

    def value(self, name: str, parameters: Mapping[str, int], values: FloatArray) -> FloatArray:
        """A parameter of the cells (trial, kind), for which nothing runs and no other is read."""
        return self._column(name, self._places_of(name, frozenset(parameters)), parameters, values)

    def _columns(self, parameters: Mapping[str, int], values: FloatArray) -> dict[str, FloatArray]:
        """Values (trial, kind) of every parameter that differs from the model's anywhere."""
        places = self._places(tuple(parameters))
        return {name: self._column(name, here, parameters, values) for name, here in places.items()}

    def _column(
        self,
        name: str,
        places: Sequence[str | None],
        parameters: Mapping[str, int],
        values: FloatArray,
    ) -> FloatArray:
        column = np.empty((len(values), len(self.kinds)))
        known = self.model.definition.parameters[name].value
        for k, (place, usual) in enumerate(zip(places, self._usual, strict=True)):
            column[:, k] = usual.get(name, known) if place is None else values[:, parameters[place]]
        return column

    def _places(self, given: tuple[str, ...]) -> dict[str, list[str | None]]:
        """Of each parameter of the model that is given or differs: whose value each kind has."""
        if given not in self._known:
            self._known[given] = self._placed(frozenset(given))
        return self._known[given]

    @cached_property
    def _known(self) -> dict[tuple[str, ...], dict[str, list[str | None]]]:
        return {}

    def _placed(self, given: frozenset[str]) -> dict[str, list[str | None]]:
        found: dict[str, list[str | None]] = {}
        for name in self.model.definition.parameters:
            places = self._places_of(name, given)
            if any(places) or any(name in usual for usual in self._usual):
                found[name] = places
        return found

    def _places_of(self, name: str, given: frozenset[str]) -> list[str | None]:
        places: list[str | None] = []
        for kind, own in zip(self.kinds, self._entries, strict=True):
            wanted = [f"{entry}: {name}" for entry in own.get(name, own[""])]
            here = None if name in dict(kind.fixed) else (
                next((one for one in wanted if one in given), None)
            )  # fmt: skip
            places.append(here)
            self.read.update([here] if here else [])
        return places

    @cached_property
    def _entries(self) -> list[dict[str, tuple[str, ...]]]:
        with supposing(self.model.definition.structure):
            return [entries_of(self.model, kind.drug, kind.line) for kind in self.kinds]

    def _count(self, errors: Mapping[int, P53NetError], given_up: Mapping[int, str]) -> None:
        self.failures.update(type(error).__name__ for error in errors.values())
        self.failures.update("given up by the engine" for _ in given_up)
