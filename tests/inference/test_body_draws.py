"""Blocks of bodies put together, and how far the two walks of a cell agree."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from p53net.inference.body_draws import put_together, settled
from p53net.inference.tempering import Sampled

DRAWS, COORDINATES = 40, 3
LABELS = np.array([0, 1, 2, 0, 2])
"""Three cells, of which two have a second walk."""
_HALVES = norm.ppf((np.arange(1, 2 * DRAWS + 1) - 0.375) / (2 * DRAWS + 0.25)).reshape(2, DRAWS)
WITHIN = _HALVES.var(axis=1, ddof=1).mean()
"""Variance of normal scores of draws that are all below, or above, as many others."""
BETWEEN = _HALVES.mean(axis=1).var(ddof=1)
BELOW = (DRAWS - 1) / DRAWS


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


def blocks_of_twins() -> list[Sampled]:
    _, twins = put_together([of_block(seed) for seed in range(60)])
    return twins


def test_walks_that_agree_have_r_hat_one_and_those_apart_more() -> None:
    """Of independent draws R-hat squared is (n-1)/n + 1/n. Of draws that are all above the others
    it is that of the two halves of all scores."""
    twins = blocks_of_twins()
    table = settled(["a", "b", "still"], twins).set_index("quantity")
    assert list(table.index) == ["a", "b", "log likelihood"]
    # Between 120 pairs of 40 draws chance moves R-hat by 0.0016, and by 0.006 of itself below.
    np.testing.assert_allclose(table["r_hat"], 1.0, atol=0.01)
    assert not table["apart"].any()
    for one in twins:
        one.chains[:, 1, :, 1] += 9.0
    table = settled(["a", "b", "still"], twins).set_index("quantity")
    assert table["r_hat"]["a"] < 1.01 and not table["apart"]["a"]
    assert table["r_hat"]["b"] == pytest.approx(np.sqrt(BELOW + BETWEEN / WITHIN), rel=1e-12)
    assert table["apart"]["b"] == 1.0


def test_cells_count_alike_however_wide_a_quantity_is_in_each() -> None:
    """Every cell's own scale, bent: ranks are the same. A cell in six whose walks are apart is
    counted as such, and moves R-hat by its share."""
    twins, bent = blocks_of_twins(), blocks_of_twins()
    for i, one in enumerate(bent):
        one.chains[..., 0] = 10.0 ** (i % 7) * np.exp(one.chains[..., 0])
    names = ["a", "b", "still"]
    pd.testing.assert_frame_equal(settled(names, twins), settled(names, bent))
    for one in bent[::3]:
        one.chains[:, 1, 0, 0] += one.chains[:, :, 0, 0].max()
    found = settled(names, bent).set_index("quantity").loc["a"]
    assert found["apart"] == pytest.approx(1 / 6)
    # The others are alike by chance: variances of 2 times 40 draws are 1 and 1/40 between means.
    between, within = BETWEEN / 6 + 5 / 6 / DRAWS, WITHIN / 6 + 5 / 6
    # Between 100 such pairs chance moves R-hat by 0.0016, as above; this is six times as much.
    assert found["r_hat"] == pytest.approx(np.sqrt(BELOW + between / within), abs=0.01)


def test_a_walk_that_never_moves_is_apart_from_its_twin() -> None:
    twins = blocks_of_twins()
    for one in twins:
        one.chains[:, :, 1, 0] = [0.3, 0.7]
    found = settled(["a", "b", "still"], twins).set_index("quantity").loc["a"]
    assert found["apart"] == 0.5 and found["r_hat"] > 1.3
