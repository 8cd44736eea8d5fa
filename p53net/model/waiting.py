"""What is around a cell waits, in a file, until the cell has come to rest."""

from collections.abc import Collection

import libsbml

from p53net.model.sbml import read

CLOCK = "begun"
"""The parameter that all rates around the cell are multiplied by: 0 before, and 1 afterwards."""


def made_to_wait(sbml: str, inside: Collection[str], clock: str) -> str:
    """The model whose states that are not `inside` the cell stand still while `clock` is 0, as it
    is at first."""
    document = read(sbml)
    model = document.getModel()
    made = model.createParameter()
    made.setId(clock)
    made.setName("1 once the cell has come to rest: what is around it waits")
    made.setValue(0.0)
    made.setUnits("dimensionless")
    made.setConstant(False)
    for reaction in model.getListOfReactions():
        moved = (*reaction.getListOfReactants(), *reaction.getListOfProducts())
        if any(one.getSpecies() not in inside for one in moved):
            law = reaction.getKineticLaw()
            law.setMath(_times(clock, law.getMath()))
    for rule in model.getListOfRules():
        if rule.isRate() and rule.getVariable() not in inside:
            rule.setMath(_times(clock, rule.getMath()))
    return str(libsbml.writeSBMLToString(document))


def _times(clock: str, math: "libsbml.ASTNode") -> "libsbml.ASTNode":
    node = libsbml.ASTNode(libsbml.AST_TIMES)
    name = libsbml.ASTNode(libsbml.AST_NAME)
    name.setName(clock)
    node.addChild(name)
    node.addChild(math.deepCopy())
    return node
