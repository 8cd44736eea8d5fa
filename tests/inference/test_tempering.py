"""The sampler on rows that are linear in normal coordinates: posterior and evidence are known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from p53net.engines.base import FloatArray
from p53net.inference import nested
from p53net.inference.tempering import Sampled, Settings, renewed, tempered
from tests.support.linear_rows import (
    COORDINATES,
    HIGHEST,
    LIMIT,
    ROWS,
    SEEN,
    SLOPES,
    WIDTHS,
    apart,
    covariance,
    mean,
    residuals,
)

RUNS = 12

SETTINGS = Settings(particles=300, moves=4, draws=3, between=4)


READ = np.array([[0.2, 1.0, 0.0, 0.3, 1.0], [0.0, 0.0, 1.0, 0.0, -1.0]])
"""What further rows read, of directions that the first ones inform and of the one that they do not.
"""
ANSWER = np.array([0.0, 1.0, 0.5, 0.0, 0.6])


def drawn(number: int, random: np.random.Generator) -> FloatArray:
    """Of the posterior of the first rows, by the normal law."""
    return random.multivariate_normal(mean(), covariance(), size=number)


def taken_on(z: FloatArray, seen: FloatArray, width: float, random: np.random.Generator) -> Sampled:
    """The same draws with what READ reads, or the first of it, as it was seen."""

    def all_rows(z: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
        further = (z @ READ[: len(seen)].T - seen) / width
        return np.hstack([residuals(z, labels), further])

    return renewed(all_rows, ROWS, z, random, 4)


def sampled(seed: int, settings: Settings = SETTINGS) -> Sampled:
    return tempered(residuals, HIGHEST, COORDINATES, np.random.default_rng(seed), settings)


@pytest.fixture(scope="module")
def runs() -> list[Sampled]:
    return [sampled(seed) for seed in range(RUNS)]


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_draws_are_taken_on_to_the_posterior_of_further_rows() -> None:
    """Twenty-fold narrower than what is known of them, and two deviations away."""
    known = READ @ covariance() @ READ.T
    width = 0.05 * float(np.sqrt(known.diagonal().min()))
    seen = READ @ mean() + 2.0 * np.sqrt(known.diagonal())
    gain = covariance() @ READ.T @ np.linalg.inv(known + width**2 * np.eye(2))
    middle, left = mean() + gain @ (seen - READ @ mean()), covariance() - gain @ READ @ covariance()
    runs = []
    for seed in range(RUNS):
        random = np.random.default_rng(seed)
        runs.append(taken_on(drawn(600, random), seen, width, random))
    draws = [one.chains[0] for one in runs]
    assert apart([one.mean(axis=0) for one in draws], middle) < LIMIT
    assert apart([(z - middle).T @ (z - middle) / len(z) for z in draws], left) < LIMIT
    wide = np.sqrt(left.diagonal())
    assert (np.std([one.mean(axis=0) for one in draws], axis=0) < 0.4 * wide).all()
    law = multivariate_normal(READ @ mean(), known + width**2 * np.eye(2))
    logs = np.array([one.log_evidence for one in runs]) - 2 * np.log(width * np.sqrt(2 * np.pi))
    assert apart(list(np.exp(logs - law.logpdf(seen))), np.array(1.0)) < LIMIT
    for one in runs:
        assert one.degrees[-1] == 1.0 and len(one.degrees) > 2
        assert len(np.unique(one.chains[0], axis=0)) > 0.8 * 600
        np.testing.assert_allclose(
            one.log_likelihood[0],
            -0.5 * (((one.chains[0] @ READ.T - seen) / width) ** 2).sum(axis=1),
        )


@pytest.mark.slow
def test_what_a_datum_teaches_is_that_of_the_normal_law_where_draws_are_made_anew() -> None:
    """An error of a hundredth of what is known: too few draws have weight for any datum."""
    read, answer = READ[0], ANSWER
    wide = float(read @ covariance() @ read)
    error = 0.01 * np.sqrt(wide)
    told = covariance() @ read
    left = covariance() - np.outer(told, told) / (wide + error**2)
    exact = 1.0 - np.sqrt(answer @ left @ answer / (answer @ covariance() @ answer))
    z = drawn(300, np.random.default_rng(1))

    def anew(datum: FloatArray, truth: int) -> FloatArray:
        start = np.delete(z, truth, axis=0)
        again = taken_on(start, datum, error, np.random.default_rng(truth))
        return np.asarray(again.chains[0] @ answer)

    def confirmed(by: nested.Anew | None) -> nested.Confirmed:
        return nested.confirmed(z @ answer, (z @ read)[:, None], error, False, claim=False, data=32,
                                seed=1, anew=by)  # fmt: skip

    found, weighted = confirmed(anew), confirmed(None)
    assert found.refits == 32 and found.poor == 0 and weighted.poor == 32
    assert abs(found.shrinkage - exact) < 3.0 * found.error
    assert found.error < 0.1 * exact
