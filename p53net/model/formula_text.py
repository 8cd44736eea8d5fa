"""Formulas as text, such as `scale * (A + B) ^ 2`, as graphs. Nothing in them is ever run as code.

The grammar is that of PEtab: `^` binds from the right and before a sign, `log` is the natural
logarithm, a second argument of it the base.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import libsbml

from p53net.errors import InputError
from p53net.model.expressions import Expressions, Node
from p53net.model.mathml import built, truth

LONGEST = 20_000
"""Characters of a formula."""

DEEPEST = 50
"""Brackets and signs inside each other."""

_MOST_ARGUMENTS = 100
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/^(),<>!]))",
    re.ASCII,
)
_CONSTANTS = {"true": 1.0, "false": 0.0, "inf": float("inf")}
_ONE = {
    "exp": "EXP", "ln": "LN", "log10": "LOG", "abs": "ABS", "floor": "FLOOR", "ceil": "CEILING",
    "sin": "SIN", "cos": "COS", "tan": "TAN", "sec": "SEC", "csc": "CSC", "cot": "COT",
    "asin": "ARCSIN", "acos": "ARCCOS", "atan": "ARCTAN", "arcsin": "ARCSIN", "arccos": "ARCCOS",
    "arctan": "ARCTAN", "sinh": "SINH", "cosh": "COSH", "tanh": "TANH", "asinh": "ARCSINH",
    "acosh": "ARCCOSH", "atanh": "ARCTANH", "arcsinh": "ARCSINH", "arccosh": "ARCCOSH",
    "arctanh": "ARCTANH",
}  # fmt: skip
_RELATIONS = {
    "<": libsbml.AST_RELATIONAL_LT, ">": libsbml.AST_RELATIONAL_GT,
    "<=": libsbml.AST_RELATIONAL_LEQ, ">=": libsbml.AST_RELATIONAL_GEQ,
    "==": libsbml.AST_RELATIONAL_EQ, "!=": libsbml.AST_RELATIONAL_NEQ,
}  # fmt: skip


class _Value(NamedTuple):
    """A part of a formula."""

    node: Node
    condition: bool = False
    """Whether it is true or false; else a number."""


class _Function(NamedTuple):
    """What a name before a bracket does."""

    least: int
    most: int
    build: Callable[[Expressions, Sequence[_Value]], Node]


def parsed(text: str, known: Expressions) -> Node:
    """The formula in a text. Raises InputError, which says where it is none."""
    if len(text) > LONGEST:
        raise InputError(
            f"the formula has {len(text):,} characters, but at most {LONGEST:,} are allowed; "
            "shorten it"
        )
    return _Parser(text, known).whole()


class _Parser:
    """One text on its way to a formula: a function for each level of the grammar."""

    def __init__(self, text: str, known: Expressions) -> None:
        self._text, self._known, self._depth = text, known, 0
        self._tokens = [*_tokens(text), ("end", "", len(text))]
        self._at = 0

    def whole(self) -> Node:
        found = self._either()
        if self._kind != "end":
            raise self._error()
        return found.node

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, *signs: str) -> str:
        """The next sign if it is one of these; else nothing."""
        kind, text, _ = self._tokens[self._at]
        if kind == "sign" and text in signs:
            self._at += 1
            return text
        return ""

    def _error(self) -> InputError:
        kind, text, place = self._tokens[self._at]
        what = "it ends too early" if kind == "end" else f"'{text}' does not belong there"
        return InputError(f"'{_short(self._text)}' is no formula: at character {place + 1} {what}")

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error()

    def _condition(self, value: _Value) -> Node:
        return truth(self._known, value.node, value.condition)

    def _joined(self, part: Callable[[], _Value], sign: str, kind: int) -> _Value:
        found = [part()]
        while self._take(sign):
            found.append(part())
        if len(found) == 1:
            return found[0]
        return _Value(_built(self._known, kind, [self._condition(one) for one in found]), True)

    def _either(self) -> _Value:
        return self._joined(self._both, "||", libsbml.AST_LOGICAL_OR)

    def _both(self) -> _Value:
        return self._joined(self._relation, "&&", libsbml.AST_LOGICAL_AND)

    def _relation(self) -> _Value:
        left = self._sum()
        sign = self._take(*_RELATIONS)
        if not sign:
            return left
        right = self._sum()
        return _Value(_built(self._known, _RELATIONS[sign], [left.node, right.node]), True)

    def _sum(self) -> _Value:
        first = self._product()
        terms = [(first.node, 1.0)]
        while sign := self._take("+", "-"):
            terms.append((self._product().node, 1.0 if sign == "+" else -1.0))
        return first if len(terms) == 1 else _Value(self._known.sum(terms))

    def _product(self) -> _Value:
        first = self._signed()
        factors = [first.node]
        while sign := self._take("*", "/"):
            node = self._signed().node
            below = self._known.number(-1.0)
            factors.append(node if sign == "*" else self._known.power(node, below))
        return first if len(factors) == 1 else _Value(self._known.product(*factors))

    def _signed(self) -> _Value:
        sign = self._take("+", "-", "!")
        if not sign:
            return self._power()
        with_sign = self._deeper(self._signed)
        if sign == "!":
            node = self._condition(with_sign)
            return _Value(_built(self._known, libsbml.AST_LOGICAL_NOT, [node]), True)
        return with_sign if sign == "+" else _Value(self._known.negative(with_sign.node))

    def _power(self) -> _Value:
        base = self._atom()
        if not self._take("^"):
            return base
        return _Value(self._known.power(base.node, self._deeper(self._signed).node))

    def _deeper(self, part: Callable[[], _Value]) -> _Value:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InputError(
                f"'{_short(self._text)}' has more than {DEEPEST} brackets or signs inside each "
                "other; simplify it"
            )
        found = part()
        self._depth -= 1
        return found

    def _atom(self) -> _Value:
        kind, text, _ = self._tokens[self._at]
        if self._take("("):
            found = self._deeper(self._either)
            self._expect(")")
            return found
        if kind not in ("number", "name"):
            raise self._error()
        self._at += 1
        if kind == "number":
            return _Value(self._known.number(float(text)))
        if self._take("("):
            return self._call(text)
        if text in _CONSTANTS:
            return _Value(self._known.number(_CONSTANTS[text]), text != "inf")
        return _Value(self._known.symbol(text))

    def _call(self, name: str) -> _Value:
        if name not in FUNCTIONS:
            raise InputError(
                f"'{_short(self._text)}' calls '{name}', which is no function; there are "
                + ", ".join(FUNCTIONS)
            )
        arguments = list[_Value]()
        while not arguments or self._take(","):
            arguments.append(self._deeper(self._either))
        self._expect(")")
        function = FUNCTIONS[name]
        if not function.least <= len(arguments) <= function.most:
            raise InputError(
                f"'{_short(self._text)}' gives {name} {len(arguments)} arguments; it takes "
                + " to ".join(str(n) for n in sorted({function.least, function.most}))
            )
        return _Value(function.build(self._known, arguments))


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and place of each."""
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            bad = len(text) - len(text[place:].lstrip())
            raise InputError(
                f"'{_short(text)}' is no formula: at character {bad + 1} '{text[bad]}' does not "
                "belong there"
            )
        kind = str(found.lastgroup)
        yield kind, found[kind], found.start(kind)
        place = found.end()


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _built(known: Expressions, kind: int, parts: Sequence[Node]) -> Node:
    found = built(known, kind, parts)
    if found is None:  # only operators that are in the tables above
        raise AssertionError(kind)
    return found


def _plain(name: str) -> _Function:
    kind = getattr(libsbml, f"AST_FUNCTION_{name}")
    return _Function(1, 1, lambda known, parts: _built(known, kind, [parts[0].node]))


def _many(name: str) -> _Function:
    kind = getattr(libsbml, f"AST_FUNCTION_{name}")
    return _Function(
        1, _MOST_ARGUMENTS, lambda known, parts: _built(known, kind, [p.node for p in parts])
    )


def _log(known: Expressions, parts: Sequence[_Value]) -> Node:
    if len(parts) == 1:
        return known.call("ln", parts[0].node)
    return _built(known, libsbml.AST_FUNCTION_LOG, [parts[1].node, parts[0].node])


def _log2(known: Expressions, parts: Sequence[_Value]) -> Node:
    return _built(known, libsbml.AST_FUNCTION_LOG, [known.number(2.0), parts[0].node])


def _sqrt(known: Expressions, parts: Sequence[_Value]) -> Node:
    return known.power(parts[0].node, known.number(0.5))


def _pow(known: Expressions, parts: Sequence[_Value]) -> Node:
    return known.power(parts[0].node, parts[1].node)


def _sign(known: Expressions, parts: Sequence[_Value]) -> Node:
    zero, node = known.number(0.0), parts[0].node
    return known.sum(
        [(known.call("less", zero, node), 1.0), (known.call("less", node, zero), -1.0)]
    )


def _piecewise(known: Expressions, parts: Sequence[_Value]) -> Node:
    nodes = [
        truth(known, one.node, one.condition) if i % 2 else one.node for i, one in enumerate(parts)
    ]
    return _built(known, libsbml.AST_FUNCTION_PIECEWISE, nodes)


FUNCTIONS: Mapping[str, _Function] = {
    **{name: _plain(kind) for name, kind in _ONE.items()},
    "log": _Function(1, 2, _log),
    "log2": _Function(1, 1, _log2),
    "sqrt": _Function(1, 1, _sqrt),
    "pow": _Function(2, 2, _pow),
    "sign": _Function(1, 1, _sign),
    "min": _many("MIN"),
    "max": _many("MAX"),
    "piecewise": _Function(2, _MOST_ARGUMENTS, _piecewise),
}
"""What formulas may call."""
