"""Writing fitted values, and what follows from them, where they stand in the tables."""

import xarray as xr

from p53net.evidence.blocks import DERIVED
from p53net.evidence.committed import committed_value, replace_value
from p53net.evidence.fit import rounded
from p53net.model.structures import supposing


def write(result: xr.Dataset) -> list[str]:
    """Put the estimates of `calibrate` into the model texts and tables; returns what changed, in
    words. In another structure than the default they go into `refitted.tsv`."""
    with supposing(str(result.attrs["structure"])):
        return _write(result)


def _write(result: xr.Dataset) -> list[str]:
    changes: list[str] = []
    rows = (result[name].values.tolist() for name in ("entry", "symbol", "estimate"))
    for entry, parameter, value in zip(*rows, strict=True):
        changes += _put(entry, parameter, value)
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
