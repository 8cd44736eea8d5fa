"""Events of an SBML model as formulas: when each happens, and what it does."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import libsbml

from p53net.errors import UnsupportedError
from p53net.model.expressions import Node
from p53net.model.mathml import truth
from p53net.model.symbols import Symbols, says_boolean


@dataclass(frozen=True)
class Stop:
    """A change at a set time: what an event that only time triggers does."""

    time: Node
    settings: Mapping[str, Node]


@dataclass(frozen=True)
class Event:
    """What happens when a condition becomes true."""

    name: str
    trigger: Node
    """1 where the condition holds, else 0."""
    settings: Mapping[str, Node]
    """New values of states and parameters."""
    delay: Node | None = None
    priority: Node | None = None
    persistent: bool = True
    """Whether it still happens if the condition is false again before it is due."""
    before: bool = True
    """What the condition counts as before the start."""
    at_trigger: bool = True
    """Whether new values are worked out when the condition becomes true, not when it is due."""
    contents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Volumes that it sets, and concentrations there: their amounts stay. A concentration that it
    sets as well is one of the old volume."""

    @property
    def formulas(self) -> tuple[Node, ...]:
        """All that it consists of."""
        more = [one for one in (self.delay, self.priority) if one is not None]
        return (self.trigger, *self.settings.values(), *more)


_STRICT = libsbml.AST_RELATIONAL_GT, libsbml.AST_RELATIONAL_LT


class Events:
    """The events of a model, on their way to formulas."""

    def __init__(self, model: "libsbml.Model", symbols: Symbols) -> None:
        self._model, self._symbols, self._known = model, symbols, symbols.known
        self._listed = [event for event in model.getListOfEvents() if self._can_happen(event)]

    def stops(self) -> tuple[Stop, ...] | None:
        """Stops, if all events are nothing but that."""
        stops = [self._stop(event) for event in self._listed]
        plain = tuple(stop for stop in stops if stop is not None)
        return plain if len(plain) == len(stops) else None

    def all(self) -> tuple[Event, ...]:
        """Events, whatever they are."""
        return tuple(self._event(event) for event in self._listed)

    @staticmethod
    def _can_happen(event: "libsbml.Event") -> bool:
        """Level 3 Version 2 allows triggers that say nothing."""
        return bool(event.isSetTrigger() and event.getTrigger().isSetMath())

    def _settings(self, event: "libsbml.Event") -> dict[str, Node]:
        where, found = f"event {event.getId()}", dict[str, Node]()
        for one in event.getListOfEventAssignments():
            name = one.getVariable()
            rule = self._symbols.rules.get(name)
            if rule is not None and rule.isAssignment():
                raise UnsupportedError(f"{where} sets {name}, which a rule determines")
            if one.isSetMath():
                found[name] = self._symbols.node(one.getMath(), where, {})
        return found

    def _event(self, event: "libsbml.Event") -> Event:
        where, trigger = f"event {event.getId()}", event.getTrigger()
        condition = self._symbols.node(trigger.getMath(), where, {})
        settings = self._settings(event)
        settings = {**settings, **self._thinned(settings, event)}

        def formula(part: "libsbml.SBase | None") -> Node | None:
            if part is None or not part.isSetMath():
                return None
            return self._symbols.node(part.getMath(), where, {})

        return Event(
            event.getId(),
            truth(self._known, condition, says_boolean(trigger.getMath())),
            settings,
            formula(event.getDelay()),
            formula(event.getPriority()),
            not trigger.isSetPersistent() or trigger.getPersistent(),
            not trigger.isSetInitialValue() or trigger.getInitialValue(),
            event.getUseValuesFromTriggerTime(),
            {name: self._contents(name) for name in settings if self._model.getCompartment(name)},
        )

    def _thinned(self, settings: Mapping[str, Node], event: "libsbml.Event") -> dict[str, Node]:
        """New concentrations in volumes that follow what an event sets: the amounts stay."""
        known, found = self._known, dict[str, Node]()
        for compartment in (c.getId() for c in self._model.getListOfCompartments()):
            if not self._is_computed(compartment):
                continue
            old = self._symbols.symbol(compartment)
            if not known.symbols(old) & settings.keys():
                continue
            if event.isSetDelay() and event.getUseValuesFromTriggerTime():
                raise UnsupportedError(f"event {event.getId()}, which changes a volume later")
            share = known.power(known.with_nodes(old, settings), known.number(-1.0))
            for name in self._contents(compartment):
                found[name] = known.product(settings.get(name, known.symbol(name)), old, share)
        return found

    def _contents(self, compartment: str) -> tuple[str, ...]:
        """Species that are concentrations in a volume."""
        return tuple(
            item.getId()
            for item in self._model.getListOfSpecies()
            if item.getCompartment() == compartment and not item.getHasOnlySubstanceUnits()
            and not self._is_computed(item.getId())
        )  # fmt: skip

    def _is_computed(self, name: str) -> bool:
        rule = self._symbols.rules.get(name)
        return rule is not None and bool(rule.isAssignment())

    # --- changes at a set time

    def _stop(self, event: "libsbml.Event") -> Stop | None:
        """An event that only time triggers, and that sets numbers; None for another."""
        if event.isSetDelay() or event.isSetPriority():
            return None
        time, settings = self._time(event), self._settings(event)
        settings = {**settings, **self._thinned(settings, event)}
        plain = not any(self._known.symbols(node) for node in settings.values())
        volumes = any(self._model.getCompartment(name) for name in settings)
        if time is None or not plain or volumes:
            return None
        return Stop(self._known.number(time), settings)

    def _time(self, event: "libsbml.Event") -> float | None:
        """The time from which on a trigger is true, where it says just that.

        A lower bound is enough for a conjunction with upper bounds that come later.
        """
        lower, upper = -math.inf, math.inf
        parts = [event.getTrigger().getMath()]
        while parts:
            part = parts.pop()
            kind = part.getType()
            if kind == libsbml.AST_LOGICAL_AND:
                parts += [part.getChild(i) for i in range(part.getNumChildren())]
                continue
            up = kind in (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_GT)
            down = kind in (libsbml.AST_RELATIONAL_LEQ, libsbml.AST_RELATIONAL_LT)
            if not (up or down) or part.getNumChildren() != 2:
                return None
            left, right = part.getChild(0), part.getChild(1)
            clock = left.getType() == libsbml.AST_NAME_TIME
            if clock == (right.getType() == libsbml.AST_NAME_TIME):
                return None
            bound = self._symbols.node(right if clock else left, f"event {event.getId()}", {})
            if bound.kind != "number":
                return None
            at = float(bound.value)
            if up != clock:
                upper = min(upper, at)
            elif kind in _STRICT:  # a row at that very time comes before
                lower = max(lower, math.nextafter(at, math.inf))
            else:
                lower = max(lower, at)
        return lower if 0.0 < lower < upper else None
