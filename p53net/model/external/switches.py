"""Times at which a model that was read from a file may switch, for engines that look at steps."""

import math
from collections.abc import Mapping
from itertools import pairwise

import libsbml

from p53net.model.definition import Definition
from p53net.model.external.formulas import children_of, formulas_of, nodes_of
from p53net.model.symbols import TIME


def switch_times(definition: Definition, values: Mapping[str, float], end: float) -> list[float]:
    """Times up to `end` at which the integrator must look whether something has switched.

    An integrator sees an event, or a `piecewise`, only where it stops: a short window between two
    steps would pass unseen. Times in between are here too, for windows that are open at both ends.
    """
    known = {name: item.value for name, item in definition.parameters.items()} | dict(values)
    found = {0.0, end}
    for formula in definition.switches:
        time = _constant(libsbml.parseL3Formula(formula), known) if formula else math.nan
        if math.isnan(time):  # it depends on what moves; then at least a thousand looks
            found |= {end * i / 1000 for i in range(1, 1000)}
        elif 0.0 < time < end:
            found.add(time)
    ordered = sorted(found)
    middles = [(a + b) / 2 for a, b in pairwise(ordered)]
    return sorted({*ordered, *middles})


def deciding(definition: Definition) -> tuple[str, ...]:
    """Names of what decides these times, beside the end."""
    formulas = (libsbml.parseL3Formula(one) for one in definition.switches if one)
    nodes = (node for one in formulas if one is not None for node in nodes_of(one))
    return tuple(dict.fromkeys(node.getName() for node in nodes if node.isName()))


def switches_of(model: "libsbml.Model") -> tuple[str, ...]:
    """What the time is compared with, anywhere, as formulas of constants; "" for what else."""
    clocks = {TIME}  # and every rule that follows the time
    rules = {r.getVariable(): r.getMath() for r in model.getListOfRules() if r.isAssignment()}

    def timed(node: "libsbml.ASTNode") -> bool:
        return any(
            n.getType() == libsbml.AST_NAME_TIME or (n.isName() and n.getName() in clocks)
            for n in nodes_of(node)
        )

    for _ in rules:
        more = {name for name, node in rules.items() if node is not None and timed(node)}
        if more <= clocks:
            break
        clocks |= more
    moving = {rule.getVariable() for rule in model.getListOfRules()}
    moving |= {item.getId() for item in model.getListOfSpecies() if not item.getConstant()}
    found = dict[str, None]()
    for formula in formulas_of(model):
        for node in nodes_of(formula):
            if not (node.isRelational() and timed(node)):
                continue
            sides = children_of(node)
            clock = [side for side in sides if side.getType() == libsbml.AST_NAME_TIME]
            other = [side for side in sides if not timed(side)]
            plain = len(sides) == 2 and len(clock) == 1 and len(other) == 1
            if plain and not {n.getName() for n in nodes_of(other[0]) if n.isName()} & moving:
                found[str(libsbml.formulaToL3String(other[0]))] = None
            else:
                found[""] = None
    return tuple(found)


def _constant(node: "libsbml.ASTNode | None", known: Mapping[str, float]) -> float:
    """The value of plain arithmetic; NaN for what is more than that."""
    if node is None:
        return math.nan
    if node.isNumber():
        return float(node.getValue())
    if node.getType() == libsbml.AST_NAME:
        return known.get(node.getName(), math.nan)
    parts = [_constant(child, known) for child in children_of(node)]
    kind = node.getType()
    if kind == libsbml.AST_PLUS:
        return sum(parts)
    if kind == libsbml.AST_TIMES:
        return math.prod(parts)
    if kind == libsbml.AST_MINUS:
        return -parts[0] if len(parts) == 1 else parts[0] - parts[1]
    if kind == libsbml.AST_DIVIDE and parts[1]:
        return parts[0] / parts[1]
    return math.nan
