"""Many points of a sweep, run together on the batch engine."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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

    def run(self) -> None:
        """Run all points, if that has not been done."""
        _ = self._closed

    def curve(self, name: str) -> FloatArray:
        """A quantity at `times`, a row for each point."""
        return self._shown(self._closed)[:, self._columns[name]]

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""
        return self._shown(self._opened)[:, self._columns[name]]

    def curves(self, names: Sequence[str]) -> FloatArray:
        """Several quantities: point, quantity, time."""
        return self._shown(self._closed)[:, [self._columns[name] for name in names]]

    def point(self, i: int) -> Point:
        """One of them, with the curves that are there already."""

        def run(times: FloatArray, feedback: bool) -> FloatArray:
            if i in self.errors:
                raise self.errors[i].with_traceback(None)  # many points may have this one
            runs = self._closed if feedback == self._plan.feedback else self._opened
            grid = self._grid if self._grid.ndim == 1 else self._grid[i]
            return np.ascontiguousarray(runs.values[i][:, np.searchsorted(grid, times)].T)

        doses, parameters = self._plan.inputs(self._values[i].tolist())
        feedback, names = self._plan.feedback, self._plan.needed
        return Point(self.model, self.times, doses, parameters, feedback, names, run)

    @cached_property
    def _closed(self) -> "Runs":
        return self._run(self._plan.feedback)

    @cached_property
    def _opened(self) -> "Runs":
        return self._run(False)

    def _run(self, feedback: bool) -> "Runs":
        runs = self.model.many.run(
            self._grid, self._courses, self._parameters, self._plan.needed, feedback=feedback
        )
        self.lost |= runs.unfinished
        self.errors |= runs.errors
        return runs

    @cached_property
    def _grid(self) -> FloatArray:
        """The times asked for, and for each point those of its doses, where it may wash out."""
        if self._courses.at.shape[1] == 1:
            return self.times
        inside = np.where(self._courses.at <= self.times[-1], self._courses.at, 0.0)
        everywhere = np.broadcast_to(self.times, (len(inside), len(self.times)))
        return np.sort(np.hstack([everywhere, inside]), axis=1)

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        return np.array([np.searchsorted(row, self.times) for row in self._grid])

    def _shown(self, runs: "Runs") -> FloatArray:
        """Values at the times asked for."""
        if self._grid.ndim == 1:
            return runs.values
        return np.take_along_axis(runs.values, self._places[:, None, :], axis=2)
