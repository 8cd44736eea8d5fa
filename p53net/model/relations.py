"""Where formulas jump: relations and whole numbers in them, as functions whose signs change there.

A relation of a formula holds or does not; in between, what it compares is equal. An engine that
follows the sign of that difference finds the moment, which steps of an integrator may pass over.
"""

import math
from collections.abc import Iterable

from p53net.model.expressions import Expressions, Node
from p53net.model.functions import STEPS


def steps_in(nodes: Iterable[Node]) -> list[Node]:
    """All that jumps in formulas (`less`, `same`, `floor`), inner ones before those around them."""
    found, seen = dict[Node, None](), set[Node]()

    def walk(node: Node) -> None:
        if node in seen:
            return
        seen.add(node)
        for part, _ in node.parts:
            walk(part)
        if node.kind in STEPS:
            found[node] = None

    for node in nodes:
        walk(node)
    return list(found)


def watched(known: Expressions, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """A root function for each: it changes its sign where a formula may jump. For `floor` that is
    the sine of as many half turns."""
    return tuple(dict.fromkeys(_root(known, node) for node in steps_in(nodes)))


def _root(known: Expressions, node: Node) -> Node:
    first = node.parts[0][0]
    if node.kind == "floor":
        return known.call("sin", known.product(known.number(math.pi), first))
    return known.sum([(first, 1.0), (node.parts[1][0], -1.0)])
