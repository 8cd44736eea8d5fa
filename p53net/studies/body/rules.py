"""When doses are held and reduced: rules of any count of the blood, by limits or by grades."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from p53net.dosing.medium import finite_number
from p53net.errors import InputError, unknown_name
from p53net.model.definition import Definition
from p53net.studies.body.population import GRADES

LIMITS = {"platelets": (50.0, 75.0), "neutrophils": (1.0, 1.5)}
"""Counts [1e9/L] below which doses are held, and from which on they are given again: a usual rule
of trials (PMC3675695, table A2), grade 3 and grade 1. Milademetan's own is not published."""

REDUCED = 0.75
"""What one reduction leaves of the dose, assumed: near one step of the doses that were tried
(340, 260, 160, 120, 90 mg)."""

_WORDS = re.compile(
    r"(?P<count>\w+)\s+(?P<below>grade\s+\S+|[-+.\deE]+)"
    r"(?:\s+until\s+(?P<again>[-+.\deE]+))?(?:\s+leave\s+(?P<left>[-+.\deE]+)\s*%)?"
)


@dataclass(frozen=True)
class Rule:
    """Doses are held while a count is low; each hold takes the dose down."""

    count: str
    """A quantity of the marrow: platelets, neutrophils, haemoglobin."""
    below: float
    """Held below this, in its unit."""
    again: float
    """Given again from this on."""
    left: float = REDUCED
    """What each hold leaves of the dose; 1 for a hold alone."""

    def __post_init__(self) -> None:
        of = f"rule of {self.count}"
        below = finite_number(self.below, f"{of}: below")
        again = finite_number(self.again, f"{of}: again")
        if below == 0:
            raise InputError(f"rule of {self.count}: below is 0, which no count is; give more")
        if again < below:
            raise InputError(
                f"rule of {self.count}: doses are held below {below:g} and given again from "
                f"{again:g} on; give a number that is not lower"
            )
        if not 0 < finite_number(self.left, f"rule of {self.count}: left") <= 1:
            raise InputError(
                f"rule of {self.count}: left is {self.left:g}, but must be above 0 and at most 1: "
                "the share of the dose that a hold leaves"
            )

    def __str__(self) -> str:
        return f"{self.count} {self.below:g} until {self.again:g} leave {100 * self.left:g} %"

    def as_record(self) -> dict[str, object]:
        """For the record of a study."""
        return {"hold rule": [self.count, self.below, self.again, self.left]}


HoldLike: TypeAlias = "bool | Rule | Iterable[Rule]"
"""What users write: whether doses are held by the usual rule, or rules of their own."""

USUAL = tuple(Rule(count, *limits) for count, limits in LIMITS.items())


def hold_rule(
    count: str,
    below: float | None = None,
    again: float | None = None,
    *,
    grade: int | None = None,
    resume: int = 1,
    left: float = REDUCED,
) -> Rule:
    """A rule for `hold=`: `pn.hold_rule("platelets", grade=3)`, or `("haemoglobin", 8.0, 10.0)`.

    Doses are held while `count` is `below` a limit, until it is `again` at one; or from a CTCAE
    `grade` on, until it is `resume` or lower (`thrombocytopenia` stands for `platelets`, and so
    on). Each hold leaves the share `left` of the dose for good; 1 is a hold alone.
    The usual rule is grade 3 of platelets and neutrophils. Raises InputError, UnknownNameError.

    Examples:
        >>> print(pn.hold_rule("platelets", grade=3, left=0.75))
        platelets 50 until 75 leave 75 %
        >>> pn.hold_rule("haemoglobin", 8.0, 10.0)
        Rule(count='haemoglobin', below=8.0, again=10.0, left=0.75)
    """
    if (below is None) == (grade is None):
        raise InputError(f"rule of {count}: give a limit below which doses are held, or a grade")
    if below is not None:
        if again is None:
            raise InputError(f"rule of {count}: say from which count on doses are given again")
        return Rule(count, below, again, left)
    if again is not None:
        raise InputError(f"rule of {count}: again goes with below; of grades say resume=1")
    return _by_grade(count, grade or 0, resume, left)


def rules_of(hold: HoldLike) -> tuple[Rule, ...]:
    """The rules that are meant; none where nothing is held. Raises InputError."""
    if isinstance(hold, bool):
        return USUAL if hold else ()
    rules = [hold] if isinstance(hold, Rule) else list(hold) if isinstance(hold, Iterable) else []
    if not rules or not all(isinstance(one, Rule) for one in rules):
        raise InputError(
            f"hold is {hold!r}, but must be True, False, or rules: "
            "[pn.hold_rule('platelets', grade=3)]"
        )
    return tuple(rules)


def checked_rules(rules: tuple[Rule, ...], marrow: Definition) -> tuple[Rule, ...]:
    """Rules of what this marrow has. Raises UnknownNameError."""
    for one in rules:
        if one.count not in marrow.variables:
            raise unknown_name("count", one.count, [count for count, _ in GRADES.values()])
    return rules


def rule_from_words(text: str) -> Rule:
    """`platelets grade 3 until 1 leave 75 %`, `haemoglobin 8 until 10`. Raises InputError."""
    match = _WORDS.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"--hold-rule '{text}' is not understood; write 'platelets grade 3 until 1 leave 75%' "
            "or 'haemoglobin 8 until 10'"
        )
    try:
        left = REDUCED if match["left"] is None else float(match["left"]) / 100.0
        again = None if match["again"] is None else float(match["again"])
        if not match["below"].startswith("grade"):
            return hold_rule(match["count"], float(match["below"]), again, left=left)
        grade = int(match["below"].split()[1])
    except ValueError:
        raise InputError(f"--hold-rule '{text}': a number is not one; write 8, 1.5, 75%") from None
    if again is not None and again != int(again):
        raise InputError(f"--hold-rule '{text}': grades are whole numbers")
    return hold_rule(
        match["count"], grade=grade, resume=1 if again is None else int(again), left=left
    )


def _by_grade(count: str, grade: int, resume: int, left: float) -> Rule:
    known = {name: (name, limits) for name, limits in GRADES.values()}
    known |= {toxicity: of for toxicity, of in GRADES.items()}
    if count not in known:
        raise unknown_name("count with grades", count, known)
    name, limits = known[count]
    for value, what, most in ((grade, "grade", 4), (resume, "resume", 3)):
        if isinstance(value, bool) or value not in range(5) or value > most:
            raise InputError(f"rule of {count}: {what} is {value!r}, but grades are 1 to 4")
    if resume >= grade:
        raise InputError(
            f"rule of {count}: doses are held from grade {grade} on, and given again at grade "
            f"{resume}; resume at a lower one"
        )
    if limits[grade - 1] == 0.0:
        raise InputError(
            f"rule of {count}: grade {grade} of {name} has no number; name a limit: below, again"
        )
    return Rule(name, limits[grade - 1], limits[resume], left)
