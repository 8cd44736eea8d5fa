"""Cells of many draws, each at its equally effective dose, as measures see them."""

from collections.abc import Sequence

import numpy as np

from p53net.dosing.medium import Courses
from p53net.engines.base import FloatArray
from p53net.errors import P53NetError
from p53net.measures.candidate import Candidate
from p53net.measures.equieffective import Search

_AFTER_WASHOUT = 96.0  # h, as in the study of escape
_POINTS = 2401


class Treated:
    """Cells under a constant dose [nM] each, or one that is washed out after `exposure` [h]."""

    def __init__(
        self,
        one: Candidate,
        doses: FloatArray,
        hours: float,
        exposure: float | None = None,
    ) -> None:
        self.model = one.model
        self.times = np.linspace(0.0, hours, 481)
        self.errors: dict[int, P53NetError] = {}
        """Why cells failed; known once they have run."""
        self._one, self._doses, self._exposure = one, doses, exposure
        self._values: dict[bool, dict[str, FloatArray]] = {}
        if exposure is not None:
            since = np.linspace(-max(exposure, hours), _AFTER_WASHOUT, _POINTS) + exposure
            self.times = np.unique(np.concatenate([[0.0, exposure], since[since > 0.0]]))

    def curve(self, name: str) -> FloatArray:
        """A quantity, a row for each cell."""
        return self._runs(True)[name]

    def opened(self, name: str) -> FloatArray:
        """The same with the loop opened."""
        return self._runs(False)[name]

    def since_washout(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Times [h], and a quantity then; NaN before the washout."""
        values = self.curve(name)
        times = np.broadcast_to(self.times, values.shape)
        washout = np.inf if self._exposure is None else self._exposure
        return times, np.where(times >= washout, values, np.nan)

    def searched(self, search: Search, drug: str, *arguments: float) -> FloatArray:
        """What a search for a dose gives."""
        return search(self._one, float(self.times[-1]), *arguments).values

    def _runs(self, feedback: bool) -> dict[str, FloatArray]:
        if feedback not in self._values:
            names = self._names() if feedback else ("p53_active",)
            values, errors = self._one.run(self.times, self._courses(), names, feedback)
            self.errors |= errors
            self._values[feedback] = {name: values[:, i] for i, name in enumerate(names)}
        return self._values[feedback]

    def _names(self) -> Sequence[str]:
        if self._exposure is not None:
            return ("p53_active", "MDM2_free", self._one.in_cell)
        counters = self.model.definition.counters
        return ("p53_active", "p53_total", "MDM2_total", "MDM2_mRNA", "MDM2_undrugged",
                self._one.in_cell, *counters)  # fmt: skip

    def _courses(self) -> Courses:
        if self._exposure is None:
            return self._one.constant(self._doses)
        size = len(self._one)
        at = np.tile([0.0, self._exposure], (size, 1))
        levels = np.stack([self._doses, np.zeros(size)], axis=1)[..., None]
        return Courses((self._one.drug,), at, levels)
