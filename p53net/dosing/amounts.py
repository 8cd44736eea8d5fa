"""Masses of a drug as moles, and back: which molar mass, of the free base or of a salt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.dosing.regimens import Regimen
from p53net.errors import InputError, UnknownNameError
from p53net.model import drug_entries, molar_masses, resolve

if TYPE_CHECKING:
    import pint

_LIGHT = 1.0  # kg: below it, a dose in mg is more likely a slip for mg/kg than meant
_UNITS = ("nM", "uM", "ng/mL", "ug/mL", "mg/L", "nmol", "umol", "ug", "mg", "g")


def convert(value: float, unit: str, to: str, drug: str, *, form: str = FREE_BASE) -> float:
    """A concentration or an amount of a drug in another unit: 1503 ng/mL of milademetan is 2430 nM.

    Units are nM, uM, ng/mL, ug/mL, mg/L and nmol, umol, ug, mg, g. A mass is that of `form`: the
    "free base" (milademetan 618.5 g/mol), or a salt ("tosylate hydrate", 808.7 g/mol).
    Raises InputError, UnknownNameError.

    Examples:
        >>> round(pn.convert(1503, "ng/mL", "nM", "milademetan"))
        2430
        >>> round(pn.convert(100, "mg", "umol", "milademetan", form="tosylate hydrate"), 1)
        123.7
    """
    for name in (unit, to):
        if not isinstance(name, str) or name not in _UNITS:
            raise InputError(f"unit {name!r} is not one of {', '.join(_UNITS)}")
    if not isinstance(form, str) or not form.strip():
        raise InputError(f"form is {form!r}, but must be '{FREE_BASE}' or the name of a salt")
    entry = resolve("drug", drug, drug_entries())
    mass = molar_mass(molar_masses(entry), form.strip(), entry.name)
    units = registry()
    quantity = units.Quantity(finite_number(value, "value", unit), unit)
    per_mole = units.Quantity(mass, "g/mol")
    wanted = units.Quantity(1.0, to)
    for one in (quantity, quantity / per_mole, quantity * per_mole):
        if one.check(wanted.dimensionality):
            return finite_number(one.to(to).magnitude, "value", to)
    raise InputError(f"{unit} is not turned into {to}: one is a concentration, one an amount")


def molar_mass(forms: Mapping[str, float], form: str, drug: str) -> float:
    """g/mol of a form of a drug. Raises UnknownNameError where it is not known."""
    if (key := "" if form == FREE_BASE else form) in forms:
        return forms[key]
    known = ", ".join(name or FREE_BASE for name in forms) or "no form at all"
    raise UnknownNameError(
        f"the molar mass of {drug} as '{form}' is not known, but of {known}; "
        "add a row `molar_mass` to a table of drugs"
    )


def base_mass(forms: Mapping[str, float], drug: str) -> str:
    """The molar mass of the free base in words, for the record of a study."""
    return f"{molar_mass(forms, FREE_BASE, drug):g} g/mol, {FREE_BASE}"


def in_nanomoles(
    given: Regimen, forms: Mapping[str, float], body_weight: float, drug: str, host: str
) -> Regimen:
    """The regimen with what one mg, or one mg for each kg of `body_weight`, is in nmol.

    Raises InputError for mg to a host below 1 kg, where the regimen does not allow it.
    """
    if given.unit == "mg" and body_weight < _LIGHT and not given.allow_flat:
        raise InputError(
            f"dose of {drug}: {given.amount:g} mg to a {host} of {body_weight:g} kg is "
            f"{given.amount / body_weight:,.6g} mg/kg; give mg/kg, or, where mg is meant, "
            "allow_flat=True (--flat on the command line)"
        )
    weight = body_weight if given.unit == "mg/kg" else 1.0
    return replace(given, per_unit=1e6 / molar_mass(forms, given.form, drug) * weight)


@cache
def registry() -> pint.UnitRegistry[float]:
    """Units, made once."""
    import pint  # a quarter of a second

    return pint.UnitRegistry()
