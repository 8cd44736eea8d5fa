"""Wells with two drugs, one of them, or none: live cells in many of them at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, Part
from p53net.errors import InputError, P53NetError
from p53net.measures import combined
from p53net.simulation.inputs import checked_parameters
from p53net.simulation.many import attempted
from p53net.simulation.model import Model

SHARES = np.linspace(0.0, 1.0, 9)
"""Doses of the other drug along an isobole, over what has that effect alone."""

_LADDER = np.geomspace(1e-3, 1e5, 257)  # nM, of each drug alone
_STEPS = 2.0 ** np.arange(-5, 4)  # of the dose with half the effect
_CLOSE = 2.0 ** np.linspace(-0.1, 0.1, 9)  # of a dose that the ladder gives
_ALONG = np.concatenate([[0.0], 2.0 ** np.linspace(-8.0, 3.0, 23)])  # of the dose alone
_WITHIN = np.linspace(0.0, 1.0, 17)  # of the step of those in which the effect is reached


class Pair(NamedTuple):
    """Two drugs, and how they are given."""

    drug: str
    other: str
    switch: float | None
    """h at which the other is washed out and the first comes in; None for both from the start."""
    hours: float

    def courses(self, doses: FloatArray, others: FloatArray) -> Courses:
        """Doses [nM] of wells."""
        if self.switch is None:
            at, levels = [0.0], np.stack([doses, others], axis=-1)[:, None]
        else:
            nothing, at = np.zeros_like(doses), [0.0, self.switch]
            before, after = np.stack([nothing, others], -1), np.stack([doses, nothing], -1)
            levels = np.stack([before, after], axis=1)
        return Courses((self.drug, self.other), np.tile(at, (len(doses), 1)), levels)


class Reader:
    """Live cells of both drugs in the cells of a part."""

    def __init__(
        self, cells: Cells, part: Part, model: Model, pair: Pair,
        parameters: Mapping[str, float] | None, engine: str,
    ) -> None:  # fmt: skip
        self._cells, self._part, self._model, self._pair = cells, part, model, pair
        self._changed = checked_parameters(model.definition, parameters)
        self._engine = engine
        self._lost: set[int] = set()
        self.engines: list[str] = []

    def live(self, doses: FloatArray, others: FloatArray) -> FloatArray:
        """Live cells (cell, well) under doses of both [nM] (cell, well)."""
        wells = doses.shape[1]
        columns = self._cells.columns(self._model, self._part, self._changed, wells)
        courses = self._pair.courses(doses.ravel(), others.ravel())
        times = np.array([0.0, self._pair.hours])
        found, said = attempted(self._model, times, courses, columns, ["live_cells"],
                                engine=self._engine, runs=len(_LADDER))  # fmt: skip
        self.engines.append(said)
        for run, error in sorted(found.errors.items()):
            self._fail(run // wells, error)
        return np.asarray(found.values[:, 0, -1].reshape(doses.shape))

    @property
    def sound(self) -> list[int]:
        """Places of the cells that have all of their runs."""
        return [i for i in range(len(self._part.draws)) if i not in self._lost]

    def _fail(self, i: int, error: P53NetError) -> None:
        self._lost.add(i)
        self._cells.fail(self._part.draws[i], error, f"{self._pair.drug} and {self._pair.other}")

    def curves(
        self, doses: FloatArray, others: FloatArray
    ) -> tuple[FloatArray, list[tuple[combined.Alone, combined.Alone]]]:
        """Effects of a checkerboard (cell, dose, other dose), and both drugs alone."""
        a, b = (grid.ravel() for grid in np.meshgrid(doses, others, indexing="ij"))
        alone = [np.union1d(_LADDER, one[one > 0.0]) for one in (doses, others)]
        none = [np.zeros_like(one) for one in alone]
        size = len(self._part.draws)
        wells = (
            np.concatenate([np.zeros(1), *several])
            for several in ((a, alone[0], none[1]), (b, none[0], alone[1]))
        )
        live = self.live(*(np.tile(one, (size, 1)) for one in wells))
        for i in self.sound:
            if not live[i, 0] > 0.0:
                self._fail(i, InputError("vehicle has no live cells; check the parameters"))
        effect = 1.0 - live[:, 1:] / np.where(live[:, :1] > 0.0, live[:, :1], np.nan)
        board, one, other = np.split(effect, [len(a), len(a) + len(alone[0])], axis=1)
        singles = [
            (combined.alone(alone[0], first), combined.alone(alone[1], second))
            for first, second in zip(one, other, strict=True)
        ]
        return board.reshape(size, len(doses), len(others)), singles

    def around(self) -> list[FloatArray]:
        """Doses [nM] around the half effect of each. Raises InputError where one has none."""
        _, ((one, other),) = self.curves(np.zeros(1), np.zeros(1))
        half = [float(each.dose(np.array(0.5))) for each in (one, other)]
        for name, dose in zip((self._pair.drug, self._pair.other), half, strict=True):
            if not np.isfinite(dose):
                raise InputError(
                    f"{name} alone never halves the live cells, so there are no usual doses; give "
                    "concentrations and other_concentrations [nM]"
                )
        return [np.asarray(dose * _STEPS) for dose in half]

    def isoboles(
        self, singles: Sequence[tuple[combined.Alone, combined.Alone]], levels: FloatArray
    ) -> xr.Dataset:
        """Doses of both that have an effect together (draw, level, share)."""
        a, b = (
            self._refined(np.array([pair[i].dose(levels) for pair in singles]), levels, i)
            for i in range(2)
        )
        known = np.isfinite(a) & np.isfinite(b)
        found = self._along(np.where(known, a, 0.0), np.where(known, b, 0.0), levels)
        found[..., -1] = 0.0  # the other alone, by definition
        found[..., 0] = a
        found = np.where(known[..., None], found, np.nan)
        names = self._pair.drug, self._pair.other
        status = [[_reached(names, *pair) for pair in zip(*row, strict=True)]
                  for row in zip(a, b, strict=True)]  # fmt: skip
        along = ("draw", "level", "share")
        lone = {"dose_alone": a, "other_alone": b}
        return xr.Dataset(
            {
                **{n: (along[:2], np.where(np.isfinite(v), v, np.nan)) for n, v in lone.items()},
                "status": (along[:2], np.array(status, dtype=object)),
                "isobole": (along, found),
                "isobole_other": (along, np.where(known, b, np.nan)[..., None] * SHARES),
                "interaction_index": (along, found / a[..., None] + SHARES),
            }
        )

    def _refined(self, doses: FloatArray, levels: FloatArray, of: int) -> FloatArray:
        """Doses (cell, level) of one drug alone, looked at again close by."""
        known = np.isfinite(doses)
        close = np.where(known, doses, 0.0)[..., None] * _CLOSE
        pair = (close, np.zeros_like(close))
        effect = self._effects(*(pair if of == 0 else pair[::-1]))
        again = doses.copy()
        for i, j in np.argwhere(known).tolist():
            if effect[i, j, 0] < levels[j] <= effect[i, j, -1]:
                again[i, j] = combined.first_dose(close[i, j], effect[i, j], levels[j])
        return again

    def _along(self, a: FloatArray, b: FloatArray, levels: FloatArray) -> FloatArray:
        """The lowest dose of the drug (cell, level, share) beside shares of the other's."""
        other = (b[..., None] * SHARES)[..., None]
        coarse = np.broadcast_to(a[..., None, None] * _ALONG, (*a.shape, len(SHARES), len(_ALONG)))
        enough = self._effects(coarse, other) >= levels[:, None, None]
        after = np.maximum(enough.argmax(axis=-1), 1)[..., None]
        low, high = (np.take_along_axis(coarse, after - back, axis=-1) for back in (1, 0))
        fine = low + (high - low) * _WITHIN
        effect = self._effects(fine, other)
        found = np.full(enough.shape[:-1], np.nan)
        for place in zip(*np.nonzero(enough.any(axis=-1)), strict=True):
            found[place] = combined.first_dose(fine[place], effect[place], levels[place[1]])
        return found

    def _effects(self, doses: FloatArray, others: FloatArray) -> FloatArray:
        """Effects in wells, with those of vehicle read beside them."""
        shape = np.broadcast_shapes(doses.shape, others.shape)
        flat = (np.broadcast_to(one, shape).reshape(shape[0], -1) for one in (doses, others))
        live = self.live(*(np.column_stack([np.zeros(shape[0]), one]) for one in flat))
        vehicle = np.where(live[:, :1] > 0.0, live[:, :1], np.nan)
        return np.asarray((1.0 - live[:, 1:] / vehicle).reshape(shape))


def _reached(names: tuple[str, str], *alone: float) -> str:
    missing = [name for name, dose in zip(names, alone, strict=True) if not np.isfinite(dose)]
    return f"not reached: by {' and '.join(missing)} alone" if missing else "ok"
