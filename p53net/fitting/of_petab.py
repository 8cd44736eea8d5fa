"""`fit` of a PEtab problem: its own parameters, bounds, noise and priors."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.errors import InputError
from p53net.fitting.identifiability import identified_by, in_words
from p53net.fitting.optimum import Bounded, optimum_of
from p53net.fitting.profiles import profiles_of
from p53net.fitting.result import Fit, with_bands
from p53net.fitting.sampled import drawn
from p53net.fitting.target import STEP
from p53net.petab.problem import PetabProblem
from p53net.petab.reading import read_petab
from p53net.simulation.model import VERSION

Progress = Callable[[str, float], None]

_LOOKED = 128  # points that tell whether widths vary, and how narrow they can be
_MARGIN = 10.0  # of logarithms of densities: what is narrower still is refused
_SEED = 20261126
_MISS = 30.0
_BAND = 500  # draws of a band


class PetabTarget:
    """Residuals of a problem: of measurements, and, where widths are estimated, what these cost."""

    def __init__(self, problem: PetabProblem) -> None:
        self.problem = problem
        self.low, self.high = problem.bounds
        if not np.isfinite(problem.bounds).all():
            lost = problem.names[int(np.flatnonzero(~np.isfinite(problem.bounds).all(axis=0))[0])]
            raise InputError(f"{lost} has a bound that is not finite; a fit needs both")
        if not (self.low < self.high).all():
            lost = problem.names[int(np.flatnonzero(~(self.low < self.high))[0])]
            raise InputError(f"the bounds of {lost} are equal; set estimate to 0")
        shares = np.random.default_rng(_SEED).random((_LOOKED, len(self.low)))
        points = np.vstack([self.low, self.high, problem.nominal,
                            self.low + (self.high - self.low) * shares])  # fmt: skip
        highest = problem.beside(np.clip(points, self.low, self.high)).highest
        sound = highest[np.isfinite(highest).all(axis=1)]
        self._most = np.zeros(0)
        self._varies = np.zeros(highest.shape[1], dtype=bool)
        if len(sound):
            self._varies = np.ptp(sound, axis=0) > 1e-9
            self._most = sound.max(axis=0) + np.where(self._varies, _MARGIN, 0.0)

    @property
    def highest(self) -> float:
        """Logarithm of the likelihood where all residuals are 0."""
        return float(self._most.sum())

    def rows(self, x: FloatArray) -> FloatArray:
        """Residuals (vector, row); NaN where the model has no solution. Raises InputError where a
        width is far narrower than at any point that was looked at."""
        found = self.problem.beside(x)
        if not len(self._most):
            return np.full((len(x), found.roots.shape[1]), np.nan)
        costs = 2.0 * (self._most - found.highest)[:, self._varies]
        if (costs < 0).any():
            raise InputError(
                "the noise of the problem becomes very narrow within the bounds; raise the lower "
                "bounds of its noise parameters"
            )
        rows = np.hstack([found.roots, np.sqrt(costs)])
        return np.where(np.isfinite(rows).all(axis=1)[:, None], rows, np.nan)

    def slopes(self, x: FloatArray, residuals: FloatArray) -> FloatArray:
        """Of one vector: (row, parameter), by differences that run together."""
        steps = np.minimum(STEP, 0.25 * (self.high - self.low))
        up = np.minimum(x + np.diag(steps), self.high)
        down = np.maximum(x - np.diag(steps), self.low)
        there = self.rows(np.concatenate([up, down]))
        apart = np.diag(up) - np.diag(down)
        found = (there[: len(x)] - there[len(x) :]) / apart[:, None]
        return np.asarray(np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0).T)

    def drawn(self, z: FloatArray) -> FloatArray:
        """Vectors of standard normal coordinates."""
        from scipy.special import ndtr

        return self.problem.at_shares(ndtr(z))

    def of_draws(self, z: FloatArray, _labels: object = None) -> FloatArray:
        """Residuals of standard normal coordinates."""
        found = self.rows(self.drawn(z))
        return np.where(np.isfinite(found), found, _MISS)


def fit_petab(
    data: object, others: Mapping[str, object], draws: int, starts: int, seed: int, told: Progress
) -> Fit:
    """A problem that was read, or its file. `others` are arguments that are of tables alone. Raises
    InputError where one is given."""
    for name, value in others.items():
        if value not in (None, ()):
            raise InputError(f"{name} is said by the PEtab problem itself; leave it out")
    problem = data if isinstance(data, PetabProblem) else read_petab(data)
    target = PetabTarget(problem)
    bounded = Bounded(target, target.low, target.high)
    best = optimum_of(bounded, problem.nominal, starts, seed, lambda: "see `simulate`",
                      lambda share: told("optimum", 0.3 * share))  # fmt: skip
    profiles = profiles_of(bounded, best, lambda share: told("profiles", 0.3 + 0.3 * share))
    size = len(problem.names)
    found = identified_by(problem.names, profiles, best, target.low, target.high, size)
    sampled = drawn(target.of_draws, target.highest, size, draws, seed,
                    lambda share: told("draws", 0.6 + 0.4 * share)) if draws else None  # fmt: skip
    ends = np.array([best.x, [one.low for one in profiles], [one.high for one in profiles]])
    ends = np.where(np.isneginf(ends), target.low, np.where(np.isposinf(ends), target.high, ends))
    values = problem.values(ends)
    estimates = pd.DataFrame(
        {"value": values[0], "unit": "", "low": values[1], "high": values[2],
         "identified": found.identified, "reason": found.reasons,
         "correlated_with": found.correlated},
        index=pd.Index(problem.names, name="parameter"),
    )  # fmt: skip
    table, bands = pd.DataFrame(columns=list(problem.names), dtype=float), None
    if sampled is not None:
        x = target.drawn(sampled.z.reshape(-1, size))
        table = pd.DataFrame(problem.values(x), columns=list(problem.names))
        bands = problem.beside(x[np.linspace(0, len(x) - 1, _BAND).astype(int)]).values
    shown = problem.simulate(best.x).rename(columns={"measurement": "value"})
    shown = with_bands(shown.drop(columns="residual"), shown["simulation"].to_numpy(), bands,
                       shown["residual"].to_numpy())  # fmt: skip
    at = partial(_values_at, problem, best.x)
    curves = {
        name: pd.DataFrame({"value": at(i, one.at), "rise": one.rise})
        for i, (name, one) in enumerate(zip(problem.names, profiles, strict=True))
    }
    said = in_words(problem.names, found, [])
    if sampled is not None and sampled.why:
        said += f" The draws are not to be relied on: {sampled.why}; ask for more."
    about = {
        "problem": problem.name,
        "version": VERSION,
        "seed": seed,
        "starts": best.starts,
        "starts_that_agree": best.agreed,
        "rows": len(shown),
        "engine": problem.engine,
        "r_hat": None if sampled is None else float(sampled.r_hat.max()),
        "effective_draws": None if sampled is None else float(sampled.effective.min()),
    }
    nothing = pd.DataFrame(columns=["value", "unit", "low", "high"],
                           index=pd.Index([], name="nuisance"))  # fmt: skip
    return Fit(estimates, nothing, said, shown.drop(columns="simulation"), table,
               float(problem.log_likelihood(best.x)), curves,
               pd.DataFrame(best.correlation, list(problem.names), list(problem.names)), (), about,
               None, best.x, sampled)  # fmt: skip


def _values_at(problem: PetabProblem, x: FloatArray, place: int, at: FloatArray) -> FloatArray:
    moved = np.tile(x, (len(at), 1))
    moved[:, place] = at
    return np.asarray(problem.values(moved)[:, place])
