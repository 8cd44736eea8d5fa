"""Regimens in words, as on the command line: `520 mg once + 260 mg daily from 1 d for 27 d`.

Each part is an amount, a schedule, and what else there is to say of it: how long each dose is
infused (`over 1 h`), when the schedule begins (`from 1 d`), how long it goes on (`for 2 w`), and
which doses are not given (`skip 3,4`). Parts are joined by `+`, or in a sequence by `then`, which
may say how long after (`after 1 d`).
"""

import re
from typing import Any

from p53net.dosing.labels import FREE_BASE
from p53net.dosing.regimens import Regimen, regimen
from p53net.errors import InputError

_HOURS = {"min": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}
_DAY = 24.0  # h
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PART = re.compile(rf"(?P<amount>{_NUMBER})\s*(?P<unit>mg/kg|mg)?\s+(?P<rest>\S.*)")
_AMOUNT = re.compile(rf"{_NUMBER}\s*(?!once$|daily$)[A-Za-z/]*")
_BETWEEN = re.compile(r"\s+(\+|then)\s+")
_CLAUSE = re.compile(r"\s(over|from|for|after|skip)\s")
_TIME = re.compile(rf"({_NUMBER})\s*({'|'.join(_HOURS)})")
_TIMES = re.compile(rf"{_NUMBER}(\s*,\s*{_NUMBER})*")
_SUCH_AS = "write '260 mg 3/14', or '520 mg once + 260 mg daily from 1 d for 27 d'"


def from_words(
    text: str, days: float, unit: str, *, form: str = FREE_BASE, allow_flat: bool = False
) -> Regimen:
    """A regimen in words, with a unit where none is written; a schedule that repeats and does not
    say how long goes on until `days` from the start. Raises InputError."""
    if not isinstance(text, str):
        raise InputError(f"a regimen in words is {text!r}, but must be text; {_SUCH_AS}")
    first, *rest = _BETWEEN.split(text.strip())
    made = _part(first, text, unit, days, form, allow_flat)
    for joint, words in zip(rest[::2], rest[1::2], strict=True):
        if joint == "+":
            made = made + _part(words, text, unit, days, form, allow_flat)
            continue
        words, gap = _gap(words, text)
        left = days - (made.end + gap) / _DAY
        if left <= 0:
            raise InputError(
                f"regimen '{text}': '{words}' would begin after {made.end / _DAY:g} days, and the "
                f"doses go on for {days:g}; say how long what comes before goes on: for 7 d"
            )
        made = made.then(_part(words, text, unit, left, form, allow_flat), gap)
    return made


def is_whole(text: str) -> bool:
    """Whether words say more than an amount: when it is given, too."""
    first, *rest = _BETWEEN.split(text.strip())
    return bool(rest or (_PART.fullmatch(first) and not _AMOUNT.fullmatch(first)))


def repeats(schedule: str) -> bool:
    """Whether a schedule goes on for some days: neither `once` nor a list of hours."""
    words = schedule.strip()
    return words.casefold() != "once" and not _TIMES.fullmatch(words)


def _part(words: str, text: str, unit: str, days: float, form: str, allow_flat: bool) -> Regimen:
    """One amount with its schedule."""
    match = None if _AMOUNT.fullmatch(words) else _PART.fullmatch(words)
    if match is None:
        raise InputError(f"regimen '{text}': '{words}' is not understood; {_SUCH_AS}")
    schedule, *clauses = _CLAUSE.split(f" {match['rest']}")
    said: dict[str, str] = {}
    for key, value in zip(clauses[::2], clauses[1::2], strict=True):
        if key in said:
            raise InputError(f"regimen '{text}' says '{key}' twice of one part; say it once")
        said[key] = value.strip()
    if "after" in said:
        raise InputError(f"regimen '{text}': 'after' stands behind 'then' only; write 'from 1 d'")
    options: dict[str, Any] = {"form": form, "allow_flat": allow_flat}
    start = _hours(said["from"], text) if "from" in said else 0.0
    if "over" in said:
        options["over"] = _hours(said["over"], text)
    if "skip" in said:
        options["skip"] = _numbers(said["skip"], text)
    when: str | list[float] = schedule.strip()
    if repeats(schedule):
        if len(schedule.split()) > 1:
            raise InputError(f"regimen '{text}': '{when}' is not understood; {_SUCH_AS}")
        options["days"] = _days(said.get("for"), days, start, text)
    elif "for" in said:
        raise InputError(f"regimen '{text}': '{when}' does not repeat; leave 'for' out")
    elif _TIMES.fullmatch(schedule.strip()):
        when = [float(time) for time in schedule.split(",")]
    amount, given = float(match["amount"]), match["unit"] or unit
    return regimen(amount, given, when, start=start, **options)


def _days(said: str | None, days: float, start: float, text: str) -> float:
    """How long a schedule goes on."""
    if said is not None:
        return _hours(said, text) / _DAY
    if start and start >= days * _DAY:
        raise InputError(
            f"regimen '{text}': a part begins after {start / _DAY:g} days, and the doses go on for "
            f"{days:g}; begin earlier, or say how long: for 7 d"
        )
    return days - start / _DAY


def _gap(words: str, text: str) -> tuple[str, float]:
    """A part behind `then` without its `after`, and that [h]."""
    before, *rest = re.split(r"\safter\s+", words)
    if not rest:
        return words, 0.0
    match = _TIME.match(rest[0])
    if len(rest) > 1 or match is None:
        raise InputError(f"regimen '{text}': 'after' is followed by one time, such as 1 d")
    return before + rest[0][match.end() :], _hours(match[0], text)


def _hours(words: str, text: str) -> float:
    match = _TIME.fullmatch(words)
    if match is None:
        raise InputError(
            f"regimen '{text}': '{words}' is not a time; write a number with {', '.join(_HOURS)}, "
            "such as 2 h"
        )
    return float(match[1]) * _HOURS[match[2]]


def _numbers(words: str, text: str) -> list[int]:
    try:
        return [int(number) for number in words.split(",")]
    except ValueError:
        raise InputError(
            f"regimen '{text}': skip is followed by numbers of doses, such as 3,4, not '{words}'"
        ) from None
