"""Formulas of an SBML model as libSBML holds them: all of them, and their parts."""

from collections.abc import Iterator

import libsbml


def formulas_of(model: "libsbml.Model") -> Iterator["libsbml.ASTNode"]:
    """Every formula of the model."""
    laws = [reaction.getKineticLaw() for reaction in model.getListOfReactions()]
    functions = [*model.getListOfFunctionDefinitions()]
    others = [*model.getListOfRules(), *model.getListOfInitialAssignments(), *functions]
    for item in [*(law for law in laws if law is not None), *others]:
        if item.getMath() is not None:
            yield item.getMath()
    for reaction in model.getListOfReactions():
        for item in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            computed = item.getStoichiometryMath()  # of Level 2
            if computed is not None and computed.getMath() is not None:
                yield computed.getMath()
    for event in model.getListOfEvents():
        parts = [event.getTrigger(), event.getDelay(), event.getPriority()]
        for part in (*parts, *event.getListOfEventAssignments()):
            if part is not None and part.getMath() is not None:
                yield part.getMath()


def children_of(node: "libsbml.ASTNode") -> list["libsbml.ASTNode"]:
    """The parts of a node."""
    return [node.getChild(i) for i in range(node.getNumChildren())]


def flattened(node: "libsbml.ASTNode") -> list[tuple["libsbml.ASTNode", list[int]]]:
    """A formula as a list of nodes with the places of their parts, which come later in it.

    Without recursion: libSBML writes a long sum as a deep one.
    """
    found: list[tuple[libsbml.ASTNode, list[int]]] = [(node, [])]
    for part, places in found:
        for child in children_of(part):
            places.append(len(found))
            found.append((child, []))
    return found


def nodes_of(node: "libsbml.ASTNode") -> list["libsbml.ASTNode"]:
    """A node and all that is in it."""
    return [part for part, _ in flattened(node)]


def owner_of(node: "libsbml.ASTNode") -> "libsbml.SBase":
    """The element that a formula belongs to: the next one around it that has a name."""
    item = node.getParentSBMLObject()
    while not (item.getId() or getattr(item, "getVariable", str)()
               or getattr(item, "getSymbol", str)()):  # fmt: skip
        parent = item.getParentSBMLObject()
        if parent is None:
            return item
        item = parent
    return item
