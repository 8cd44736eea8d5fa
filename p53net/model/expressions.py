"""Formulas as a graph in which equal formulas are one node, so that shared parts are found.

A product is a number times whole powers of other nodes, a sum is a number plus multiples of other
nodes, so `cell*k*x/cell` is `k*x`. A power with any other exponent is `x^n = x * power(x, n - 1)`:
the value and the derivative `n * power(x, n - 1)` then share one call of `power`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from p53net.model.functions import OF_NUMBERS, STEPS, slope


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One formula. `kind` is number, symbol, sum, product, power, or a function of
    `functions.OF_NUMBERS`; nodes are compared by identity."""

    number: int
    """Order of creation: the order in which terms and factors are written."""
    kind: str
    value: "float | str"
    """A number's value, a symbol's name, what a sum starts with, what a product is scaled by."""
    parts: tuple[tuple["Node", float], ...]
    """Terms with their multiples, factors with their exponents, arguments with 1."""

    def __repr__(self) -> str:
        if self.kind in ("number", "symbol"):
            return str(self.value)
        parts = ", ".join(f"{node!r}:{how:g}" for node, how in self.parts)
        return f"{self.kind}({self.value}; {parts})"


Value: TypeAlias = Any
"""What a formula is evaluated on: NumPy arrays, or values of generated code."""


class Functions(Protocol):
    """The functions of the kind of value that a formula is evaluated on."""

    def constant(self, value: float) -> Value:
        """A number."""

    def exp(self, x: Value) -> Value:
        """e to the x."""

    def ln(self, x: Value) -> Value:
        """Natural logarithm."""

    def power(self, x: Value, n: Value) -> Value:
        """x to the n."""

    # and each of `functions.OF_NUMBERS`, by its name


class Expressions:
    """All formulas of one model."""

    def __init__(self) -> None:
        self._nodes: dict[object, Node] = {}
        self._derivatives: dict[tuple[Node, Node], Node] = {}
        self._symbols: dict[Node, frozenset[str]] = {}

    def number(self, value: float) -> Node:
        """A constant."""
        return self._node("number", float(value))

    def symbol(self, name: str) -> Node:
        """A state, a parameter or the time."""
        return self._node("symbol", name)

    def sum(self, terms: Iterable[tuple[Node, float]], start: float = 0.0) -> Node:
        """`start` and multiples of nodes."""
        found: dict[Node, float] = {}
        for node, multiple in terms:
            if node.kind == "number":
                start += float(node.value) * multiple
                continue
            if node.kind == "product":
                multiple *= float(node.value)
                node = self._product(1.0, dict(node.parts))
            found[node] = found.get(node, 0.0) + multiple
        kept = self._sorted(found)
        if not kept:
            return self.number(start)
        if start == 0.0 and len(kept) == 1:
            return self.product(kept[0][0], self.number(kept[0][1]))
        return self._node("sum", start, kept)

    def product(self, *factors: Node) -> Node:
        """The product of nodes."""
        scale, found = 1.0, dict[Node, float]()
        for node in factors:
            if node.kind == "number":
                scale *= float(node.value)
            elif node.kind == "product":
                scale *= float(node.value)
                for part, exponent in node.parts:
                    found[part] = found.get(part, 0.0) + exponent
            else:
                found[node] = found.get(node, 0.0) + 1.0
        return self._product(scale, found)

    def negative(self, node: Node) -> Node:
        """The node times -1, with the sign inside."""
        if node.kind == "sum":
            terms = ((part, -multiple) for part, multiple in node.parts)
            return self.sum(terms, -float(node.value))
        return self.product(self.number(-1.0), node)

    def power(self, base: Node, exponent: Node) -> Node:
        """A power; whole numbers as exponents give products."""
        if exponent.kind == "number":
            whole = float(exponent.value)
            if base.kind == "number":
                return self.number(_power(float(base.value), whole))
            if _is_whole(exponent):
                if base.kind == "product":
                    parts = {part: how * whole for part, how in base.parts}
                    return self._product(_power(float(base.value), whole), parts)
                return self._product(1.0, {base: whole})
        lower = self.sum([(exponent, 1.0)], -1.0)
        return self.product(base, self._node("power", 0.0, ((base, 1.0), (lower, 1.0))))

    def call(self, function: str, *arguments: Node) -> Node:
        """A function of `functions.OF_NUMBERS` of nodes."""
        if all(one.kind == "number" for one in arguments):
            with np.errstate(all="ignore"):
                found = OF_NUMBERS[function](*(float(one.value) for one in arguments))
            return self.number(float(found))
        if function == "choose":
            condition, yes, no = arguments
            if condition.kind == "number":
                return yes if float(condition.value) > 0.5 else no
            if yes is no:
                return yes
        return self._node(function, 0.0, tuple((one, 1.0) for one in arguments))

    def derivative(self, node: Node, by: Node) -> Node:
        """The partial derivative with respect to a symbol."""
        if str(by.value) not in self.symbols(node):
            return self.number(0.0)
        if (node, by) not in self._derivatives:
            self._derivatives[node, by] = self._derived(node, by)
        return self._derivatives[node, by]

    def symbols(self, node: Node) -> frozenset[str]:
        """Names that a formula depends on."""
        if node not in self._symbols:
            own = {str(node.value)} if node.kind == "symbol" else set[str]()
            self._symbols[node] = frozenset(own).union(*(self.symbols(n) for n, _ in node.parts))
        return self._symbols[node]

    def with_nodes(self, node: Node, values: Mapping[str, Node]) -> Node:
        """The same formula with others for some of its symbols."""
        return self._replaced(node, values, {})

    def with_parts(self, node: Node, others: Mapping[Node, Node]) -> Node:
        """The same formula with others for some of its parts, which are functions."""
        known = dict(others)
        return self._replaced(node, {}, known) if known else node

    def _replaced(self, node: Node, values: Mapping[str, Node], done: dict[Node, Node]) -> Node:
        """With `done` for some parts and `values` for some symbols."""
        whole = bool(done)

        def walk(node: Node) -> Node:
            if node in done:
                return done[node]
            if not (whole and node.parts) and not self.symbols(node) & values.keys():
                return node
            parts = [walk(part) for part, _ in node.parts]
            same = all(new is old for new, (old, _) in zip(parts, node.parts, strict=True))
            done[node] = node if same and node.parts else self._rebuilt(node, parts, values)
            return done[node]

        return walk(node)

    def _rebuilt(self, node: Node, parts: list[Node], values: Mapping[str, Node]) -> Node:
        if node.kind == "symbol":
            return values[str(node.value)]
        hows = [how for _, how in node.parts]
        if node.kind == "sum":
            return self.sum(zip(parts, hows, strict=True), float(node.value))
        if node.kind == "product":
            powers = [self.power(p, self.number(how)) for p, how in zip(parts, hows, strict=True)]
            return self.product(self.number(float(node.value)), *powers)
        if node.kind == "power":
            base, lower = parts
            if lower.kind == "number" and (base.kind == "number" or _is_whole(lower)):
                return self.power(base, lower)
            return self._node("power", 0.0, ((base, 1.0), (lower, 1.0)))
        return self.call(node.kind, *parts)

    def _derived(self, node: Node, by: Node) -> Node:
        if node is by:
            return self.number(1.0)
        inner = [self.derivative(part, by) for part, _ in node.parts]
        if node.kind == "sum":
            return self.sum((d, how) for d, (_, how) in zip(inner, node.parts, strict=True))
        if node.kind == "product":
            terms = []
            for d, (part, exponent) in zip(inner, node.parts, strict=True):
                rest = {**dict(node.parts), part: exponent - 1.0}
                terms.append((self.product(d, self._product(float(node.value), rest)), exponent))
            return self.sum(terms)
        if node.kind == "choose":
            return self.call("choose", node.parts[0][0], inner[1], inner[2])
        if node.kind in STEPS:
            return self.number(0.0)
        base, dbase = node.parts[0][0], inner[0]
        if node.kind != "power":
            return self.product(dbase, slope(self, node))
        lower, dlower = node.parts[1][0], inner[1]
        along = self.product(lower, node, self.power(base, self.number(-1.0)), dbase)
        if dlower.kind == "number" and dlower.value == 0.0:
            return along
        return self.sum([(along, 1.0), (self.product(self.call("ln", base), node, dlower), 1.0)])

    def _product(self, scale: float, factors: Mapping[Node, float]) -> Node:
        kept = self._sorted(factors)
        if scale == 0.0 or not kept:
            return self.number(scale)
        if scale == 1.0 and len(kept) == 1 and kept[0][1] == 1.0:
            return kept[0][0]
        return self._node("product", scale, kept)

    @staticmethod
    def _sorted(parts: Mapping[Node, float]) -> tuple[tuple[Node, float], ...]:
        found = ((node, how) for node, how in parts.items() if how != 0.0)
        return tuple(sorted(found, key=lambda part: part[0].number))

    def _node(
        self, kind: str, value: "float | str", parts: tuple[tuple[Node, float], ...] = ()
    ) -> Node:
        key = kind, value, tuple((part.number, how) for part, how in parts)
        if key not in self._nodes:
            self._nodes[key] = Node(len(self._nodes), kind, value, parts)
        return self._nodes[key]


def _is_whole(exponent: Node) -> bool:
    """Whether a number is a whole exponent that multiplications are quicker for."""
    return float(exponent.value).is_integer() and abs(float(exponent.value)) <= 64


def _power(base: float, exponent: float) -> float:
    """A power of numbers; where there is none, infinity or NaN, as in arrays."""
    with np.errstate(all="ignore"):
        return float(np.float64(base) ** exponent)


class Evaluation:
    """Values of formulas, each worked out once.

    `symbol` gives the value of a name. `fixed` says which formulas change less often than others:
    a product's fixed factors become a formula of their own, and `look_up` gives its value.
    """

    def __init__(
        self,
        expressions: Expressions,
        functions: Functions,
        symbol: Callable[[str], Value],
        fixed: Callable[[Node], bool] = lambda _node: False,
        look_up: Callable[[Node], Value] | None = None,
    ) -> None:
        self._expressions, self._functions, self._symbol = expressions, functions, symbol
        self._fixed, self._look_up = fixed, look_up
        self._values: dict[object, Value] = {}

    def __call__(self, node: Node) -> Value:
        """The value of a formula."""
        if node not in self._values:
            kept = self._look_up if node.kind not in ("number", "symbol") else None
            work_out = kept if kept and self._fixed(node) else self._evaluated
            self._values[node] = work_out(node)
        return self._values[node]

    def _evaluated(self, node: Node) -> Value:
        if node.kind == "number":
            return self._functions.constant(float(node.value))
        if node.kind == "symbol":
            return self._symbol(str(node.value))
        if node.kind == "sum":
            return self._sum(node)
        if node.kind == "product":
            return self._product(node)
        arguments = [self(part) for part, _ in node.parts]
        return getattr(self._functions, node.kind)(*arguments)

    def _sum(self, node: Node) -> Value:
        # What is added comes before what is taken away, so that no sign has to be turned.
        first, *terms = sorted(node.parts, key=lambda part: part[1] < 0)
        total = self._multiple(*first)
        if node.value != 0.0:
            total = total + self._functions.constant(float(node.value))
        for part, multiple in terms:
            if abs(multiple) == 1.0:
                total = total + self(part) if multiple > 0 else total - self(part)
            else:
                total = total + self._functions.constant(multiple) * self(part)
        return total

    def _multiple(self, node: Node, multiple: float) -> Value:
        return self(node) if multiple == 1.0 else self._functions.constant(multiple) * self(node)

    def _product(self, node: Node) -> Value:
        fixed = [(part, how) for part, how in node.parts if self._fixed(part)]
        moving = [(part, how) for part, how in node.parts if not self._fixed(part)]
        total: Value = None
        if moving and (fixed or node.value != 1.0):
            total = self(self._fixed_part(node))
        for part, exponent in moving if moving else fixed:
            power = self._whole_power(part, exponent)
            total = power if total is None else total * power
        if not moving and node.value != 1.0:
            total = total * self._functions.constant(float(node.value))
        return total

    def _fixed_part(self, node: Node) -> Node:
        """The factors of a product that are fixed."""
        known = self._expressions
        powers = [
            known.power(part, known.number(how)) for part, how in node.parts if self._fixed(part)
        ]
        return known.product(known.number(float(node.value)), *powers)

    def _whole_power(self, node: Node, exponent: float) -> Value:
        """By repeated squaring; below a fraction line, of the reciprocal, which is shared."""
        key = node, exponent
        if exponent == 1.0:
            return self(node)
        if key not in self._values:
            if exponent == -1.0:
                value = self._functions.constant(1.0) / self(node)
            elif exponent < 0.0:
                half = self._whole_power(node, math.ceil(exponent / 2))
                rest = exponent - 2 * math.ceil(exponent / 2)
                value = half * half if not rest else half * half * self._whole_power(node, rest)
            else:
                half = self._whole_power(node, exponent // 2)
                value = half * half * self(node) if exponent % 2 else half * half
            self._values[key] = value
        return self._values[key]
