"""Shapes of tails, against laws that have one and against ArviZ."""

import numpy as np
import pytest

from p53net.inference.influence import pareto_smoothed
from p53net.inference.pareto import POOR, tail_shape


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9])
def test_the_shape_of_a_pareto_law_is_found(k: float) -> None:
    """Weights whose largest 190 follow that law, with a prior of 0.5 worth 10 more; the error of k
    is (1 + k) over the root of their number."""
    random = np.random.default_rng(1)
    found = [tail_shape(random.random(4000) ** -k) for _ in range(40)]
    error = (1.0 + k) / np.sqrt(190 * len(found))
    assert abs(np.mean(found) - (190 * k + 5.0) / 200) < 4.0 * error


@pytest.mark.parametrize("error", [0.02, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("draws", [60, 240, 1000])
def test_it_is_that_of_arviz(error: float, draws: int) -> None:
    logs = -0.5 * (np.random.default_rng(draws).standard_normal(draws) / error) ** 2
    assert tail_shape(np.exp(logs)) == pytest.approx(pareto_smoothed(logs)[1], abs=1e-6)


def test_even_weights_have_no_tail_and_one_draw_is_too_few() -> None:
    assert tail_shape(np.ones(100)) == -np.inf
    assert tail_shape(np.where(np.arange(100) < 3, 0.5 + 0.1 * np.arange(100), 0.0)) == np.inf
    assert tail_shape(np.random.default_rng(1).random(1000)) < 0.0 < POOR
