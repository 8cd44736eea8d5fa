"""What each operator and function of SBML's MathML is as a formula.

A truth value is the number 1 or 0. Where SBML asks for one and finds another number, every number
but 0 is true, as in Level 3 Version 2.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import libsbml

from p53net.model.expressions import Expressions, Node

Parts = Sequence[Node]
Builder = Callable[[Expressions, Parts], Node]

AVOGADRO = 6.02214179e23
"""As SBML has it."""

MOST_FACTORIAL = 20
"""Of a number that moves: above this, or between whole numbers, its factorial is no number."""


def built(known: Expressions, kind: int, parts: Parts) -> Node | None:
    """The formula of an operator with these arguments; None where there is none."""
    builder = _BUILDERS.get(kind)
    return None if builder is None else builder(known, parts)


def truth(known: Expressions, node: Node, boolean: bool) -> Node:
    """1 where a condition holds: of a number, where it is not 0."""
    return node if boolean else opposite(known, known.call("same", node, known.number(0.0)))


def opposite(known: Expressions, condition: Node) -> Node:
    """1 where a condition does not hold."""
    return known.sum([(condition, -1.0)], 1.0)


def _minus(known: Expressions, parts: Parts) -> Node:
    if len(parts) == 1:
        return known.product(known.number(-1.0), parts[0])
    return known.sum(zip(parts, (1.0, -1.0), strict=True))


def _over(known: Expressions, above: Node, below: Node) -> Node:
    return known.product(above, known.power(below, known.number(-1.0)))


def _inverse(known: Expressions, node: Node) -> Node:
    return known.power(node, known.number(-1.0))


def _root(known: Expressions, node: Node) -> Node:
    return known.power(node, known.number(0.5))


def _log(known: Expressions, parts: Parts) -> Node:
    return known.product(
        known.call("ln", parts[-1]),
        known.power(
            known.call("ln", parts[0] if len(parts) > 1 else known.number(10.0)),
            known.number(-1.0),
        ),
    )


def _any_root(known: Expressions, parts: Parts) -> Node:
    degree = parts[0] if len(parts) > 1 else known.number(2.0)
    return known.power(parts[-1], known.power(degree, known.number(-1.0)))


def _piecewise(known: Expressions, parts: Parts) -> Node:
    pairs = len(parts) // 2
    found = parts[-1] if len(parts) % 2 else known.number(math.nan)
    for i in reversed(range(pairs)):
        found = known.call("choose", parts[2 * i + 1], parts[2 * i], found)
    return found


def _chain(relation: Callable[[Expressions, Node, Node], Node]) -> Builder:
    """A relation of neighbours, all of which have to hold."""
    return lambda known, parts: known.product(*(relation(known, a, b) for a, b in pairwise(parts)))


def _less(known: Expressions, a: Node, b: Node) -> Node:
    return known.number(0.0) if a is b else known.call("less", a, b)


def _same(known: Expressions, a: Node, b: Node) -> Node:
    return known.number(1.0) if a is b else known.call("same", a, b)


def _or(known: Expressions, parts: Parts) -> Node:
    return opposite(known, known.product(*(opposite(known, one) for one in parts)))


def _xor(known: Expressions, parts: Parts) -> Node:
    found = known.number(0.0)
    for one in parts:
        found = known.sum([(found, 1.0), (one, 1.0), (known.product(found, one), -2.0)])
    return found


def _smallest(known: Expressions, parts: Parts) -> Node:
    found, *others = parts
    for one in others:
        found = known.call("choose", _less(known, one, found), one, found)
    return found


def _largest(known: Expressions, parts: Parts) -> Node:
    found, *others = parts
    for one in others:
        found = known.call("choose", _less(known, found, one), one, found)
    return found


def _ceil(known: Expressions, node: Node) -> Node:
    return known.negative(known.call("floor", known.negative(node)))


def _quotient(known: Expressions, parts: Parts) -> Node:
    """Without what is behind the point."""
    share = _over(known, parts[0], parts[1])
    below = known.call("less", share, known.number(0.0))
    return known.call("choose", below, _ceil(known, share), known.call("floor", share))


def _rest(known: Expressions, parts: Parts) -> Node:
    whole = known.product(parts[1], _quotient(known, parts))
    return known.sum([(parts[0], 1.0), (whole, -1.0)])


def _absolute(known: Expressions, parts: Parts) -> Node:
    node = parts[0]
    below = known.call("less", node, known.number(0.0))
    return known.call("choose", below, known.negative(node), node)


def _factorial(known: Expressions, parts: Parts) -> Node:
    node = parts[0]
    if node.kind == "number":
        value = float(node.value)
        small = 0.0 <= value <= 170.0 and value.is_integer()
        return known.number(float(math.factorial(int(value))) if small else math.nan)
    factors = [
        known.call("choose", _less(known, known.number(k - 0.5), node), known.number(float(k)),
                   known.number(1.0))
        for k in range(2, MOST_FACTORIAL + 1)
    ]  # fmt: skip
    whole = known.call("same", node, known.call("floor", node))
    inside = _less(known, node, known.number(MOST_FACTORIAL + 0.5))
    good = known.product(whole, inside, _less(known, known.number(-0.5), node))
    return known.call("choose", good, known.product(*factors), known.number(math.nan))


def _asin(known: Expressions, node: Node) -> Node:
    rest = known.sum([(known.power(node, known.number(2.0)), -1.0)], 1.0)
    return known.call("atan", _over(known, node, _root(known, rest)))


def _acos(known: Expressions, node: Node) -> Node:
    return known.sum([(_asin(known, node), -1.0)], math.pi / 2)


def _asinh(known: Expressions, node: Node) -> Node:
    size = _absolute(known, [node])
    inside = known.sum([(known.power(node, known.number(2.0)), 1.0)], 1.0)
    found = known.call("ln", known.sum([(size, 1.0), (_root(known, inside), 1.0)]))
    below = known.call("less", node, known.number(0.0))
    return known.call("choose", below, known.negative(found), found)


def _acosh(known: Expressions, node: Node) -> Node:
    inside = known.sum([(known.power(node, known.number(2.0)), 1.0)], -1.0)
    return known.call("ln", known.sum([(node, 1.0), (_root(known, inside), 1.0)]))


def _atanh(known: Expressions, node: Node) -> Node:
    above, below = known.sum([(node, 1.0)], 1.0), known.sum([(node, -1.0)], 1.0)
    return known.product(known.number(0.5), known.call("ln", _over(known, above, below)))


def _acot(known: Expressions, node: Node) -> Node:
    return known.call("atan", _inverse(known, node))


def _of_one(function: Callable[[Expressions, Node], Node]) -> Builder:
    return lambda known, parts: function(known, parts[0])


def _of_inverse(function: Callable[[Expressions, Node], Node]) -> Builder:
    return lambda known, parts: function(known, _inverse(known, parts[0]))


def _plain(name: str) -> Builder:
    return lambda known, parts: known.call(name, parts[0])


def _under_one(name: str) -> Builder:
    return lambda known, parts: _inverse(known, known.call(name, parts[0]))


def _ratio(above: str, below: str) -> Builder:
    return lambda known, parts: _over(
        known, known.call(above, parts[0]), known.call(below, parts[0])
    )


def _constant(value: float) -> Builder:
    return lambda known, _parts: known.number(value)


_BUILDERS: Mapping[int, Builder] = {
    libsbml.AST_PLUS: lambda known, parts: known.sum((part, 1.0) for part in parts),
    libsbml.AST_MINUS: _minus,
    libsbml.AST_TIMES: lambda known, parts: known.product(*parts),
    libsbml.AST_DIVIDE: lambda known, parts: _over(known, parts[0], parts[1]),
    libsbml.AST_POWER: lambda known, parts: known.power(*parts),
    libsbml.AST_FUNCTION_POWER: lambda known, parts: known.power(*parts),
    libsbml.AST_FUNCTION_ROOT: _any_root,
    libsbml.AST_FUNCTION_EXP: _plain("exp"),
    libsbml.AST_FUNCTION_LN: _plain("ln"),
    libsbml.AST_FUNCTION_LOG: _log,
    libsbml.AST_FUNCTION_PIECEWISE: _piecewise,
    libsbml.AST_FUNCTION_ABS: _absolute,
    libsbml.AST_FUNCTION_FLOOR: _plain("floor"),
    libsbml.AST_FUNCTION_CEILING: _of_one(_ceil),
    libsbml.AST_FUNCTION_MIN: _smallest,
    libsbml.AST_FUNCTION_MAX: _largest,
    libsbml.AST_FUNCTION_QUOTIENT: _quotient,
    libsbml.AST_FUNCTION_REM: _rest,
    libsbml.AST_FUNCTION_FACTORIAL: _factorial,
    libsbml.AST_FUNCTION_SIN: _plain("sin"),
    libsbml.AST_FUNCTION_COS: _plain("cos"),
    libsbml.AST_FUNCTION_TAN: _ratio("sin", "cos"),
    libsbml.AST_FUNCTION_SEC: _under_one("cos"),
    libsbml.AST_FUNCTION_CSC: _under_one("sin"),
    libsbml.AST_FUNCTION_COT: _ratio("cos", "sin"),
    libsbml.AST_FUNCTION_SINH: _plain("sinh"),
    libsbml.AST_FUNCTION_COSH: _plain("cosh"),
    libsbml.AST_FUNCTION_TANH: _plain("tanh"),
    libsbml.AST_FUNCTION_SECH: _under_one("cosh"),
    libsbml.AST_FUNCTION_CSCH: _under_one("sinh"),
    libsbml.AST_FUNCTION_COTH: _under_one("tanh"),
    libsbml.AST_FUNCTION_ARCSIN: _of_one(_asin),
    libsbml.AST_FUNCTION_ARCCOS: _of_one(_acos),
    libsbml.AST_FUNCTION_ARCTAN: _plain("atan"),
    libsbml.AST_FUNCTION_ARCSEC: _of_inverse(_acos),
    libsbml.AST_FUNCTION_ARCCSC: _of_inverse(_asin),
    libsbml.AST_FUNCTION_ARCCOT: _of_one(_acot),
    libsbml.AST_FUNCTION_ARCSINH: _of_one(_asinh),
    libsbml.AST_FUNCTION_ARCCOSH: _of_one(_acosh),
    libsbml.AST_FUNCTION_ARCTANH: _of_one(_atanh),
    libsbml.AST_FUNCTION_ARCSECH: _of_inverse(_acosh),
    libsbml.AST_FUNCTION_ARCCSCH: _of_inverse(_asinh),
    libsbml.AST_FUNCTION_ARCCOTH: _of_inverse(_atanh),
    libsbml.AST_RELATIONAL_LT: _chain(_less),
    libsbml.AST_RELATIONAL_GT: _chain(lambda known, a, b: _less(known, b, a)),
    libsbml.AST_RELATIONAL_LEQ: _chain(lambda known, a, b: opposite(known, _less(known, b, a))),
    libsbml.AST_RELATIONAL_GEQ: _chain(lambda known, a, b: opposite(known, _less(known, a, b))),
    libsbml.AST_RELATIONAL_EQ: _chain(_same),
    libsbml.AST_RELATIONAL_NEQ: _chain(lambda known, a, b: opposite(known, _same(known, a, b))),
    libsbml.AST_LOGICAL_AND: lambda known, parts: known.product(*parts),
    libsbml.AST_LOGICAL_OR: _or,
    libsbml.AST_LOGICAL_XOR: _xor,
    libsbml.AST_LOGICAL_NOT: lambda known, parts: opposite(known, parts[0]),
    libsbml.AST_LOGICAL_IMPLIES: lambda known, parts: opposite(
        known, known.product(parts[0], opposite(known, parts[1]))
    ),
    libsbml.AST_CONSTANT_TRUE: _constant(1.0),
    libsbml.AST_CONSTANT_FALSE: _constant(0.0),
    libsbml.AST_CONSTANT_E: _constant(math.e),
    libsbml.AST_CONSTANT_PI: _constant(math.pi),
    libsbml.AST_NAME_AVOGADRO: _constant(AVOGADRO),
}

LOGICAL = frozenset(
    {
        libsbml.AST_LOGICAL_AND, libsbml.AST_LOGICAL_OR, libsbml.AST_LOGICAL_XOR,
        libsbml.AST_LOGICAL_NOT, libsbml.AST_LOGICAL_IMPLIES,
    }
)  # fmt: skip
"""Operators whose arguments are conditions."""
