"""Jumps of rates that only time and constants decide: known before a run, so steps end at them.

Each becomes a parameter of its own that stops set: between two of them, rates are smooth.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from p53net.model.expressions import Node
from p53net.model.relations import steps_in
from p53net.model.symbols import TIME

if TYPE_CHECKING:
    from p53net.model.rates import System


@dataclass(frozen=True)
class Switch:
    """A parameter that has the value of a formula of time and constants that jumps."""

    name: str
    jump: Node
    """`less`, `same` or `floor`."""


def with_switches(system: "System", changed: Collection[str]) -> "System":
    """The system with a parameter for each jump of its rates that time and constants decide.
    `changed` are names that events set: what they decide is known in a run only."""
    known = system.expressions
    moving = {*system.states, *changed}
    names: dict[Node, Node] = {}
    switches = list[Switch]()
    for jump in steps_in(system.rates):
        needs = known.symbols(jump)
        if TIME in needs and not needs & moving:
            name = f"switch {len(switches) + 1}"  # no id has a space in it
            switches.append(Switch(name, jump))
            names[jump] = known.symbol(name)
    if not switches:
        return system
    rates = tuple(known.with_parts(rate, names) for rate in system.rates)
    parameters: Mapping[str, float] = {**system.parameters, **{one.name: 0.0 for one in switches}}
    return replace(system, rates=rates, parameters=parameters, switches=tuple(switches))
