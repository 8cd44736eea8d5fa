"""Points of a sweep, run when a measure asks for it: many together, or one of them looked at."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy

import numpy as np

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray
from p53net.errors import MeasureError, P53NetError
from p53net.measures.candidate import Candidate, in_cells
from p53net.measures.definition import Measure
from p53net.measures.equieffective import Search
from p53net.measures.parsing import own_value_of_many, value_of, value_of_many
from p53net.measures.searching import Places
from p53net.simulation.accuracy import Pair, Refined, bar_of, curve_errors
from p53net.simulation.model import Model
from p53net.sweeps.plan import Plan

one_at_a_time = threading.RLock()
"""An engine serves one thread, and a process has one watchdog."""


class Points:
    """Points with these values of the axes, on an engine: `curve` and `opened` have a row for
    each."""

    def __init__(self, plan: Plan, model: Model, values: FloatArray, engine: str) -> None:
        self.model, self.times = model, plan.times
        self.given_up: dict[int, str] = {}
        """Points that the engine gave up, and why; known once they have run."""
        self.errors: dict[int, P53NetError] = {}
        """Why points failed; known once they have run."""
        self._plan, self._runner = plan, model.runner(engine)
        self._courses, self._parameters = plan.inputs(values)
        self._columns = {name: column for column, name in enumerate(plan.needed)}
        self._washouts = washouts_of(self._courses, float(plan.times[-1]))
        self._grid = _grid_of(plan.times, self._washouts)
        # Not cached properties: in Python 3.11 those would make threads wait for one another.
        self._values: dict[bool, FloatArray] = {}
        self._refined = Refined(
            self._runner, self._grid, self._courses, self._parameters, plan.needed, plan.accuracy
        )
        self._candidates: dict[str, Candidate] = {}

    def __len__(self) -> int:
        return len(self._washouts)

    def run(self) -> None:
        """Run all points, if that has not been done."""
        self._runs(self._plan.feedback)

    def curve(self, name: str) -> FloatArray:
        """A quantity at `times`, a row for each point."""
        return self._shown(self._plan.feedback)[:, self._columns[name]]

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""
        return self._shown(False)[:, self._columns[name]]

    def curves(self, names: Sequence[str]) -> FloatArray:
        """Several quantities: point, quantity, time."""
        return self._shown(self._plan.feedback)[:, [self._columns[name] for name in names]]

    def since_washout(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Times [h], with a row for each point, and a quantity then; NaN before the washout."""
        values = self._runs(self._plan.feedback)[:, self._columns[name]]
        times = np.broadcast_to(self._grid, values.shape)
        return times, np.where(times >= self._washouts[:, None], values, np.nan)

    def searched(self, search: Search, drug: str, *arguments: float) -> FloatArray:
        """What a search gives of one drug alone in the cells. A point for which the engine cannot
        do the runs of a search is given up."""
        one = self.candidate(drug)
        found = search(one, float(self.times[-1]), *arguments)
        for i, error in found.errors.items():
            if not isinstance(error, MeasureError) and i not in one.start.errors:
                self.given_up[i] = str(error)
        return found.values

    def candidate(self, drug: str, i: int | None = None) -> Candidate:
        """One drug alone in the cells of all points, or of one."""
        if drug not in self._candidates:
            size = len(self._courses.at)
            self._candidates[drug] = in_cells(
                self._runner, self.model, drug, self._parameters, size
            )
        one = self._candidates[drug]
        return one if i is None else one.of(np.array([i]))

    @property
    def sound(self) -> Places:
        """Points whose runs did not fail; known once they have run."""
        return np.setdiff1d(np.arange(len(self)), [*self.given_up, *self.errors])

    def point(self, i: int) -> "Point":
        """One of them."""
        return Point(self, i)

    def of(self, i: int, name: str, feedback: bool) -> tuple[FloatArray, FloatArray]:
        """A quantity of one point, and its times: those asked for, and that of its washout. Raises
        the error of a point that failed."""
        values = self._runs(feedback)[i, self._columns[name]]
        if i in self.errors:
            raise self.errors[i].with_traceback(None)  # many points may have this one
        times, places = np.unique(self._grid if self._grid.ndim == 1 else self._grid[i], True)
        return times, values[places]

    def washout(self, i: int) -> float | None:
        """The hour at which the medium of a point becomes drug-free for good, if it does."""
        hour = float(self._washouts[i])
        return None if np.isnan(hour) else hour

    @property
    def feedback(self) -> bool:
        """Whether the loop is closed, unless a measure opens it."""
        return self._plan.feedback

    @property
    def compares(self) -> bool:
        """Whether they have run with the loop closed and opened."""
        return len(self._refined.pairs) > 1

    @property
    def reruns(self) -> Places:
        """How often each was run again."""
        return self._refined.reruns

    def tighten(self, rows: Places) -> Places:
        """Run some again, more tightly; which could be."""
        self._values.clear()
        return self._refined.tighten(rows)

    def seen(self, rows: Places, as_: "Callable[[Pair, bool], FloatArray]") -> "Points":
        """Some of them with other curves: what is made of each pair of runs, with the loop closed
        or opened. They have no searches."""
        other = copy(self)
        other.given_up, other.errors = {}, {}
        other._washouts = self._washouts[rows]
        other._grid = self._grid if self._grid.ndim == 1 else self._grid[rows]
        other._values = {
            feedback: as_(pair.of(rows), feedback) for feedback, pair in self._refined.pairs.items()
        }
        return other

    def curve_errors(self, rows: Places, names: Sequence[str]) -> FloatArray:
        """Largest error bar along curves, relative to the value: point, curve."""
        if not names:
            return np.empty((len(rows), 0))
        columns = [self._columns[name] for name in names]
        pair = self._refined.run(self._plan.feedback).of(rows)
        return curve_errors(pair, bar_of(self._plan.definition))[:, columns]

    def _runs(self, feedback: bool) -> FloatArray:
        if feedback not in self._values:
            runs = self._refined.run(feedback).curves
            self.given_up |= runs.given_up
            self.errors |= runs.errors
            self._values[feedback] = runs.values
        return self._values[feedback]

    def _shown(self, feedback: bool) -> FloatArray:
        """Values at the times asked for."""
        values = self._runs(feedback)
        if self._grid.ndim == 1:
            return values
        places = np.array([np.searchsorted(row, self.times) for row in self._grid])
        return np.take_along_axis(values, places[:, None, :], axis=2)


def values_of(measures: Sequence[Measure], points: Points) -> FloatArray:
    """Measures of many points (point, measure); NaN or infinity where one has no value."""
    found = []
    with np.errstate(all="ignore"):
        for one in measures:
            found.append(_many(one, points))
    return np.column_stack(found) if found else np.empty((len(points), 0))


def _many(one: Measure, points: Points) -> FloatArray:
    if one.own is None:
        return value_of_many(one, points)
    with one_at_a_time:  # threads may not share functions of the user
        if one.own.arrays:
            return own_value_of_many(one.own, points, points.sound)
        values = np.full(len(points), np.nan)
        for i in points.sound:
            with suppress(Exception):  # whatever it raises, the value is none
                values[i] = value_of(one, points.point(int(i)))
        return values


class Point:
    """One point, for measures that look at one: its curves are no rows."""

    def __init__(self, points: Points, i: int) -> None:
        self.model, self.times = points.model, points.times
        self._points, self._i = points, i

    def curve(self, name: str) -> FloatArray:
        """A quantity at `times`; its first value is that of the untreated cell."""
        return self._at_times(name, self._points.feedback)

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""
        return self._at_times(name, False)

    def since_washout(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Times [h] from the washout on, and a quantity then."""
        washout = self._points.washout(self._i)
        if washout is None:
            raise MeasureError(
                "there is no washout: no drug, or it stays to the end; give a dose that ends"
            )
        times, values = self._points.of(self._i, name, self._points.feedback)
        after = times >= washout
        return times[after], values[after]

    def searched(self, search: Search, drug: str, *arguments: float) -> float:
        """What a search gives of one drug alone in the cell. Raises its error."""
        one = self._points.candidate(drug, self._i)
        return search(one, float(self.times[-1]), *arguments).only()

    def _at_times(self, name: str, feedback: bool) -> FloatArray:
        times, values = self._points.of(self._i, name, feedback)
        return np.asarray(values[np.searchsorted(times, self.times)])


def washouts_of(courses: Courses, end: float) -> FloatArray:
    """The hour before `end` at which the medium becomes drug-free for good, for each run; NaN where
    it does not."""
    there = np.isfinite(courses.levels) & np.isfinite(courses.at)[..., None]
    drugged = np.any(there & (np.nan_to_num(courses.levels) > 0), axis=1)
    last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)  # step of each drug
    level = np.take_along_axis(courses.levels, last[:, None], axis=1)[:, 0]
    hour = np.take_along_axis(courses.at, last, axis=1)
    stays = drugged & ((level > 0) | (courses.medium_volume is not None))
    found = np.max(np.where(drugged, hour, -np.inf), axis=1, initial=-np.inf)
    ends = np.any(drugged, axis=1) & ~np.any(stays, axis=1) & (found < end)
    return np.asarray(np.where(ends, found, np.nan))


def _grid_of(times: FloatArray, washouts: FloatArray) -> FloatArray:
    """The times asked for, and for each point that of its washout."""
    if np.isnan(washouts).all():
        return times
    everywhere = np.broadcast_to(times, (len(washouts), len(times)))
    return np.sort(np.column_stack([everywhere, np.nan_to_num(washouts)]), axis=1)
