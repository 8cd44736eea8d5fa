"""Formulas on NumPy arrays: slow, and what generated code is compared with."""

from collections.abc import Callable
from typing import Any

import numpy as np


class Arrays:
    """Functions of NumPy arrays."""

    def constant(self, value: float) -> Any:  # noqa: ANN401
        """A number."""
        return np.float64(value)

    def exp(self, x: Any) -> Any:  # noqa: ANN401
        """e to the x."""
        return _by_element(np.exp, x)

    def ln(self, x: Any) -> Any:  # noqa: ANN401
        """Natural logarithm."""
        return _by_element(np.log, x)

    def power(self, x: Any, n: Any) -> Any:  # noqa: ANN401
        """x to the n. `x * power(x, n - 1)` must be 0 at 0, so 0 counts as the least number."""
        return _by_element(np.power, np.where(x == 0.0, np.finfo(float).tiny, x), n)

    def sin(self, x: Any) -> Any:  # noqa: ANN401
        """Sine."""
        return _by_element(np.sin, x)

    def cos(self, x: Any) -> Any:  # noqa: ANN401
        """Cosine."""
        return _by_element(np.cos, x)

    def atan(self, x: Any) -> Any:  # noqa: ANN401
        """Inverse of the tangent."""
        return _by_element(np.arctan, x)

    def sinh(self, x: Any) -> Any:  # noqa: ANN401
        """Hyperbolic sine."""
        return _by_element(np.sinh, x)

    def cosh(self, x: Any) -> Any:  # noqa: ANN401
        """Hyperbolic cosine."""
        return _by_element(np.cosh, x)

    def tanh(self, x: Any) -> Any:  # noqa: ANN401
        """Hyperbolic tangent."""
        return _by_element(np.tanh, x)

    def floor(self, x: Any) -> Any:  # noqa: ANN401
        """The next whole number below."""
        return np.floor(x)

    def less(self, a: Any, b: Any) -> Any:  # noqa: ANN401
        """1 where a is below b, else 0."""
        return np.where(np.less(a, b), 1.0, 0.0)

    def same(self, a: Any, b: Any) -> Any:  # noqa: ANN401
        """1 where a equals b, else 0."""
        return np.where(np.equal(a, b), 1.0, 0.0)

    def choose(self, condition: Any, yes: Any, no: Any) -> Any:  # noqa: ANN401
        """`yes` where the condition is true."""
        return np.where(np.greater(condition, 0.5), yes, no)


def _by_element(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """A function of arrays whose last digits do not depend on how many numbers there are.

    NumPy takes other ways for a single number, and for one that is spread over an array.
    """
    full = np.broadcast_arrays(*arguments)
    flat = [np.resize(one, max(one.size, 2)) for one in full]
    return function(*flat)[: full[0].size].reshape(full[0].shape)
