"""Values and units of the symbols of an SBML file, as far as it says."""

import math

import libsbml

from p53net.model.symbols import references_of, rules_of, set_by_events, size_of

_KINDS = {"second": "s", "litre": "L", "mole": "mol", "metre": "m", "gram": "g", "kilogram": "kg"}
_PREFIXES = {-21: "z", -18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k"}
_TIMES = {60.0: "min", 3600.0: "h", 86400.0: "d"}


def number_of(model: "libsbml.Model", item: "libsbml.SBase") -> float:
    """The value of a symbol at the start, as far as it stands in the file."""
    if isinstance(item, libsbml.Compartment):
        return size_of(item)
    if isinstance(item, libsbml.Parameter):
        return float(item.getValue()) if item.isSetValue() else math.nan
    volume = size_of(model.getCompartment(item.getCompartment()))
    if item.isSetInitialConcentration():
        value = float(item.getInitialConcentration())
        return value * volume if item.getHasOnlySubstanceUnits() else value
    if not item.isSetInitialAmount():
        return math.nan
    amount = float(item.getInitialAmount())
    if item.getHasOnlySubstanceUnits():
        return amount
    return amount / volume if volume else math.nan


def numbers_of(model: "libsbml.Model") -> dict[str, float]:
    """Values of parameters, compartments and species at the start, and of stoichiometries that
    something sets; NaN where computed."""
    items = (
        *model.getListOfParameters(), *model.getListOfCompartments(), *model.getListOfSpecies()
    )  # fmt: skip
    numbers = {item.getId(): number_of(model, item) for item in items}
    assigned = [item.getSymbol() for item in model.getListOfInitialAssignments()]
    moving = {*assigned, *set_by_events(model), *rules_of(model)}
    numbers |= {
        name: float(item.getStoichiometry())
        for name, item in references_of(model).items() if name in moving
    }  # fmt: skip
    return numbers | dict.fromkeys((n for n in assigned if n in numbers), math.nan)


def units_of(model: "libsbml.Model") -> dict[str, str]:
    """Unit of every symbol, as far as the file says."""
    found = {item.getId(): unit_of(model, item.getUnits()) for item in model.getListOfParameters()}
    volumes = {1: model.getLengthUnits(), 2: model.getAreaUnits(), 3: model.getVolumeUnits()}
    for item in model.getListOfCompartments():
        dimensions = item.getSpatialDimensions()
        found[item.getId()] = unit_of(model, item.getUnits() or volumes.get(dimensions, ""))
    for item in model.getListOfSpecies():
        amount = unit_of(model, item.getSubstanceUnits() or model.getSubstanceUnits())
        volume = found[item.getCompartment()]
        if item.getHasOnlySubstanceUnits() or volume == "1":
            found[item.getId()] = amount
        else:
            found[item.getId()] = f"{amount}/{volume}" if amount and volume else ""
    extent, time = unit_of(model, model.getExtentUnits()), unit_of(model, model.getTimeUnits())
    rate = f"{extent}/{time}" if extent and time else ""
    found |= {item.getId(): rate for item in model.getListOfReactions()}
    return found | dict.fromkeys(references_of(model), "1")


def unit_of(model: "libsbml.Model", name: str) -> str:
    """A unit as people write it: nmol, 1/s, h; "1" without dimension, "" where none is given."""
    if not name:
        return ""
    definition = model.getUnitDefinition(name)
    if definition is None:
        return "1" if name == "dimensionless" else _KINDS.get(name, name)
    above, below = list[str](), list[str]()
    for unit in definition.getListOfUnits():
        kind = libsbml.UnitKind_toString(unit.getKind())
        exponent, scale = unit.getExponentAsDouble(), unit.getScale()
        word = _KINDS.get(kind, kind)
        factor = unit.getMultiplier() * 10.0**scale
        if kind == "dimensionless" and factor == 1.0:
            continue
        if kind == "second" and factor in _TIMES:
            word = _TIMES[factor]
        elif factor != 1.0 and unit.getMultiplier() == 1.0 and kind in _KINDS and (
            scale in _PREFIXES and kind != "kilogram"
        ):  # fmt: skip
            word = _PREFIXES[scale] + word
        elif factor != 1.0:
            word = f"({factor:g} {word})"
        power = "" if abs(exponent) == 1.0 else f"^{abs(exponent):g}"
        (above if exponent > 0 else below).append(word + power)
    top = "*".join(above) or "1"
    return f"{top}/{'/'.join(below)}" if below else top
