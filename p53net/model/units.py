"""The unit of a formula, with its magnitude.

libSBML compares only the dimension of units. Here the magnitude counts too, so that a rate in per
second is not taken for one in per hour, nor uM for nM.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain
from typing import Any

import libsbml
import pint

_SAME = (libsbml.AST_PLUS, libsbml.AST_MINUS, libsbml.AST_FUNCTION_ABS)
_PURE = (libsbml.AST_FUNCTION_EXP, libsbml.AST_FUNCTION_LN, libsbml.AST_FUNCTION_LOG)
_CLOCK = "<time>"  # the csymbol in a table of symbols; no id can be written like this

Unit = dict[tuple[str, str], float]
"""A unit as a sum of logarithms: how often each base unit is multiplied in.

A key is (base unit, exponent formula); the base unit "10" counts the powers of ten. nM^n is
{("mole", "n"): 1, ("meter", "n"): -3, ("10", "n"): -6}: it cancels against another nM^n, and
against nothing else. Dimensionless is empty.
"""


@dataclass(frozen=True)
class Formula:
    """One MathML formula, whose it is, and the unit that is due; None where that is not known."""

    subject: str
    what: str
    math: "libsbml.ASTNode | None"
    symbols: Mapping[str, Unit | None]
    due: Unit | None


class WrongUnitError(Exception):
    """Operands that do not go together."""


class NoUnitError(Exception):
    """A symbol without a unit, which another check reports."""


def formulas(model: "libsbml.Model", named: Mapping[str, Unit]) -> Iterator[Formula]:
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
        yield Formula(str(item.getId()), "rate", formula, known, rate)
    for item in model.getListOfInitialAssignments():
        name = str(item.getSymbol())
        yield Formula(name, "start value", item.getMath(), symbols, symbols.get(name))
    for item in model.getListOfRules():
        name = str(item.getVariable())
        due = _ratio(symbols.get(name), time) if item.isRate() else symbols.get(name)
        yield Formula(name or "algebraic rule", "rule", item.getMath(), symbols, due)
    for item in model.getListOfEvents():
        name = str(item.getId()) or "event"
        parts = {"trigger": {}, "priority": {}, "delay": time}
        for what, unit in parts.items():
            part = getattr(item, f"get{what.capitalize()}")()
            if part is not None:
                yield Formula(name, what, part.getMath(), symbols, unit)
        for one in item.getListOfEventAssignments():
            due = symbols.get(one.getVariable())
            yield Formula(name, f"assignment to {one.getVariable()}", one.getMath(), symbols, due)


@cache
def kinds() -> dict[str, Unit]:
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


def named_units(model: "libsbml.Model") -> dict[str, Unit]:
    """Units by id: SBML's own, and those of the model that have a magnitude.

    A unit of the model is a product of (multiplier * 10^scale * kind)^exponent.
    """
    named = dict(kinds())
    for definition in model.getListOfUnitDefinitions():
        total: Unit | None = {}
        for unit in definition.getListOfUnits():
            kind = kinds().get(libsbml.UnitKind_toString(unit.getKind()))
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


def over(left: Unit, right: Unit) -> Unit:
    """left / right, which is empty if both are the same unit of the same magnitude."""
    return _product(left, right, -1.0)


def _ratio(left: Unit | None, right: Unit | None) -> Unit | None:
    return None if left is None or right is None else over(left, right)


def unit_of(
    node: "libsbml.ASTNode", symbols: Mapping[str, Unit | None], named: Mapping[str, Unit]
) -> Unit:
    """The unit of a formula.

    Raises WrongUnitError at the first operands that do not match, and NoUnitError where a part
    has no unit that is known.
    """
    kind = node.getType()
    if node.isNumber() or kind in (libsbml.AST_NAME, libsbml.AST_NAME_TIME):
        return _leaf_unit(node, symbols, named)
    if kind in (libsbml.AST_FUNCTION, libsbml.AST_FUNCTION_DELAY):  # reported as constructs
        raise NoUnitError
    children = [node.getChild(number) for number in range(node.getNumChildren())]
    parts = [(child, unit_of(child, symbols, named)) for child in children]
    pure: list[tuple[libsbml.ASTNode, Unit]] = [(node, {})]
    if kind in _SAME:
        return _common(parts, named)
    if kind == libsbml.AST_TIMES:
        return reduce(_product, (unit for _, unit in parts), {})
    if kind == libsbml.AST_DIVIDE:
        return over(parts[0][1], parts[1][1])
    if kind in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
        _common(pure + parts[1:], named)
        return _raised(parts[0][1], text_of(children[1]))
    if kind == libsbml.AST_FUNCTION_PIECEWISE:
        return _common(parts[0::2], named)  # every other part is a condition
    if node.isRelational():
        _common(parts, named)
        return {}
    if node.isLogical() or node.isConstant() or kind in _PURE:
        return _common(pure + parts, named)
    raise WrongUnitError(f"has an operator whose unit is not known, in {text_of(node)}")


def _leaf_unit(
    node: "libsbml.ASTNode", symbols: Mapping[str, Unit | None], named: Mapping[str, Unit]
) -> Unit:
    """The unit of a number or a symbol; a number that declares none is dimensionless."""
    if node.isNumber():
        unit = named.get(node.getUnits()) if node.isSetUnits() else {}
    else:
        name = _CLOCK if node.getType() == libsbml.AST_NAME_TIME else node.getName()
        if name not in symbols:
            raise WrongUnitError(f"uses '{name}', whose unit is not known")
        unit = symbols[name]
    if unit is None:
        raise NoUnitError
    return unit


def _common(parts: "list[tuple[libsbml.ASTNode, Unit]]", named: Mapping[str, Unit]) -> Unit:
    """The unit that all parts share."""
    for node, unit in parts[1:]:
        if over(unit, parts[0][1]):
            due, found = spelled(parts[0][1], named), spelled(unit, named)
            raise WrongUnitError(f"needs {text_of(node)} in {due}, but it is in {found}")
    return parts[0][1] if parts else {}


def _raised(base: Unit, exponent: str) -> Unit:
    """base^exponent; an exponent that is not a number stays as a formula in the keys."""
    try:
        return _product({}, base, float(exponent))
    except ValueError:
        return {(name, f"{old}^({exponent})"): count for (name, old), count in base.items()}


def text_of(node: "libsbml.ASTNode") -> str:
    """A formula as people write it: k_on_p53 * p53^n_MDM2."""
    return str(libsbml.formulaToL3String(node))


def spelled(unit: Unit, named: Mapping[str, Unit]) -> str:
    """A unit as people write it: nM, zmol/hour, nM^(n_MDM2)."""
    texts = []
    for exponent in sorted({power for _, power in unit}) or [""]:
        part = {(base, ""): count for (base, power), count in unit.items() if power == exponent}
        texts.append(_name(part, named) + exponent)
    return " ".join(texts)


def _name(unit: Unit, named: Mapping[str, Unit]) -> str:
    """The name of a unit or of a quotient of two, the model's own first; else its base units."""
    names = list(reversed(list(named)))
    single = (name for name in names if not over(unit, named[name]))
    pairs = (f"{a}/{b}" for a in names for b in names if not over(unit, over(named[a], named[b])))
    bases = sorted((base, n) for (base, _), n in unit.items())  # the magnitude, "10", is first
    written = (f"{10**n:.6g}" if base == "10" else f"{base}^{n:g}" for base, n in bases)
    return next(chain(single, pairs), None) or " ".join(written)
