"""One point of a sweep, run when a measure asks for it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

from p53net.candidates import Candidate
from p53net.dosing import Given
from p53net.engines import FloatArray
from p53net.errors import MeasureError
from p53net.simulate import Model


class Point:
    """The runs of one point: what it is dosed with, and the curves that follow."""

    def __init__(
        self,
        model: Model,
        times: FloatArray,
        doses: Mapping[str, Given],
        parameters: Mapping[str, float],
        feedback: bool,
        names: Sequence[str],
        run: Callable[[FloatArray, bool], FloatArray] | None = None,
    ) -> None:
        """`run` gives values of `names` at times, with the loop closed or opened; by default,
        RoadRunner does."""
        self.model = model
        self.times = times
        self._doses, self._parameters, self._feedback = doses, parameters, feedback
        self._names = {name: column for column, name in enumerate(names)}
        self._run = run or self._reference_run

    def curve(self, name: str) -> FloatArray:
        """A quantity at `times`; its first value is that of the untreated cell."""
        return self._closed[self._shown, self._names[name]]

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""
        return self._run(self._grid, False)[self._shown, self._names[name]]

    def since_washout(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Times [h] from the washout on, and a quantity then."""
        if self.washout is None:
            raise MeasureError(
                "there is no washout: no drug, or it stays to the end; give a dose that ends"
            )
        after = self._grid >= self.washout
        return self._grid[after], self._closed[after, self._names[name]]

    @cached_property
    def washout(self) -> float | None:
        """The hour at which the medium becomes drug-free for good, if it does within the run."""
        return washout_of(self._doses, float(self.times[-1]))

    def candidate(self, drug: str) -> Candidate:
        """One drug alone in this point's cell, for measures that look for its dose."""
        rest = self.model.steady_state(parameters=self._parameters)
        untreated = {str(name): float(value) for name, value in rest.items()}
        if untreated["p53_active"] <= 0:
            raise MeasureError("the cell has no p53, so there is no response to measure")
        return Candidate(drug, drug, self.model, self._parameters, untreated)

    @cached_property
    def _grid(self) -> FloatArray:
        """The times asked for, and that of the washout, where the integrator stops anyway."""
        return self.times if self.washout is None else np.union1d(self.times, [self.washout])

    @cached_property
    def _shown(self) -> "slice | np.ndarray[tuple[int], np.dtype[np.intp]]":
        return slice(None) if self.washout is None else np.searchsorted(self._grid, self.times)

    @cached_property
    def _closed(self) -> FloatArray:
        return self._run(self._grid, self._feedback)

    def _reference_run(self, times: FloatArray, feedback: bool) -> FloatArray:
        return self.model.curves(
            times, self._doses, self._parameters, list(self._names), feedback=feedback
        )


def washout_of(doses: Mapping[str, Given], end: float) -> float | None:
    """The hour before `end` at which the medium becomes drug-free for good, if it does."""
    drugged = [dose for dose in doses.values() if any(c > 0 for _, c in dose.steps)]
    if not drugged or any(dose.steps[-1][1] > 0 or dose.closed for dose in drugged):
        return None
    last = max(dose.steps[-1][0] for dose in drugged)
    return last if last < end else None
