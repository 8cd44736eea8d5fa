"""Weights of structures, by hand."""

import math

import numpy as np
import pytest

from p53net.inference.weighing import Evidence, evidence_of, stacked, weights


def test_evidence_is_the_logarithm_of_the_mean_of_the_runs() -> None:
    found = evidence_of([math.log(2.0), math.log(4.0), math.log(6.0)])
    assert found.log == pytest.approx(math.log(4.0))
    assert found.runs == (math.log(2.0), math.log(4.0), math.log(6.0))
    left = np.log([5.0, 4.0, 3.0])  # without the first, the second, the third
    expected = math.sqrt(2 / 3 * ((left - left.mean()) ** 2).sum())
    assert found.error == pytest.approx(expected)


def test_evidence_far_from_one_neither_overflows_nor_vanishes() -> None:
    for shift in (-5000.0, 5000.0):
        found = evidence_of([shift, shift + math.log(3.0)])
        assert found.log == pytest.approx(shift + math.log(2.0))


def test_one_run_has_no_error() -> None:
    assert math.isnan(evidence_of([1.0]).error)


def test_weights_are_shares_of_the_evidence() -> None:
    found = weights({
        "a": Evidence(math.log(6.0) - 900, 0.0, ()),
        "b": Evidence(math.log(3.0) - 900, 0.0, ()),
        "c": Evidence(math.log(1.0) - 900, float("nan"), ()),
    })  # fmt: skip
    np.testing.assert_allclose(found["weight"], [0.6, 0.3, 0.1])
    np.testing.assert_allclose(found["weight_error"], 0.0, atol=1e-12)


def test_the_error_of_a_weight_follows_from_that_of_the_evidence() -> None:
    """Of two structures the weight is w, its slope in the evidence w(1 - w)."""
    found = weights({"a": Evidence(0.0, 0.02, ()), "b": Evidence(math.log(3.0), 0.02, ())})
    slope = 0.25 * 0.75 * 0.02 * math.sqrt(2.0)
    np.testing.assert_allclose(found["weight_error"], slope, rtol=0.06)  # 4,000 draws: 1 %, 5 sd


def test_stacking_gives_each_the_share_of_rows_that_it_alone_predicts() -> None:
    """Where one has density and the others none, the score is n log w: weights are shares."""
    counts = {"a": 5, "b": 3, "c": 2}
    rows = {name: [] for name in counts}
    for right, number in counts.items():
        for name, row in rows.items():
            row += [math.log(0.7) if name == right else -60.0] * number
    found = stacked({name: np.array(row) for name, row in rows.items()})
    assert found == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2}, abs=1e-3)


def test_stacking_drops_what_is_worse_everywhere_and_takes_one_alone() -> None:
    better = np.log([0.5, 0.9, 0.4, 0.6])
    found = stacked({"good": better, "bad": better - 2.0})
    assert found["good"] > 0.999
    assert stacked({"one": better}) == {"one": 1.0}
