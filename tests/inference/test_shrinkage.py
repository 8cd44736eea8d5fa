"""What a measurement teaches, against normal ensembles in which it is known exactly."""

import numpy as np
import pytest
from scipy.stats import norm

from p53net.engines.base import FloatArray
from p53net.inference import nested, shrinkage

DRAWS = 1500
NOISE = 0.5


def draws(number: int = 2) -> FloatArray:
    return np.random.default_rng(3).standard_normal((DRAWS, number))


@pytest.mark.parametrize("noise", [0.2, 0.5, 1.0])
def test_a_linear_answer_shrinks_as_the_normal_law_says(noise: float) -> None:
    """Answer t + u/2, read t with noise s: what is left has variance s2/(1 + s2) + 1/4."""
    t, u = draws().T
    found = shrinkage.of_interval(t + 0.5 * u, t[:, None], noise, False, 1)
    left = (noise**2 / (1.0 + noise**2) + 0.25) / 1.25
    assert abs(found.shrinkage - (1.0 - np.sqrt(left))) < 3.0 * found.error
    assert abs(found.variance - (1.0 - left)) < 0.05
    assert abs(found.by_line - found.shrinkage) < 3.0 * found.error
    assert 0.0 < found.error < 0.04


def test_logarithms_are_compared_where_errors_and_answers_are_relative() -> None:
    t, u = draws().T
    plain = shrinkage.of_interval(t + 0.5 * u, t[:, None], NOISE, False, 1)
    relative = shrinkage.of_interval(np.exp(t + 0.5 * u), np.exp(t[:, None]), NOISE, True, 1)
    np.testing.assert_allclose(relative, plain, rtol=1e-9)


def test_several_numbers_teach_more_than_one() -> None:
    """Both parts are read: what is left of t + u is the sum of both, 2 s2/(1 + s2) of 2."""
    both = draws()
    found = shrinkage.of_interval(both.sum(axis=1), both, NOISE, False, 1)
    left = NOISE**2 / (1.0 + NOISE**2)
    assert abs(found.shrinkage - (1.0 - np.sqrt(left))) < 3.0 * found.error


def test_a_relation_that_bends_is_seen_by_neighbours() -> None:
    """The square of what is read has no correlation with it: a line sees nothing."""
    t, u = draws().T
    found = shrinkage.of_interval(t**2 + 0.2 * u, t[:, None], 0.1, False, 1)
    assert abs(found.by_line) < 0.05
    assert 0.75 < found.shrinkage < 0.85  # 0.80 by simulation of the exact posterior


def test_a_law_of_several_numbers_that_bends_is_seen() -> None:
    """A product of two numbers, which are both read well, has no correlation with either."""
    both = draws()
    found = shrinkage.of_interval(both.prod(axis=1), both, 0.02, False, 1)
    assert abs(found.by_line) < 0.05
    assert 0.9 < found.shrinkage < 1.0
    assert 0.9 < found.variance < 1.0


def test_what_has_nothing_to_do_with_the_answer_teaches_nothing() -> None:
    t, u = draws().T
    found = shrinkage.of_interval(u, t[:, None], NOISE, False, 1)
    assert abs(found.shrinkage) < 3.0 * found.error
    assert found.error < 0.03
    same = shrinkage.of_interval(u, np.ones((DRAWS, 1)), NOISE, False, 1)
    assert abs(same.shrinkage) < 3.0 * same.error + 0.01


def test_the_chance_to_settle_a_claim_is_that_of_the_normal_law() -> None:
    """t > 0, read with noise s: settled where the datum is beyond 1.645 s of its own spread."""
    t = draws()[:, 0]
    for noise in (0.3, 0.8):
        found = shrinkage.of_claim((t > 0.0).astype(float), t[:, None], noise, False, 1)
        exact = 2.0 * norm.sf(norm.ppf(shrinkage.SETTLED) * noise)
        assert abs(found.shrinkage - exact) < 3.0 * found.error + 0.02
        assert found.error < 0.05


def test_an_unrelated_datum_settles_nothing() -> None:
    t, u = draws().T
    found = shrinkage.of_claim((u > 0.0).astype(float), t[:, None], NOISE, False, 1)
    assert found.shrinkage < 0.01
    assert abs(found.variance) < 0.02


def test_weights_are_the_likelihood_and_silent_where_a_draw_predicts_nothing() -> None:
    read = np.array([[1.0], [np.e], [np.nan]])
    found = nested.weights_of(np.array([0.0]), read, 0.5, True)
    np.testing.assert_allclose(found, [1.0, np.exp(-2.0), (1.0 + np.exp(-2.0)) / 2.0])
    assert (nested.weights_of(np.array([np.nan]), read, 0.5, True) == 1.0).all()


def test_synthetic_data_leave_what_the_normal_law_says() -> None:
    t, u = draws().T
    found = nested.confirmed(t + 0.5 * u, t[:, None], NOISE, False, claim=False, data=64, seed=2)
    exact = 1.0 - np.sqrt((NOISE**2 / (1.0 + NOISE**2) + 0.25) / 1.25)
    assert abs(found.shrinkage - exact) < 3.0 * found.error + 0.02
    assert found.effective > 300.0
    assert found.poor == 0
    claim = nested.confirmed(
        (t > 0.0).astype(float), t[:, None], NOISE, False, claim=True, data=64, seed=2
    )
    chance = 2.0 * norm.sf(norm.ppf(shrinkage.SETTLED) * NOISE)
    assert abs(claim.shrinkage - chance) < 3.0 * claim.error


def test_a_datum_with_few_effective_draws_is_drawn_anew() -> None:
    t, u = draws().T
    seen: list[float] = []

    def anew(datum: FloatArray, truth: int) -> FloatArray:
        assert abs(datum[0] - t[truth]) < 5e-3
        seen.append(float(datum[0]))
        return float(datum[0]) + 0.5 * u

    found = nested.confirmed(
        t + 0.5 * u, t[:, None], 1e-3, False, claim=False, data=8, seed=2, anew=anew
    )
    assert len(seen) == found.refits == 8
    assert found.poor == 0 and np.isnan(found.effective)
    assert abs(found.shrinkage - (1.0 - np.sqrt(0.25 / 1.25))) < 0.03
    without = nested.confirmed(t + u, t[:, None], 1e-3, False, claim=False, data=8, seed=2)
    assert without.poor == 8
