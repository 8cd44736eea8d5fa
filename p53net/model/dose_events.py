"""Doses in SBML: events, amounts as parameters of their own, and starts that follow a volume.

A dose into a body is an amount [nmol] over a volume [L], wherever it is given: whoever changes or
fits the volume in another tool leaves the dose as it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import libsbml

from p53net.errors import ModelError

AMOUNT_UNIT = "nmol"


@dataclass(frozen=True)
class Event:
    """What changes in an exported model at `time` [h].

    In a dish a species takes a concentration [nM], and an input its rate, in another `unit`; in a
    body the concentration of a species rises by an amount [nmol] divided by `volume`, a parameter
    [L].
    """

    time: float
    symbol: str
    amount: float
    volume: str | None = None
    unit: str = "nM"
    of: str = ""
    """The parameter that holds the amount, if one does; without a volume, the quantity whose value
    is taken."""


class Given(NamedTuple):
    """What a body has at the start: an amount in a parameter, over a volume in another."""

    species: str
    amount: str
    volume: str


def add_amounts(model: "libsbml.Model", amounts: Mapping[str, float]) -> None:
    """Parameters [nmol] that hold doses."""
    for name, value in amounts.items():
        made = model.createParameter()
        made.setId(name)
        made.setName(name)
        made.setValue(value)
        made.setUnits(AMOUNT_UNIT)
        made.setConstant(True)


def add_start(model: "libsbml.Model", given: Given) -> None:
    """A start value that is an amount over a volume, so that it follows both."""
    made = model.createInitialAssignment()
    made.setSymbol(given.species)
    made.setMath(_math(_share(f"<ci>{given.amount}</ci>", given.volume)))


def add_event(model: "libsbml.Model", number: int, event: Event) -> None:
    """One event, called by its number."""
    made = model.createEvent()
    made.setId(f"dose_{number}")
    made.setUseValuesFromTriggerTime(True)
    trigger = made.createTrigger()
    trigger.setInitialValue(True)
    trigger.setPersistent(True)
    symbol = "http://www.sbml.org/sbml/symbols/time"
    clock = f'<csymbol encoding="text" definitionURL="{symbol}"> time </csymbol>'
    hours = f'<cn sbml:units="hour"> {float(event.time)!r} </cn>'
    trigger.setMath(_math(f"<apply><geq/>{clock}{hours}</apply>"))
    assignment = made.createEventAssignment()
    assignment.setVariable(event.symbol)
    if (parameter := model.getParameter(event.symbol)) is not None:
        parameter.setConstant(False)
    if event.of:
        amount = f"<ci>{event.of}</ci>"
    else:
        unit = event.unit if event.volume is None else AMOUNT_UNIT
        amount = f'<cn sbml:units="{unit}"> {float(event.amount)!r} </cn>'
    if event.volume is None:
        assignment.setMath(_math(amount))
        return
    raised = _share(amount, event.volume)
    assignment.setMath(_math(f"<apply><plus/><ci>{event.symbol}</ci>{raised}</apply>"))


def with_exact_times(text: str, events: Sequence[Event]) -> str:
    """SBML with all digits of the events' times. libSBML writes 15, which is before or after the
    time that was meant, so that a row of output at a dose would show the other side of it."""

    def exact(match: re.Match[str]) -> str:
        time = float(events[int(match["number"]) - 1].time)
        known = "<" not in match["written"] and float(match["written"]) == time
        return match[0] if known else f"{match['head']}> {time!r} </cn>"

    pattern = (
        r'(?P<head>id="dose_(?P<number>\d+)".*?<cn sbml:units="hour")[^>]*>(?P<written>.*?)</cn>'
    )
    return re.sub(pattern, exact, text, flags=re.DOTALL) if events else text


def antimony_with_exact_times(text: str, sbml: str) -> str:
    """Antimony text of such SBML, whose event times Antimony too has written with 15 digits."""
    pattern = r'id="dose_(\d+)".*?<cn sbml:units="hour"[^>]*>\s*([^<\s]*)\s*</cn>'
    for number, time in re.findall(pattern, sbml, re.DOTALL):
        line = rf"(\bdose_{number}: at[^;\n]*?time >= )[-+.\deE]+"
        text = re.sub(line, lambda match, time=time: match[1] + time, text)  # type: ignore[misc]
    return text


def _share(amount: str, volume: str) -> str:
    return f"<apply><divide/>{amount}<ci>{volume}</ci></apply>"


def _math(body: str) -> "libsbml.ASTNode":
    node = libsbml.readMathMLFromString(
        '<math xmlns="http://www.w3.org/1998/Math/MathML" '
        f'xmlns:sbml="http://www.sbml.org/sbml/level3/version1/core">{body}</math>'
    )
    if node is None:
        raise ModelError(f"a dose event cannot be written: {body}")
    return node
