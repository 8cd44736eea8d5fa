"""Many points of a sweep, run together on the batch engine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from p53net.dosing import Courses
from p53net.engines import FloatArray
from p53net.simulate import Model
from p53net.sweeps.plan import Plan
from p53net.sweeps.point import Point

if TYPE_CHECKING:
    from p53net.many import Runs


class Points:
    """What `Point` is for one: `curve` and `opened` give a row for each point."""

    def __init__(self, plan: Plan, model: Model, values: FloatArray) -> None:
        self.model, self.times = model, plan.times
        self.lost: dict[int, str] = {}
        """Points that the engine gave up, and why; known once they have run."""
        self.errors: dict[int, Exception] = {}
        """Points without a start; known once they have run."""
        self._plan, self._values = plan, values
        self._courses, self._parameters = plan.many_inputs(values)
        self._columns = {name: column for column, name in enumerate(plan.needed)}
        self._grid, self._places = _grid_of(self._courses, plan.times)
        # Not a cached property: in Python 3.11 that would make threads wait for one another.
        self._done: dict[bool, Runs] = {}

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

    def point(self, i: int) -> Point:
        """One of them, with the curves that are there already."""

        def run(times: FloatArray, feedback: bool) -> FloatArray:
            if i in self.errors:
                raise self.errors[i].with_traceback(None)  # many points may have this one
            values = self._runs(feedback).values[i]
            grid = self._grid if self._grid.ndim == 1 else self._grid[i]
            return np.ascontiguousarray(values[:, np.searchsorted(grid, times)].T)

        doses, parameters = self._plan.inputs(self._values[i].tolist())
        feedback, names = self._plan.feedback, self._plan.needed
        return Point(self.model, self.times, doses, parameters, feedback, names, run)

    def _runs(self, feedback: bool) -> "Runs":
        if feedback not in self._done:
            runs = self.model.many.run(
                self._grid, self._courses, self._parameters, self._plan.needed, feedback=feedback
            )
            self.lost |= runs.unfinished
            self.errors |= runs.errors
            self._done[feedback] = runs
        return self._done[feedback]

    def _shown(self, feedback: bool) -> FloatArray:
        """Values at the times asked for."""
        values = self._runs(feedback).values
        if self._grid.ndim == 1:
            return values
        return np.take_along_axis(values, self._places[:, None, :], axis=2)


def _grid_of(courses: Courses, times: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """The times asked for, and for each point those of its doses, where it may wash out; and where
    in them the times asked for are."""
    if courses.at.shape[1] == 1:
        return times, np.arange(len(times))
    inside = np.where(courses.at <= times[-1], courses.at, 0.0)
    everywhere = np.broadcast_to(times, (len(inside), len(times)))
    grid = np.sort(np.hstack([everywhere, inside]), axis=1)
    return grid, np.array([np.searchsorted(row, times) for row in grid])
