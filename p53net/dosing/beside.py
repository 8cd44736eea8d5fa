"""What is given beside the drug of a study: one other drug, in a dish or into a body."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from p53net.dosing.medium import Dose, as_dose
from p53net.dosing.regimens import Regimen, as_regimens
from p53net.errors import InputError
from p53net.model import drug_entries, resolve
from p53net.model.own import TablesLike, as_tables

BesideLike: TypeAlias = "Mapping[str, Any] | None"
"""What users write: a drug, and in a dish its levels, in a body its regimen."""

MOST_LEVELS = 100
_DISH = "beside={'KT-253': [0, 0.1, 0.3]}"
_BODY = "beside={'KT-253': pn.regimen(10, 'mg', 'q3w', days=56)}"


class Beside(NamedTuple):
    """Another drug in the medium."""

    drug: str
    dose: Dose

    @property
    def said(self) -> str:
        """In words, with all digits."""
        return f"{self.drug}, {self.dose}"

    def levels(self, at: Sequence[float]) -> list[float]:
        """What the medium has of it [nM] from each of these times [h] on; NaN is no change."""
        steps = dict(self.dose.steps)
        return [steps.get(time, np.nan) for time in at]


def other_of(
    beside: BesideLike, drugs: Sequence[str], tables: TablesLike = None, *, body: bool = False
) -> tuple[str, Any]:
    """The other drug by its own name, and what is given of it. `drugs` are those of the study.

    Raises InputError, UnknownNameError.
    """
    usual = _BODY if body else _DISH
    if not isinstance(beside, Mapping) or len(beside) != 1:
        raise InputError(
            f"beside is {str(beside)[:80]!r}, but must map one drug to what is given of it; write "
            f"{usual}"
        )
    ((name, value),) = beside.items()
    entries = drug_entries(as_tables(tables))
    other = resolve("drug", name, entries).name
    if other in (resolve("drug", one, entries).name for one in drugs):
        raise InputError(
            f"{other} is given beside itself; name a drug of another mechanism in beside, or add "
            "its doses up"
        )
    return other, value


def in_medium(other: str, value: Any) -> list[Dose]:  # noqa: ANN401 - checked here
    """Levels of a drug in a dish: a number [nM], a course such as `pn.pulse(1, hours=24)`, or a
    list of them. Raises InputError."""
    several = value if isinstance(value, list | tuple | np.ndarray | range) else [value]
    if not 0 < len(several) <= MOST_LEVELS:
        raise InputError(
            f"beside has {len(several)} levels of {other}; give 1 to {MOST_LEVELS}, in nM"
        )
    doses = []
    for one in several:
        if isinstance(one, Regimen):
            raise InputError(
                f"beside: {one.label} of {other} is a mass, but cells in a dish take a "
                f"concentration [nM]; write {_DISH}"
            )
        if isinstance(one, list | tuple):
            raise InputError(
                f"beside: {one!r} is no level of {other}; give numbers [nM], or courses made by "
                "pn.course or pn.pulse"
            )
        dose = as_dose(one, f"{other} in beside")
        if dose.closed:
            raise InputError(
                f"beside: {other} is in a closed dish, but the medium of a plate keeps its "
                "concentration; give a number [nM], pn.pulse or pn.course"
            )
        doses.append(dose)
    if len(set(doses)) < len(doses):
        raise InputError(f"beside has a level of {other} twice; give each once")
    return doses


def into_body(other: str, value: Any) -> list[Regimen | None]:  # noqa: ANN401 - checked here
    """Regimens of a drug into a body, or one; None is nothing. Raises InputError."""
    several = list(value) if isinstance(value, list | tuple) else [value]
    if not several or not all(one is None or isinstance(one, Regimen) for one in several):
        raise InputError(f"beside: {str(value)[:80]!r} of {other} is no regimen; write {_BODY}")
    if len(set(several)) < len(several):
        raise InputError(f"beside has a regimen of {other} twice; give each once")
    return several


def one_into_body(
    beside: BesideLike, drug: str, tables: TablesLike = None, *, allow_flat: bool = False
) -> tuple[str | None, dict[str, Regimen]]:
    """The other drug and its only regimen, by its name; nothing without one. Raises InputError."""
    if beside is None:
        return None, {}
    other, value = other_of(beside, [drug], tables, body=True)
    (arm, *more) = into_body(other, value)
    if more:
        raise InputError(
            f"beside has {len(more) + 1} regimens of {other}, but this study takes one; "
            "pn.schedules compares several"
        )
    if arm is None:
        raise InputError(f"beside has no regimen of {other}; leave beside out, or write {_BODY}")
    (flat,) = as_regimens(arm, "beside", allow_flat=allow_flat)
    return other, {other: flat}
