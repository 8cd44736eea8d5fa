"""What a regimen is called: in a legend, and in full for the record of a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from p53net.dosing.schedules import AT_TIMES
from p53net.errors import InputError

if TYPE_CHECKING:
    from p53net.dosing.regimens import Regimen

FREE_BASE = "free base"

_DAY = 24.0  # h
_NAMED = 6  # doses that a label spells out


def label(given: "Regimen") -> str:
    """For a legend: 260 mg 3/14, and what else tells it from others."""
    if given.parts:
        return " + ".join(label(part) for part in given.parts)
    when = given.schedule
    if when.startswith(AT_TIMES):
        if len(given.times) <= _NAMED:
            when = f"at {', '.join(f'{time:g}' for time in given.times)} h"
    elif given.start:
        when += f" from {given.start / _DAY:g} d"
    form = "" if given.form == FREE_BASE else f", {given.form}"
    return f"{_how_much(given)} {given.unit} {when}{_how_long(given)}{form}"


def labels_of(arms: "Sequence[Regimen]", what: str) -> list[str]:
    """A label for each regimen; of those called the same, the number of doses tells them apart.

    Raises InputError where two are the same.
    """
    if len(set(arms)) < len(arms):
        raise InputError(f"two {what} are the same; give each once")
    labels = [arm.label for arm in arms]
    for length in ("{0.label}, {1} doses", "{0}"):
        if len(set(labels)) == len(labels):
            break
        labels = [length.format(arm, len(arm.times)) for arm in arms]
    return labels


def in_full(given: "Regimen") -> str:
    """All digits of all doses, so that a run can be repeated."""
    when = [f"{_exact(time)} over {_exact(over)}" if over else _exact(time)
            for time, over, _ in given.doses]  # fmt: skip
    if not given.amounts:
        return f"{_exact(given.amount)} {given.unit} ({given.form}) at {', '.join(when)} h"
    each = zip(given.amounts, when, strict=True)
    said = ", ".join(f"{_exact(amount)} at {time}" for amount, time in each)
    return f"{given.unit} ({given.form}): {said} h"


def _how_much(given: "Regimen") -> str:
    if not given.amounts:
        return f"{given.amount:g}"
    first, *rest = given.amounts
    if len(set(rest)) == 1:
        return f"{first:g}, then {rest[0]:g}"
    if len(given.amounts) <= _NAMED:
        return ", ".join(f"{amount:g}" for amount in given.amounts)
    return f"{min(given.amounts):g} to {max(given.amounts):g}"


def _how_long(given: "Regimen") -> str:
    if not given.over:
        return ""
    least, most = min(given.over), max(given.over)
    return f" over {least:g} h" if least == most else f" over {least:g} to {most:g} h"


def _exact(value: float) -> str:
    return repr(value).removesuffix(".0")
