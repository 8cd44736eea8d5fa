"""Several models in one file, each with a switch, for tools that take one model."""

from collections.abc import Mapping

import libsbml

from p53net.model.sbml import read

_LISTS = (
    "FunctionDefinition", "Compartment", "Species", "Parameter", "InitialAssignment", "Rule",
    "Constraint", "Reaction", "Event",
)  # fmt: skip


def switch_of(prefix: str) -> str:
    """The parameter of a joined model that is 1 where it runs, and 0 where it stands still."""
    return f"{prefix}runs"


def joined(models: Mapping[str, str], name: str) -> str:
    """One model of several by prefix, which all their ids then begin with."""
    whole = libsbml.SBMLDocument(3, 1)
    model = whole.createModel(name)
    model.setName(name)
    for prefix, sbml in models.items():
        document = read(sbml)
        own = document.getModel()
        _add_switch(own)
        _rename(document, prefix)
        if not model.isSetTimeUnits():
            for get, put in (
                (own.getTimeUnits, model.setTimeUnits),
                (own.getSubstanceUnits, model.setSubstanceUnits),
                (own.getExtentUnits, model.setExtentUnits),
                (own.getVolumeUnits, model.setVolumeUnits),
            ):
                put(get())
        for unit in own.getListOfUnitDefinitions():
            if model.getUnitDefinition(unit.getId()) is None:
                model.addUnitDefinition(unit)
        for kind in _LISTS:
            for i in range(getattr(own, f"getNum{_plural(kind)}")()):
                getattr(model, f"add{kind}")(getattr(own, f"get{kind}")(i))
    return str(libsbml.writeSBMLToString(whole))


def _add_switch(model: "libsbml.Model") -> None:
    made = model.createParameter()
    made.setId(switch_of(""))
    made.setName("1 where this model runs, 0 where it stands still")
    made.setValue(1.0)
    made.setUnits("dimensionless")
    made.setConstant(True)
    for law in (
        *(reaction.getKineticLaw() for reaction in model.getListOfReactions()),
        *(rule for rule in model.getListOfRules() if rule.isRate()),
    ):
        node = libsbml.ASTNode(libsbml.AST_TIMES)
        name = libsbml.ASTNode(libsbml.AST_NAME)
        name.setName(made.getId())
        node.addChild(name)
        node.addChild(law.getMath().deepCopy())
        law.setMath(node)


def _rename(document: "libsbml.SBMLDocument", prefix: str) -> None:
    """All ids, but those of units; annotations, which name parts by other ids, are left out."""
    elements = list(document.getListOfAllElements())
    model = document.getModel()
    units = {one.getId() for one in model.getListOfUnitDefinitions()}
    ids = {one.getId() for one in elements if one.isSetId() and one.getId() not in units}
    ids.discard(model.getId())
    for one in elements:
        one.unsetAnnotation()
        one.unsetMetaId()
        for name in ids:
            one.renameSIdRefs(name, prefix + name)
        if one.isSetId() and one.getId() in ids:
            one.setId(prefix + one.getId())


def _plural(kind: str) -> str:
    return kind if kind == "Species" else f"{kind}s"
