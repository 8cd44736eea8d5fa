"""From SBML to formulas: the rate of change of every state, for engines that generate code."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import libsbml

from p53net.errors import UnsupportedError
from p53net.model.arrays import Arrays
from p53net.model.changes import Changes
from p53net.model.clocks import Switch, with_switches
from p53net.model.events import Event, Events, Stop
from p53net.model.expressions import Evaluation, Expressions, Node
from p53net.model.relations import watched
from p53net.model.sbml import read
from p53net.model.symbols import TIME, set_by_events, size_of, states_of


@dataclass(frozen=True)
class System:
    """The differential equations of a model, as formulas of its states and parameters.

    The value of a species is its concentration, or its amount where SBML says so
    (`hasOnlySubstanceUnits`).
    """

    expressions: Expressions
    states: tuple[str, ...]
    """What changes with time, in the order of the model."""
    parameters: Mapping[str, float]
    """What does not, with its value in the file: parameters, compartments, constant species."""
    rates: tuple[Node, ...]
    """Of each state, per unit of time."""
    derived: Mapping[str, Node]
    """Assignment rules, in terms of states, parameters and time."""
    starts: Mapping[str, Node]
    """Start values of the states, and of parameters with an initial assignment, in terms of
    parameters."""
    stops: tuple[Stop, ...]
    """All events of the model, where each is nothing but that."""
    fluxes: Mapping[str, Node] = field(default_factory=dict)
    """Reactions and their rates."""
    switches: tuple[Switch, ...] = ()
    """Parameters that change at times that parameters decide, before a run begins."""
    events: tuple[Event, ...] = ()
    """All events of the model, where one is more than a stop."""

    def formula(self, name: str) -> Node:
        """Of a quantity: of a rule or a reaction what it says, of others the name itself."""
        found = self.derived.get(name) or self.fluxes.get(name)
        return found or self.expressions.symbol(name)

    @property
    def watched(self) -> tuple[Node, ...]:
        """Functions of states, parameters and time that change their sign where rates jump, apart
        from `switches`."""
        return watched(self.expressions, self.rates)

    @property
    def uses_time(self) -> bool:
        """Whether a rate or a derived quantity depends on the time itself, or nothing moves but
        the time."""
        return (
            not self.states
            or bool(self.events)
            or any(
                TIME in self.expressions.symbols(n) for n in (*self.rates, *self.derived.values())
            )
        )

    def values(self, nodes: Iterator[Node] | list[Node], known: Mapping[str, Any]) -> list[Any]:
        """Values of formulas for numbers, or arrays of one shape, for their symbols."""
        evaluation = Evaluation(self.expressions, Arrays(), known.__getitem__)
        return [evaluation(node) for node in nodes]


def system_of(sbml: str, *, events: bool = True) -> System:
    """The equations of a model, with its events or, for its start values, without them. Raises
    UnsupportedError, naming what has no formula."""
    document = read(sbml)  # a model must not outlive its document
    return _Reader(document.getModel()).system(events)


class _Reader:
    """One model on its way to formulas."""

    def __init__(self, model: "libsbml.Model") -> None:
        self._model = model
        self._changes = Changes(model)
        self._symbols = self._changes.symbols
        self._known, self._rules = self._symbols.known, self._symbols.rules
        self._refuse()

    def system(self, with_events: bool) -> System:
        model, symbols = self._model, self._symbols
        states = states_of(model)
        parameters: dict[str, float] = {}
        starts: dict[str, Node] = {}
        items = (*model.getListOfCompartments(), *model.getListOfParameters(),
                 *model.getListOfSpecies(), *symbols.references.values())  # fmt: skip
        for item in items:
            name = item.getId()
            if name in self._rules and self._rules[name].isAssignment():
                continue
            start = symbols.start(item)
            if name not in states:
                parameters[name] = self._in_file(start)
            if name in states or start.kind != "number":
                starts[name] = start
        assigned = [name for name, rule in self._rules.items() if rule.isAssignment()]
        derived = {name: symbols.symbol(name) for name in assigned}
        fluxes = {one.getId(): symbols.symbol(one.getId()) for one in model.getListOfReactions()}
        rates = tuple(self._changes.rate(name) for name in states)
        resolved = self._resolved(starts, parameters)
        found = System(
            self._known, states, parameters, rates, derived, resolved, stops=(), fluxes=fluxes
        )
        switched = with_switches(found, set_by_events(model))
        if not with_events:
            return found if switched.watched else switched
        events = Events(model, symbols)
        stops = events.stops()
        if stops is None or switched.watched:  # where rates jump, stops are followed as events
            return replace(found, events=events.all())
        return replace(switched, stops=stops)

    def _resolved(
        self, starts: Mapping[str, Node], parameters: Mapping[str, float]
    ) -> dict[str, Node]:
        """Start values without states in them, those that others need first."""
        known, done = self._known, dict[str, Node]()

        def resolve(name: str, above: tuple[str, ...]) -> Node:
            if name in above:
                raise UnsupportedError(f"start values go round in a circle: {', '.join(above)}")
            if name not in done:
                node = starts[name]
                needed = sorted(known.symbols(node) & starts.keys())
                inner = {one: resolve(one, (*above, name)) for one in needed}
                done[name] = known.with_nodes(node, {**inner, TIME: known.number(0.0)})
            return done[name]

        return {name: resolve(name, ()) for name in starts}

    def _in_file(self, start: Node) -> float:
        """The value of a start value with the numbers of the file."""
        sizes = {c.getId(): size_of(c) for c in self._model.getListOfCompartments()}
        numbers = {name: self._known.number(size) for name, size in sizes.items()}
        known = self._known.with_nodes(start, numbers)
        return float(known.value) if known.kind == "number" else math.nan

    def _refuse(self) -> None:
        """Raise UnsupportedError for elements that have no formula."""
        model = self._model
        for rule in model.getListOfRules():
            if rule.isAlgebraic():
                raise UnsupportedError("an algebraic rule")
        for reaction in model.getListOfReactions():
            if reaction.isSetFast() and reaction.getFast():
                raise UnsupportedError(f"fast reaction {reaction.getId()}")
