"""Log-likelihoods of many vectors, and how they change with what the model gives."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray
from p53net.model.arrays import Arrays
from p53net.model.expressions import Evaluation, Expressions, Node
from p53net.model.symbols import TIME
from p53net.petab.measurements import Data, Group
from p53net.petab.noise import Densities, densities


class Compared(NamedTuple):
    """The measurements of a group beside the model (measurement, vector)."""

    values: FloatArray
    widths: FloatArray
    densities: Densities


class Slopes(NamedTuple):
    """d log-likelihood."""

    by_output: FloatArray
    """(experiment, vector, output, time)."""
    by_number: FloatArray
    """(column, vector): of parameters, where they stand in formulas, then of other numbers."""


class Comparison:
    """All measurements of a problem beside curves of the model."""

    def __init__(
        self,
        data: Data,
        known: Expressions,
        columns: Mapping[str, int],
        outputs: tuple[str, ...],
    ) -> None:
        self.data = data
        self._known, self._columns = known, columns
        self._outputs = {name: i for i, name in enumerate(outputs)}

    def of(self, group: Group, curves: FloatArray, numbers: FloatArray) -> Compared:
        """One group. `curves` are (experiment, vector, output, time), `numbers` (column, vector)
        those of parameters, then those of the data."""
        found = self._evaluation(group, curves, numbers)
        shape = len(group.rows), curves.shape[1]
        observable = group.observable
        with np.errstate(all="ignore"):
            values, widths = (
                np.broadcast_to(found(node), shape) for node in (observable.value, observable.width)
            )
        data = group.values[:, None]
        return Compared(values, widths, densities(observable.noise, data, values, widths))

    def total(self, curves: FloatArray, numbers: FloatArray) -> FloatArray:
        """Log-likelihood of each vector; minus infinity where it cannot be worked out."""
        total = np.zeros(curves.shape[1])
        for group in self.data.groups:
            total += self.of(group, curves, numbers).densities.logarithms.sum(axis=0)
        return np.where(np.isnan(total), -np.inf, total)

    def slopes(self, curves: FloatArray, numbers: FloatArray) -> Slopes:
        """How it changes with all that it is made of."""
        by_output, by_number = np.zeros_like(curves), np.zeros_like(numbers)
        vectors = np.arange(curves.shape[1])
        for group in self.data.groups:
            found = self._evaluation(group, curves, numbers)
            dense = self.of(group, curves, numbers).densities
            for name in sorted(self._symbols(group) - {TIME}):
                with np.errstate(all="ignore"):
                    weights = dense.by_value * found(self._slope(group.observable.value, name))
                    weights += dense.by_width * found(self._slope(group.observable.width, name))
                if name in group.columns:
                    np.add.at(by_number, group.columns[name], weights)
                elif name in self._outputs:
                    own = by_output[:, :, self._outputs[name]]
                    np.add.at(
                        own, (group.experiments[:, None], vectors, group.at[:, None]), weights
                    )
                else:
                    by_number[self._columns[name]] += weights.sum(axis=0)
        return Slopes(by_output, by_number)

    def _evaluation(self, group: Group, curves: FloatArray, numbers: FloatArray) -> Evaluation:
        def symbol(name: str) -> FloatArray:
            if name in group.columns:
                return np.asarray(numbers[group.columns[name]])
            if name == TIME:
                return group.times[:, None]
            if name in self._outputs:
                own = curves[:, :, self._outputs[name]]
                return np.asarray(own[group.experiments, :, group.at])
            return np.asarray(numbers[self._columns[name]])

        return Evaluation(self._known, Arrays(), symbol)

    def _symbols(self, group: Group) -> frozenset[str]:
        both = group.observable.value, group.observable.width
        return frozenset().union(*(self._known.symbols(node) for node in both))

    def _slope(self, node: Node, name: str) -> Node:
        return self._known.derivative(node, self._known.symbol(name))
