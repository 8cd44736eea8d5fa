"""The sampler on rows that are linear in normal coordinates: posterior and evidence are known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from p53net.engines.base import FloatArray
from p53net.inference.tempering import Sampled, Settings, tempered

COORDINATES, ROWS, RUNS = 5, 3, 12
SLOPES = np.array([[1.0, 0.0, 2.0], [0.5, 3.0, 0.0], [0.0, -2.0, 1.0], [0, 0, 1.5], [0, 0, 0]])
SEEN = np.array([1.0, -2.0, 0.5])
WIDTHS = np.array([0.5, 0.3, 0.1])
HIGHEST = float(-(np.log(WIDTHS) + 0.5 * np.log(2 * np.pi)).sum())
SETTINGS = Settings(particles=300, moves=4, draws=3, between=4)


def residuals(z: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
    return (z @ SLOPES - SEEN) / WIDTHS


def sampled(seed: int, settings: Settings = SETTINGS) -> Sampled:
    return tempered(residuals, HIGHEST, COORDINATES, np.random.default_rng(seed), settings)


@pytest.fixture(scope="module")
def runs() -> list[Sampled]:
    return [sampled(seed) for seed in range(RUNS)]


def covariance() -> FloatArray:
    weighted = SLOPES / WIDTHS
    return np.linalg.inv(np.eye(COORDINATES) + weighted @ weighted.T)


def mean() -> FloatArray:
    return covariance() @ (SLOPES / WIDTHS**2) @ SEEN


def apart(found: list[FloatArray], expected: FloatArray) -> float:
    """The farthest from what is expected, in standard errors of the mean of independent runs."""
    error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    return float(np.abs((np.mean(found, axis=0) - expected) / error).max())


LIMIT = 6.0
"""Of a few numbers, each with Student's t of 11 degrees: left in 1 of 1,000."""


def test_means_and_covariances_are_those_of_the_posterior(runs: list[Sampled]) -> None:
    draws = [one.chains.reshape(-1, COORDINATES) for one in runs]
    assert apart([one.mean(axis=0) for one in draws], mean()) < LIMIT
    products = [(one - mean()).T @ (one - mean()) / len(one) for one in draws]
    assert apart(products, covariance()) < LIMIT
    wide = np.sqrt(np.diag(covariance()))
    assert (np.std([one.mean(axis=0) for one in draws], axis=0) < 0.3 * wide).all()


def test_the_evidence_is_that_of_the_rows(runs: list[Sampled]) -> None:
    law = multivariate_normal(np.zeros(ROWS), SLOPES.T @ SLOPES + np.diag(WIDTHS**2))
    logs = np.array([one.log_evidence for one in runs])
    assert apart(list(np.exp(logs - law.logpdf(SEEN))), np.array(1.0)) < LIMIT
    assert logs.std() < 0.5


def test_what_a_run_says_of_itself(runs: list[Sampled]) -> None:
    for one in runs:
        assert one.degrees[-1] == 1.0 and (np.diff([0.0, *one.degrees]) > 0).all()
        assert one.chains.shape == (3, 300, COORDINATES)
        last = one.chains[-1]
        expected = multivariate_normal(SEEN, np.diag(WIDTHS**2)).logpdf(last @ SLOPES)
        np.testing.assert_allclose(one.log_likelihood[-1], expected, rtol=1e-9)
        moves = 4 * len(one.degrees) + 3 * 4
        assert one.evaluations <= 300 * (1 + 2 * moves)
        assert one.informed[-1] == ROWS and len(one.accepted) == len(one.degrees) + 3


def test_the_same_seed_gives_the_same_bits() -> None:
    few = Settings(particles=40, moves=2, draws=2, between=2)
    one, same, other = sampled(1, few), sampled(1, few), sampled(2, few)
    assert one.chains.tobytes() == same.chains.tobytes()
    assert one.log_evidence == same.log_evidence
    assert one.chains.tobytes() != other.chains.tobytes()


def test_one_row_will_do() -> None:
    found = tempered(lambda z, _labels: z[:, :1] / 0.1, 0.0, 2, np.random.default_rng(1), SETTINGS)
    np.testing.assert_allclose(found.chains[..., 0].std(), 0.1, rtol=0.2)
    np.testing.assert_allclose(found.chains[..., 1].std(), 1.0, rtol=0.2)


def test_without_evidence_the_prior_stays() -> None:
    def silent(z: FloatArray, _labels: NDArray[np.intp]) -> FloatArray:
        return np.zeros((len(z), 1))

    found = tempered(silent, 2.0, 2, np.random.default_rng(1), SETTINGS)
    assert found.log_evidence == pytest.approx(2.0) and found.degrees == [1.0]
    np.testing.assert_allclose(found.chains.std(axis=(0, 1)), 1.0, rtol=0.15)


def test_labels_that_the_evidence_speaks_against_die_out() -> None:
    """Particles of three labels, with evidence as 3 to 1 to nothing: shares follow it."""
    more = np.array([0.0, np.sqrt(2 * np.log(3.0)), 8.0])

    def with_label(z: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
        return np.column_stack([residuals(z, labels), more[labels]])

    shares = []
    for seed in range(RUNS):
        labels = np.resize(np.arange(3), 300)
        found = tempered(with_label, HIGHEST, COORDINATES, np.random.default_rng(seed), SETTINGS,
                         labels=labels)  # fmt: skip
        assert found.labels.shape == (300,) and 2 not in found.labels
        shares.append(float((found.labels == 0).mean()))
    assert apart(list(np.array(shares)), np.array(0.75)) < LIMIT
    assert np.std(shares) < 0.25


def test_progress_rises_to_the_end() -> None:
    told: list[float] = []
    few = Settings(particles=30, moves=1, draws=2, between=1)
    tempered(residuals, HIGHEST, COORDINATES, np.random.default_rng(1), few, told.append)
    assert told == sorted(told) and told[-1] == 1.0 and 0.0 <= told[0]
