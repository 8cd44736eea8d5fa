"""Doses as written on the command line: concentrations to a dish, regimens to a body."""

import re
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from p53net.cli.terminal import number
from p53net.dosing.checked import UNITS, checked_amount
from p53net.dosing.events import TABLES, read_events
from p53net.dosing.labels import FREE_BASE
from p53net.dosing.medium import Given, closed_dish, constant, pulse
from p53net.dosing.regimens import Regimen
from p53net.dosing.words import from_words, is_whole, repeats
from p53net.errors import InputError
from p53net.model.tables import drug_names
from p53net.simulation.model import Model

BodySchedule = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        help="In a body: once (default), daily, 3/14, q3w, or hours 0,24; 'q3w over 2 h'.",
    ),
]
BodyDays = Annotated[
    float | None, typer.Option("--days", help="In a body: how long it repeats; default 28.")
]
Flat = Annotated[
    bool, typer.Option("--flat", help="Allow a dose in mg, not mg/kg, to a host below 1 kg.")
]
Form = Annotated[
    str, typer.Option("--form", help="What was weighed: `free base`, or a salt by name.")
]
Text = TypeVar("Text", str, list[str])
Schedule = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        help="once, daily, 3/14 (days on/cycle), q2d, q3w, or hours 0,24; also 'q3w over 2 h'.",
    ),
]
_UNIT = "[pnum\u00b5\u03bc]?M|[pnum\u00b5\u03bc]?g(?:/[a-z]+)?"  # micro as sign and as letter
_WITH_UNIT = re.compile(
    rf"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*({_UNIT})\s*", re.IGNORECASE
)
_MOLAR = {"pm": 1e-3, "nm": 1.0, "um": 1e3, "\u00b5m": 1e3, "\u03bcm": 1e3, "mm": 1e6, "m": 1e9}
"""nM for each unit of concentration, in lower case."""


def doses_of(
    model: Model,
    texts: list[str],
    hours: float | None,
    volume: float | None,
    schedule: str | None = None,
    days: float | None = None,
    flat: bool = False,
) -> dict[str, Given]:
    """Doses as written: a bare number is for the model's only drug. In a body they are masses, each
    given by the schedule for so many days, and by `flat` in mg to any host."""
    if hours is not None and volume is not None:
        raise InputError("--pulse and --closed exclude each other; give one")
    drugs = list(model.definition.drugs)
    in_body = model.definition.in_body
    if in_body and (hours is not None or volume is not None):
        raise InputError(
            "--pulse and --closed are for cells in a dish; write --schedule and --days"
        )
    if not in_body and (schedule is not None or days is not None or flat):
        raise InputError(
            "--schedule, --days and --flat are for a body, and this is a dish: add --system "
            "plasma, tumour or marrow, or give a concentration [nM] alone"
        )
    whole = any(is_whole(text.rpartition("=")[2]) for text in texts)
    if days is None:
        days = 28.0
    elif not whole and (schedule is None or not repeats(schedule)):
        raise InputError("--days is how long a regimen repeats; write --schedule daily with it")
    given: dict[str, Given] = {}
    for text in texts:
        name, separator, value = text.rpartition("=")
        if not separator and len(drugs) != 1:
            has = " and ".join(drugs) or "no drug"
            raise InputError(
                f"--dose {text} does not say of which drug; this model has {has}: write NAME=nM"
            )
        if separator and not name:
            raise InputError(f"--dose {text} names no drug; write NAME=nM")
        name = name or drugs[0]
        if name in given:
            raise InputError(f"--dose gives {name} twice; give it once")
        if in_body:
            unit = "mg" if model.definition.host == "human" else "mg/kg"
            given[name] = arm_of(value, schedule, lambda: "once", days, unit, flat=flat)
            continue
        nanomolar = nanomolar_of(value, f"--dose {text}")
        try:
            if hours is not None:
                given[name] = pulse(nanomolar, hours)
            elif volume is not None:
                given[name] = closed_dish(nanomolar, volume)
            else:
                given[name] = constant(nanomolar)
        except InputError as error:
            raise InputError(f"dose of {name}: {error}") from None
    if not given and (hours is not None or volume is not None):
        raise InputError("--pulse and --closed need a --dose; give one in nM")
    return given


def nanomolar_of(text: str, where: str) -> float:
    """A concentration as written, in nM without a unit."""
    try:
        return number(text, where)
    except InputError:
        match = _WITH_UNIT.fullmatch(text)
        if match is None:
            raise
    how = "or mg to a body (--system tumour)"
    if (unit := match[2].casefold()) in _MOLAR:
        how = f"here {float(match[1]) * _MOLAR[unit]:.12g}"
    raise InputError(f"{where}: a dish takes nM; give nM as a plain number, {how}")


def regimen_of(
    dose: str,
    schedule: str,
    days: float,
    usual_unit: str,
    form: str = FREE_BASE,
    *,
    flat: bool = False,
) -> Regimen:
    """A regimen as written: `260`, `260mg`, `50 mg/kg`; and its schedule, for `days`."""
    match = re.fullmatch(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([A-Za-z/]*)\s*", dose)
    if match is None:
        raise InputError(
            f"--dose {dose} is not a dose; write 260, 260mg or 50mg/kg, a whole regimen such as "
            "'520 mg once + 260 mg daily from 1 d', or the name of an event table"
        )
    amount, unit = number(match[1], f"--dose {dose}"), match[2] or usual_unit
    if unit not in UNITS:
        raise InputError(f"--dose {dose}: a body takes {' or '.join(UNITS)}; correct the unit")
    words, amount = schedule.strip(), checked_amount(amount, unit, form)
    if not repeats(words) and words.casefold() != "once":
        for time in words.split(","):
            number(time, f"--schedule {schedule}")
    return from_words(f"{amount!r} {unit} {words}", days, unit, form=form, allow_flat=flat)


def arm_of(
    dose: str,
    schedule: str | None,
    usual_schedule: Callable[[], str],
    days: float,
    unit: str,
    form: str = FREE_BASE,
    *,
    flat: bool = False,
) -> Regimen:
    """A regimen as written: an amount and `--schedule`, a whole regimen in words, or an event
    table."""
    table = dose.strip().casefold().endswith(TABLES)
    if not table and not is_whole(dose):
        when = usual_schedule() if schedule is None else schedule
        return regimen_of(dose, when, days, unit, form, flat=flat)
    if schedule is not None:
        raise InputError(
            f"--dose {dose} says when it is given, and so does --schedule; leave that out"
        )
    if table:
        return read_events(dose, unit=unit, form=form, allow_flat=flat)
    return from_words(dose, days, unit, form=form, allow_flat=flat)


def usual(drug: str, option: str, given: Text | None, of_milademetan: Text) -> Text:
    """What was given, or what is usual of milademetan; an unknown drug is left to who loads it.

    Raises InputError for another drug.
    """
    if given is not None:
        return given
    if drug_names().get(drug.strip().casefold(), "milademetan") != "milademetan":
        raise InputError(f"{option} is usual of milademetan alone; give it for {drug}")
    return of_milademetan


def regimen_in_words(text: str, days: float, usual_unit: str) -> Regimen:
    """`260 mg 3/14`, or the name of an event table."""
    if text.strip().casefold().endswith(TABLES):
        return read_events(text, unit=usual_unit)
    return from_words(text, days, usual_unit)
