"""Checks of a finished model: each is a small function that yields a `Finding` for each fault."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import libsbml

from p53net.errors import ModelError
from p53net.model.fragments import Joined
from p53net.model.library import in_order, shipped_files
from p53net.model.statements import INPUT_KINDS
from p53net.model.tables import DRAWN, KINDS, Value
from p53net.model.units import (
    NoUnitError,
    WrongUnitError,
    formulas,
    named_units,
    over,
    spelled,
    text_of,
    unit_of,
)

_ABOUT = ("sbo", "miriam")
"""Checks of annotation, which a model needs to be understood, but not to run."""
_RESOURCE = "https://identifiers.org/"


class Finding(NamedTuple):
    """One fault: the check that saw it, the id of the element, and what is wrong."""

    check: str
    subject: str
    message: str


def findings(sbml: str, parameters: Mapping[str, Value]) -> list[Finding]:
    """All faults of a model; `parameters` is the table that its values and sources come from.

    A document that libSBML cannot read gives libSBML's messages and nothing else. One that it
    reads but finds broken is still checked further.
    """
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    if model is None or document.getNumErrors(libsbml.LIBSBML_SEV_ERROR):
        return list(_messages(document))
    document.checkConsistency()  # all of libSBML's checks are on unless they are switched off
    found = [*_messages(document), *_table(model, parameters)]
    for check in (unit_faults, amount_faults, _compartments, _ids, _starts, _annotations):
        found += check(model)
    for check in (_declared_units, _model_units, _constructs, _names):
        found += check(model)
    return found


def unused_fragments() -> list[Finding]:
    """Files of the package's model text that no model can have, and why."""
    files = shipped_files()
    used = in_order(one for one in files if not one.faults).used()
    found = [Finding("fragment", one.name, fault) for one in files for fault in one.faults]
    text = "no system uses it; correct its header, or delete it"
    sound = [one.name for one in files if not one.faults]
    return found + [Finding("fragment", name, text) for name in sound if name not in used]


def refuse_faults(sbml: str, text: Joined) -> None:
    """Raise ModelError for the first fault that a user's fragment brings into a model; missing
    annotation is none. The package's own fragments have no fault."""
    faults = [one for one in findings(sbml, text.parameters) if one.check not in _ABOUT]
    if faults:
        places = text.touched
        first = min(faults, key=lambda one: (one.subject not in places, one.check == "libsbml"))
        place = ", ".join(source.name for source in text.sources)
        if first.subject in places:
            place = places[first.subject].line
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise ModelError(f"{place}: {first.subject}: {first.message}{more}; correct the fragment")


def _messages(document: "libsbml.SBMLDocument") -> Iterator[Finding]:
    """All that libSBML says, warnings and modelling practice included.

    It gives a line; the last id at or before that line is the subject.
    """
    elements = [item for item in document.getListOfAllElements() if item.getId()]
    for number in range(document.getNumErrors()):
        error = document.getError(number)
        before = [item for item in elements if item.getLine() <= error.getLine()]
        subject = max(before, key=lambda item: int(item.getLine())).getId() if before else "sbml"
        _, _, detail = str(error.getMessage()).partition("Reference:")  # the rule comes first
        text = detail.partition("\n")[2].strip() or str(error.getMessage())
        message = f"{error.getShortMessage()}: {text}"
        yield Finding("libsbml", subject, " ".join(message.split())[:300])


def unit_faults(model: "libsbml.Model") -> Iterator[Finding]:
    """Every formula has the unit that is due, with its magnitude, and so have all operands."""
    named = named_units(model)
    for item in model.getListOfUnitDefinitions():
        if item.getId() not in named:
            yield Finding("units", item.getId(), "the unit has no positive multiplier, or no kind")
    for formula in formulas(model, named):
        if formula.math is None:
            yield Finding("units", formula.subject, f"the {formula.what} has no formula")
        elif formula.math.isWellFormedASTNode():  # libSBML reports it if not
            try:
                unit = unit_of(formula.math, formula.symbols, named)
                if formula.due is not None and over(unit, formula.due):
                    found, due = spelled(unit, named), spelled(formula.due, named)
                    raise WrongUnitError(f"is in {found} but must be in {due}")
            except NoUnitError:
                continue
            except WrongUnitError as error:
                text = f"the {formula.what} {error}: {text_of(formula.math)}"
                yield Finding("units", formula.subject, text)


def amount_faults(model: "libsbml.Model") -> Iterator[Finding]:
    """A reaction adds its extent to an amount, so both are counted in the same unit."""
    named = named_units(model)
    extent = named.get(model.getExtentUnits())
    for item in model.getListOfSpecies():
        unit = named.get(item.getSubstanceUnits() or model.getSubstanceUnits())
        if unit is not None and extent is not None and over(unit, extent):
            text = f"in {spelled(unit, named)}, but the extent is in {spelled(extent, named)}"
            yield Finding("units", item.getId(), text)


def _compartments(model: "libsbml.Model") -> Iterator[Finding]:
    """Every compartment has a name of its own, a size and a unit; every species stands in one."""
    for item in model.getListOfCompartments():
        name = str(item.getId())
        if name == "default_compartment":
            yield Finding("compartment", name, "a species stands in no compartment; name one")
        if not item.isSetSize() and name not in _assigned(model):
            yield Finding("compartment", name, "no size")
        if not item.getUnits():
            yield Finding("compartment", name, "no unit")
    for item in model.getListOfSpecies():
        if model.getCompartment(item.getCompartment()) is None:
            text = f"the compartment '{item.getCompartment()}' is not declared"
            yield Finding("compartment", item.getId(), text)


def _ids(model: "libsbml.Model") -> Iterator[Finding]:
    """No id twice, and no two that differ only by case. Units have a name space of their own."""
    elements = [item for item in (model, *model.getListOfAllElements()) if item.getIdAttribute()]
    for units in (True, False):
        same = [i for i in elements if units is (i.getTypeCode() == libsbml.SBML_UNIT_DEFINITION)]
        first: dict[str, str] = {}
        for name, count in Counter(str(item.getIdAttribute()) for item in same).items():
            if count > 1:
                yield Finding("ids", name, f"defined {count} times; keep one")
            if first.setdefault(name.casefold(), name) != name:
                text = f"differs from '{first[name.casefold()]}' only by case; rename one"
                yield Finding("ids", name, text)


def _starts(model: "libsbml.Model") -> Iterator[Finding]:
    """Every species starts somewhere."""
    for item in model.getListOfSpecies():
        given = item.isSetInitialConcentration() or item.isSetInitialAmount()
        if not given and item.getId() not in _assigned(model):
            yield Finding("start", item.getId(), "no start value")


def _annotations(model: "libsbml.Model") -> Iterator[Finding]:
    """Species, compartments and reactions say what they are, by SBO term and public record.

    Unknown, obsolete and misplaced terms are reported by libSBML.
    """
    lists = (model.getListOfSpecies(), model.getListOfCompartments(), model.getListOfReactions())
    for item in chain(*lists):
        if not item.isSetSBOTerm():
            yield Finding("sbo", item.getId(), "no SBO term")
        terms = [item.getCVTerm(number) for number in range(item.getNumCVTerms())]
        uris = [term.getResourceURI(i) for term in terms for i in range(term.getNumResources())]
        if not any(str(uri).startswith(_RESOURCE) for uri in uris):
            yield Finding("miriam", item.getId(), f"no annotation that begins with {_RESOURCE}")


def _declared_units(model: "libsbml.Model") -> Iterator[Finding]:
    """Every parameter and every derived quantity has a unit."""
    for item in _all_parameters(model):
        if not item.getUnits():
            text = "no unit; write `dimensionless` where there is none"
            yield Finding("no_unit", item.getId(), text)


def _model_units(model: "libsbml.Model") -> Iterator[Finding]:
    """All six units are set. An hour is 3600 s: COPASI shows one of 3.6 ks as 3.6*ks."""
    for name in ("Substance", "Time", "Volume", "Area", "Length", "Extent"):
        if not getattr(model, f"isSet{name}Units")():
            yield Finding("model_units", model.getId(), f"the {name.lower()} unit is not set")
    if model.isSetTimeUnits():
        definition = model.getUnitDefinition(model.getTimeUnits())
        written = [
            (unit.getKind(), unit.getExponentAsDouble(), unit.getScale(), unit.getMultiplier())
            for unit in (definition.getListOfUnits() if definition is not None else ())
        ]
        if written != [(libsbml.UNIT_KIND_SECOND, 1, 0, 3600)]:
            text = "the time unit must be written as second, exponent 1, scale 0, multiplier 3600"
            yield Finding("time_unit", model.getTimeUnits(), text)


def _constructs(model: "libsbml.Model") -> Iterator[Finding]:
    """No functions, no delays, no inputs that switch on the clock, which engines can lose."""
    for item in model.getListOfFunctionDefinitions():
        yield Finding("construct", item.getId(), "a function definition; write the formula out")
    clocks = _clocks(model)
    for formula in formulas(model, {}):
        for node in _nodes(formula.math):
            if node.getType() == libsbml.AST_FUNCTION_DELAY:
                yield Finding("construct", formula.subject, f"the {formula.what} uses a delay")
            if node.getType() == libsbml.AST_FUNCTION_PIECEWISE and _timed(node, clocks):
                text = f"the {formula.what} is piecewise in time; make it doses of a run"
                yield Finding("construct", formula.subject, text)


def _names(model: "libsbml.Model") -> Iterator[Finding]:
    """COPASI shows names instead of ids, so they do not differ."""
    for item in (model, *model.getListOfAllElements()):
        if item.isSetName() and item.getName() != item.getIdAttribute():
            text = f"the name '{item.getName()}' is not the id; leave names out"
            yield Finding("name", item.getId(), text)


def _table(model: "libsbml.Model", table: Mapping[str, Value]) -> Iterator[Finding]:
    """Parameters and sizes without a rule stand in the table: same value and unit, and a source."""
    given = [(item, item.getValue()) for item in _all_parameters(model)]
    given += [(item, item.getSize()) for item in model.getListOfCompartments() if item.isSetSize()]
    kinds = (*KINDS, *INPUT_KINDS, DRAWN)
    for item, value in given:
        name, unit = str(item.getId()), str(item.getUnits())
        row = table.get(name)
        if name in _ruled(model):
            continue
        if row is None:
            yield Finding("parameter", name, "not in the table of parameters")
            continue
        if row.unit != unit:
            text = f"in {unit or 'no unit'} here, in {row.unit} in the table"
            yield Finding("parameter", name, text)
        belongs_to_the_run = row.kind in INPUT_KINDS
        if not belongs_to_the_run and not math.isclose(row.value, value, rel_tol=1e-11):
            text = f"{value:.12g} here, {row.value:.12g} in the table"
            yield Finding("parameter", name, text)
        if row.kind not in kinds:
            text = f"kind '{row.kind}' is unknown; use {', '.join(kinds)}"
            yield Finding("source", name, text)
        if row.source.strip().casefold() in ("", *kinds):
            text = f"the source is '{row.source}'; say where the value comes from"
            yield Finding("source", name, text)


def _all_parameters(model: "libsbml.Model") -> "list[libsbml.Parameter]":
    laws = [item.getKineticLaw() for item in model.getListOfReactions()]
    local = [item for law in laws if law is not None for item in law.getListOfLocalParameters()]
    return [*model.getListOfParameters(), *local]


def _ruled(model: "libsbml.Model") -> set[str]:
    return {str(rule.getVariable()) for rule in model.getListOfRules()}


def _assigned(model: "libsbml.Model") -> set[str]:
    return _ruled(model) | {str(i.getSymbol()) for i in model.getListOfInitialAssignments()}


def _clocks(model: "libsbml.Model") -> set[str]:
    """Derived quantities that are functions of time, directly or through others."""
    rules = [rule for rule in model.getListOfRules() if rule.isAssignment()]
    clocks: set[str] = set()
    for _ in rules:  # one round for each step that such a chain can have
        clocks |= {str(rule.getVariable()) for rule in rules if _timed(rule.getMath(), clocks)}
    return clocks


def _timed(node: "libsbml.ASTNode", clocks: set[str]) -> bool:
    nodes = list(_nodes(node))
    return any(i.getType() == libsbml.AST_NAME_TIME or i.getName() in clocks for i in nodes)


def _nodes(node: "libsbml.ASTNode | None") -> "Iterator[libsbml.ASTNode]":
    if node is not None:
        yield node
        for number in range(node.getNumChildren()):
            yield from _nodes(node.getChild(number))
