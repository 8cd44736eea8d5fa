"""Formulas as text, against numbers worked out by Python."""

import math

import numpy as np
import pytest

import p53net as pn
from p53net.model.arrays import Arrays
from p53net.model.expressions import Evaluation, Expressions
from p53net.model.formula_text import LONGEST, parsed

A, B = 2.0, 5.0
VALUES = {"a": np.array([A, 3.0]), "b": np.array([B, 7.0])}

RIGHT = [
    ("1", 1.0),
    (".5e1 + 2.", 7.0),
    ("1e-3*a", 1e-3 * A),
    ("a - b - 1", A - B - 1),
    ("a / b / 2", A / B / 2),
    ("a + b * a ^ 2", A + B * A**2),
    ("-a ^ 2", -(A**2)),
    ("2 ^ 3 ^ a", 2.0 ** (3.0**A)),
    ("2 ^ -a", 2.0**-A),
    ("--a - -b", A + B),
    ("(a + b) * (a - b)", (A + B) * (A - B)),
    ("log(b)", math.log(B)),
    ("ln(b)", math.log(B)),
    ("log10(b)", math.log10(B)),
    ("log2(b)", math.log2(B)),
    ("log(b, 3)", math.log(B, 3)),
    ("exp(sqrt(a)) + pow(a, b)", math.exp(math.sqrt(A)) + A**B),
    ("abs(a - b) + sign(a - b)", abs(A - B) - 1),
    ("min(a, b, 1) + max(a, b, 1)", 1 + B),
    ("sin(a) + cosh(b) + atan(a)", math.sin(A) + math.cosh(B) + math.atan(A)),
    ("piecewise(1, a > b, 2, a == 2, 3)", 2.0),
    ("piecewise(1, a < b && !(b <= 5), 3)", 3.0),
    ("piecewise(1, a != 2 || b >= 5, 3)", 1.0),
    ("piecewise(1, true, 2)", 1.0),
    ("piecewise(1, a - 2, 2)", 2.0),
    ("floor(b / a) + ceil(b / a)", 5.0),
]

WRONG = [
    ("", "too early"),
    ("a +", "character 4 it ends too early"),
    ("a b", "character 3 'b' does not belong there"),
    ("a ** b", "character 4"),
    ("(a", "too early"),
    ("a)", "character 2"),
    ("a @ b", "character 3 '@'"),
    ("1.2.3", "character 1"),
    ("2a", "character 1"),
    ("sin()", "character 5"),
    ("sin(a, b)", "gives sin 2 arguments; it takes 1"),
    ("foo(a)", "'foo', which is no function"),
    ("a.b", "character 2"),
    ("(" * 60 + "a" + ")" * 60, "more than 50 brackets"),
    ("-" * 60 + "a", "more than 50 brackets"),
    ("min(" + ",".join("a" * 200) + ")", "gives min 200 arguments"),
    ("+a" * LONGEST, "at most 20,000"),
]


@pytest.mark.parametrize(("text", "value"), RIGHT)
def test_formulas_mean_what_they_say(text: str, value: float) -> None:
    known = Expressions()
    found = Evaluation(known, Arrays(), VALUES.__getitem__)(parsed(text, known))
    assert np.ravel(found)[0] == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text[:12] for text, _ in WRONG])
def test_what_is_no_formula_is_refused(text: str, message: str) -> None:
    with pytest.raises(pn.InputError, match=message) as error:
        parsed(text, Expressions())
    assert len(str(error.value)) < 500


def test_long_sums_are_no_trouble() -> None:
    known = Expressions()
    node = parsed("+".join(["a*b"] * 3000), known)
    assert Evaluation(known, Arrays(), VALUES.__getitem__)(node)[0] == pytest.approx(3000 * A * B)
