"""Blocks of bodies put together, and how far the two walks of a cell agree."""

import numpy as np
import pytest

from p53net.inference.body_draws import put_together, settled
from p53net.inference.tempering import Sampled

DRAWS, COORDINATES = 40, 3
LABELS = np.array([0, 1, 2, 0, 2])
"""Three cells, of which two have a second walk."""


def of_block(seed: int) -> Sampled:
    random = np.random.default_rng(seed)
    chains = random.standard_normal((DRAWS, len(LABELS), COORDINATES))
    chains[..., 2] = 0.1 + 0.37 * LABELS  # does not move, though rounding gives it a variance
    return Sampled(0.0, chains, random.standard_normal((DRAWS, len(LABELS))), labels=LABELS,
                   accepted=[0.2 + 0.2 * seed, 0.5])  # fmt: skip


def test_each_cell_has_its_last_draw_and_twins_both_walks() -> None:
    blocks = [of_block(0), of_block(1)]
    found, twins = put_together(blocks)
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(found.chains[0, 3:], blocks[1].chains[-1, :3])
    np.testing.assert_array_equal(found.log_likelihood[0, :3], blocks[0].log_likelihood[-1, :3])
    assert found.accepted == pytest.approx([0.3, 0.5])
    assert twins[1].chains.shape == (DRAWS, 2, 2, COORDINATES)  # draw, walk, cell, coordinate
    np.testing.assert_array_equal(twins[1].chains[:, 0], blocks[1].chains[:, [0, 2]])
    np.testing.assert_array_equal(twins[1].chains[:, 1], blocks[1].chains[:, [3, 4]])


def test_walks_that_agree_have_r_hat_one_and_those_apart_more() -> None:
    """Of independent draws R-hat squared is (n-1)/n + 1/n; of means that are 3 apart, 4.5 more."""
    _, twins = put_together([of_block(seed) for seed in range(60)])
    table = settled(["a", "b", "still"], twins).set_index("quantity")["r_hat"]
    assert list(table.index) == ["a", "b", "log likelihood"]
    # Between 120 pairs of 40 draws chance moves R-hat by 0.0016, and by 0.006 of itself below.
    np.testing.assert_allclose(table, 1.0, atol=0.01)
    for one in twins:
        one.chains[:, 1, :, 1] += 3.0
    table = settled(["a", "b", "still"], twins).set_index("quantity")["r_hat"]
    assert table["a"] < 1.01 and table["b"] == pytest.approx(np.sqrt(1.0 + 4.5), rel=0.02)
