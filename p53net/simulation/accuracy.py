"""Numbers as exact as was asked for: each run is made at two tolerances, whose difference is its
error bar, and once more where the bar is too wide.
"""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.medium import Courses
from p53net.engines.base import LOOSEST, Capabilities, FloatArray, Tolerances
from p53net.errors import InputError
from p53net.model.definition import Definition
from p53net.simulation.begun import Begun
from p53net.simulation.runs import Curves, Runner

ACCURACY = 1e-6
"""Largest error, relative to a value or to `FLOOR` of its curve's peak, unless said otherwise."""

FLOOR = 1e-6
"""Of a curve's peak: values below it are as exact as it."""

BARS = {"dish": 0.7, "tumour": 0.5, "marrow": 0.5}
"""Error bar over the difference of two runs, of which one has a tenth of the other's tolerance, by
system: at least 0.3 of the error of the tighter run in 99 of 100 points, as
`python -m benchmarks.accuracy` measures."""

WIDEST_BAR = 1.0
"""The same in culture, where with half of it one point in 10,000 missed its accuracy, and in models
that have not been measured."""

_FINEST, _COARSEST = 1e-9, 1e-2
_TIGHTEST = 1e-12
_STEP = 10.0
_ABSOLUTE = 1e-7  # tolerance, over the relative one: low enough for the smallest doses


def checked_accuracy(accuracy: object) -> float:
    """A relative error. Raises InputError."""
    number = isinstance(accuracy, Real) and not isinstance(accuracy, bool)
    if not number or not _FINEST <= float(str(accuracy)) <= _COARSEST:
        raise InputError(
            f"accuracy is {accuracy!r}, but must be a relative error from {_FINEST:g} to "
            f"{_COARSEST:g}, such as 1e-6"
        )
    return float(str(accuracy))


def tolerances_for(accuracy: float, tightening: float, scale: float) -> Tolerances:
    """Those at which most runs of an engine have this accuracy."""
    relative = min(max(accuracy * tightening, _TIGHTEST), LOOSEST / _STEP)
    return Tolerances(relative, relative * _ABSOLUTE * scale)


def _allowed(accuracy: float, definition: Definition) -> float:
    """An accuracy, or the usual one where fast reactions multiply the errors of an engine."""
    return min(accuracy, ACCURACY) if definition.hurry else accuracy


def _ladder(first: Tolerances) -> list[Tolerances]:
    """Looser than that, that, and tighter ones."""
    found = [Tolerances(first.relative * _STEP, first.absolute * _STEP), first]
    while found[-1].relative > _TIGHTEST * _STEP / 2:
        last = found[-1]
        found.append(Tolerances(last.relative / _STEP, last.absolute / _STEP))
    return found


class Pair(NamedTuple):
    """Runs, and the same at tolerances ten times looser."""

    curves: Curves
    looser: FloatArray
    """Run, output, time."""

    def of(self, rows: NDArray[np.intp]) -> "Pair":
        """Some of them."""
        values = self.curves.values[rows]
        return Pair(self.curves._replace(values=values), self.looser[rows])


class Refined:
    """Runs of one model at two tolerances, and at tighter ones where that is asked for."""

    def __init__(
        self,
        runner: Runner,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        accuracy: float | None,
    ) -> None:
        """`accuracy` decides where the ladder of tolerances begins; without one, runs are made
        once, at the model's own tolerances."""
        self._runner, self._times, self._outputs = runner, times, outputs
        self._courses, self._parameters = courses, parameters
        scale = runner.definition.scale
        tightening = runner.engine.capabilities.tightening
        self._ladder: list[Tolerances] = []
        if accuracy is not None:
            wanted = _allowed(accuracy, runner.definition)
            self._ladder = _ladder(tolerances_for(wanted, tightening, scale))
        self._begun: Begun | None = None
        self.pairs: dict[bool, Pair] = {}
        """Of the loop closed and opened, where they have run."""
        self._rungs = np.ones(len(courses.at), dtype=np.intp)

    def run(self, feedback: bool) -> Pair:
        """All of them, with the loop closed or opened; once."""
        if feedback not in self.pairs:
            begun = self._started(feedback)
            if not self._ladder:
                found = self._runner.follow(begun, self._times, self._outputs)
                self.pairs[feedback] = Pair(found, found.values)
                return self.pairs[feedback]
            looser = self._runner.follow(begun, self._times, self._outputs, self._ladder[0])
            found = self._runner.follow(begun, self._times, self._outputs, self._ladder[1])
            self.pairs[feedback] = Pair(found, looser.values)
        return self.pairs[feedback]

    def tighten(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Make some runs again, one rung tighter; which could be, for the ladder has an end."""
        rows = rows[self._rungs[rows] < len(self._ladder) - 1]
        self._rungs[rows] += 1
        for rung in np.unique(self._rungs[rows]).tolist():
            self._again(rows[self._rungs[rows] == rung], self._ladder[rung])
        return rows

    @property
    def reruns(self) -> NDArray[np.intp]:
        """How often each was made again."""
        return self._rungs - 1

    def _again(self, rows: NDArray[np.intp], tolerances: Tolerances) -> None:
        times = self._times if self._times.ndim == 1 else self._times[rows]
        for feedback, (found, looser) in self.pairs.items():
            begun = self._started(feedback).of(rows)
            more = self._runner.follow(begun, times, self._outputs, tolerances)
            # What fails at a tighter tolerance stays as it was.
            good = np.isfinite(more.values).all(axis=(1, 2))
            chosen = rows[good]
            looser[chosen], found.values[chosen] = found.values[chosen], more.values[good]

    def _started(self, feedback: bool) -> Begun:
        if self._begun is None:
            self._begun = self._runner.begin(self._courses, self._parameters)
        closed = self._begun
        return closed if feedback or "feedback" not in closed.parameters else closed.opened()


def bar_of(definition: Definition) -> float:
    """Error bar over the difference of two runs."""
    return WIDEST_BAR if definition.external else BARS.get(definition.system, WIDEST_BAR)


def curve_errors(pair: Pair, bar: float) -> FloatArray:
    """Largest error bar along each curve (run, output), relative to the value, or to `FLOOR` of the
    curve's peak."""
    values = np.abs(pair.curves.values)
    least = FLOOR * values.max(axis=2, keepdims=True)
    apart = bar * np.abs(pair.curves.values - pair.looser)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = apart / np.maximum(values, least)
    # Where only the looser run failed, the bar is as wide as can be.
    relative = np.where(np.isnan(relative) & np.isfinite(values), np.inf, relative)
    return np.asarray(np.where(apart == 0.0, 0.0, relative).max(axis=2))


def curves_to(
    accuracy: float | None,
    runner: Runner,
    times: FloatArray,
    courses: Courses,
    parameters: Mapping[str, FloatArray],
    outputs: Sequence[str],
    *,
    feedback: bool = True,
) -> Curves:
    """Curves of this accuracy. What the engine gives up, its helper runs.

    Error bars are measured on engines that run many at once; others take tolerances at which they
    have the accuracy. Without one, runs are at the model's own tolerances.
    """
    own = None
    if accuracy is not None:
        accuracy = _allowed(accuracy, runner.definition)
        own = tolerances_for(accuracy, Capabilities.tightening, runner.definition.scale)
    if accuracy is None or not runner.engine.capabilities.together:
        return runner.run(times, courses, parameters, outputs, feedback=feedback, tolerances=own)
    refined = Refined(runner, times, courses, parameters, outputs, accuracy)
    pair = refined.run(feedback)
    share = bar_of(runner.definition)
    bars = curve_errors(pair, share)
    wide = np.flatnonzero((bars > accuracy).any(axis=1))
    while len(wide := refined.tighten(wide)):
        bars[wide] = curve_errors(pair.of(wide), share)
        wide = wide[(bars[wide] > accuracy).any(axis=1)]
    found = runner.helped(
        pair.curves, times, courses, parameters, outputs, feedback=feedback, tolerances=own
    )
    return found._replace(bars=bars)
