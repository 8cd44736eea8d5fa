"""Events that an integrator may step over which looks at conditions only where its steps end."""

from collections.abc import Iterator, Mapping

import libsbml

from p53net.model.external.formulas import children_of, nodes_of

EQUALITY = "which compares with == and so happens at a single moment"
WINDOW = "whose condition compares several things that move, so it may hold for less than a step"

_EQUAL = libsbml.AST_RELATIONAL_EQ, libsbml.AST_RELATIONAL_NEQ


def windows_of(model: "libsbml.Model") -> Mapping[str, str]:
    """Events whose conditions may hold for less than a step, and why."""
    moving = {rule.getVariable() for rule in model.getListOfRules()}
    moving |= {item.getId() for item in model.getListOfSpecies() if not item.getConstant()}
    functions = {item.getId(): item for item in model.getListOfFunctionDefinitions()}
    found = {}
    for event in model.getListOfEvents():
        trigger = event.getTrigger()
        if trigger is None or trigger.getMath() is None:
            continue
        relations = list(_relations(trigger.getMath(), functions))
        on_states = [one for one, names, _ in relations if names & moving]
        if any(one.getType() in _EQUAL and (names & moving or timed)
               for one, names, timed in relations):  # fmt: skip
            found[event.getId()] = EQUALITY
        elif len(on_states) > 1:
            found[event.getId()] = WINDOW
    return found


def _relations(
    node: "libsbml.ASTNode", functions: "Mapping[str, libsbml.FunctionDefinition]"
) -> Iterator[tuple["libsbml.ASTNode", set[str], bool]]:
    """Relations of a condition, those of functions too, the names in each, and whether time is."""
    called = [
        functions[part.getName()]
        for part in nodes_of(node)
        if part.getType() == libsbml.AST_FUNCTION and part.getName() in functions
    ]
    bodies = [one.getBody() for one in called if one.getBody() is not None]
    outside = {part.getName() for part in nodes_of(node) if part.isName()} if bodies else set()
    for formula in (node, *bodies):
        for part in nodes_of(formula):
            if not part.isRelational() or any(side.isLogical() for side in children_of(part)):
                continue
            inside = nodes_of(part)
            names = {one.getName() for one in inside if one.isName()}
            timed = any(one.getType() == libsbml.AST_NAME_TIME for one in inside)
            yield part, names if formula is node else names | outside, timed
