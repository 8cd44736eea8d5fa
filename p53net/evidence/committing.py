"""Writing fitted values, and what follows from them, where they stand in the tables."""

from dataclasses import replace

import xarray as xr

from p53net.evidence.blocks import all_blocks
from p53net.evidence.committed import committed_value, fitted_by, replace_value
from p53net.evidence.fit import rounded
from p53net.model.derived import DERIVED
from p53net.model.structures import supposing
from p53net.model.tables import Value


def write(result: xr.Dataset) -> list[str]:
    """Put the estimates of `calibrate` into the model texts and tables; returns what changed, in
    words. In another structure than the default they go into `refitted.tsv`."""
    with supposing(str(result.attrs["structure"])):
        return _write(result)


def _write(result: xr.Dataset) -> list[str]:
    changes: list[str] = []
    observed = {block.name: block.observed for block in all_blocks()}
    rows = (result[name].values.tolist() for name in ("entry", "symbol", "estimate", "block"))
    for entry, parameter, value, block in zip(*rows, strict=True):
        old = committed_value(entry, parameter)
        changes += _put(entry, parameter, fitted_by(old, value, block, observed[block]))
    for row in DERIVED:
        source = committed_value(*row.source).value
        old = committed_value(row.entry, row.parameter)
        changes += _put(row.entry, row.parameter,
                        replace(old, value=rounded(row.function(source))))  # fmt: skip
    return changes


def _put(entry: str, parameter: str, new: Value) -> list[str]:
    old = committed_value(entry, parameter)
    if (old.value, old.kind, old.saw) == (new.value, new.kind, new.saw):
        return []
    replace_value(entry, parameter, new)
    return [f"{entry}: {parameter} {old.value:g} to {new.value:g}"]
