"""The part of a model on which wanted outputs depend: the rest need not be integrated."""

from collections.abc import Iterable
from dataclasses import replace

from p53net.model.rates import System


def part_of(system: System, outputs: Iterable[str]) -> System:
    """The states that decide the outputs, directly or through the rates of others."""
    known, all_states = system.expressions, frozenset(system.states)
    rates = dict(zip(system.states, system.rates, strict=True))
    waiting, found = set[str](), set[str]()
    for name in outputs:
        waiting |= known.symbols(system.formula(name)) & all_states
    for node in [node for event in system.events for node in event.formulas]:
        waiting |= known.symbols(node) & all_states
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= (known.symbols(rates[name]) & all_states) - found
    if not found and not system.events:  # something has to be integrated, for runs to have steps
        return system
    states = tuple(name for name in system.states if name in found)
    return replace(system, states=states, rates=tuple(rates[name] for name in states))
