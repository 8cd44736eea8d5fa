"""Modes and walks of bodies where the posterior is known: linear rows, and one that is bent."""

import numpy as np
import pytest
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.modes import Modes, Problem, likeliest
from p53net.inference.parts import Part
from p53net.inference.walks import Walked, walked

PARTS = (
    Part("one", np.array([0, 1]), np.array([0, 1, 2])),
    Part("two", np.array([2]), np.array([3])),
)
SHARED = np.array([4])
NUMBER = 400
RANDOM = np.random.default_rng(7)
SLOPES = np.zeros((3, 5))
for _part in PARTS:
    SLOPES[np.ix_(_part.rows, [*_part.columns, *SHARED])] = 2.0 * RANDOM.standard_normal(
        (len(_part.rows), len(_part.columns) + 1)
    )
SEEN = np.array([1.0, -2.0, 0.5])


def linear(
    z: FloatArray, _labels: NDArray[np.intp], parts: frozenset[str] | None = None
) -> FloatArray:
    """Rows that are not asked for are NaN, as bodies give them."""
    found = z @ SLOPES.T - SEEN
    for part in PARTS:
        if parts is not None and part.name not in parts:
            found[:, part.rows] = np.nan
    return np.asarray(found)


def exact() -> tuple[FloatArray, FloatArray]:
    """Middle and covariance of the posterior of all coordinates."""
    spread = np.linalg.inv(np.eye(5) + SLOPES.T @ SLOPES)
    return spread @ SLOPES.T @ SEEN, spread


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem(linear, PARTS, SHARED, np.zeros(NUMBER, dtype=np.intp))


@pytest.fixture(scope="module")
def modes(problem: Problem) -> Modes:
    return likeliest(problem, np.zeros((NUMBER, 5)), np.random.default_rng(1), 3, 25)


def test_the_mode_of_linear_rows_is_their_least_squares(modes: Modes) -> None:
    middle, _ = exact()
    np.testing.assert_allclose(modes.z, np.broadcast_to(middle, modes.z.shape), atol=2e-3)


def test_the_surroundings_of_the_mode_are_the_posterior(modes: Modes) -> None:
    _, spread = exact()
    np.testing.assert_allclose(modes.spread_shared()[0], spread[np.ix_(SHARED, SHARED)], rtol=1e-6)
    precision = np.linalg.inv(spread)
    for part, one in zip(PARTS, modes.slopes, strict=True):
        own = precision[np.ix_(part.columns, part.columns)]
        np.testing.assert_allclose(one.spread()[0], np.linalg.inv(own), rtol=1e-6, atol=1e-9)
        follow = -np.linalg.inv(own) @ precision[np.ix_(part.columns, SHARED)]
        np.testing.assert_allclose(one.response()[0], follow, rtol=1e-6, atol=1e-9)


@pytest.fixture(scope="module")
def walk(problem: Problem, modes: Modes) -> Walked:
    return walked(problem, modes, np.random.default_rng(2), 30)


def test_walks_draw_from_the_posterior(walk: Walked) -> None:
    """Means and variances within four standard errors of as many independent draws."""
    middle, spread = exact()
    last = walk.chains[-1]
    errors = np.sqrt(np.diag(spread) / NUMBER)
    assert (np.abs(last.mean(axis=0) - middle) < 4 * errors).all()
    ratio = last.var(axis=0, ddof=1) / np.diag(spread)
    assert (np.abs(ratio - 1.0) < 4 * np.sqrt(2.0 / NUMBER)).all()
    together = np.corrcoef(last.T) - spread / np.sqrt(np.outer(np.diag(spread), np.diag(spread)))
    assert np.abs(together).max() < 4 / np.sqrt(NUMBER)


def test_draws_after_learning_are_kept_with_their_likelihood(walk: Walked) -> None:
    assert walk.chains.shape == (20, NUMBER, 5)
    rows = linear(walk.chains[3], np.zeros(NUMBER, dtype=np.intp))
    np.testing.assert_allclose(walk.log_likelihood[3], -0.5 * (rows**2).sum(axis=1), rtol=1e-12)
    assert {*walk.accepted} == {"one", "two", "shared"}


def test_walks_leave_a_mode_that_the_posterior_is_not_like() -> None:
    """A row that holds the square of a coordinate, so that the posterior has two tops: quantiles
    are those of the density on a grid, though walks begin about one top of each."""

    def bent(
        z: FloatArray, _labels: NDArray[np.intp], _parts: frozenset[str] | None = None
    ) -> FloatArray:
        return np.column_stack([2.0 * (z[:, 0] ** 2 - 0.6), z[:, 1]])

    parts = (Part("one", np.array([0]), np.array([0])),)
    problem = Problem(bent, parts, np.array([1]), np.zeros(2000, dtype=np.intp))
    random = np.random.default_rng(3)
    last = walked(problem, likeliest(problem, np.zeros((2000, 2)), random, 2, 6), random, 45)
    grid = np.linspace(-3, 3, 6001)
    density = np.exp(-0.5 * (2.0 * (grid**2 - 0.6)) ** 2 - 0.5 * grid**2)
    share = np.cumsum(density) / density.sum()
    for q in (0.1, 0.25, 0.5, 0.75, 0.9):
        wanted = grid[np.searchsorted(share, q)]
        below = float((last.chains[-1, :, 0] < wanted).mean())
        assert abs(below - q) < 4 * np.sqrt(q * (1 - q) / 2000)


def test_a_part_that_is_stuck_borrows_what_others_have() -> None:
    """A row that is flat but for a narrow valley, which few random points meet."""

    def flat(
        z: FloatArray, _labels: NDArray[np.intp], _parts: frozenset[str] | None = None
    ) -> FloatArray:
        return np.column_stack([4.0 * np.tanh(4.0 * np.abs(z[:, 0] - 1.5)), 0.0 * z[:, 1]])

    parts = (Part("one", np.array([0]), np.array([0])),)
    problem = Problem(flat, parts, np.array([1]), np.zeros(60, dtype=np.intp))
    found = likeliest(problem, np.zeros((60, 2)), np.random.default_rng(4), 3, 8)
    assert (np.abs(found.z[:, 0] - 1.5) < 0.3).mean() > 0.95
