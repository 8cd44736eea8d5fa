"""Slopes of curves by parameters: pairs of runs that take the same steps, one with more, one with
less. Their differences carry no noise of the solver, so that small changes will do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray, Tolerances
from p53net.petab.parameters import Parameters
from p53net.petab.runs import Simulator


class _Pairs(NamedTuple):
    """How pairs are made."""

    change: float
    """By which share a parameter is more and less: the error is its square, or noise over it."""
    nearer: float
    """The same where a run of a pair fails, as at the edge of where solutions end."""
    tolerance: float
    """Relative. At an optimum terms of the gradient cancel, and what is left is as exact as the
    curves."""


_LOCKED = _Pairs(5e-5, 5e-10, 1e-12)
_FREE = _Pairs(1e-4, 1e-6, 1e-13)  # with steps of their own, which are noise
_ALONE = _Pairs(1e-4, 1e-6, 1e-12)  # on engines that have one run at once

_ABSOLUTE = 1e-7  # tolerance, over the relative one, as in runs for an accuracy

_TINY = 1e-8  # that a parameter on a linear scale counts as, at least


@dataclass(frozen=True)
class Layout:
    """Pairs of one experiment for one vector."""

    moved: NDArray[np.intp]
    """Parameters that its runs depend on."""
    rows: NDArray[np.intp]
    """Of each row, which of them it has moved; -1 for none."""
    signs: FloatArray


def layout_of(moved: Sequence[int], lanes: int) -> Layout:
    """Rows in pairs, filled up to whole vectors of lanes."""
    rows = np.repeat(np.arange(len(moved)), 2)
    signs = np.tile([1.0, -1.0], len(moved))
    spare = -len(rows) % max(lanes, 1)
    return Layout(
        np.array(moved, dtype=np.intp),
        np.pad(rows, (0, spare), constant_values=-1),
        np.pad(signs, (0, spare)),
    )


class CurveSlopes:
    """d curves / d theta of all experiments."""

    def __init__(
        self,
        simulator: Simulator,
        parameters: Parameters,
        moved: Sequence[Sequence[int]],
        scale: float,
    ) -> None:
        """`moved` are the free parameters that each experiment depends on, `scale` is that of the
        model's numbers."""
        self._simulator, self._parameters = simulator, parameters
        self._layouts = [layout_of(own, simulator.lanes) for own in moved]
        self._pairs = _LOCKED if simulator.lanes else _FREE if simulator.together else _ALONE
        relative = self._pairs.tolerance
        self.tolerances = Tolerances(relative, relative * _ABSOLUTE * scale)
        """Of runs whose differences are slopes, and of what goes with them."""

    @property
    def rows(self) -> int:
        """Runs of one vector."""
        return sum(len(one.rows) for one in self._layouts)

    def of(self, theta: FloatArray) -> list[tuple[NDArray[np.intp], FloatArray]]:
        """Of each experiment: parameters, and slopes (vector, parameter, output, time); NaN where
        runs fail however near they are."""
        found = self._at(theta, self._pairs.change)
        sound = [np.isfinite(slopes).all(axis=(1, 2, 3)) for slopes in found]
        lost = np.flatnonzero(~np.all(sound, axis=0))
        if len(lost):
            for slopes, again in zip(found, self._at(theta[lost], self._pairs.nearer), strict=True):
                slopes[lost] = again
        return [(one.moved, slopes) for one, slopes in zip(self._layouts, found, strict=True)]

    def _at(self, theta: FloatArray, change: float) -> list[FloatArray]:
        locked = self._simulator.lanes > 0
        sizes = self._sizes(theta) * change
        values = [self._parameters.values(_moved(theta, sizes, one)) for one in self._layouts]
        found = self._simulator.curves(values, locked=locked, tolerances=self.tolerances).values
        slopes = []
        for one, curves in zip(self._layouts, found, strict=True):
            of = curves.reshape(len(theta), -1, *curves.shape[1:])[:, : 2 * len(one.moved)]
            span = 2.0 * sizes[:, one.moved]
            slopes.append((of[:, ::2] - of[:, 1::2]) / span[:, :, None, None])
        return slopes

    def _sizes(self, theta: FloatArray) -> FloatArray:
        """What to move a parameter by, for a share of 1 of its value."""
        factors = {"log10": 1.0 / np.log(10.0), "log": 1.0}
        found = np.empty_like(theta)
        for i, row in enumerate(self._parameters.free):
            own = np.maximum(np.abs(theta[:, i]), _TINY)
            found[:, i] = factors.get(row.scale, own)
        return found


def _moved(theta: FloatArray, sizes: FloatArray, layout: Layout) -> FloatArray:
    """Vectors with one parameter moved in each row."""
    found = np.repeat(theta[:, None], len(layout.rows), axis=1)
    real = np.flatnonzero(layout.rows >= 0)
    column = layout.moved[layout.rows[real]]
    found[:, real, column] += layout.signs[real] * sizes[:, column]
    return found.reshape(-1, theta.shape[1])
