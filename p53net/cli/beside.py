"""What is given beside the drug of a command, as written: `--beside KT-253=0.1,0.3`."""

from typing import Annotated, Any

import numpy as np
import typer

from p53net.cli.doses import nanomolar_of, regimen_in_words
from p53net.cli.terminal import number
from p53net.dosing.medium import pulse
from p53net.engines.base import FloatArray
from p53net.errors import InputError

BesideLevels = Annotated[
    str | None,
    typer.Option(
        "--beside",
        metavar="DRUG=nM",
        help="Another drug in the same wells, and its levels: KT-253=0,0.1,0.3, or low:high:count.",
    ),
]
BesideLevel = Annotated[
    str | None,
    typer.Option(
        "--beside", metavar="DRUG=nM", help="Another drug beside each, at one level: KT-253=0.05."
    ),
]
BesideRegimen = Annotated[
    str | None,
    typer.Option(
        "--beside",
        metavar="DRUG=REGIMEN",
        help="Another drug beside it: 'KT-253=10 mg q3w', or KT-253=doses.csv.",
    ),
]
BesideRegimens = Annotated[
    list[str] | None,
    typer.Option(
        "--beside",
        metavar="DRUG=REGIMEN",
        help="Another drug beside each: 'KT-253=10 mg q3w', or KT-253=none. Repeatable.",
    ),
]
BesideHours = Annotated[
    float | None,
    typer.Option("--beside-hours", help="Wash the other drug out after so many h."),
]
Start = Annotated[
    float, typer.Option("--start", help="The drug comes in after so many h; the other is before.")
]
_NOTHING = "none"


def levels_of(text: str | None, hours: float | None = None) -> dict[str, Any] | None:
    """Another drug in a dish, at some levels [nM], all the time or until `hours`."""
    if text is None:
        if hours is not None:
            raise InputError("--beside-hours is about another drug; name it by --beside KT-253=0.1")
        return None
    name, value = _parts(text, "KT-253=0.1,0.3")
    levels = concentrations_of(value, f"--beside {text}").tolist()
    return {name: levels if hours is None else [pulse(level, hours) for level in levels]}


def regimen_beside(text: str | None, days: float, unit: str) -> dict[str, Any] | None:
    """Another drug into a body."""
    if text is None:
        return None
    name, value = _parts(text, "'KT-253=10 mg q3w'")
    return {name: regimen_in_words(value, days, unit)}


def regimens_beside(texts: list[str] | None, days: float, unit: str) -> dict[str, Any] | None:
    """Several regimens of another drug."""
    if not texts:
        return None
    parts = [_parts(text, "'KT-253=10 mg q3w'") for text in texts]
    if len({name for name, _ in parts}) > 1:
        raise InputError("--beside names two drugs; give regimens of one")
    return {
        parts[0][0]: [
            None if value.strip().casefold() == _NOTHING else regimen_in_words(value, days, unit)
            for _, value in parts
        ]
    }


def concentrations_of(text: str, given: str) -> FloatArray:
    """Concentrations [nM] as written: 0.1,1,10 or low:high:count in even logarithms."""
    parts = text.split(":")
    if len(parts) == 1:
        return np.array([nanomolar_of(part, given) for part in text.split(",")])
    if len(parts) != 3:
        raise InputError(f"{given} should be low:high:count, or numbers with commas")
    low, high = (nanomolar_of(part, given) for part in parts[:2])
    count = number(parts[2], given)
    if not 0 < low < high < np.inf or not 2 <= count <= 1000 or count != int(count):
        raise InputError(f"{given}: low is above 0 and below high, count 2 to 1,000")
    return np.geomspace(low, high, int(count))


def _parts(text: str, example: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name.strip() or not value.strip():
        raise InputError(f"--beside {text} is not DRUG=DOSE; write --beside {example}")
    return name.strip(), value
