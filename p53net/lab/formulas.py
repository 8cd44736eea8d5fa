"""Formulas as data that a page can evaluate: trees of lists, without code."""

from p53net.model.expressions import Expressions, Node

Tree = list[object]
"""`["number", 2.0]`, `["symbol", "p53"]`, or kind, value and parts with what stands beside each."""


def tree_of(node: Node) -> Tree:
    """One formula."""
    if node.kind in ("number", "symbol"):
        return [node.kind, node.value]
    return [node.kind, node.value, [[tree_of(part), how] for part, how in node.parts]]


def multiples_of(known: Expressions, node: Node, states: tuple[str, ...]) -> dict[str, float]:
    """States and their multiples, of a formula that is nothing but a sum of them; else empty."""
    names = known.symbols(node)
    if not names <= frozenset(states):
        return {}
    slopes = {name: known.derivative(node, known.symbol(name)) for name in sorted(names)}
    if any(slope.kind != "number" for slope in slopes.values()):
        return {}
    rest = known.with_nodes(node, {name: known.number(0.0) for name in names})
    if rest.kind != "number" or rest.value != 0.0:
        return {}
    return {name: float(slope.value) for name, slope in slopes.items()}
