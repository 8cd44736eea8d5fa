"""Algebraic rules, solved: each for a quantity that it has once, so that engines need none.

A rule `0 = f(x)` with f = a + b*x becomes the assignment rule x = -a/b. What is found for one is
put into the others, so that rules which belong together are eliminated one after the other.
"""

from typing import NamedTuple

import libsbml

from p53net.errors import ModelError, UnsupportedError
from p53net.model.changes import Changes
from p53net.model.expressions import Node
from p53net.model.symbols import rules_of, set_by_events


class _Linear(NamedTuple):
    """What a rule can be solved for."""

    name: str
    slope: Node


def solve_algebraic(model: "libsbml.Model", name: str) -> None:
    """Turn all algebraic rules into assignment rules. Raises ModelError for one that is not linear
    in any quantity that is free."""
    rules = [rule for rule in model.getListOfRules() if rule.isAlgebraic() and rule.isSetMath()]
    waiting = [(rule.getLine(), _in_full(model, rule.getMath().deepCopy())) for rule in rules]
    for i in reversed(range(model.getNumRules())):
        if model.getRule(i).isAlgebraic():
            model.removeRule(i)
    while waiting:
        choices = [(_choices(model, formula), line, formula) for line, formula in waiting]
        choices.sort(key=lambda one: (not one[0], len(one[0])))
        found, line, formula = choices[0]
        if not found:
            raise ModelError(
                f"{name}: algebraicRule, line {line}, is not linear in a quantity that nothing "
                "else decides; solve it for one variable"
            )
        rule = model.createAssignmentRule()
        rule.setVariable(found[0].name)
        rule.setMath(_solution(formula, found[0]))
        waiting = [(at, _in_full(model, other)) for _, at, other in choices[1:]]


def _choices(model: "libsbml.Model", formula: "libsbml.ASTNode") -> list[_Linear]:
    """Free quantities that a formula is linear in; those with a number as slope first."""
    symbols = Changes(model).symbols
    try:
        node = symbols.node(formula, "an algebraic rule", {})
    except UnsupportedError:
        return []
    known, found = symbols.known, list[_Linear]()
    for name in _free(model):
        if name in known.symbols(node):
            slope = known.derivative(node, known.symbol(name))
            zero = slope.kind == "number" and slope.value == 0.0
            if name not in known.symbols(slope) and not zero:
                found.append(_Linear(name, slope))
    return sorted(found, key=lambda one: one.slope.kind != "number")


def _free(model: "libsbml.Model") -> list[str]:
    """What may change and nothing decides: no rule, no reaction, no event."""
    decided = {*rules_of(model), *set_by_events(model)}
    for reaction in model.getListOfReactions():
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            if not model.getSpecies(item.getSpecies()).getBoundaryCondition():
                decided.add(item.getSpecies())
    references = [
        item
        for reaction in model.getListOfReactions()
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts())
        if item.getId()
    ]
    items = (*model.getListOfParameters(), *model.getListOfSpecies(),
             *model.getListOfCompartments(), *references)  # fmt: skip
    return [item.getId() for item in items
            if not item.getConstant() and item.getId() not in decided]  # fmt: skip


def _in_full(model: "libsbml.Model", formula: "libsbml.ASTNode") -> "libsbml.ASTNode":
    """With the formulas of assignment rules in the places of their variables."""
    rules = {n: rule.getMath() for n, rule in rules_of(model).items() if rule.isAssignment()}
    for _ in rules:  # rules within rules
        for name, inner in rules.items():
            formula.replaceArgument(name, inner)
    return formula


def _solution(formula: "libsbml.ASTNode", of: _Linear) -> "libsbml.ASTNode":
    """The formula of the quantity that makes a linear one 0."""
    zero = formula.deepCopy()
    zero.replaceArgument(of.name, _number(0.0))
    if of.slope.kind == "number":
        return _applied(libsbml.AST_DIVIDE, zero, _number(-float(of.slope.value)))
    one = formula.deepCopy()
    one.replaceArgument(of.name, _number(1.0))
    return _applied(libsbml.AST_DIVIDE, zero, _applied(libsbml.AST_MINUS, zero.deepCopy(), one))


def _number(value: float) -> "libsbml.ASTNode":
    node = libsbml.ASTNode(libsbml.AST_REAL)
    node.setValue(value)
    return node


def _applied(kind: int, left: "libsbml.ASTNode", right: "libsbml.ASTNode") -> "libsbml.ASTNode":
    node = libsbml.ASTNode(kind)
    node.addChild(left.deepCopy())
    node.addChild(right.deepCopy())
    return node
