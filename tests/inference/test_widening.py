"""Particles taken to wider priors, on rows that are linear in values: what is there is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from p53net.engines.base import FloatArray
from p53net.inference.directions import Steps
from p53net.inference.prior import Prior
from p53net.inference.priors import Space
from p53net.inference.tempering import Particles, Residuals, Sampled
from p53net.inference.widening import widened
from tests.support.linear_rows import COORDINATES, LIMIT, SEEN, SLOPES, WIDTHS, apart

pytestmark = pytest.mark.slow

RUNS, PARTICLES, MOVES = 12, 300, 8
WIDTH = 2.0
TOGETHER = 0.6
"""Correlation of the second parameter with the first."""


def prior(number: int) -> Prior:
    led = {"with_": "model: p0", "correlation": TOGETHER} if number == 1 else {}
    given = dict(with_="", correlation=0.0) | led
    if number == COORDINATES - 1:  # which no row reads
        return Prior("model", f"p{number}", "log-uniform", np.nan, np.nan, 0.1, 10.0, "nM",
                     reason="a test", source="", **given)  # fmt: skip
    return Prior("model", f"p{number}", "normal", 0.0, 1.0, -np.inf, np.inf, "nM",
                 reason="a test", source="", **given)  # fmt: skip


PRIORS = [prior(number) for number in range(COORDINATES)]


def spread(width: float) -> FloatArray:
    """Covariance of the values that rows read, under priors of this width."""
    found = np.eye(COORDINATES - 1)
    found[0, 1] = found[1, 0] = TOGETHER
    return width**2 * found


def log_evidence(width: float) -> float:
    read = SLOPES[:-1]
    around = np.diag(WIDTHS**2) + read.T @ spread(width) @ read
    return float(multivariate_normal(np.zeros(len(SEEN)), around).logpdf(SEEN))


def posterior(width: float) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of the values that rows read."""
    weighted = SLOPES[:-1] / WIDTHS
    left = np.linalg.inv(np.linalg.inv(spread(width)) + weighted @ weighted.T)
    return left @ (SLOPES[:-1] / WIDTHS**2) @ SEEN, left


def residuals_at(width: float) -> Residuals:
    space = Space(PRIORS, width)

    def residuals(z: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
        return (space.values(z) @ SLOPES - SEEN) / WIDTHS

    return residuals


@pytest.fixture(scope="module")
def taken() -> list[tuple[Particles, Sampled]]:
    """Runs from draws of the posterior under the priors as they are."""
    found = []
    for seed in range(RUNS):
        random = np.random.default_rng(seed)
        middle, around = posterior(1.0)
        values = random.multivariate_normal(middle, around, size=PARTICLES)
        beside = np.exp(random.uniform(np.log(0.1), np.log(10.0), size=PARTICLES))
        z = Space(PRIORS).coordinates(np.column_stack([values, beside]))
        at = Particles(residuals_at(1.0), random, z)
        found.append((at, widened(at, PRIORS, residuals_at, WIDTH, 1.0, MOVES, Steps())))
    return found


def test_the_evidence_changes_as_it_should(taken: list[tuple[Particles, Sampled]]) -> None:
    change = [np.array(one.log_evidence) for _, one in taken]
    assert apart(change, np.array(log_evidence(WIDTH) - log_evidence(1.0))) < LIMIT


def test_particles_are_those_of_the_other_posterior(taken: list[tuple[Particles, Sampled]]) -> None:
    middle, around = posterior(WIDTH)
    values = [Space(PRIORS, WIDTH).values(at.z) for at, _ in taken]
    assert apart([one[:, :-1].mean(axis=0) for one in values], middle) < LIMIT
    assert apart([one[:, :-1].std(axis=0) for one in values], np.sqrt(np.diag(around))) < LIMIT
    beside = [np.log(one[:, -1]).std() for one in values]  # as wide as its prior
    assert apart(beside, np.array(2.0 * WIDTH * np.log(10.0) / np.sqrt(12.0))) < LIMIT


def test_it_goes_by_degrees_to_the_very_width(taken: list[tuple[Particles, Sampled]]) -> None:
    degrees = taken[0][1].degrees
    assert degrees[-1] == WIDTH and len(degrees) > 1 and (np.diff([1.0, *degrees]) > 0).all()


def test_what_was_seen_is_known_at_the_new_width(taken: list[tuple[Particles, Sampled]]) -> None:
    at = taken[0][0]
    z, rows = at.seen(10**6)
    np.testing.assert_allclose(residuals_at(WIDTH)(z, np.zeros(len(z), np.intp)), rows, atol=1e-9)


def test_nothing_happens_at_the_width_that_priors_have() -> None:
    at = Particles(residuals_at(1.0), np.random.default_rng(1), np.zeros((2, COORDINATES)))
    found = widened(at, PRIORS, residuals_at, 1.0, 1.0, MOVES, Steps())
    assert found.log_evidence == 0.0 and not found.degrees and (at.z == 0).all()
