"""Walks of bodies where the posterior is known: linear rows that differ between cells, rows that
are bent, and nets that are wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.inference.body_guides import Guides
from p53net.inference.body_problem import Problem
from p53net.inference.body_walks import Effort, Walked, _Walk, walked
from p53net.inference.parts import Part

CELLS, WALKS = 50, 8
HELD, SHARED = np.array([4]), np.array([5])
PARTS = (
    Part("one", np.array([0, 1]), np.array([0, 1]), SHARED),
    Part("two", np.array([2]), np.array([2]), SHARED),
    Part("three", np.array([3]), np.array([3]), np.empty(0, dtype=np.intp)),
)
LABELS = np.tile(np.arange(CELLS), WALKS)
RANDOM = np.random.default_rng(7)
SLOPES = np.zeros((4, 6))
for _part in PARTS:
    _read = [*_part.columns, *HELD, *_part.shared]
    SLOPES[np.ix_(_part.rows, _read)] = 1.5 * RANDOM.standard_normal((len(_part.rows), len(_read)))
SEEN = np.array([1.0, -2.0, 0.5, 0.3]) + RANDOM.standard_normal((CELLS, 4))
"""Cell, row: cells differ in more than what is held."""
MOVED = np.array([0, 1, 2, 3, 5])
QUICKLY = Effort(random=3, quick=1, learning=2, settling=1, kept=4, steps=15, again=1)


def linear(
    z: FloatArray, labels: NDArray[np.intp], parts: frozenset[str] | None = None
) -> FloatArray:
    """Rows that are not asked for are NaN, as bodies give them."""
    found = z @ SLOPES.T - SEEN[labels]
    for part in PARTS:
        if parts is not None and part.name not in parts:
            found[:, part.rows] = np.nan
    return np.asarray(found)


def start() -> FloatArray:
    z = np.zeros((len(LABELS), 6))
    z[:, HELD[0]] = np.linspace(-2.0, 2.0, CELLS)[LABELS]
    return z


def exact() -> tuple[FloatArray, FloatArray]:
    """Middle of each particle's posterior of what moves, and its covariance, which all share."""
    moved = SLOPES[:, MOVED]
    spread = np.linalg.inv(np.eye(5) + moved.T @ moved)
    seen = SEEN[LABELS] - start()[:, HELD] @ SLOPES[:, HELD].T
    return seen @ moved @ spread, spread


PROBLEM = Problem(linear, PARTS, SHARED, HELD, LABELS, frozenset({"three"}))


def drawn(seed: int, effort: Effort = QUICKLY) -> Walked:
    return walked(PROBLEM, start(), np.random.default_rng(seed), effort)


def far_from_exact(z: FloatArray) -> float:
    """The largest deviation of means, variances, covariances and of how far particles are in their
    own metric, in standard errors of as many independent draws: 21 numbers, of which chance has
    none above 4 in 999 of 1,000."""
    middle, spread = exact()
    away = (z[:, MOVED] - middle) @ np.linalg.inv(np.linalg.cholesky(spread)).T
    number = len(away)
    means = away.mean(axis=0) * np.sqrt(number)
    products = (away.T @ away / number - np.eye(5)) * np.sqrt(number / (1.0 + np.eye(5)))
    far = ((away**2).mean() - 1.0) * np.sqrt(5 * number / 2.0)
    return float(max(np.abs(means).max(), np.abs(products).max(), abs(far)))


@pytest.fixture(scope="module")
def walk() -> Walked:
    return drawn(3)


@pytest.mark.slow
def test_walks_draw_from_the_posterior_of_each_cell(walk: Walked) -> None:
    assert far_from_exact(walk.chains[-1]) < 4.0


@pytest.mark.slow
def test_draws_that_are_kept_have_their_likelihood_and_what_is_held_stays(walk: Walked) -> None:
    assert walk.chains.shape == (QUICKLY.kept, len(LABELS), 6)
    rows = linear(walk.chains[3], LABELS)
    np.testing.assert_allclose(walk.log_likelihood[3], -0.5 * (rows**2).sum(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(walk.chains[3][:, HELD], start()[:, HELD])
    assert {*walk.accepted} == {"one", "two", "three", "shared 0"}
    assert min(walk.accepted.values()) > 0.5  # nets have learned rows that are linear


@pytest.mark.slow
def test_the_same_numbers_give_the_same_draws() -> None:
    effort = replace(QUICKLY, random=1, quick=0, learning=1, settling=0, kept=2, steps=5)
    first, second = drawn(4, effort), drawn(4, effort)
    np.testing.assert_array_equal(first.chains, second.chains)


@pytest.fixture
def wrong_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is narrower than it is, and beside where it is."""
    middle, spread = np.zeros(6), np.ones(6)
    middle[MOVED], spread[MOVED] = exact()[0].mean(axis=0), np.diag(exact()[1])

    def misfit(_self: Guides, i: int, z: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
        read = np.concatenate([PARTS[i].columns, PARTS[i].shared])
        away = (z[:, read] - middle[read]) ** 2 / spread[read]
        return np.asarray(0.25 * away.sum(axis=1))

    monkeypatch.setattr(Guides, "learn", lambda _self: None)
    monkeypatch.setattr(Guides, "misfit", misfit)


def test_nets_that_are_wrong_leave_the_posterior_as_it_is(wrong_nets: None) -> None:
    long = replace(QUICKLY, kept=120, steps=8)
    assert far_from_exact(drawn(5, long).chains[-1]) < 4.0


@pytest.mark.parametrize("unheard", ["models", "nets"])
def test_a_move_that_is_not_corrected_is_seen(
    wrong_nets: None, monkeypatch: pytest.MonkeyPatch, unheard: str
) -> None:
    """Without what the models say, or without what the nets have been heard for."""
    if unheard == "models":

        def unheard_round(walk: _Walk, steps: int, _again: int, **_rest: Any) -> dict[str, float]:
            walk.z, _ = walk._followed(steps, range(len(PARTS)), SHARED)
            return {"": 1.0}

        monkeypatch.setattr(_Walk, "round", unheard_round)
    else:
        followed = _Walk._followed

        def half(walk: _Walk, *given: Any) -> tuple[FloatArray, FloatArray]:
            there, gains = followed(walk, *given)
            return there, 0.0 * gains

        monkeypatch.setattr(_Walk, "_followed", half)
    long = replace(QUICKLY, kept=120, steps=8)
    assert far_from_exact(drawn(5, long).chains[-1]) > 8.0


@pytest.mark.slow
def test_walks_are_of_both_tops_of_a_posterior() -> None:
    """A row that holds the square of a coordinate: quantiles are those of the density on a grid."""

    def bent(
        z: FloatArray, _labels: NDArray[np.intp], _parts: frozenset[str] | None = None
    ) -> FloatArray:
        return np.column_stack([2.0 * (z[:, 0] ** 2 - 0.6 + 0.3 * z[:, 2])])

    part = Part("one", np.array([0]), np.array([0]), np.array([1]))
    labels = np.tile(np.arange(50), 10)
    problem = Problem(bent, (part,), np.array([1]), np.array([2]), labels)
    z = np.zeros((500, 3))
    last = walked(problem, z, np.random.default_rng(6), QUICKLY).chains[-1]
    grid = np.linspace(-3, 3, 6001)
    density = np.exp(-0.5 * (2.0 * (grid**2 - 0.6)) ** 2 - 0.5 * grid**2)
    share = np.cumsum(density) / density.sum()
    for q in (0.1, 0.25, 0.5, 0.75, 0.9):
        below = float((last[:, 0] < grid[np.searchsorted(share, q)]).mean())
        assert abs(below - q) < 4 * np.sqrt(q * (1 - q) / len(last))


def walk_of(problem: Problem, z: FloatArray, random: np.random.Generator) -> _Walk:
    guides = Guides(problem, [np.zeros((CELLS, 4))] * 2, 1)
    return _Walk(problem, guides, z, problem.rows(z, problem.labels), random)


def placed_far_away(far: NDArray[np.intp]) -> FloatArray:
    """Particles in their middles, but these in a place where no body fits."""
    z = start()
    z[:, MOVED] = exact()[0]
    z[np.ix_(far, MOVED)] = 30.0
    return z


def test_who_fits_worst_looks_at_bodies_of_other_cells_until_one_is_likelier() -> None:
    """Whole bodies, or parts; only of those that are worst, and none gets worse."""
    far = np.arange(0, len(LABELS), 40)
    z = placed_far_away(far)
    walk = walk_of(PROBLEM, z, np.random.default_rng(2))
    before = walk._misfit(walk.z, walk._away)
    walk.gather()
    after = walk._misfit(walk.z, walk._away)
    assert (after <= before).all() and (after[far] < 0.1 * before[far]).all()
    assert (walk.z != z).any(axis=1).mean() <= 2 / 8
    np.testing.assert_allclose(walk._away, linear(walk.z, LABELS))
    np.testing.assert_array_equal(walk.z[:, HELD], z[:, HELD])


def test_two_walks_of_a_cell_know_nothing_of_each_other() -> None:
    """Of one cell alone nobody takes another's body, though it is likelier."""
    labels = np.zeros(40, dtype=np.intp)
    z = placed_far_away(np.arange(0, len(LABELS), 2))[:40]
    z[:, HELD] = 0.0
    problem = replace(PROBLEM, labels=labels)
    walk = walk_of(problem, z, np.random.default_rng(2))
    walk.borrow()
    walk.gather()
    np.testing.assert_array_equal(walk.z, z)


def test_who_seldom_goes_or_fits_worst_is_watched_and_moves_more(wrong_nets: None) -> None:
    far = np.array([3, 17])
    walk = walk_of(PROBLEM, placed_far_away(far), np.random.default_rng(2))
    walk._went[:] = 5.0
    still = np.array([8, 111, 205])
    walk._went[still] = 0.0
    walk.watch()
    assert {*far, *still} <= {*walk._watched}
    assert len(walk._watched) <= 2 * (len(LABELS) // 16)
    rest = np.setdiff1d(np.arange(len(LABELS)), walk._watched)
    z = walk.z
    walk._more(20)
    np.testing.assert_array_equal(walk.z[rest], z[rest])
    assert (walk.z[walk._watched] != z[walk._watched]).any(axis=1).mean() > 0.5
    np.testing.assert_allclose(walk._away, linear(walk.z, LABELS))
