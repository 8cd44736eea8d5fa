"""Results beside each other: where and how points ran stands in the record, and nowhere else."""

import json

import xarray as xr

WHERE = ("store", "resume", "scheduler", "workers", "chunk")
"""Arguments of a sweep that change no value."""


def alike(result: xr.Dataset) -> xr.Dataset:
    """The same without what its record says of where it ran."""
    record = json.loads(result.attrs["record"])
    for name in WHERE:
        record["arguments"].pop(name, None)
    return result.assign_attrs(record=json.dumps(record))
