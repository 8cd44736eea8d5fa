"""Amounts, lengths of infusions and numbers of doses, as a regimen takes them."""

from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import finite_number
from p53net.errors import InputError

UNITS = ("mg", "mg/kg")
"""What a dose can be given in."""


def checked_amount(amount: object, unit: object, form: object) -> float:
    """An amount above 0 of a known unit. Raises InputError."""
    number = finite_number(amount, "dose", str(unit) if unit in UNITS else "mg")
    if number == 0:
        raise InputError("dose is 0; give more, or leave the drug out")
    if unit not in UNITS:
        raise InputError(
            f"a dose in {unit!r} is not one that a body takes; give it in {' or '.join(UNITS)}, or "
            "a concentration [nM] to cells in a dish"
        )
    if not isinstance(form, str) or not form.strip():
        raise InputError(f"form is {form!r}, but must be '{FREE_BASE}' or the name of a salt")
    return number


def amounts_of(
    each: list[float], several: bool, count: int, unit: str, form: str, loading: float | None
) -> list[float]:
    """Of each dose."""
    if several and len(each) != count:
        raise InputError(
            f"there are {len(each)} amounts and {count} dose times; give one for each dose, or one "
            "number for all"
        )
    amounts = each if several else each * count
    if loading is not None:
        amounts = [checked_amount(loading, unit, form), *amounts[1:]]
    return amounts


def lengths_of(
    amounts: list[float], over: float | None, rate: float | None, unit: str
) -> list[float]:
    """How long each dose is infused [h]."""
    if over is not None and rate is not None:
        raise InputError("over says how long a dose is infused, and so does rate; give one of them")
    for value, name, per in ((over, "over", "h"), (rate, "rate", f"{unit}/h")):
        if value is not None and finite_number(value, name, per) == 0:
            raise InputError(
                f"{name} is 0, but must be more than 0; leave it out for a dose at once"
            )
    if rate is not None:
        return [amount / rate for amount in amounts]
    return [0.0 if over is None else float(over)] * len(amounts)


def checked_numbers(numbers: tuple[int, ...], count: int) -> set[int]:
    """Numbers of doses. Raises InputError."""
    for number in numbers:
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or not 1 <= number <= count:
            raise InputError(f"dose {number!r} is to be skipped, but there are doses 1 to {count}")
    if len(set(numbers)) == count:
        raise InputError("all doses are skipped; leave the drug out instead")
    return set(numbers)
