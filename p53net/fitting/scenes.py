"""What the models say of rows of data, for many parameter sets at once.

One model runs all drugs of its mechanisms in all lines, for they differ in values alone. Every
parameter set times every setting of the data is a run, and all runs of a model are one call of an
engine.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import Given, courses_of
from p53net.engines.base import FloatArray, Tolerances
from p53net.fitting.assays import CULTURE, DISH
from p53net.fitting.points import VEHICLE, Point, Setting, in_culture
from p53net.model import drug_entries
from p53net.model.derived import DERIVED
from p53net.model.own import Tables
from p53net.model.structures import StructureLike, supposing
from p53net.model.tables import Entry
from p53net.simulation.choice import AUTO, chosen
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.trials import Cell, changes, entries_of

EXACT = Tolerances(1e-6, 1e-12)
"""Of runs whose differences are slopes."""

QUICK = Tolerances(1e-4, 1e-11)
"""Of draws: errors far below those of data."""

_MANY = 100  # runs: a likelihood is asked again and again
_TOGETHER = 20_000  # runs in one call


class Source(NamedTuple):
    """Where a parameter of a model has its value from."""

    column: int
    """Of the values that are given."""
    made: Callable[[float], float] | None
    """What makes it of that."""


class Asked(NamedTuple):
    """What is asked of a model in one setting."""

    doses: Mapping[str, Given]
    """By the drugs of the model."""
    usual: Mapping[str, float]
    """Parameters that differ from the model's, by the tables."""
    sources: Mapping[str, Source]
    """Parameters that are given."""


@dataclass
class Scene:
    """All settings of the data that one model runs."""

    model: Model
    points: Sequence[Point]
    parameters: Sequence[str]
    """Names of the columns of values: `ENTRY: PARAMETER`."""
    failures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        settings: dict[Setting, int] = {}
        times: dict[int, set[float]] = {}
        self._outputs = list(dict.fromkeys(one.quantity for one in self.points))
        self._at: list[tuple[int, int, int, int]] = []  # run, output, reference run, when
        for point in self.points:
            run = settings.setdefault(point.setting, len(settings))
            of = settings.setdefault(point.setting.vehicle, len(settings)) if (
                point.relative == VEHICLE) else run  # fmt: skip
            for one in (run, of):
                times.setdefault(one, {0.0}).add(point.time)
            self._at.append((run, self._outputs.index(point.quantity), of,
                             -1 if point.relative == VEHICLE else 0))  # fmt: skip
        self._settings = list(settings)
        self._times = _grid([sorted(times[i]) for i in range(len(self._settings))])
        kinds: dict[tuple[tuple[str, ...], str], int] = {}
        self._kind = np.array(
            [kinds.setdefault((one.drugs, one.line), len(kinds)) for one in self._settings]
        )
        self._kinds = list(kinds)
        self._courses = courses_of([self._doses(one) for one in self._settings])
        places = [
            (int(np.flatnonzero(self._times[run] == point.time)[0]),
             int(np.flatnonzero(self._times[of] == (point.time if when else 0.0))[0]))
            for (run, _, of, when), point in zip(self._at, self.points, strict=True)
        ]  # fmt: skip
        self._pick = np.array([(run, out, here, of, there) for (run, out, of, _), (here, there)
                               in zip(self._at, places, strict=True)], dtype=np.intp)  # fmt: skip
        self._relative = np.array([bool(point.relative) for point in self.points])
        self._factor = np.array([point.factor for point in self.points])

    def _doses(self, setting: Setting) -> dict[str, Given]:
        """By the drugs of the model that runs it, which has the same mechanisms."""
        by = {mechanism: name for name, mechanism in self.model.definition.drugs.items()}
        mechanisms = {name: one.facts["mechanism"] for name, one in self._known_drugs.items()}
        return {by[mechanisms[drug]]: dose
                for drug, dose in zip(setting.drugs, setting.doses, strict=True)
                if dose is not None}  # fmt: skip

    @cached_property
    def _own(self) -> Tables:
        own = self.model.definition.loaded.get("tables")
        return own if isinstance(own, Tables) else Tables()

    @cached_property
    def _known_drugs(self) -> Mapping[str, Entry]:
        return drug_entries(self._own)

    @cached_property
    def read(self) -> list[int]:
        """Columns of values that count here."""
        return sorted({one.column for kind in self._sources for one in kind.values()})

    def asked(self, setting: Setting) -> "Asked":
        """What is asked of the model in a setting of its points."""
        kind = self._kinds.index((setting.drugs, setting.line))
        return Asked(self._doses(setting), self._usual[kind], self._sources[kind])

    def predict(self, values: FloatArray, tolerances: Tolerances = EXACT) -> FloatArray:
        """(set, point) in the units of the data; NaN where a run failed."""
        if not self.read:  # the same whatever is given
            return np.repeat(self._predict(values[:1], tolerances), len(values), axis=0)
        known, place = np.unique(values[:, self.read], axis=0, return_inverse=True)
        whole = np.zeros((len(known), values.shape[1]))
        whole[:, self.read] = known
        size = max(_TOGETHER // len(self._settings), 1)
        parts = [self._predict(whole[i : i + size], tolerances)
                 for i in range(0, len(whole), size)]  # fmt: skip
        return np.concatenate(parts)[place.ravel()]

    def _predict(self, values: FloatArray, tolerances: Tolerances) -> FloatArray:
        sets, runs, kinds = len(values), len(self._settings), len(self._kinds)
        each = {name: column.ravel() for name, column in self._columns(values).items()}
        cells = (np.arange(sets)[:, None] * kinds + self._kind).ravel()
        runner = self.model.runner(self._engine)
        start = runner.start(each, sets * kinds).of(cells)
        found = runner.attempt(
            np.tile(self._times, (sets, 1)),
            self._courses.of(np.tile(np.arange(runs), sets)),
            {name: column[cells] for name, column in each.items()},
            self._outputs, start=start, tolerances=tolerances,
        )  # fmt: skip
        self.failures.update(str(error).partition(";")[0] for error in found.errors.values())
        self.failures.update(str(why) for why in found.given_up.values())
        curves = found.values.reshape(sets, runs, len(self._outputs), -1)
        run, out, here, of, there = self._pick.T
        numbers = curves[:, run, out, here]
        with np.errstate(all="ignore"):
            by = np.where(self._relative, curves[:, of, out, there], 1.0)
            return np.asarray(numbers / by * self._factor)

    @cached_property
    def _engine(self) -> str:
        return chosen(self.model, AUTO, _MANY)[0]

    def _columns(self, values: FloatArray) -> dict[str, FloatArray]:
        """(set, kind) of every parameter that differs from the model's anywhere."""
        usual = self.model.definition.parameters
        names = dict.fromkeys(
            name for both in zip(self._sources, self._usual, strict=True) for one in both
            for name in one
        )  # fmt: skip
        found = {}
        for name in names:
            column = np.empty((len(values), len(self._kinds)))
            for k, (sources, own) in enumerate(zip(self._sources, self._usual, strict=True)):
                if name in sources:
                    source = sources[name]
                    given = values[:, source.column]
                    made = source.made
                    column[:, k] = given if made is None else [made(one) for one in given.tolist()]
                else:
                    column[:, k] = own.get(name, usual[name].value)
            found[name] = column
        return found

    @cached_property
    def _usual(self) -> list[dict[str, float]]:
        """What each kind changes in the model, by the tables."""
        with supposing(self.model.definition.structure):
            found = []
            for drugs, line in self._kinds:
                own: dict[str, float] = {}
                for drug in drugs:
                    (changed,) = changes(self.model, [Cell({}, drug, line or None)])
                    own |= changed
                found.append(own)
            return found

    @cached_property
    def _sources(self) -> list[dict[str, Source]]:
        """Of each kind: parameters of the model that are given, and where."""
        given = {name: Source(i, None) for i, name in enumerate(self.parameters)}
        for one in DERIVED:
            leader = f"{one.source[0]}: {one.source[1]}"
            if leader in self.parameters:
                made = Source(self.parameters.index(leader), one.function)
                given.setdefault(f"{one.entry}: {one.parameter}", made)
        found = []
        with supposing(self.model.definition.structure):
            for drugs, line in self._kinds:
                own: dict[str, Source] = {}
                several = [entries_of(self.model, drug, line or None) for drug in drugs]
                for name in self.model.definition.parameters:
                    wanted = [f"{entry}: {name}" for entries in several
                              for entry in entries.get(name, entries[""])]  # fmt: skip
                    if here := next((one for one in wanted if one in given), None):
                        own[name] = given[here]
                found.append(own)
        return found


class Scenes:
    """All rows of data under one structure."""

    def __init__(
        self,
        points: Sequence[Point],
        parameters: Sequence[str],
        structure: StructureLike,
        tables: Tables,
    ) -> None:
        self.points, self.parameters = tuple(points), tuple(parameters)
        self._structure, self._tables = structure, tables
        self._groups: list[tuple[NDArray[np.intp], Scene]] = []
        together: dict[object, list[int]] = {}
        entries = drug_entries(tables)
        culture = in_culture(self.points)
        for i, point in enumerate(self.points):
            if point.blank:
                continue
            setting = point.setting
            kinds = tuple(sorted(entries[drug].facts["mechanism"] for drug in setting.drugs))
            where = setting.drugs if setting.host else kinds
            together.setdefault((setting.system, setting.host, where), []).append(i)
        for rows in together.values():
            own = [self.points[i] for i in rows]
            first = own[0].setting
            system = first.system if first.system != DISH else (CULTURE if culture else DISH)
            model = shared(*first.drugs, system=system, host=first.host or None,
                           structure=structure, tables=tables)  # fmt: skip
            scene = Scene(model, own, self.parameters)
            self._groups.append((np.array(rows, dtype=np.intp), scene))

    @property
    def scenes(self) -> list[tuple[NDArray[np.intp], Scene]]:
        """Places of points, and the scene that they are of."""
        return list(self._groups)

    def of(self, points: Sequence[Point]) -> "Scenes":
        """The same for other points."""
        return Scenes(points, self.parameters, self._structure, self._tables)

    @property
    def read(self) -> set[str]:
        """Parameters that count in some row."""
        return {self.parameters[i] for _, scene in self._groups for i in scene.read}

    @property
    def failures(self) -> Counter[str]:
        """Why runs failed, and how often."""
        found: Counter[str] = Counter()
        for _, scene in self._groups:
            found.update(scene.failures)
        return found

    def predict(self, values: FloatArray, tolerances: Tolerances = EXACT) -> FloatArray:
        """(set, point) in the units of the data; NaN where a run failed, 0 of a blank."""
        found = np.zeros((len(values), len(self.points)))
        for rows, scene in self._groups:
            found[:, rows] = scene.predict(values, tolerances)
        return found


def _grid(times: Sequence[Sequence[float]]) -> FloatArray:
    """Times of each run as rows of one length: what is missing is filled in between."""
    width = max(2, *(len(one) for one in times))
    found = np.empty((len(times), width))
    for row, own in zip(found, times, strict=True):
        grid = list(own) if len(own) > 1 else [0.0, 1e-3]
        while len(grid) < width:
            gaps = np.diff(grid)
            place = int(gaps.argmax())
            grid.insert(place + 1, (grid[place] + grid[place + 1]) / 2)
        row[:] = grid
    return found
