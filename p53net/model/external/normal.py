"""An SBML model in the form that engines take: flat, solved, its functions written out, Level 3."""

import libsbml

from p53net.errors import ModelError
from p53net.model.external.algebraic import solve_algebraic
from p53net.model.external.formulas import formulas_of, nodes_of
from p53net.model.external.runnable import refuse_delays
from p53net.model.external.terms import refuse_endless, refuse_long
from p53net.model.mathml import AVOGADRO
from p53net.model.symbols import TIME

_UNITS = 99500  # from here to 99509: what is said of units


def flattened(document: "libsbml.SBMLDocument", name: str) -> None:
    """Models within models become one. Raises ModelError where that cannot be."""
    if document.getPlugin("comp") is None:
        return
    before = document.getNumErrors()
    if not _converted(document, "flatten comp", ("performValidation", "leavePorts")):
        raise ModelError(f"{name}: its submodels cannot be written out: {_said(document, before)}")


def normalise(document: "libsbml.SBMLDocument", name: str) -> None:
    """Local parameters become global, functions are written out, algebraic rules are solved,
    what is called as the clock is becomes `time_`, and the text is Level 3 Version 1, or Version 2
    where only that can say it."""
    refuse_delays(document.getModel(), name)
    refuse_long(document.getModel(), name)
    refuse_endless(document.getModel(), name)
    for option, what in (("promoteLocalParameters", "local parameters"),
                         ("expandFunctionDefinitions", "functions")):  # fmt: skip
        if not _converted(document, option):
            raise ModelError(f"{name}: its {what} cannot be written out; write them out by hand")
    before = document.getNumErrors()
    if not document.setLevelAndVersion(3, 1, True):
        newest = document.getLevel() == 3 and document.getVersion() == 2
        if not newest and not _without_what_is_not_needed(document):
            raise ModelError(
                f"{name} cannot be written as SBML Level 3 Version 1: {_said(document, before)}"
            )
    model = document.getModel()
    for node in (node for formula in formulas_of(model) for node in nodes_of(formula)):
        if node.getType() == libsbml.AST_NAME_AVOGADRO:
            node.setValue(AVOGADRO)  # that of SBML, where engines have newer ones
    if model.getElementBySId(TIME) is not None:
        _rename(model, TIME, f"{TIME}_")
    for compartment in model.getListOfCompartments():
        if compartment.getSpatialDimensionsAsDouble() == 0.0 and not compartment.isSetSize():
            compartment.setSize(1.0)  # where there is no volume, amounts are concentrations
    solve_algebraic(model, name)


def _rename(model: "libsbml.Model", before: str, after: str) -> None:
    """Give what has an id another one, wherever it stands."""
    while model.getElementBySId(after) is not None:
        after += "_"
    model.getElementBySId(before).setId(after)
    for item in model.getListOfAllElements():
        item.renameSIdRefs(before, after)


def _without_what_is_not_needed(document: "libsbml.SBMLDocument") -> bool:
    """Turned into Level 3 Version 1 without annotations, what lies outside of what, and units that
    the file does not define."""
    model = document.getModel()
    defined = {unit.getId() for unit in model.getListOfUnitDefinitions()}
    for item in (document, model, *model.getListOfAllElements()):
        item.unsetAnnotation()
    for compartment in model.getListOfCompartments():
        compartment.unsetOutside()
        _unset_units(compartment, defined)
    for item in (*model.getListOfParameters(), *model.getListOfSpecies()):
        _unset_units(item, defined)
    before = document.getNumErrors()
    if not document.setLevelAndVersion(3, 1, False):
        return False
    fresh = [document.getError(i) for i in range(before, document.getNumErrors())]
    return not any(one.getSeverity() >= libsbml.LIBSBML_SEV_ERROR for one in fresh)


def _unset_units(item: "libsbml.SBase", defined: set[str]) -> None:
    """Of what names a unit that there is not."""
    unit = item.getSubstanceUnits() if isinstance(item, libsbml.Species) else item.getUnits()
    built_in = ("substance", "volume", "area", "length", "time")
    if not unit or unit in defined or libsbml.UnitKind_forName(unit) != libsbml.UNIT_KIND_INVALID:
        return
    if unit in built_in and not isinstance(item, libsbml.Parameter):
        return
    if isinstance(item, libsbml.Species):
        item.unsetSubstanceUnits()
    else:
        item.unsetUnits()


def _converted(
    document: "libsbml.SBMLDocument", option: str, without: tuple[str, ...] = ()
) -> bool:
    properties = libsbml.ConversionProperties()
    properties.addOption(option, True)
    for other in without:
        properties.addOption(other, False)
    return bool(document.convert(properties) == libsbml.LIBSBML_OPERATION_SUCCESS)


def _said(document: "libsbml.SBMLDocument", before: int) -> str:
    """What libSBML says of a conversion, without its warnings."""
    found = [document.getError(i) for i in range(before, document.getNumErrors())]
    words = [
        f"line {one.getLine()}: {' '.join(one.getMessage().split())}"
        for one in found if one.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
    ]  # fmt: skip
    return " ".join(words)[:400] or "no reason given"
