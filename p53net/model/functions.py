"""Functions of formulas beyond powers: their values on numbers, and their derivatives.

Truth values are the numbers 1 and 0, so `and`, `or` and `not` are products and sums. `less` and
`same` compare two formulas; `choose` is its second part where its first is true, else its third.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from p53net.model.expressions import Expressions, Node

OF_NUMBERS: Mapping[str, Callable[..., float]] = {
    "exp": np.exp,
    "ln": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "floor": np.floor,
    "less": lambda a, b: float(a < b),
    "same": lambda a, b: float(a == b),
    "choose": lambda condition, yes, no: yes if condition > 0.5 else no,
}
"""Each function by its name in formulas, in NumPy and in generated code."""

STEPS = ("floor", "less", "same")
"""Constant between the places where they jump."""


def slope(known: "Expressions", node: "Node") -> "Node":
    """The derivative of a function of one argument with respect to that."""
    (argument, _), *_ = node.parts
    one = known.number(1.0)
    if node.kind == "exp":
        return node
    if node.kind == "ln":
        return known.power(argument, known.number(-1.0))
    if node.kind == "sin":
        return known.call("cos", argument)
    if node.kind == "cos":
        return known.negative(known.call("sin", argument))
    if node.kind == "sinh":
        return known.call("cosh", argument)
    if node.kind == "cosh":
        return known.call("sinh", argument)
    square = known.power(node if node.kind == "tanh" else argument, known.number(2.0))
    if node.kind == "tanh":
        return known.sum([(square, -1.0)], 1.0)
    return known.product(one, known.power(known.sum([(square, 1.0)], 1.0), known.number(-1.0)))
