"""What runs return: sums of states from the code, all else from those."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from p53net.engines.base import FloatArray
from p53net.model.expressions import Node
from p53net.model.rates import System
from p53net.model.symbols import TIME


class Outputs:
    """What generated code returns for wanted variables: sums of multiples of states. Variables that
    are not such sums are worked out from their states afterwards."""

    def __init__(self, system: System, variables: Sequence[str]) -> None:
        self._nodes = [system.formula(name) for name in variables]
        moving = frozenset(system.states)
        self._sums: dict[Node, dict[str, float]] = {}
        for node in self._nodes:
            terms = _terms(node, moving)
            if terms is not None:
                self._sums[node] = terms
            else:
                for name in sorted(system.expressions.symbols(node) & moving):
                    self._sums[system.expressions.symbol(name)] = {name: 1.0}
        flat = [term for terms in self._sums.values() for term in terms.items()]
        self.states = [name for name, _ in flat]
        self.weights = np.array([weight for _, weight in flat])
        self.ends = np.cumsum([len(terms) for terms in self._sums.values()], dtype=np.int64)

    def values(
        self,
        system: System,
        curves: FloatArray,
        table: FloatArray,
        changed: Callable[[], Mapping[str, FloatArray]],
        times: FloatArray,
    ) -> FloatArray:
        """All variables (run, variable, time) from what was returned. `changed` gives
        parameters that change in a run, at all times."""
        if list(self._sums) == self._nodes:
            return curves
        places = {node: i for i, node in enumerate(self._sums)}
        known: dict[str, FloatArray] = {TIME: np.broadcast_to(times, (len(table), times.shape[-1]))}
        for i, name in enumerate(system.parameters):
            known[name] = table[:, [i]]
        known |= changed()
        for node, i in places.items():
            if node.kind == "symbol":
                known[str(node.value)] = curves[:, i]
        rest = [node for node in self._nodes if node not in places]
        with np.errstate(all="ignore"):  # what is not finite is found by the caller
            worked_out = dict(zip(rest, system.values(rest, known), strict=True))
        shape = len(table), times.shape[-1]
        columns = [
            curves[:, places[node]] if node in places else np.broadcast_to(worked_out[node], shape)
            for node in self._nodes
        ]
        return np.stack(columns, axis=1)


def _terms(node: Node, moving: frozenset[str]) -> dict[str, float] | None:
    """States and their multiples, of a node that is nothing but a sum of them."""
    if node.kind == "symbol":
        return {str(node.value): 1.0} if node.value in moving else None
    scaled = node.kind == "product" and len(node.parts) == 1 and node.parts[0][1] == 1.0
    if not scaled and (node.kind != "sum" or node.value != 0.0):
        return None
    found: dict[str, float] = {}
    for part, multiple in node.parts:
        inner = _terms(part, moving)
        if inner is None:
            return None
        for name, weight in inner.items():
            factor = float(node.value) if scaled else multiple
            found[name] = found.get(name, 0.0) + weight * factor
    return found
