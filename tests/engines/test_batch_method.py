"""The method of the batch engine: its order, on what is smooth and what is stiff."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from p53net.engines.batch.rodas import GAMMA, STAGES, A, C, H

Rates = Callable[[np.ndarray], np.ndarray]


def rodas_step(
    rates: Rates, slopes: Rates, y: np.ndarray, h: float
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """One step as the docstring of rodas.py has it: new state, error, d_1 to d_3."""
    matrix, u, at = np.eye(len(y)) / (h * GAMMA) - slopes(y), list[np.ndarray](), y
    for i in range(STAGES):
        if i < len(A):
            at = y + sum((a * one for a, one in zip(A[i], u, strict=True)), np.zeros(len(y)))
        else:
            at = at + u[-1]
        before = sum((c * one for c, one in zip(C[i], u, strict=True)), np.zeros(len(y)))
        u.append(np.linalg.solve(matrix, rates(at) + before / h))
    dense = [sum(a * one for a, one in zip(row, u, strict=True)) for row in H]
    return at + u[-1], u[-1], dense


def rodas_errors(
    rates: Rates, slopes: Rates, exact: Callable[[float], np.ndarray], end: float, steps: int
) -> tuple[float, float]:
    """Of the first state at the end; the largest inside steps."""
    y, h, inside = exact(0.0), end / steps, 0.0
    for number in range(steps):
        new, _, (d1, d2, d3) = rodas_step(rates, slopes, y, h)
        for s in (0.25, 0.5, 0.75):
            middle = (1 - s) * y + s * (new + (1 - s) * (d1 + s * (d2 + s * d3)))
            inside = max(inside, abs(middle[0] - exact((number + s) * h)[0]))
        y = new
    return abs(y[0] - exact(end)[0]), inside


def orders(errors: Sequence[float]) -> float:
    """From errors at steps that halve."""
    return float(np.log2(errors[0] / errors[-1]) / (len(errors) - 1))


def test_order_of_the_method() -> None:
    """A logistic curve: dense output has order 4 in the state, and adds to errors of order 5."""

    def exact(t: float) -> np.ndarray:
        return np.array([1.0 / (1.0 + 9.0 * np.exp(-2.0 * t))])

    found = [
        rodas_errors(
            lambda y: 2.0 * y * (1.0 - y), lambda y: np.diag(2.0 - 4.0 * y), exact, 2.0, steps
        )
        for steps in (6, 12, 24, 48)
    ]
    assert orders([end for end, _ in found]) > 4.8
    assert orders([inside for _, inside in found]) > 3.8
    assert found[-1][0] < 1e-10


def test_order_of_the_method_on_a_stiff_linear_system() -> None:
    """A fast decay towards a slow one, with eigenvalues -1 and -1e6."""
    fast, slow = 1e6, 1.0
    matrix = np.array([[-fast, fast - slow], [0.0, -slow]])  # (1, 1) decays slowly

    def exact(t: float) -> np.ndarray:
        return np.exp(-slow * t) * np.ones(2)

    found = [
        rodas_errors(lambda y: matrix @ y, lambda y: matrix, exact, 2.0, steps)
        for steps in (2, 4, 8, 16)
    ]
    assert orders([end for end, _ in found]) > 4.8
    assert orders([inside for _, inside in found]) > 3.8


@pytest.mark.parametrize("stiffness", [1e5, 1e6, 1e7])
def test_the_method_on_prothero_robinson(stiffness: float) -> None:
    """A fast decay onto a given curve: methods lose order here, this one keeps at least 3."""

    def rates(y: np.ndarray) -> np.ndarray:
        return np.array([stiffness * (np.sin(y[1]) - y[0]) + np.cos(y[1]), 1.0])

    def slopes(y: np.ndarray) -> np.ndarray:
        return np.array([[-stiffness, stiffness * np.cos(y[1]) - np.sin(y[1])], [0.0, 0.0]])

    found = [
        rodas_errors(rates, slopes, lambda t: np.array([np.sin(t), t]), 2.0, steps)[0]
        for steps in (10, 20, 40)
    ]
    assert orders(found) > 2.9
    assert found[0] < 1e-6 / math.sqrt(stiffness)


def test_coefficients_fit_together() -> None:
    """Rows have as many as there are stages before; a state at rest stays; a ramp is exact."""
    assert [len(row) for row in A] == list(range(6))
    assert [len(row) for row in C] == list(range(STAGES))
    assert [len(row) for row in H] == [STAGES] * 3
    still, error, dense = rodas_step(lambda y: y * 0.0, lambda y: np.zeros((1, 1)), np.ones(1), 0.3)
    assert still[0] == 1.0 and error[0] == 0.0 and not np.any(dense)
    ramp, error, dense = rodas_step(
        lambda y: y * 0 + 2.0, lambda y: np.zeros((1, 1)), np.ones(1), 0.3
    )
    assert ramp[0] == pytest.approx(1.6, rel=1e-14)
    assert abs(error[0]) < 1e-13 and np.abs(dense).max() < 1e-12
