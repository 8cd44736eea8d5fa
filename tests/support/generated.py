"""An engine of its own to compare with: SBML as generated Python, solved by SciPy.

It reads the SBML by itself and shares no code with p53net, Antimony or RoadRunner.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any, Literal

import libsbml as sb
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Array = NDArray[np.float64]
Method = Literal["LSODA", "Radau", "BDF"]
Generated = Callable[[float, Sequence[float], Sequence[float]], list[float]]

_FLOOR = 1e-10  # of the largest amount: smaller states are solved to this scale, not their own
_NAMES = re.compile(r"\bs_(\w+)")
_COMPARISONS = {
    sb.AST_RELATIONAL_LT: "<",
    sb.AST_RELATIONAL_LEQ: "<=",
    sb.AST_RELATIONAL_GT: ">",
    sb.AST_RELATIONAL_GEQ: ">=",
    sb.AST_RELATIONAL_EQ: "==",
    sb.AST_RELATIONAL_NEQ: "!=",
}
_JOINED = {  # any number of arguments: the sign between them, the value without any
    sb.AST_PLUS: (" + ", "0.0"),
    sb.AST_TIMES: (" * ", "1.0"),
    sb.AST_LOGICAL_AND: (" and ", "True"),
    sb.AST_LOGICAL_OR: (" or ", "False"),
}
_FIXED = {  # MathML operator and number of arguments
    (sb.AST_NAME_TIME, 0): "t",
    (sb.AST_CONSTANT_PI, 0): "pi",
    (sb.AST_CONSTANT_E, 0): "e",
    (sb.AST_CONSTANT_TRUE, 0): "True",
    (sb.AST_CONSTANT_FALSE, 0): "False",
    (sb.AST_MINUS, 1): "(-{})",
    (sb.AST_MINUS, 2): "({} - {})",
    (sb.AST_DIVIDE, 2): "({} / {})",
    (sb.AST_POWER, 2): "power({}, {})",
    (sb.AST_FUNCTION_POWER, 2): "power({}, {})",
    (sb.AST_FUNCTION_ROOT, 1): "sqrt({})",
    (sb.AST_FUNCTION_ROOT, 2): "power({1}, 1.0 / {0})",
    (sb.AST_FUNCTION_EXP, 1): "exp({})",
    (sb.AST_FUNCTION_LN, 1): "log({})",
    (sb.AST_FUNCTION_LOG, 1): "log10({})",
    (sb.AST_FUNCTION_LOG, 2): "(log({1}) / log({0}))",
    (sb.AST_FUNCTION_ABS, 1): "abs({})",
    (sb.AST_LOGICAL_NOT, 1): "(not {})",
}
_EXTREMES = {sb.AST_FUNCTION_MIN: "min", sb.AST_FUNCTION_MAX: "max"}


def scipy_solution(
    sbml: str, times: Array, *, rtol: float = 1e-11, method: Method = "LSODA"
) -> dict[str, Array]:
    """Concentrations of all species and values of all assignment rules, one for each time.

    `times` increase and start at 0 or later; the model itself starts at 0. The integration stops
    at each event and each `piecewise` switch in time; a row at an event shows the value after it.
    What the oracle does not know raises NotImplementedError with the element's id.
    """
    times = np.asarray(times, dtype=float)
    if times.size == 0 or times[0] < 0 or np.any(np.diff(times) <= 0):
        raise ValueError("times must increase and start at 0 or later")
    system = System(sbml)
    # A first coarse run finds the size of each state, which sets its absolute tolerance.
    grid = np.union1d(times, np.linspace(0.0, times[-1], 101))
    _, peaks = _integrate(system, grid, 1e-6, None, method)
    atol = 1e-14 * np.maximum(peaks, _FLOOR * (peaks.max(initial=0.0) or 1.0))
    rows, _ = _integrate(system, times, rtol, atol, method)
    if not np.isfinite(rows).all():
        raise ArithmeticError("the solution is not finite")
    return dict(zip(system.outputs, rows.T, strict=True))


def _integrate(
    system: "System", times: Array, rtol: float, atol: Array | None, method: Method
) -> tuple[Array, Array]:
    """Outputs, one row for each time, and the largest amount of each state in these rows.

    Without `atol` the absolute tolerance is 1e-12 of what the states are or may become.
    """
    now, scale = 0.0, 0.0
    y, held = system.fire(now, np.array(system.amounts), system.held)
    peaks = np.maximum(np.abs(system.amounts), np.abs(y))
    rows: list[list[float]] = []
    for end in [*(stop for stop in system.stops if 0 < stop < times[-1]), float(times[-1])]:
        if end == now:
            break
        # Inside a segment every comparison with time keeps the value it has there.
        first, last = np.nextafter(now, end), np.nextafter(end, now)

        def slope(
            t: float, y: Array, first: float = first, last: float = last, held: list[float] = held
        ) -> list[float]:
            return system.rates(min(max(t, first), last), y.tolist(), held)

        slopes = [np.multiply(slope(t, y), end - now) for t in (now, (now + end) / 2, end)]
        scale = max(scale, np.abs([y, *slopes]).max(initial=0.0))
        allowed = 1e-12 * (scale or 1.0) if atol is None else atol
        grid = times[(times >= now) & (times < end)]
        shown = np.append(grid, end)
        run = solve_ivp(slope, (now, end), y, method, shown, rtol=rtol, atol=allowed)
        if not run.success:
            raise ArithmeticError(f"{method} failed after {now}: {run.message}")
        path = run.y.T
        if now in grid:
            path[0] = y  # not what the solver interpolates
        rows += [
            system.show(t, state, held)
            for t, state in zip(grid.tolist(), path[:-1].tolist(), strict=True)
        ]
        y, held = system.fire(end, path[-1], held)
        peaks, now = np.maximum(peaks, np.abs([*path, y]).max(axis=0)), end
    rows.append(system.show(now, y.tolist(), held))
    return np.array(rows), peaks


@dataclass(frozen=True)
class _Event:
    """At `time` the targets, species or parameters, take `values` (species as amounts)."""

    name: str
    time: float
    targets: list[str]
    values: Generated


class System:
    """An SBML model as generated Python: rates of change of amounts, outputs and events.

    Every SBML id becomes the variable `s_id` with the meaning it has in MathML (a species is a
    concentration, or an amount where it has only substance units); `a_id` is a species' amount.
    """

    def __init__(self, sbml: str) -> None:
        self.document = _read(sbml)  # owns every node below
        self.model = model = self.document.getModel()
        rules = list(model.getListOfRules())
        self.rules = {rule.getVariable(): rule.getMath() for rule in rules if rule.isAssignment()}
        rated = {rule.getVariable(): rule.getMath() for rule in rules if rule.isRate()}
        self.switches: list[str] = []  # times at which a comparison changes
        derived = {name: self.text(node, name) for name, node in self.rules.items()}
        for item in model.getListOfReactions():
            derived[item.getId()] = self.text(item.getKineticLaw().getMath(), item.getId())
        species = {item.getId(): item for item in model.getListOfSpecies()}
        floating = [name for name in species if name not in derived]
        self.states = [*floating, *rated]
        others = [*model.getListOfParameters(), *model.getListOfCompartments()]
        self.parameters = [
            item.getId() for item in others if item.getId() not in derived | rated.keys()
        ]
        self.constants = {item.getId() for item in others if item.getConstant()}

        start = {item.getId(): _start(item) for item in [*others, *species.values()]}
        for item in model.getListOfInitialAssignments():
            name = item.getSymbol()
            if name not in start:
                raise NotImplementedError(f"initial assignment to {name}")
            start[name] = self.text(item.getMath(), name)
        self.start = start | derived
        self.held = self.at_start([f"s_{name}" for name in self.parameters])
        amounts = [f"s_{name}{_volume(species[name], '*')}" for name in floating]
        self.amounts = self.at_start([*amounts, *(f"s_{name}" for name in rated)])

        self.running = {name: f"a_{name}{_volume(species[name], '/')}" for name in floating}
        self.running |= {name: f"a_{name}" for name in rated} | derived
        rates = [balance(model, species[name]) for name in floating]
        rates += [self.text(node, name) for name, node in rated.items()]
        self.rates = self.function(rates)
        shown = {name: f"s_{name}" for name in [*species, *rated, *self.rules]}
        for name, item in species.items():
            if item.getHasOnlySubstanceUnits():
                shown[name] += f" / s_{item.getCompartment()}"
        self.outputs = list(shown)
        self.show = self.function(list(shown.values()))
        self.events = [event for item in model.getListOfEvents() for event in self.event(item)]
        stops = [self.constant(text, "comparison with time") for text in self.switches]
        self.stops = sorted({*stops, *(event.time for event in self.events)})

    def fire(self, now: float, y: Array, held: list[float]) -> tuple[Array, list[float]]:
        """State and parameters after the events at time `now`, which all see the state before."""
        due = [event for event in self.events if event.time == now]
        targets = [name for event in due for name in event.targets]
        values = [value for event in due for value in event.values(now, y.tolist(), held)]
        if len(set(targets)) < len(targets):
            raise NotImplementedError(f"{[event.name for event in due]}: same time, same target")
        after, kept = y.copy(), list(held)
        for name, value in zip(targets, values, strict=True):
            if name in self.states:
                after[self.states.index(name)] = value
            else:
                kept[self.parameters.index(name)] = value
        return after, kept

    def event(self, item: "sb.Event") -> list[_Event]:
        """The event as a list of one, or empty if it lies before the start."""
        name, trigger = item.getId() or "event without id", item.getTrigger()
        node = trigger.getMath()
        sides = [self.text(node.getChild(i), name) for i in range(node.getNumChildren())]
        if node.getType() == sb.AST_RELATIONAL_LEQ:
            sides.reverse()
        elif node.getType() != sb.AST_RELATIONAL_GEQ:
            sides = []
        if len(sides) != 2 or sides[0] != "t":
            raise NotImplementedError(f"{name}: trigger other than `time >= constant`")
        if item.isSetDelay() or not item.getUseValuesFromTriggerTime():
            raise NotImplementedError(f"{name}: delay, or values not from the trigger time")
        time, values = self.constant(sides[1], name), dict[str, str]()
        for one in item.getListOfEventAssignments():
            target, text = one.getVariable(), self.text(one.getMath(), name)
            if target in self.states:
                own = self.model.getSpecies(target)
                text += _volume(own, "*") if own is not None else ""
            elif target not in self.parameters or self.model.getCompartment(target) is not None:
                raise NotImplementedError(f"{name}: assignment to {target}")
            values[target] = text
        if time <= 0 and trigger.getInitialValue():
            return []  # true before the start, so it does not become true
        return [_Event(name, max(time, 0.0), list(values), self.function(list(values.values())))]

    def constant(self, text: str, owner: str) -> float:
        """Value of a time that is built from numbers and constants."""
        if self.timed(text) or not self.constants.issuperset(_NAMES.findall(text)):
            raise NotImplementedError(f"{owner}: the time {text} is not constant")
        return self.at_start([text])[0]

    def at_start(self, wanted: list[str]) -> list[float]:
        """Values of expressions at time 0."""
        return _compiled(self.start, [], [], wanted)(0.0, [], [])

    def function(self, wanted: list[str]) -> Generated:
        """Expressions as a function of time, amounts and parameters."""
        return _compiled(self.running, self.states, self.parameters, wanted)

    def text(self, node: "sb.ASTNode", owner: str) -> str:
        """MathML as a Python expression in parentheses or a single term."""
        kind = node.getType()
        if node.isNumber():
            return _literal(node.getValue())
        if kind == sb.AST_NAME:
            return f"s_{node.getName()}"
        parts = [self.text(node.getChild(i), owner) for i in range(node.getNumChildren())]
        if kind in _COMPARISONS:
            self.note_switch(kind, parts, owner)
            steps = [f"{a} {_COMPARISONS[kind]} {b}" for a, b in pairwise(parts)]
            return f"({' and '.join(steps)})"
        if kind in _JOINED:
            sign, empty = _JOINED[kind]
            return f"({sign.join(parts)})" if parts else empty
        if kind in _EXTREMES:
            return f"{_EXTREMES[kind]}([{', '.join(parts)}])"
        if kind == sb.AST_FUNCTION_PIECEWISE:
            result = parts.pop() if len(parts) % 2 else "nan"
            for value, condition in zip(parts[-2::-2], parts[-1::-2], strict=True):
                result = f"({value} if {condition} else {result})"
            return result
        if (kind, len(parts)) not in _FIXED:
            raise NotImplementedError(f"{owner}: {sb.formulaToL3String(node)}")
        return _FIXED[kind, len(parts)].format(*parts)

    def note_switch(self, kind: int, sides: list[str], owner: str) -> None:
        """Remember the time of a comparison with time, so that no step crosses it."""
        timed = [side for side in sides if self.timed(side)]
        equal = kind in (sb.AST_RELATIONAL_EQ, sb.AST_RELATIONAL_NEQ)
        if timed and (timed != ["t"] or len(sides) != 2 or equal):
            raise NotImplementedError(f"{owner}: comparison other than of time and a constant")
        self.switches += [side for side in sides if timed and side != "t"]

    def timed(self, text: str) -> bool:
        """Whether an expression contains time, also by way of rules."""
        rules = (name for name in _NAMES.findall(text) if name in self.rules)
        return bool(re.search(r"\bt\b", text)) or any(
            self.timed(self.text(self.rules[name], name)) for name in rules
        )


def _compiled(
    definitions: Mapping[str, str], states: list[str], held: list[str], wanted: list[str]
) -> Generated:
    """A function that evaluates the definitions in order of need and returns `wanted`."""
    needs = {name: set(_NAMES.findall(text)) - set(held) for name, text in definitions.items()}
    needs[""] = set(_NAMES.findall(" ".join(wanted))) - set(held)
    for name, used in needs.items():
        if unknown := used - definitions.keys():
            raise NotImplementedError(f"{name or 'model'}: {', '.join(sorted(unknown))}")
    lines = ["def generated(t, a, c):"]
    lines += [f"    [{', '.join(f'a_{name}' for name in states)}] = a"]
    lines += [f"    [{', '.join(f's_{name}' for name in held)}] = c"]
    order = [name for name in TopologicalSorter(needs).static_order() if name]
    lines += [f"    s_{name} = {definitions[name]}" for name in order]
    space: dict[str, Any] = {**vars(math), "power": _power}
    exec("\n".join([*lines, f"    return [{', '.join(wanted)}]"]), space)
    generated: Generated = space["generated"]
    return generated


def _read(sbml: str) -> "sb.SBMLDocument":
    """The document with functions and local parameters written out, refused if not understood."""
    document = sb.readSBMLFromString(sbml)
    if document.getModel() is None or document.getNumErrors(sb.LIBSBML_SEV_ERROR):
        raise ValueError(f"not valid SBML: {document.getErrorLog().toString()}")
    model, found = document.getModel(), list[str]()
    for i in range(document.getNumPlugins()):
        package = document.getPlugin(i).getPackageName()
        if document.getPackageRequired(package) and package != "l3v2extendedmath":
            found.append(f"package {package}")
    for rule in model.getListOfRules():
        rated = rule.isRate() and model.getParameter(rule.getVariable()) is not None
        found += [f"rule {rule.getVariable()}"] * (not rule.isAssignment() and not rated)
    for item in [model, *model.getListOfSpecies()]:
        found += [f"conversion factor of {item.getId()}"] * bool(item.isSetConversionFactor())
    for item in model.getListOfCompartments():
        found += [f"point {item.getId()}"] * (item.getSpatialDimensionsAsDouble() == 0)
    for item in model.getListOfReactions():
        law = item.getKineticLaw()
        if item.getFast() or law is None or law.getMath() is None:
            found.append(f"{item.getId()}: fast, or without rate")
        for one in [*item.getListOfReactants(), *item.getListOfProducts()]:
            variable = one.isSetStoichiometryMath() or not math.isfinite(one.getStoichiometry())
            if variable or (document.getLevel() > 2 and not one.getConstant()):
                found.append(f"{item.getId()}: stoichiometry of {one.getSpecies()}")
    if found:
        raise NotImplementedError(", ".join(found))
    for option in ("expandFunctionDefinitions", "promoteLocalParameters"):
        properties = sb.ConversionProperties()
        properties.addOption(option, True)
        if document.convert(properties) != sb.LIBSBML_OPERATION_SUCCESS:
            raise ValueError(f"libSBML fails to {option}")
    return document


def balance(model: "sb.Model", species: "sb.Species") -> str:
    """Rate of change of a species' amount."""
    terms = ["0.0"]
    if not species.getBoundaryCondition() and not species.getConstant():
        for reaction in model.getListOfReactions():
            consumed, made = reaction.getListOfReactants(), reaction.getListOfProducts()
            for sign, side in (("-", consumed), ("+", made)):
                for one in side:
                    if one.getSpecies() == species.getId():
                        terms.append(f"{sign} {one.getStoichiometry()!r} * s_{reaction.getId()}")
    return " ".join(terms)


def _start(item: "sb.Parameter | sb.Compartment | sb.Species") -> str:
    """Initial value of a quantity as its id means it in MathML; nan if there is none."""
    if isinstance(item, sb.Compartment):
        return _literal(item.getSize())
    if isinstance(item, sb.Parameter):
        return _literal(item.getValue())
    if item.isSetInitialAmount():
        return _literal(item.getInitialAmount()) + _volume(item, "/")
    known = item.isSetInitialConcentration()
    text = _literal(item.getInitialConcentration() if known else math.nan)
    return f"{text} * s_{item.getCompartment()}" if item.getHasOnlySubstanceUnits() else text


def _volume(species: "sb.Species", sign: str) -> str:
    """What turns the meaning of a species' id into its amount (`*`) or back (`/`)."""
    only = species.getHasOnlySubstanceUnits()
    return "" if only else f" {sign} s_{species.getCompartment()}"


def _literal(value: float) -> str:
    """A number as Python source (`inf` and `nan` are names there)."""
    return f"({float(value)!r})" if value < 0 else repr(float(value))


def _power(base: float, exponent: float) -> float:
    """Power; where it is not real, because a solver tries states just below 0, it is 0."""
    return 0.0 if base < 0 and not float(exponent).is_integer() else math.pow(base, exponent)
