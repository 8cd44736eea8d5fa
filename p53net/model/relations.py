"""Where formulas jump: relations and whole numbers in them, as functions whose signs change there.

A relation of a formula holds or does not; in between, what it compares is equal. An engine that
follows the sign of that difference finds the moment, which steps of an integrator may pass over.
"""

import math
from collections.abc import Callable, Iterable

from p53net.model.expressions import Expressions, Node
from p53net.model.functions import STEPS


def steps_in(nodes: Iterable[Node]) -> list[Node]:
    """All that jumps in formulas (`less`, `same`, `floor`), inner ones before those around them."""
    return _found(nodes, lambda node: node.parts)


def _found(
    nodes: Iterable[Node], parts_of: Callable[[Node], tuple[tuple[Node, float], ...]]
) -> list[Node]:
    found, seen = dict[Node, None](), set[Node]()

    def walk(node: Node) -> None:
        if node in seen:
            return
        seen.add(node)
        for part, _ in parts_of(node):
            walk(part)
        if node.kind in STEPS:
            found[node] = None

    for node in nodes:
        walk(node)
    return list(found)


def breaks_in(known: Expressions, nodes: Iterable[Node]) -> list[Node]:
    """The same without conditions of what does not jump, as in `abs`, `min` and `max`: where their
    two sides are equal, so are the two values to choose from."""
    return _found(nodes, lambda node: node.parts[1:] if _is_kink(known, node) else node.parts)


def watched(known: Expressions, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """A root function for each: it changes its sign where a formula may jump. For `floor` that is
    the sine of as many half turns."""
    return tuple(dict.fromkeys(_root(known, node) for node in breaks_in(known, nodes)))


def _is_kink(known: Expressions, node: Node) -> bool:
    if node.kind != "choose":
        return False
    condition, yes, no = (part for part, _ in node.parts)
    if condition.kind == "sum" and condition.value == 1.0 and len(condition.parts) == 1:
        condition, yes, no = condition.parts[0][0], no, yes  # the opposite
    if condition.kind != "less":
        return False
    sides = {part for part, _ in condition.parts}
    moving = next((side for side in sides if side.kind != "number"), None)
    if {yes, no} == sides or moving is None:
        return True
    return known.number(0.0) in sides and {yes, no} == {moving, known.negative(moving)}


def _root(known: Expressions, node: Node) -> Node:
    first = node.parts[0][0]
    if node.kind == "floor":
        return known.call("sin", known.product(known.number(math.pi), first))
    return known.sum([(first, 1.0), (node.parts[1][0], -1.0)])
