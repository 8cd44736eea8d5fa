"""What no engine here runs, or would run wrongly without an error: refused by element and line."""

import math

import libsbml

from p53net.errors import ModelError
from p53net.model.external.formulas import formulas_of, nodes_of, owner_of
from p53net.model.external.quantities import number_of
from p53net.model.external.terms import refuse_long
from p53net.model.symbols import rules_of


def refuse_unrunnable(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for what engines would run wrongly, or not at all, without an error."""
    refuse_long(model, name)
    rules = rules_of(model)
    given = {item.getSymbol() for item in model.getListOfInitialAssignments() if item.isSetMath()}
    given |= {name for name, rule in rules.items() if rule.isAssignment()}
    for items in (model.getListOfCompartments(), model.getListOfParameters(),
                  model.getListOfSpecies()):  # fmt: skip
        for item in items:
            if item.getId() not in given and not math.isfinite(number_of(model, item)):
                if isinstance(item, libsbml.Species) and item.getCompartment() in given:
                    if item.isSetInitialAmount() or item.isSetInitialConcentration():
                        continue  # of a volume that is worked out
                raise _bad(name, item, "has no value", "give it one")
    if not model.getNumSpecies() + model.getNumParameters() + model.getNumCompartments():
        raise _bad(name, "it", "has neither species nor parameters", "there is nothing to simulate")


def refuse_delays(model: "libsbml.Model", name: str) -> None:
    """Raise ModelError for a formula that looks into the past."""
    for math_ in formulas_of(model):
        for node in nodes_of(math_):
            if node.getType() == libsbml.AST_FUNCTION_DELAY:
                raise _bad(name, owner_of(math_), "looks into the past with delay()",
                           "write the delay as steps")  # fmt: skip


def _bad(name: str, item: "libsbml.SBase | str", what: str, remedy: str) -> ModelError:
    where = item if isinstance(item, str) else called(item)
    return ModelError(f"{name}: {where} {what}; {remedy}")


def called(item: "libsbml.SBase") -> str:
    """An element with its id and line, such as `reaction J1, line 12,`."""
    names = (item.getId(), getattr(item, "getVariable", str)(), getattr(item, "getSymbol", str)())
    words = [item.getElementName(), next((one for one in names if one), "")]
    line = f"line {item.getLine()}," if item.getLine() else ""
    text = " ".join(word for word in words if word)
    return f"{text}, {line}" if line else text
