"""Writing fitted values, and what follows from them, where they stand in the tables."""

from collections.abc import Iterable

from p53net.model.committed import committed_value, replace_value
from p53net.studies.calibration import DERIVED, Fit, rounded


def write(fits: Iterable[Fit]) -> list[str]:
    """Put estimates into the model texts and tables; returns what changed, in words."""
    changes: list[str] = []
    for fit in fits:
        for one, value in fit.estimates.items():
            changes += _put(one.entry, one.parameter, value)
    for row in DERIVED:
        source = committed_value(*row.source).value
        changes += _put(row.entry, row.parameter, rounded(row.function(source)))
    return changes


def _put(entry: str, parameter: str, value: float) -> list[str]:
    old = committed_value(entry, parameter).value
    if old == value:
        return []
    replace_value(entry, parameter, value)
    return [f"{entry}: {parameter} {old:g} to {value:g}"]
