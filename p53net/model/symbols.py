"""What the names in formulas of an SBML model mean: quantities, rules, rates, stoichiometries."""

import math
from collections.abc import Callable, Mapping

import libsbml

from p53net.errors import UnsupportedError
from p53net.model.expressions import Expressions, Node
from p53net.model.mathml import LOGICAL, built, truth

TIME = "time"
"""Symbol of the time in formulas."""


def rules_of(model: "libsbml.Model") -> dict[str, "libsbml.Rule"]:
    """Variable to its rule, assignment or rate; those without a formula say nothing."""
    rules = [rule for rule in model.getListOfRules() if rule.isSetMath()]
    return {rule.getVariable(): rule for rule in rules if not rule.isAlgebraic()}


def references_of(model: "libsbml.Model") -> dict[str, "libsbml.SpeciesReference"]:
    """Stoichiometries that have a name."""
    return {
        item.getId(): item
        for reaction in model.getListOfReactions()
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts())
        if item.getId()
    }


def set_by_events(model: "libsbml.Model") -> dict[str, str]:
    """What events change, and the event that is first to."""
    found: dict[str, str] = {}
    for event in model.getListOfEvents():
        for one in event.getListOfEventAssignments():
            found.setdefault(one.getVariable(), event.getId())
    return found


def states_of(model: "libsbml.Model") -> tuple[str, ...]:
    """What moves by itself: species in reactions, what has a rate rule, and concentrations of
    other species in a volume that moves."""
    rules = rules_of(model)
    moving = [name for name, rule in rules.items() if rule.isRate()]
    floating, diluted = list[str](), list[str]()
    for item in model.getListOfSpecies():
        if item.getId() in rules:
            continue
        if not item.getBoundaryCondition() and not item.getConstant():
            floating.append(item.getId())
        elif item.getCompartment() in rules and not item.getHasOnlySubstanceUnits():
            diluted.append(item.getId())
    return (*floating, *(name for name in moving if name not in floating), *diluted)


class Symbols:
    """Names and formulas of one model."""

    def __init__(self, model: "libsbml.Model", rate: Callable[[str], Node]) -> None:
        """`rate` gives the rate of change of a name, for formulas that ask for it."""
        self.known, self.rules = Expressions(), rules_of(model)
        self.references = references_of(model)
        self._model, self._rate = model, rate
        self._changed = set_by_events(model)
        self._assigned = {item.getSymbol() for item in model.getListOfInitialAssignments()}
        self._derived: dict[str, Node] = {}
        self._functions = {f.getId(): f for f in model.getListOfFunctionDefinitions()}

    def symbol(self, name: str, above: tuple[str, ...] = ()) -> Node:
        """A name in a formula; of an assignment rule or a reaction, its formula."""
        reaction = self._model.getReaction(name)
        rule = self.rules.get(name)
        if reaction is None and (rule is None or rule.isRate()):
            if name in self.references and rule is None and not self.is_free(name):
                return self.known.number(self.references[name].getStoichiometry())
            return self.known.symbol(name)
        if name in above:
            what = "rules" if reaction is None else "rates"
            raise UnsupportedError(f"{what} go round in a circle: {', '.join(above)}")
        if name not in self._derived:
            if reaction is not None:
                self._derived[name] = self.law(reaction, (*above, name))
            elif rule is not None:
                where = f"rule of {name}"
                self._derived[name] = self.node(rule.getMath(), where, {}, (*above, name))
        return self._derived[name]

    def is_free(self, reference: str) -> bool:
        """Whether a stoichiometry is worked out at the start, or changed by an event."""
        return reference in self._assigned or reference in self._changed

    def law(self, reaction: "libsbml.Reaction", above: tuple[str, ...] = ()) -> Node:
        """The rate of a reaction."""
        law, where = reaction.getKineticLaw(), f"reaction {reaction.getId()}"
        if law is None or law.getMath() is None:
            raise UnsupportedError(f"{where} has no rate")
        local = [*law.getListOfParameters(), *law.getListOfLocalParameters()]
        numbers = {one.getId(): self.known.number(one.getValue()) for one in local}
        return self.node(law.getMath(), where, numbers, above)

    def node(
        self,
        math_: "libsbml.ASTNode",
        where: str,
        local: Mapping[str, Node],
        above: tuple[str, ...] = (),
    ) -> Node:
        """The formula of an SBML expression."""
        known, kind = self.known, math_.getType()
        if math_.isNumber():
            return known.number(math_.getValue())
        if kind == libsbml.AST_NAME:
            name = math_.getName()
            return local[name] if name in local else self.symbol(name, above)
        if kind == libsbml.AST_NAME_TIME:
            return known.symbol(TIME)
        children = [math_.getChild(i) for i in range(math_.getNumChildren())]
        if kind == libsbml.AST_FUNCTION_RATE_OF:
            return self._rate(children[0].getName())
        parts = [self.node(child, where, local, above) for child in children]
        if kind == libsbml.AST_FUNCTION and math_.getName() in self._functions:
            function = self._functions[math_.getName()]
            names = [function.getArgument(i).getName() for i in range(function.getNumArguments())]
            inside = dict(zip(names, parts, strict=True))
            return self.node(function.getBody(), f"function {function.getId()}", inside, above)
        conditions = (
            range(len(parts)) if kind in LOGICAL
            else range(1, len(parts), 2) if kind == libsbml.AST_FUNCTION_PIECEWISE
            else ()
        )  # fmt: skip
        for i in conditions:
            parts[i] = truth(known, parts[i], says_boolean(children[i]))
        found = built(known, kind, parts)
        if found is None:
            written = libsbml.formulaToL3String(math_)
            raise UnsupportedError(f"{where} uses {written[:60]}")
        return found

    def start(self, item: "libsbml.SBase") -> Node:
        """Start value of a compartment, parameter, species or stoichiometry, as formulas mean its
        symbol."""
        known, assigned = self.known, self._model.getInitialAssignmentBySymbol(item.getId())
        if assigned is not None and assigned.isSetMath():
            return self.node(assigned.getMath(), f"initial assignment of {item.getId()}", {})
        if isinstance(item, libsbml.SpeciesReference):
            return known.number(item.getStoichiometry())
        if isinstance(item, libsbml.Compartment):
            return known.number(size_of(item))
        if isinstance(item, libsbml.Parameter):
            return known.number(item.getValue() if item.isSetValue() else math.nan)
        volume = self.symbol(item.getCompartment())
        if item.isSetInitialConcentration():
            start = known.number(item.getInitialConcentration())
            return known.product(start, volume) if item.getHasOnlySubstanceUnits() else start
        amount = item.getInitialAmount() if item.isSetInitialAmount() else math.nan
        start, one = known.number(amount), known.number(-1.0)
        if item.getHasOnlySubstanceUnits():
            return start
        return known.product(start, known.power(volume, one))


def size_of(compartment: "libsbml.Compartment") -> float:
    """Its size. One without dimensions has none, and amounts are concentrations there."""
    if compartment.isSetSize():
        return float(compartment.getSize())
    return 1.0 if compartment.getSpatialDimensionsAsDouble() == 0.0 else math.nan


def says_boolean(node: "libsbml.ASTNode") -> bool:
    """Whether an expression is a condition as it stands; any other is compared with 0."""
    return bool(node.isRelational() or node.isLogical() or node.getType() in (
        libsbml.AST_CONSTANT_TRUE, libsbml.AST_CONSTANT_FALSE,
    ))  # fmt: skip
