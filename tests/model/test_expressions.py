"""Formulas: equal ones are one node; their values and derivatives."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from p53net.model.arrays import Arrays
from p53net.model.expressions import Evaluation, Expressions, Node


def value_of(known: Expressions, node: Node, **symbols: Any) -> Any:
    return Evaluation(known, Arrays(), symbols.__getitem__)(node)


def test_equal_formulas_are_one_node() -> None:
    known = Expressions()
    x, y, cell = (known.symbol(name) for name in ("x", "y", "cell"))
    per_cell = known.power(cell, known.number(-1.0))
    assert known.product(cell, x, per_cell) is x
    assert known.product(x, y) is known.product(y, x)
    assert known.sum([(x, 2.0), (y, 1.0), (x, -1.0)]) is known.sum([(y, 1.0), (x, 1.0)])
    assert known.sum([(x, 1.0), (x, -1.0)]) is known.number(0.0)
    assert known.sum([(known.product(known.number(2.0), x), 3.0)]) is known.product(
        x, known.number(6.0)
    )
    square = known.power(known.product(x, y), known.number(2.0))
    assert known.product(square, known.power(x, known.number(-1.0))) is known.product(x, y, y)
    assert known.power(x, known.number(1.0)) is x
    assert known.symbols(square) == {"x", "y"}


def test_numbers_without_a_value_are_no_crash() -> None:
    known, zero = Expressions(), Expressions.number
    assert known.power(zero(known, 0.0), zero(known, -1.0)).value == math.inf
    assert math.isnan(float(known.power(zero(known, -1.0), zero(known, 0.5)).value))
    assert known.call("ln", zero(known, 0.0)).value == -math.inf
    assert known.call("exp", zero(known, 1e4)).value == math.inf
    large = known.product(zero(known, 1e200), known.symbol("x"))
    assert value_of(known, known.power(large, zero(known, 4.0)), x=1.0) == math.inf


Tree = tuple[Any, ...]
LEAVES = st.one_of(
    st.sampled_from(["x", "y", "p"]).map(lambda name: ("symbol", name)),
    st.floats(0.1, 4.0).map(lambda number: ("number", number)),
)


def branches(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(["+", "*", "/"]), inner, inner),
        st.tuples(st.just("^"), inner, st.sampled_from([-2.0, -1.0, 0.5, 1.0, 2.0, 2.7, 3.0])),
        st.tuples(st.just("hill"), inner, inner),
        st.tuples(st.sampled_from(["exp", "ln"]), inner),
    )


FORMULAS = st.recursive(LEAVES, branches, max_leaves=8)
SYMBOLS = st.fixed_dictionaries({name: st.floats(0.2, 3.0) for name in ("x", "y", "p")})


def node_of(known: Expressions, tree: Tree) -> Node:
    """The formula in the words of the engine."""
    kind, *parts = tree
    if kind in ("symbol", "number"):
        return getattr(known, kind)(parts[0])
    inner = [node_of(known, part) for part in parts if isinstance(part, tuple)]
    if kind == "+":
        return known.sum((part, 1.0) for part in inner)
    if kind == "*":
        return known.product(*inner)
    if kind == "/":
        return known.product(inner[0], known.power(inner[1], known.number(-1.0)))
    if kind == "^":
        return known.power(inner[0], known.number(parts[1]))
    if kind == "hill":  # with an exponent that is a symbol
        return known.power(inner[0], known.sum([(inner[1], 0.1), (known.symbol("p"), 1.0)]))
    if kind == "exp":
        return known.call("exp", known.product(inner[0], known.number(-0.5)))
    return known.call("ln", known.sum([(inner[0], 1.0)], 1.5))


def direct(tree: Tree, symbols: dict[str, complex]) -> Any:
    """The same, straight in Python. All terms are positive, so no digits are lost."""
    kind, *parts = tree
    if kind == "symbol":
        return symbols[parts[0]]
    if kind == "number":
        return parts[0]
    inner = [direct(part, symbols) for part in parts if isinstance(part, tuple)]
    if kind == "+":
        return inner[0] + inner[1]
    if kind == "*":
        return inner[0] * inner[1]
    if kind == "/":
        return inner[0] / inner[1]
    if kind == "^":
        return inner[0] ** parts[1]
    if kind == "hill":
        return inner[0] ** (0.1 * inner[1] + symbols["p"])
    return np.exp(-0.5 * inner[0]) if kind == "exp" else np.log(1.5 + inner[0])


@settings(max_examples=150)
@given(FORMULAS, SYMBOLS)
def test_values_and_derivatives_of_random_formulas(tree: Tree, symbols: dict[str, float]) -> None:
    known = Expressions()
    with np.errstate(all="ignore"):
        expected = np.float64(direct(tree, {n: np.float64(x) for n, x in symbols.items()}))
        assume(1e-50 < expected < 1e50)
        node = node_of(known, tree)
        assert value_of(known, node, **symbols) == pytest.approx(expected, rel=1e-11)
        for name, x in symbols.items():
            nudged = direct(tree, {**symbols, name: np.complex128(x + 1e-40j)})
            slope = np.imag(nudged) / 1e-40
            found = value_of(known, known.derivative(node, known.symbol(name)), **symbols)
            assert found == pytest.approx(slope, rel=1e-8, abs=1e-8 * float(expected))


@settings(max_examples=60)
@given(FORMULAS, SYMBOLS)
def test_numbers_for_symbols_leave_the_value(tree: Tree, symbols: dict[str, float]) -> None:
    known = Expressions()
    node = node_of(known, tree)
    with np.errstate(all="ignore"):
        expected = value_of(known, node, **symbols)
        assume(1e-50 < expected < 1e50)
        burnt = known.with_nodes(node, {"p": known.number(symbols["p"])})
        assert "p" not in known.symbols(burnt)
        found = value_of(known, burnt, x=symbols["x"], y=symbols["y"])
        assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("n", [0.3, 0.5, 1.0, 1.5, 2.0, 2.7, 3.0, 4.0, 9.5])
@pytest.mark.parametrize("x", [0.0, 1e-200, 0.5, 2.0])
def test_powers(x: float, n: float) -> None:
    """Exponents in the formula, known later, or known when it runs; also at 0."""
    known = Expressions()
    base, exponent = known.symbol("x"), known.symbol("n")
    at_run_time = known.power(base, exponent)
    burnt = known.with_nodes(at_run_time, {"n": known.number(n)})
    for node in (known.power(base, known.number(n)), burnt, at_run_time):
        assert value_of(known, node, x=x, n=n) == pytest.approx(x**n, rel=1e-13, abs=1e-300)
        slope = value_of(known, known.derivative(node, base), x=x, n=n)
        assert np.isfinite(slope)
        if x > 0.0:
            assert slope == pytest.approx(n * x ** (n - 1.0), rel=1e-12)
        elif n > 1.0:
            assert slope == pytest.approx(0.0, abs=1e-90)
    if n in (2.0, 3.0):
        assert burnt is known.power(base, known.number(n))
        assert burnt.kind == "product"
