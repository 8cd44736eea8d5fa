"""The time course of a file that says how to run itself: its end, its points, what it shows."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from p53net.dosing.medium import Given
from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.simulation.inputs import Doses, check_run, checked_doses, checked_times
from p53net.simulation.model import Model

_USUAL = 72.0  # h
_AFTER = 24.0  # h that a run goes on after its last dose
_STEPS = 144
_EVEN = 1e-9  # of a step


class Course(NamedTuple):
    """A uniform time course: `steps` equal steps from `begin` to `end`, in the file's own time,
    whose run begins at 0."""

    begin: float
    end: float
    steps: int
    shown: tuple[str, ...]
    """What it returns, read-outs first."""
    drawn: tuple[str, ...]
    """What of it is drawn."""

    @property
    def times(self) -> FloatArray:
        """Times of p53net's own run of the same: from 0 on."""
        return np.linspace(0.0, self.end - self.begin, self.steps + 1)


def course_of(
    model: Model, doses: Mapping[str, Doses] | None, times: ArrayLike | None, settling: float
) -> Course:
    """The course of a model under doses, at `times`, or for 72 h and a day after the last dose.

    Raises InputError where times have no equal steps, or end before the last dose.
    """
    definition = model.definition
    given = checked_doses(definition, doses)
    if times is None:
        end, steps = _usual(given), _STEPS
    else:
        grid = checked_times(times)
        end, steps = float(grid[-1]), len(grid) - 1
        if np.abs(grid - np.linspace(0.0, end, steps + 1)).max() > _EVEN * end / steps:
            raise InputError(
                "times have no equal steps, but a file for other tools holds a uniform time "
                f"course; write np.linspace(0, {end:g}, {steps + 1})"
            )
    check_run(definition, given, {}, True, end)
    drawn = tuple(name for name in definition.read_outs if name in definition.variables)
    return Course(settling, settling + end, steps, definition.variables,
                  drawn or definition.variables[:12])  # fmt: skip


def _usual(given: Mapping[str, Given]) -> float:
    last = max((dose.changes[-1] for dose in given.values()), default=0.0)
    return max(_USUAL, float(np.ceil(last + _AFTER)) if last else 0.0)
