"""Checks of a finished model: each is a small function that yields a `Finding` for each fault.

libSBML compares only the dimension of units. Here the magnitude counts too, so that a rate in per
second is not taken for one in per hour, nor uM for nM.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain
from typing import Any

import libsbml
import pint

from p53net.model.fragments import INPUT_KINDS
from p53net.model.tables import KINDS, Value

_SAME = (libsbml.AST_PLUS, libsbml.AST_MINUS, libsbml.AST_FUNCTION_ABS)
_PURE = (libsbml.AST_FUNCTION_EXP, libsbml.AST_FUNCTION_LN, libsbml.AST_FUNCTION_LOG)
_CLOCK = "<time>"  # the csymbol in a table of symbols; no id can be written like this
_RESOURCE = "https://identifiers.org/"

Unit = dict[tuple[str, str], float]
"""A unit as a sum of logarithms: how often each base unit is multiplied in.

A key is (base unit, exponent formula); the base unit "10" counts the powers of ten. nM^n is
{("mole", "n"): 1, ("meter", "n"): -3, ("10", "n"): -6}: it cancels against another nM^n, and
against nothing else. Dimensionless is empty.
"""


@dataclass(frozen=True)
class Finding:
    """One fault: the check that saw it, the id of the element, and what is wrong."""

    check: str
    subject: str
    message: str


@dataclass(frozen=True)
class _Formula:
    """One MathML formula, whose it is, and the unit that is due; None where that is not known."""

    subject: str
    what: str
    math: "libsbml.ASTNode | None"
    symbols: Mapping[str, Unit | None]
    due: Unit | None


class _WrongUnitError(Exception):
    """Operands that do not go together."""


class _NoUnitError(Exception):
    """A symbol without a unit, which another check reports."""


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
    for check in (_units, _amounts, _compartments, _ids, _starts, _annotations):
        found += check(model)
    for check in (_declared_units, _model_units, _constructs, _names):
        found += check(model)
    return found


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


def _units(model: "libsbml.Model") -> Iterator[Finding]:
    """Every formula has the unit that is due, with its magnitude, and so have all operands."""
    named = _named_units(model)
    for item in model.getListOfUnitDefinitions():
        if item.getId() not in named:
            yield Finding("units", item.getId(), "the unit has no positive multiplier, or no kind")
    for formula in _formulas(model, named):
        if formula.math is None:
            yield Finding("units", formula.subject, f"the {formula.what} has no formula")
        elif formula.math.isWellFormedASTNode():  # libSBML reports it if not
            try:
                unit = _unit(formula.math, formula.symbols, named)
                if formula.due is not None and _over(unit, formula.due):
                    found, due = _spelled(unit, named), _spelled(formula.due, named)
                    raise _WrongUnitError(f"is in {found} but must be in {due}")
            except _NoUnitError:
                continue
            except _WrongUnitError as error:
                text = f"the {formula.what} {error}: {_text(formula.math)}"
                yield Finding("units", formula.subject, text)


def _amounts(model: "libsbml.Model") -> Iterator[Finding]:
    """A reaction adds its extent to an amount, so both are counted in the same unit."""
    named = _named_units(model)
    extent = named.get(model.getExtentUnits())
    for item in model.getListOfSpecies():
        unit = named.get(item.getSubstanceUnits() or model.getSubstanceUnits())
        if unit is not None and extent is not None and _over(unit, extent):
            text = f"in {_spelled(unit, named)}, but the extent is in {_spelled(extent, named)}"
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
    for formula in _formulas(model, {}):
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
    kinds = (*KINDS, *INPUT_KINDS)
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
        if not math.isclose(row.value, value, rel_tol=1e-11):
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


def _formulas(model: "libsbml.Model", named: Mapping[str, Unit]) -> Iterator[_Formula]:
    """Every formula of the model. A species stands for its concentration."""
    time = named.get(model.getTimeUnits())
    rate = _ratio(named.get(model.getExtentUnits()), time)
    symbols: dict[str, Unit | None] = {_CLOCK: time}
    for item in (*model.getListOfParameters(), *model.getListOfCompartments()):
        symbols[str(item.getId())] = named.get(item.getUnits())
    for item in model.getListOfSpecies():
        amount = named.get(item.getSubstanceUnits() or model.getSubstanceUnits())
        size = {} if item.getHasOnlySubstanceUnits() else symbols.get(item.getCompartment())
        symbols[str(item.getId())] = _ratio(amount, size)
    symbols |= {str(item.getId()): rate for item in model.getListOfReactions()}
    for item in model.getListOfReactions():
        law, known = item.getKineticLaw(), dict(symbols)
        for one in law.getListOfLocalParameters() if law is not None else ():
            known[str(one.getId())] = named.get(one.getUnits())
        formula = law.getMath() if law is not None else None
        yield _Formula(str(item.getId()), "rate", formula, known, rate)
    for item in model.getListOfInitialAssignments():
        name = str(item.getSymbol())
        yield _Formula(name, "start value", item.getMath(), symbols, symbols.get(name))
    for item in model.getListOfRules():
        name = str(item.getVariable())
        due = _ratio(symbols.get(name), time) if item.isRate() else symbols.get(name)
        yield _Formula(name or "algebraic rule", "rule", item.getMath(), symbols, due)
    for item in model.getListOfEvents():
        name = str(item.getId()) or "event"
        parts = {"trigger": {}, "priority": {}, "delay": time}
        for what, unit in parts.items():
            part = getattr(item, f"get{what.capitalize()}")()
            if part is not None:
                yield _Formula(name, what, part.getMath(), symbols, unit)
        for one in item.getListOfEventAssignments():
            due = symbols.get(one.getVariable())
            yield _Formula(name, f"assignment to {one.getVariable()}", one.getMath(), symbols, due)


@cache
def _kinds() -> dict[str, Unit]:
    """SBML's own units, in pint's base units."""
    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    registry.define("item = [item]")
    registry.define("avogadro = 6.02214179e23")  # a pure number in SBML
    units: dict[str, Unit] = {}
    for kind in map(libsbml.UnitKind_toString, range(libsbml.UNIT_KIND_INVALID)):
        if kind in registry:  # all but Celsius, which is not in Level 3
            base: Any = registry.Quantity(1.0, kind).to_base_units()
            unit = {(str(name), ""): float(count) for name, count in base.unit_items()}
            units[kind] = _product(unit, {("10", ""): math.log10(base.magnitude)})
    return units


def _named_units(model: "libsbml.Model") -> dict[str, Unit]:
    """Units by id: SBML's own, and those of the model that have a magnitude.

    A unit of the model is a product of (multiplier * 10^scale * kind)^exponent.
    """
    named = dict(_kinds())
    for definition in model.getListOfUnitDefinitions():
        total: Unit | None = {}
        for unit in definition.getListOfUnits():
            kind = _kinds().get(libsbml.UnitKind_toString(unit.getKind()))
            if total is None or kind is None or not unit.getMultiplier() > 0:
                total = None
                continue
            size = {("10", ""): math.log10(unit.getMultiplier()) + unit.getScale()}
            total = _product(total, _product(kind, size), unit.getExponentAsDouble())
        if total is not None:
            named[str(definition.getId())] = total
    return named


def _product(left: Unit, right: Unit, power: float = 1.0) -> Unit:
    """left * right^power; what rounding leaves over is not a unit."""
    counts = {key: left.get(key, 0.0) + power * right.get(key, 0.0) for key in left | right}
    return {key: count for key, count in counts.items() if abs(count) > 1e-9}


def _over(left: Unit, right: Unit) -> Unit:
    """left / right, which is empty if both are the same unit of the same magnitude."""
    return _product(left, right, -1.0)


def _ratio(left: Unit | None, right: Unit | None) -> Unit | None:
    return None if left is None or right is None else _over(left, right)


def _unit(
    node: "libsbml.ASTNode", symbols: Mapping[str, Unit | None], named: Mapping[str, Unit]
) -> Unit:
    """The unit of a formula. Raises _WrongUnitError at the first operands that do not match."""
    kind = node.getType()
    if node.isNumber() or kind in (libsbml.AST_NAME, libsbml.AST_NAME_TIME):
        return _leaf_unit(node, symbols, named)
    if kind in (libsbml.AST_FUNCTION, libsbml.AST_FUNCTION_DELAY):  # reported as constructs
        raise _NoUnitError
    children = [node.getChild(number) for number in range(node.getNumChildren())]
    parts = [(child, _unit(child, symbols, named)) for child in children]
    pure: list[tuple[libsbml.ASTNode, Unit]] = [(node, {})]
    if kind in _SAME:
        return _common(parts, named)
    if kind == libsbml.AST_TIMES:
        return reduce(_product, (unit for _, unit in parts), {})
    if kind == libsbml.AST_DIVIDE:
        return _over(parts[0][1], parts[1][1])
    if kind in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
        _common(pure + parts[1:], named)
        return _raised(parts[0][1], _text(children[1]))
    if kind == libsbml.AST_FUNCTION_PIECEWISE:
        return _common(parts[0::2], named)  # every other part is a condition
    if node.isRelational():
        _common(parts, named)
        return {}
    if node.isLogical() or node.isConstant() or kind in _PURE:
        return _common(pure + parts, named)
    raise _WrongUnitError(f"has an operator whose unit is not known, in {_text(node)}")


def _leaf_unit(
    node: "libsbml.ASTNode", symbols: Mapping[str, Unit | None], named: Mapping[str, Unit]
) -> Unit:
    """The unit of a number or a symbol; a number that declares none is dimensionless."""
    if node.isNumber():
        unit = named.get(node.getUnits()) if node.isSetUnits() else {}
    else:
        name = _CLOCK if node.getType() == libsbml.AST_NAME_TIME else node.getName()
        if name not in symbols:
            raise _WrongUnitError(f"uses '{name}', whose unit is not known")
        unit = symbols[name]
    if unit is None:
        raise _NoUnitError
    return unit


def _common(parts: "list[tuple[libsbml.ASTNode, Unit]]", named: Mapping[str, Unit]) -> Unit:
    """The unit that all parts share."""
    for node, unit in parts[1:]:
        if _over(unit, parts[0][1]):
            due, found = _spelled(parts[0][1], named), _spelled(unit, named)
            raise _WrongUnitError(f"needs {_text(node)} in {due}, but it is in {found}")
    return parts[0][1] if parts else {}


def _raised(base: Unit, exponent: str) -> Unit:
    """base^exponent; an exponent that is not a number stays as a formula in the keys."""
    try:
        return _product({}, base, float(exponent))
    except ValueError:
        return {(name, f"{old}^({exponent})"): count for (name, old), count in base.items()}


def _text(node: "libsbml.ASTNode") -> str:
    return str(libsbml.formulaToL3String(node))


def _spelled(unit: Unit, named: Mapping[str, Unit]) -> str:
    """A unit as people write it: nM, zmol/hour, nM^(n_MDM2)."""
    texts = []
    for exponent in sorted({power for _, power in unit}) or [""]:
        part = {(base, ""): count for (base, power), count in unit.items() if power == exponent}
        texts.append(_name(part, named) + exponent)
    return " ".join(texts)


def _name(unit: Unit, named: Mapping[str, Unit]) -> str:
    """The name of a unit or of a quotient of two, the model's own first; else its base units."""
    names = list(reversed(list(named)))
    single = (name for name in names if not _over(unit, named[name]))
    pairs = (f"{a}/{b}" for a in names for b in names if not _over(unit, _over(named[a], named[b])))
    bases = sorted((base, n) for (base, _), n in unit.items())  # the magnitude, "10", is first
    written = (f"{10**n:.6g}" if base == "10" else f"{base}^{n:g}" for base, n in bases)
    return next(chain(single, pairs), None) or " ".join(written)
