"""What has to be watched in a model with events: where its conditions and its rates jump.

Each jump, a comparison or a whole part, becomes a flag: a parameter that keeps its value until an
integrator has found where it changes. So steps are smooth, and no result depends on where they end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from p53net.engines.base import FloatArray
from p53net.model.expressions import Node
from p53net.model.rates import System
from p53net.model.relations import breaks_in
from p53net.model.symbols import TIME


@dataclass(frozen=True)
class Jump:
    """`less` or `floor` of formulas in which other jumps are flags."""

    flag: str
    node: Node
    slope: Node | None = None
    """Where only time and parameters decide: slope and value at 0 of the difference of the two
    sides, or of what is rounded, which are straight lines in time."""
    intercept: Node | None = None
    moves: bool = False
    """Whether it can change between two stops, and steps have to look for that."""


class Jumps:
    """All jumps of a model, and its formulas with flags for them."""

    def __init__(self, system: System) -> None:
        self.part = system
        self._known = system.expressions
        self._states = frozenset(system.states)
        self._flags: dict[Node, str] = {}
        self._jumps: list[Jump] = []
        self.pairs: list[tuple[int, int]] = []
        """Two jumps, a < b and b < a, of each equality."""
        triggers = [event.trigger for event in system.events]
        inside = [node for event in system.events for node in event.formulas]
        urgent = set(breaks_in(self._known, [*triggers, *system.rates]))
        names = dict[Node, Node]()
        for jump in breaks_in(self._known, [*triggers, *system.rates, *inside]):
            names[jump] = self._flagged(jump, names, jump in urgent)

        def flagged(node: Node) -> Node:
            return self._known.with_parts(node, names)

        self.events = tuple(
            replace(
                event,
                trigger=flagged(event.trigger),
                settings={name: flagged(node) for name, node in event.settings.items()},
                delay=None if event.delay is None else flagged(event.delay),
                priority=None if event.priority is None else flagged(event.priority),
            )
            for event in system.events
        )
        self.all = tuple(self._jumps)
        flags = {jump.flag: 0.0 for jump in self.all}
        self.system = replace(
            system,
            rates=tuple(flagged(rate) for rate in system.rates),
            parameters={**system.parameters, **flags},
            events=self.events,
        )

    def _flagged(self, jump: Node, names: dict[Node, Node], urgent: bool) -> Node:
        """What stands for a jump."""
        known = self._known
        parts = [known.with_parts(part, names) for part, _ in jump.parts]
        if jump.kind != "same":
            return self._flag(jump.kind, parts, urgent)
        one, other = (self._flag("less", sides, urgent) for sides in (parts, parts[::-1]))
        places = {item.flag: i for i, item in enumerate(self._jumps)}
        if one.kind == other.kind == "symbol":
            self.pairs.append((places[str(one.value)], places[str(other.value)]))
        return known.product(*(known.sum([(side, -1.0)], 1.0) for side in (one, other)))

    def _flag(self, kind: str, parts: list[Node], urgent: bool) -> Node:
        known = self._known
        node = known.call(kind, *parts)
        if node.kind == "number":
            return node
        if node not in self._flags:
            flag = f"jump {len(self._jumps) + 1}"  # no id has a space in it
            self._flags[node] = flag
            line = parts[0] if kind == "floor" else known.sum([(parts[0], 1.0), (parts[1], -1.0)])
            needs = known.symbols(line)
            slope = known.derivative(line, known.symbol(TIME))
            timed = TIME in needs and not needs & self._states and TIME not in known.symbols(slope)
            if timed and urgent:
                zero = known.with_nodes(line, {TIME: known.number(0.0)})
                self._jumps.append(Jump(flag, node, slope, zero))
            else:
                moves = urgent and bool(needs & {TIME, *self._states})
                self._jumps.append(Jump(flag, node, moves=moves))
        return known.symbol(self._flags[node])

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Places of those that steps look for."""
        return tuple(i for i, jump in enumerate(self.all) if jump.moves)

    @cached_property
    def timed(self) -> tuple[int, ...]:
        """Places of those whose moments are known."""
        return tuple(i for i, jump in enumerate(self.all) if jump.slope is not None)

    @cached_property
    def looked_at(self) -> tuple[Node, ...]:
        """Formulas whose values are needed at a stop."""
        lines = [(jump.slope, jump.intercept) for jump in self.all if jump.slope is not None]
        found: Iterable[Node | None] = (
            *(jump.node for jump in self.all),
            *(node for line in lines for node in line),
            *(node for event in self.events for node in event.formulas[1:]),
        )
        return tuple(dict.fromkeys(node for node in found if node is not None))

    @cached_property
    def layered(self) -> bool:
        """Whether flags decide formulas that are looked at."""
        flags = {jump.flag for jump in self.all}
        return any(self._known.symbols(node) & flags for node in self.looked_at)


def condition(node: Node, jumps: Jumps) -> Callable[[FloatArray], FloatArray]:
    """The value of a trigger for flags (run, jump): a polynomial of them, so it takes no time to
    prepare, as other formulas do."""
    if node.kind == "number":
        value = float(node.value)
        return lambda flags: np.full(len(flags), value)
    if node.kind == "symbol":
        (place,) = (i for i, jump in enumerate(jumps.all) if jump.flag == node.value)
        return lambda flags: flags[:, place]
    parts = [(condition(part, jumps), how) for part, how in node.parts]
    start, adds = float(node.value), node.kind == "sum"

    def joined(flags: FloatArray) -> FloatArray:
        found = np.full(len(flags), start)
        for part, how in parts:
            found = found + how * part(flags) if adds else found * part(flags) ** how
        return found

    return joined
