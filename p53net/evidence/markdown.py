"""Markdown tables, and numbers in them."""

import math
from collections.abc import Iterable, Sequence

from p53net.evidence.published import observation
from p53net.evidence.seen import uses

_USES = {"fit": "fitted", "predict": "predicted", "set": "set by hand", "input": "taken as input",
         "not modelled": "not modelled"}  # fmt: skip


def rows_of(head: str, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; `head` has its names between bars."""
    lines = [_line(head.split(" | ")), "|---" * len(head.split(" | ")) + "|"]
    return "\n".join([*lines, *map(_line, rows)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def shown(value: float) -> str:
    """Three digits, as people write them; nothing where there is no number."""
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def one_digit(error: float) -> str:
    """An error, of which one digit tells enough."""
    return shown(float(f"{error:.1g}"))


def interval(name: str) -> str:
    """That of an observation."""
    row = observation(name)
    if math.isinf(row.high):
        return f"{shown(row.low)} or more"
    if math.isinf(row.low):
        return f"at most {shown(row.high)}"
    return f"{shown(row.low)} to {shown(row.high)}"


def asked(name: str, unit: str = "") -> str:
    """The interval of an observation, and what it was used for."""
    return f"{interval(name)}{unit}, {used(name)}"


def used(name: str) -> str:
    """What an observation was to the models."""
    return _USES[uses()[name].use]
