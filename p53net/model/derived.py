"""Values of tables that follow from others: they move together, wherever one is fitted or drawn."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Derived:
    """A row of a table that follows from a fitted one."""

    entry: str
    parameter: str
    source: tuple[str, str]
    function: Callable[[float], float]
    words: str


def _in_plasma(share: float) -> float:
    """Free fraction in plasma of a drug with this one in medium with 10 % serum."""
    return share / (10.0 - 9.0 * share)


def _allometric(power: float) -> Callable[[float], float]:
    return lambda human: float(human * (0.02 / 70.0) ** power)


_HUMAN, _MOUSE = "milademetan in human", "milademetan in mouse"


DERIVED = (
    *(
        Derived(_MOUSE, name, (_HUMAN, name), _allometric(power), f"times (0.02/70)^{power:g}")
        for name, power in (
            ("ka_inhibitor", -0.25),
            ("CL_inhibitor", 0.75),
            ("V_central_inhibitor", 1.0),
            ("Q_inhibitor", 0.75),
            ("V_peripheral_inhibitor", 1.0),
            ("fu_plasma_inhibitor", 0.0),
        )
    ),
    *(
        Derived(
            f"KT-253 in {host}",
            "fu_plasma_degrader",
            ("KT-253", "fu_medium_degrader"),
            _in_plasma,
            "f/(10 - 9 f)",
        )
        for host in ("mouse", "human")
    ),
)
"""Rows that move with fitted ones: mouse by allometry, plasma from medium with a tenth of serum."""
