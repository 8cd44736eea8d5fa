"""Every function of SBML's MathML as a formula: its value by Python, its slope by differences."""

import math
from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from p53net.errors import UnsupportedError
from p53net.model.arrays import Arrays
from p53net.model.expressions import Evaluation, Node
from p53net.model.relations import watched
from p53net.model.symbols import Symbols


def no_rate(name: str) -> Node:
    raise UnsupportedError(name)


def formula(text: str) -> tuple[Symbols, Node]:
    settings = libsbml.L3ParserSettings()
    settings.setParseUnits(False)
    document = libsbml.SBMLDocument(3, 2)
    symbols = Symbols(document.createModel(), no_rate)
    parsed = libsbml.parseL3FormulaWithSettings(text, settings)
    assert parsed is not None, libsbml.getLastParseL3Error()
    return symbols, symbols.node(parsed, "a test", {})


def value(text: str, **known: float) -> float:
    symbols, node = formula(text)
    with np.errstate(all="ignore"):
        return float(Evaluation(symbols.known, Arrays(), known.__getitem__)(node))


SMOOTH: dict[str, tuple[Callable[[float], float], tuple[float, ...]]] = {
    "sin(x)": (math.sin, (-2.0, 0.3, 5.0)),
    "cos(x)": (math.cos, (-2.0, 0.3, 5.0)),
    "tan(x)": (math.tan, (-1.0, 0.3)),
    "sec(x)": (lambda x: 1 / math.cos(x), (-1.0, 0.3)),
    "csc(x)": (lambda x: 1 / math.sin(x), (-1.0, 0.3)),
    "cot(x)": (lambda x: 1 / math.tan(x), (-1.0, 0.3)),
    "arcsin(x)": (math.asin, (-0.9, 0.3)),
    "arccos(x)": (math.acos, (-0.9, 0.3)),
    "arctan(x)": (math.atan, (-9.0, 0.3)),
    "arcsec(x)": (lambda x: math.acos(1 / x), (-2.0, 3.0)),
    "arccsc(x)": (lambda x: math.asin(1 / x), (-2.0, 3.0)),
    "arccot(x)": (lambda x: math.atan(1 / x), (-2.0, 3.0)),
    "sinh(x)": (math.sinh, (-3.0, 0.2)),
    "cosh(x)": (math.cosh, (-3.0, 0.2)),
    "tanh(x)": (math.tanh, (-3.0, 0.2, 400.0)),
    "sech(x)": (lambda x: 1 / math.cosh(x), (-3.0, 0.2)),
    "csch(x)": (lambda x: 1 / math.sinh(x), (-3.0, 0.2)),
    "coth(x)": (lambda x: 1 / math.tanh(x), (-3.0, 0.2)),
    "arcsinh(x)": (math.asinh, (-30.0, 0.2)),
    "arccosh(x)": (math.acosh, (1.5, 30.0)),
    "arctanh(x)": (math.atanh, (-0.9, 0.2)),
    "arcsech(x)": (lambda x: math.acosh(1 / x), (0.2, 0.9)),
    "arccsch(x)": (lambda x: math.asinh(1 / x), (-0.2, 0.9)),
    "arccoth(x)": (lambda x: math.atanh(1 / x), (-2.0, 1.5)),
    "abs(x)": (abs, (-2.0, 3.0)),
    "min(x, 1, 2 - x)": (lambda x: min(x, 1.0, 2.0 - x), (-2.0, 0.9, 1.7)),
    "max(x, 1, 2 - x)": (lambda x: max(x, 1.0, 2.0 - x), (-2.0, 0.9, 1.7)),
    "rem(x, 0.75)": (lambda x: math.fmod(x, 0.75), (-2.0, 1.7)),
    "piecewise(x^2, x < 1, sin(x), x <= 3, 7)": (
        lambda x: x**2 if x < 1 else math.sin(x) if x <= 3 else 7.0, (-1.0, 2.0, 4.0)),
    "exp(x)*ln(x + 9) + log10(x + 9)": (
        lambda x: math.exp(x) * math.log(x + 9) + math.log10(x + 9), (-1.0, 2.0)),
}  # fmt: skip


@pytest.mark.parametrize("text", SMOOTH)
def test_values_and_slopes(text: str) -> None:
    exact, points = SMOOTH[text]
    symbols, node = formula(text)
    slope = symbols.known.derivative(node, symbols.known.symbol("x"))
    for x in points:
        found = Evaluation(symbols.known, Arrays(), {"x": x}.__getitem__)(slope)
        step = 1e-5 * max(abs(x), 0.1)
        differences = (exact(x + step) - exact(x - step)) / (2 * step)
        assert value(text, x=x) == pytest.approx(exact(x), rel=1e-13, abs=1e-15)
        assert float(found) == pytest.approx(differences, rel=1e-6, abs=1e-8)


STEPS = {
    "floor(x)": ((-1.5, -2.0), (2.0, 2.0)),
    "ceil(x)": ((-1.5, -1.0), (2.0, 2.0), (2.1, 3.0)),
    "quotient(x, 2)": ((-5.0, -2.0), (5.0, 2.0)),
    "factorial(x)": ((0.0, 1.0), (5.0, 120.0), (20.0, float(math.factorial(20))),
                     (1.5, math.nan), (-1.0, math.nan), (21.0, math.nan)),
    "factorial(7)": ((0.0, 5040.0),),
    "x < 1": ((0.0, 1.0), (1.0, 0.0)),
    "x <= 1": ((1.0, 1.0), (1.5, 0.0)),
    "x > 1": ((1.0, 0.0), (1.5, 1.0)),
    "x >= 1": ((1.0, 1.0), (0.5, 0.0)),
    "x == 1": ((1.0, 1.0), (0.5, 0.0)),
    "x != 1": ((1.0, 0.0), (0.5, 1.0)),
    "1 < x && x < 3 && true": ((2.0, 1.0), (3.0, 0.0)),
    "x < 1 || x > 3": ((0.0, 1.0), (2.0, 0.0), (4.0, 1.0)),
    "!(x < 1)": ((0.0, 0.0), (2.0, 1.0)),
    "xor(x > 0, x > 1, x > 2)": ((-1.0, 0.0), (0.5, 1.0), (1.5, 0.0), (3.0, 1.0)),
    "implies(x > 0, x > 1)": ((-1.0, 1.0), (0.5, 0.0), (2.0, 1.0)),
    "and(x, 2)": ((0.0, 0.0), (5.0, 1.0)),
    "piecewise(3, x)": ((-4.0, 3.0), (0.0, math.nan)),
    "(x > 1) + 2": ((0.0, 2.0), (2.0, 3.0)),
}  # fmt: skip


@pytest.mark.parametrize("text", STEPS)
def test_what_jumps(text: str) -> None:
    for x, wanted in STEPS[text]:
        assert value(text, x=x) == pytest.approx(wanted, nan_ok=True)


def test_what_has_no_formula_is_named() -> None:
    with pytest.raises(UnsupportedError, match=r"a test uses delay\(x, 1\)"):
        formula("delay(x, 1)")


def test_relations_are_watched_by_their_differences() -> None:
    symbols, node = formula("piecewise(1, a < b && time > 2*b, floor(a))")
    roots = watched(symbols.known, [node])
    known = {"a": 1.25, "b": 3.0, "time": 7.0}
    evaluation = Evaluation(symbols.known, Arrays(), known.__getitem__)
    assert sorted(float(evaluation(root)) for root in roots) == pytest.approx(
        sorted([1.25 - 3.0, 6.0 - 7.0, math.sin(1.25 * math.pi)])
    )
