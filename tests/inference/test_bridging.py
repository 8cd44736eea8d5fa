"""Evidence by bridge sampling, where it is known: rows that are linear in normal coordinates."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from p53net.engines.base import FloatArray
from p53net.inference.bridging import log_evidence

SIZE, ROWS = 30, 8


def log_likelihood(z: FloatArray) -> FloatArray:
    return np.asarray(-0.5 * ((z @ slopes() - 1.0) ** 2).sum(axis=1))


def slopes() -> FloatArray:
    return np.random.default_rng(4).standard_normal((SIZE, ROWS))


def exact() -> float:
    wide = np.eye(ROWS) + slopes().T @ slopes()
    density = multivariate_normal(np.zeros(ROWS), wide).logpdf(np.ones(ROWS))
    return float(density + 0.5 * ROWS * np.log(2 * np.pi))


def posterior(random: np.random.Generator, number: int) -> FloatArray:
    precision = np.eye(SIZE) + slopes() @ slopes().T
    mean = np.linalg.solve(precision, slopes() @ np.ones(ROWS))
    return random.multivariate_normal(mean, np.linalg.inv(precision), number)


@pytest.mark.parametrize("runs", [1, 4])
def test_the_evidence_is_exact_to_its_error(runs: int) -> None:
    random = np.random.default_rng(runs)
    found = []
    for _ in range(6):
        draws = [posterior(random, 1500) for _ in range(runs)]
        logs = [log_likelihood(one) for one in draws]
        found += log_evidence(draws, logs, log_likelihood)
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert error < 0.05
    assert abs(np.mean(found) - exact()) < max(5.0 * error, 0.01)
