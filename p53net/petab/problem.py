"""A PEtab problem: its likelihood, prior, gradient and curves, of many vectors at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import InputError
from p53net.model.expressions import Expressions
from p53net.notebook.cards import Table, card
from p53net.petab.experiments import Experiment
from p53net.petab.likelihood import Comparison
from p53net.petab.measurements import Data
from p53net.petab.parameters import Parameters
from p53net.petab.runs import Curves, Simulator
from p53net.petab.slopes import CurveSlopes
from p53net.simulation.model import Model

_MOST_NUMBERS = 2e7
"""Of curves at once: more vectors are worked out one part after the other."""


class Beside(NamedTuple):
    """Measurements beside the model, arrays (vector, measurement) in the order of the table."""

    values: FloatArray
    """What the model gives; NaN where it has no solution."""
    roots: FloatArray
    """Signed square roots of what each is away from its highest density, of minus twice its
    logarithm."""
    highest: FloatArray
    """Logarithms of the density of each where it is not away: what its width costs."""


class PetabProblem:
    """What `read_petab` gives.

    A vector `theta` has the free parameters in the order of `names`, each on its scale: a value,
    its natural or its decadic logarithm.
    """

    def __init__(
        self, name: str, model: Model, known: Expressions, parameters: Parameters, data: Data,
        outputs: tuple[str, ...], starts: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.name, self.model = name, model
        self._parameters, self._data = parameters, data
        self._simulator = Simulator(
            model, known, parameters.columns, data.experiments, data.grids, outputs, starts
        )
        self._comparison = Comparison(data, known, parameters.columns, outputs)
        moved = [_moved(known, one, parameters, model) for one in data.experiments]
        self._slopes = CurveSlopes(self._simulator, parameters, moved, model.definition.scale)
        self._numbers = sum(len(grid) for grid in data.grids) * max(len(outputs), 1)
        self._outputs = outputs

    def __repr__(self) -> str:
        return (
            f"<PEtab problem {self.name}: {len(self.names)} free parameters, "
            f"{len(self._data.experiments)} experiments, {len(self._data.rows)} measurements>"
        )

    def _repr_html_(self) -> str:
        lower, upper = self.bounds
        columns = ("id", "scale", "nominal, on it", "lower", "upper")
        rows = list(zip(self.names, self.scales, self.nominal.tolist(), lower.tolist(),
                        upper.tolist(), strict=True))  # fmt: skip
        facts = {"model": self.model.definition.id, "experiments": len(self._data.experiments),
                 "measurements": len(self._data.rows), "engine": self.engine}  # fmt: skip
        free = Table(f"free parameters, {len(rows)}", columns, rows)
        return card(f"PEtab problem {self.name}", facts, [free])

    @property
    def names(self) -> tuple[str, ...]:
        """Free parameters."""
        return self._parameters.names

    @property
    def scales(self) -> tuple[str, ...]:
        """Their scales: lin, log or log10."""
        return tuple(row.scale for row in self._parameters.free)

    @property
    def nominal(self) -> FloatArray:
        """Their nominal values, on their scales: an array (parameter)."""
        return self._parameters.nominal.copy()

    @property
    def bounds(self) -> FloatArray:
        """Their lower and upper bounds, on their scales: an array (2, parameter)."""
        return self._parameters.bounds.copy()

    @property
    def engine(self) -> str:
        """What runs the model."""
        return self._simulator.engine_label

    def values(self, theta: ArrayLike) -> FloatArray:
        """Values of free parameters that are given on their scales."""
        vectors = self._checked(theta)
        found = self._parameters.values(vectors)[:, : len(self.names)]
        return found if np.ndim(theta) > 1 else found[0]

    def log_likelihood(self, theta: ArrayLike) -> FloatArray:
        """Log-likelihood of each vector (vector, parameter), or, of one vector, a number.

        With all terms of the noise, as the density of the measurements themselves, without priors.
        Minus infinity where the model has no solution, or no rest before a run. Raises InputError.
        """
        vectors = self._checked(theta)
        found = np.empty(len(vectors))
        for rows in self._parts(len(vectors), self._numbers):
            curves, numbers = self._run(vectors[rows])
            found[rows] = self._comparison.total(curves, numbers)
        return found if np.ndim(theta) > 1 else found[0]

    def log_prior(self, theta: ArrayLike) -> FloatArray:
        """Sum of log-densities of the priors, as the table gives them, of each vector.

        A parameter without a prior adds nothing; one outside its bounds makes it minus infinity.
        Densities are those of parameters, or, of priors on the parameter's scale, of what is on the
        scale; so a flat prior of theta is one without a row. Raises InputError.
        """
        vectors = self._checked(theta)
        values = self._parameters.values(vectors)
        lower, upper = self._parameters.bounds
        inside = ((vectors >= lower) & (vectors <= upper)).all(axis=1)
        total = np.where(inside, 0.0, -np.inf)
        for i, row in enumerate(self._parameters.free):
            if row.prior is not None:
                total += row.prior.log_density(vectors[:, i], values[:, i])
        return total if np.ndim(theta) > 1 else total[0]

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """d log-likelihood / d theta of each vector (vector, parameter), or of one (parameter).

        NaN where the log-likelihood is minus infinity. Raises InputError.
        """
        vectors = self._checked(theta)
        found = np.full(vectors.shape, np.nan)
        width = max(len(grid) for grid in self._data.grids)
        each = self._slopes.rows * width * max(len(self._outputs), 1)
        for rows in self._parts(len(vectors), each + self._numbers):
            found[rows] = self._slope(vectors[rows])
        return found if np.ndim(theta) > 1 else found[0]

    def simulate(self, theta: ArrayLike | None = None) -> pd.DataFrame:
        """The measurements beside the model at one vector, by default the nominal one.

        The measurement table with more columns: `simulation`, `sigma` (the width of the noise) and
        `residual` ((measurement - simulation) / sigma, of logarithms where those are compared).
        Raises InputError, and SimulationError or SteadyStateError for a run that failed.
        """
        vectors = self._checked(self.nominal if theta is None else theta)
        if len(vectors) != 1:
            raise InputError(f"theta has {len(vectors)} vectors; simulate one")
        values = self._parameters.values(vectors)
        found = self._simulator.curves([values] * len(self._data.experiments))
        for error in found.errors.values():
            raise error.with_traceback(None)
        curves, numbers = self._stacked(found), self._numbers_of(values)
        table = pd.DataFrame([row.cells for row in self._data.rows]).fillna("")
        for name in ("time", "measurement"):
            table[name] = table[name].astype(float)
        new = np.full((len(table), 3), np.nan)
        for group in self._data.groups:
            one = self._comparison.of(group, curves, numbers)
            columns = one.values[:, 0], one.widths[:, 0], one.densities.residuals[:, 0]
            new[group.rows] = np.column_stack(columns)
        return table.assign(**dict(zip(("simulation", "sigma", "residual"), new.T, strict=True)))

    def beside(self, theta: ArrayLike) -> Beside:
        """All measurements beside the model, of vectors (vector, parameter). Raises InputError."""
        vectors = self._checked(theta)
        shape = len(vectors), len(self._data.rows)
        found = Beside(*(np.full(shape, np.nan) for _ in Beside._fields))
        for rows in self._parts(len(vectors), self._numbers):
            curves, numbers = self._run(vectors[rows])
            for group in self._data.groups:
                one = self._comparison.of(group, curves, numbers)
                away = one.densities.residuals
                laplace = group.observable.noise.distribution == "laplace"
                squares = 2.0 * np.abs(away) if laplace else away**2
                where = np.ix_(np.arange(shape[0])[rows], group.rows)
                found.values[where] = one.values.T
                found.roots[where] = (np.sign(away) * np.sqrt(squares)).T
                found.highest[where] = (one.densities.logarithms + squares / 2.0).T
        return found

    def at_shares(self, shares: FloatArray) -> FloatArray:
        """Vectors with these shares (vector, parameter) of the priors below them, as far as they
        are within the bounds; flat on its scale where there is no prior."""
        found = np.empty_like(shares)
        for i, row in enumerate(self._parameters.free):
            low, high = self.bounds[:, i]
            if row.prior is None:
                found[:, i] = low + (high - low) * shares[:, i]
                continue
            ends = np.array([low, high] if row.prior.on_scale else [row.lower, row.upper])
            one = row.prior.distribution
            below, above = one.cdf(ends)
            values = np.clip(one.ppf(below + (above - below) * shares[:, i]), *ends)
            if row.prior.on_scale:
                found[:, i] = values
            else:
                found[:, i] = [row.scaled(float(value)) for value in values]
        return np.clip(found, *self.bounds)

    def _slope(self, vectors: FloatArray) -> FloatArray:
        curves, numbers = self._run(vectors, self._slopes.tolerances)
        slopes = self._comparison.slopes(curves, numbers)
        free = len(self.names)
        with np.errstate(all="ignore"):  # what is not finite is NaN in the end
            found = slopes.by_number[:free].T * self._parameters.slopes(vectors)
            for e, (moved, change) in enumerate(self._slopes.of(vectors)):
                own = slopes.by_output[e, :, :, : change.shape[-1]]
                found[:, moved] += np.einsum("nvt,npvt->np", own, change)
        found[~np.isfinite(self._comparison.total(curves, numbers))] = np.nan
        return found

    def _run(
        self, vectors: FloatArray, tolerances: Tolerances | None = None
    ) -> tuple[FloatArray, FloatArray]:
        values = self._parameters.values(vectors)
        experiments = len(self._data.experiments)
        found = self._simulator.curves([values] * experiments, tolerances=tolerances)
        return self._stacked(found), self._numbers_of(values)

    def _stacked(self, found: Curves) -> FloatArray:
        """Curves (experiment, vector, output, time)."""
        width = max(len(grid) for grid in self._data.grids)
        shape = (0, 0), (0, 0)
        return np.stack([np.pad(one, (*shape, (0, width - one.shape[-1]))) for one in found.values])

    def _numbers_of(self, values: FloatArray) -> FloatArray:
        """Values of parameters, then of other numbers in the data (column, vector)."""
        other = np.tile(self._data.numbers[:, None], (1, len(values)))
        return np.vstack([values.T, other])

    def _checked(self, theta: ArrayLike) -> FloatArray:
        try:
            found = np.array(theta, dtype=float, ndmin=2)
        except (TypeError, ValueError):
            raise InputError("theta must be numbers, an array (vector, parameter)") from None
        if found.ndim != 2 or found.shape[1] != len(self.names):
            raise InputError(
                f"theta has the shape {np.shape(theta)}, but there are {len(self.names)} free "
                f"parameters; give ({len(self.names)},) or (n, {len(self.names)})"
            )
        return found

    def _parts(self, count: int, each: int) -> Iterator[slice]:
        size = max(int(_MOST_NUMBERS // max(each, 1)), 1)
        return (slice(first, min(first + size, count)) for first in range(0, count, size))


def _moved(
    known: Expressions, experiment: Experiment, parameters: Parameters, model: Model
) -> Sequence[int]:
    """Free parameters that a run depends on: those of the model that it does not set itself, and
    those that it sets others to."""
    whole = [experiment.periods[0].settings]
    whole += [] if experiment.before is None else [experiment.before]
    later = [period.settings for period in experiment.periods[1:]]
    names = {
        name
        for settings in (*whole, *later)
        for one in settings.values()
        for name in known.symbols(one.node)
    }
    own = model.definition.parameters
    names |= {name for name in own if not all(name in one for one in whole)}
    return [i for i, row in enumerate(parameters.free) if row.id in names]
