"""From SBML to formulas: the rate of change of every state, for engines that generate code."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import libsbml
import numpy as np

from p53net.errors import UnsupportedError
from p53net.model.expressions import Evaluation, Expressions, Node
from p53net.model.sbml import read

TIME = "time"
"""Symbol of the time in formulas."""


@dataclass(frozen=True)
class Stop:
    """A change at a set time: what an event that only time triggers does."""

    time: Node
    settings: Mapping[str, Node]


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

    @property
    def uses_time(self) -> bool:
        """Whether a rate or a derived quantity depends on the time itself."""
        return any(
            TIME in self.expressions.symbols(n) for n in (*self.rates, *self.derived.values())
        )

    def values(self, nodes: Iterator[Node] | list[Node], known: Mapping[str, Any]) -> list[Any]:
        """Values of formulas for numbers, or arrays of one shape, for their symbols."""
        evaluation = Evaluation(self.expressions, Arrays(), known.__getitem__)
        return [evaluation(node) for node in nodes]


class Arrays:
    """Functions of NumPy arrays."""

    def constant(self, value: float) -> Any:  # noqa: ANN401
        """A number."""
        return np.float64(value)

    def exp(self, x: Any) -> Any:  # noqa: ANN401
        """e to the x."""
        return _by_element(np.exp, x)

    def ln(self, x: Any) -> Any:  # noqa: ANN401
        """Natural logarithm."""
        return _by_element(np.log, x)

    def power(self, x: Any, n: Any) -> Any:  # noqa: ANN401
        """x to the n. `x * power(x, n - 1)` must be 0 at 0, so 0 counts as the least number."""
        return _by_element(np.power, np.where(x == 0.0, np.finfo(float).tiny, x), n)


def _by_element(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """A function of arrays whose last digits do not depend on how many numbers there are.

    NumPy takes other ways for a single number, and for one that is spread over an array.
    """
    full = np.broadcast_arrays(*arguments)
    flat = [np.resize(one, max(one.size, 2)) for one in full]
    return function(*flat)[: full[0].size].reshape(full[0].shape)


def system_of(sbml: str) -> System:
    """The equations of a model. Raises UnsupportedError, naming what has no formula."""
    document = read(sbml)  # a model must not outlive its document
    return _Reader(document.getModel()).system()


class _Reader:
    """One model on its way to formulas."""

    def __init__(self, model: "libsbml.Model") -> None:
        self._model = model
        self._known = Expressions()
        self._rules: dict[str, libsbml.Rule] = {}
        self._derived: dict[str, Node] = {}
        self._functions = {f.getId(): f for f in model.getListOfFunctionDefinitions()}
        self._stoichiometries = {
            item.getId()
            for reaction in model.getListOfReactions()
            for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts())
        }
        self._refuse()
        for rule in model.getListOfRules():
            self._rules[rule.getVariable()] = rule

    def system(self) -> System:
        model, known = self._model, self._known
        moving = [r.getVariable() for r in self._rules.values() if r.isRate()]
        species = list(model.getListOfSpecies())
        floating = [
            s.getId()
            for s in species
            if not s.getBoundaryCondition() and not s.getConstant() and s.getId() not in self._rules
        ]
        states = tuple([*floating, *(name for name in moving if name not in floating)])
        parameters: dict[str, float] = {}
        starts: dict[str, Node] = {}
        for item in (*model.getListOfCompartments(), *model.getListOfParameters(), *species):
            name = item.getId()
            if name in self._rules and self._rules[name].isAssignment():
                continue
            start = self._start(item)
            if name not in states:
                parameters[name] = self._in_file(start)
            if name in states or start.kind != "number":
                starts[name] = start
        if not states:
            raise UnsupportedError("a model in which nothing moves but what rules determine")
        derived = {name: self._symbol(name) for name, r in self._rules.items() if r.isAssignment()}
        rates = self._rates(floating)
        for name in moving:
            rates[name] = self._node(self._rules[name].getMath(), f"rate rule of {name}", {})
        stops = tuple(self._stop(event) for event in model.getListOfEvents())
        for name in [n for stop in stops for n in stop.settings if n in derived]:
            raise UnsupportedError(f"an event sets {name}, which a rule determines")
        return System(
            known, states, parameters, tuple(rates[n] for n in states), derived,
            self._resolved(starts, parameters), stops,
        )  # fmt: skip

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

    def _rates(self, floating: list[str]) -> dict[str, Node]:
        known = self._known
        terms: dict[str, list[tuple[Node, float]]] = {name: [] for name in floating}
        for reaction in self._model.getListOfReactions():
            law = reaction.getKineticLaw()
            where = f"reaction {reaction.getId()}"
            if law is None or law.getMath() is None:
                raise UnsupportedError(f"{where} has no rate")
            local = [*law.getListOfParameters(), *law.getListOfLocalParameters()]
            numbers = {one.getId(): known.number(one.getValue()) for one in local}
            rate = self._node(law.getMath(), where, numbers)
            sides = (reaction.getListOfReactants(), -1.0), (reaction.getListOfProducts(), 1.0)
            for side, sign in sides:
                for item in side:
                    if item.getSpecies() in terms:
                        count = sign * self._stoichiometry(item, where)
                        terms[item.getSpecies()].append((rate, count))
        rates = {}
        for name, found in terms.items():
            species = self._model.getSpecies(name)
            volume = known.symbol(species.getCompartment())
            # Divided one by one, so that the volume in a rate and the one below it cancel.
            share = known.number(1.0) if self._is_amount(species) else known.power(
                volume, known.number(-1.0)
            )  # fmt: skip
            rates[name] = known.sum((known.product(rate, share), count) for rate, count in found)
        return rates

    def _stoichiometry(self, item: "libsbml.SpeciesReference", where: str) -> float:
        varies = item.getId() and (
            item.getId() in self._rules
            or self._model.getInitialAssignmentBySymbol(item.getId()) is not None
        )
        if item.isSetStoichiometryMath() or varies:
            raise UnsupportedError(f"{where} has a stoichiometry that is computed")
        return float(item.getStoichiometry())

    def _stop(self, event: "libsbml.Event") -> Stop:
        where = f"event {event.getId()}"
        for what, there in (("delay", event.isSetDelay()), ("priority", event.isSetPriority())):
            if there:
                raise UnsupportedError(f"{where} has a {what}")
        time = self._trigger(event.getTrigger().getMath(), where)
        settings = {}
        states = {s.getId() for s in self._model.getListOfSpecies()}
        for one in event.getListOfEventAssignments():
            node = self._node(one.getMath(), where, {})
            moving = self._known.symbols(node) & (states | self._rules.keys() | {TIME})
            if moving or self._known.symbols(node):
                raise UnsupportedError(f"{where} sets {one.getVariable()} to what is not a number")
            settings[one.getVariable()] = node
        return Stop(time, settings)

    def _trigger(self, math_: "libsbml.ASTNode", where: str) -> Node:
        """The time from which on a trigger is true, where it says just that.

        A lower bound is enough for a conjunction with upper bounds that come later.
        """
        lower, upper = -math.inf, math.inf
        parts = [math_]
        while parts:
            part = parts.pop()
            if part.getType() == libsbml.AST_LOGICAL_AND:
                parts += [part.getChild(i) for i in range(part.getNumChildren())]
                continue
            left, right = part.getChild(0), part.getChild(1)
            up = part.getType() in (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_GT)
            down = part.getType() in (libsbml.AST_RELATIONAL_LEQ, libsbml.AST_RELATIONAL_LT)
            if (up or down) and part.getNumChildren() == 2:
                clock_left = left.getType() == libsbml.AST_NAME_TIME
                clock_right = right.getType() == libsbml.AST_NAME_TIME
                if clock_left != clock_right:
                    bound = self._node(right if clock_left else left, where, {})
                    if bound.kind == "number":
                        if up == clock_left:
                            lower = max(lower, float(bound.value))
                        else:
                            upper = min(upper, float(bound.value))
                        continue
            raise UnsupportedError(f"{where} does not happen at a set time")
        if not 0.0 < lower < upper:
            raise UnsupportedError(f"{where} does not happen at a set time after 0")
        return self._known.number(lower)

    def _symbol(self, name: str, above: tuple[str, ...] = ()) -> Node:
        """A name in a formula; of an assignment rule, its formula."""
        rule = self._rules.get(name)
        if rule is None or rule.isRate():
            return self._known.symbol(name)
        if name in above:
            raise UnsupportedError(f"rules go round in a circle: {', '.join(above)}")
        if name not in self._derived:
            where = f"rule of {name}"
            self._derived[name] = self._node(rule.getMath(), where, {}, (*above, name))
        return self._derived[name]

    def _node(
        self,
        math_: "libsbml.ASTNode",
        where: str,
        local: Mapping[str, Node],
        above: tuple[str, ...] = (),
    ) -> Node:
        """The formula of an SBML expression."""
        known, kind = self._known, math_.getType()
        if math_.isNumber():
            return known.number(math_.getValue())
        if kind == libsbml.AST_NAME:
            name = math_.getName()
            if name in local:
                return local[name]
            if self._model.getReaction(name) is not None:
                raise UnsupportedError(f"{where} uses the rate of reaction {name}")
            if name in self._stoichiometries:
                raise UnsupportedError(f"{where} uses the stoichiometry {name}")
            return self._symbol(name, above)
        parts = [
            self._node(math_.getChild(i), where, local, above)
            for i in range(math_.getNumChildren())
        ]
        if kind == libsbml.AST_FUNCTION and math_.getName() in self._functions:
            function = self._functions[math_.getName()]
            names = [function.getArgument(i).getName() for i in range(function.getNumArguments())]
            inside = dict(zip(names, parts, strict=True))
            return self._node(function.getBody(), f"function {function.getId()}", inside, above)
        if kind == libsbml.AST_MINUS and len(parts) == 1:
            return known.product(known.number(-1.0), parts[0])
        if kind in self._OPERATORS:
            return self._OPERATORS[kind](known, parts)
        written = libsbml.formulaToL3String(math_)
        raise UnsupportedError(f"{where} uses {written[:60]}")

    _OPERATORS: Mapping[int, Callable[[Expressions, list[Node]], Node]] = {
        libsbml.AST_PLUS: lambda known, parts: known.sum((part, 1.0) for part in parts),
        libsbml.AST_MINUS: lambda known, parts: known.sum(
            zip(parts, (1.0, -1.0), strict=True)
        ),
        libsbml.AST_TIMES: lambda known, parts: known.product(*parts),
        libsbml.AST_DIVIDE: lambda known, parts: known.product(
            parts[0], known.power(parts[1], known.number(-1.0))
        ),
        libsbml.AST_POWER: lambda known, parts: known.power(*parts),
        libsbml.AST_FUNCTION_POWER: lambda known, parts: known.power(*parts),
        libsbml.AST_FUNCTION_ROOT: lambda known, parts: known.power(
            parts[-1],
            known.power(parts[0] if len(parts) > 1 else known.number(2.0), known.number(-1.0)),
        ),
        libsbml.AST_FUNCTION_EXP: lambda known, parts: known.call("exp", parts[0]),
        libsbml.AST_FUNCTION_LN: lambda known, parts: known.call("ln", parts[0]),
        libsbml.AST_FUNCTION_LOG: lambda known, parts: known.product(
            known.call("ln", parts[-1]),
            known.power(
                known.call("ln", parts[0] if len(parts) > 1 else known.number(10.0)),
                known.number(-1.0),
            ),
        ),
        libsbml.AST_NAME_TIME: lambda known, _parts: known.symbol(TIME),
        libsbml.AST_CONSTANT_E: lambda known, _parts: known.number(math.e),
        libsbml.AST_CONSTANT_PI: lambda known, _parts: known.number(math.pi),
        libsbml.AST_NAME_AVOGADRO: lambda known, _parts: known.number(6.02214179e23),
    }  # fmt: skip

    def _start(self, item: "libsbml.SBase") -> Node:
        """Start value of a compartment, parameter or species, as formulas mean its symbol."""
        assigned = self._model.getInitialAssignmentBySymbol(item.getId())
        if assigned is not None:
            return self._node(assigned.getMath(), f"initial assignment of {item.getId()}", {})
        if isinstance(item, libsbml.Compartment):
            return self._known.number(item.getSize() if item.isSetSize() else math.nan)
        if isinstance(item, libsbml.Parameter):
            return self._known.number(item.getValue() if item.isSetValue() else math.nan)
        volume = self._known.symbol(item.getCompartment())
        if item.isSetInitialConcentration():
            start = self._known.number(item.getInitialConcentration())
            return self._known.product(start, volume) if self._is_amount(item) else start
        amount = item.getInitialAmount() if item.isSetInitialAmount() else math.nan
        start, one = self._known.number(amount), self._known.number(-1.0)
        if self._is_amount(item):
            return start
        return self._known.product(start, self._known.power(volume, one))

    def _in_file(self, start: Node) -> float:
        """The value of a start value with the numbers of the file."""
        sizes = {c.getId(): c.getSize() for c in self._model.getListOfCompartments()}
        numbers = {name: self._known.number(size) for name, size in sizes.items()}
        known = self._known.with_nodes(start, numbers)
        return float(known.value) if known.kind == "number" else math.nan

    @staticmethod
    def _is_amount(species: "libsbml.Species") -> bool:
        return bool(species.getHasOnlySubstanceUnits())

    def _refuse(self) -> None:
        """Raise UnsupportedError for elements that have no formula."""
        model = self._model
        for rule in model.getListOfRules():
            if rule.isAlgebraic():
                raise UnsupportedError("an algebraic rule")
            name = rule.getVariable()
            if model.getCompartment(name) is not None:
                raise UnsupportedError(f"compartment {name}, whose volume changes")
            if model.getSpecies(name) is None and model.getParameter(name) is None:
                raise UnsupportedError(f"a rule of {name}, which is no species or parameter")
        for reaction in model.getListOfReactions():
            if reaction.isSetFast() and reaction.getFast():
                raise UnsupportedError(f"fast reaction {reaction.getId()}")
        for species in model.getListOfSpecies():
            if species.isSetConversionFactor() or model.isSetConversionFactor():
                raise UnsupportedError(f"conversion factor of species {species.getId()}")
        for event in model.getListOfEvents():
            for one in event.getListOfEventAssignments():
                if model.getCompartment(one.getVariable()) is not None:
                    raise UnsupportedError(f"event {event.getId()}, which changes a volume")
