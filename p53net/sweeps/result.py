"""The labelled result of a sweep, put together from its chunks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from p53net.errors import InputError, StoreError
from p53net.model import shown_unit
from p53net.sweeps import arrays, reduced
from p53net.sweeps import store as stores
from p53net.sweeps.design import Design
from p53net.sweeps.lazily import lazily_opened
from p53net.sweeps.plan import EXPOSURE, Plan
from p53net.sweeps.rows import RERUNS

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_RESULT = 8 * 2**30
"""Bytes that a result may hold in memory."""

LARGEST_WHOLE = 2**28
"""Bytes up to which the result of a store is put together in memory. Larger ones are opened."""


def manifest_of(
    plan: Plan, design: Design, chunk_size: int, settings: Mapping[str, str]
) -> dict[str, Any]:
    """All that is needed to put a result together from its chunks, and to tell it from others."""
    record = plan.record(design)
    variables = {
        name: {"units": unit, "long_name": meaning}
        for name, (unit, meaning) in {**plan.columns, **plan.error_columns}.items()
    }
    if plan.accuracy is not None:
        meaning = "how often the point was run again, more tightly"
        variables[RERUNS] = {"units": "1", "long_name": meaning}
    own = {source.name: source.sha256 for source in plan.definition.fragments}
    return {
        "format": stores.REDUCED if plan.reductions else stores.FORMAT,
        "key": stores.digest_of(record),
        "chunk_size": chunk_size,
        "dimensions": list(design.dimensions),
        "shape": list(design.shape),
        "grid": {name: values.tolist() for name, values in design.grid.items()},
        "sampled": list(design.sampled.names),
        "axes": {name: _about_axis(plan, name) for name in plan.axes},
        "variables": variables,
        "curves": {
            name: {
                "units": shown_unit(plan.definition.units[name]),
                "long_name": plan.definition.read_outs.get(name, name),
            }
            for name in plan.curves
        },
        "attributes": {
            "study": "sweep",
            "model": plan.definition.id,
            "drugs": ", ".join(plan.definition.drugs),
            "cell_line": plan.definition.cell_line,
            "doses": json.dumps({drug: str(dose) for drug, dose in plan.doses.items()}),
            "parameters": json.dumps(dict(plan.parameters)),
            "feedback": "closed" if plan.feedback else "open",
            "hours": float(plan.times[-1]),
            "model_sha256": plan.definition.sha256,
            **({"fragments": json.dumps(own)} if own else {}),
            **settings,
        },
        "times": plan.times.tolist(),
        "time_unit": plan.definition.time_unit,
        "record": record,
        **_reductions_of(plan),
    }


class Result:
    """Arrays of the right shape, filled chunk by chunk."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._manifest = manifest
        check_memory(manifest)
        size, along = math.prod(manifest["shape"]), len(manifest["times"])
        numbers = [*manifest["sampled"], *manifest["variables"]]
        self._columns: dict[str, arrays.Array] = {
            **{name: np.full(size, np.nan) for name in numbers},
            **{name: np.full(size, text, dtype=object) for name, text in arrays.TEXTS.items()},
            **{name: np.full((size, along), np.nan) for name in manifest["curves"]},
        }

    def add(self, start: int, table: pa.Table) -> None:
        """Put a chunk in its place. Raises StoreError where it does not fit."""
        arrays.check_axes(self._manifest, start, table)
        for name, values in self._columns.items():
            found = arrays.column(self._manifest, start, table, name)
            try:
                values[start : start + len(table)] = found
            except ValueError as error:
                raise StoreError(f"the chunk at {start} does not fit its sweep: {error}") from None

    def dataset(self) -> xr.Dataset:
        """The result over the grid's axes and `point`, with units, a status and a reason."""
        shape = tuple(self._manifest["shape"])

        def array(name: str) -> arrays.Array:
            flat = self._columns[name]
            return flat.reshape(shape + flat.shape[1:])

        return arrays.labelled(self._manifest, array)


def read_sweep(folder: str | Path) -> xr.Dataset:
    """The result of a sweep in a folder, finished or not: what is missing is `not run`.

    A result above 256 MiB is opened and not read: its variables are Dask arrays over the chunks.
    Raises StoreError where the folder holds no sweep. Damaged chunks count as not run.

    Examples:
        >>> axes = {"KT-253": [1.0, 10.0]}
        >>> found = pn.sweep(pn.load("KT-253"), axes, measures=["peak:p21"], store="doses")
        >>> pn.read_sweep("doses")["peak_p21"].equals(found["peak_p21"])
        True
    """
    store = stores.read(folder)
    try:
        result = stored(store)
        for name in ("doses", "parameters"):  # read again by figures
            if not all(map(str, json.loads(result.attrs[name]).items())):
                raise ValueError(name)
        return result
    except stores.UNSOUND as error:
        raise StoreError(f"{folder} is not a sound sweep: {error!r}") from None


def assembled(manifest: Mapping[str, Any], chunks: Iterable[tuple[int, pa.Table]]) -> xr.Dataset:
    """The result from all its chunks."""
    if "reductions" in manifest:
        return reduced.dataset(manifest, chunks)
    result = Result(manifest)
    for start, table in chunks:
        result.add(start, table)
    return result.dataset()


def stored(store: stores.Store) -> xr.Dataset:
    """The result of a store: put together, or opened where it is large."""
    if "reductions" not in store.manifest and size_of(store.manifest) > LARGEST_WHOLE:
        return lazily_opened(store)
    return assembled(store.manifest, store.chunks())


def check_memory(manifest: Mapping[str, Any]) -> None:
    """Refuse a result that would not fit into memory, and say how big it is."""
    if "reductions" not in manifest and (needed := size_of(manifest)) > LARGEST_RESULT:
        raise InputError(
            f"the result would take {needed / 2**30:,.1f} GiB, and at most "
            f"{LARGEST_RESULT / 2**30:g} GiB are held; keep measures instead of curves, or fewer, "
            "give it a store, or reduce it"
        )


def size_of(manifest: Mapping[str, Any]) -> int:
    """Bytes that the arrays of a result take in memory."""
    m = manifest
    single = len(m["sampled"]) + len(m["variables"]) + len(arrays.TEXTS)
    return int(8 * math.prod(m["shape"]) * (single + len(m["curves"]) * len(m["times"])))


def _reductions_of(plan: Plan) -> dict[str, Any]:
    """What a manifest says of chunks that are no rows."""
    if not plan.reductions:
        return {}
    return {
        "reductions": [one.as_record() for one in plan.reductions],
        "chunk_columns": list(reduced.COLUMNS),
        "chunk_rows": len(plan.reductions) + 1,
    }


def _about_axis(plan: Plan, name: str) -> dict[str, str]:
    if name in plan.definition.drugs:
        how = "at each dose" if plan.definition.in_body else "in the medium"
        return {"units": plan.unit(name), "long_name": f"{name} {how}"}
    if name == EXPOSURE:
        return {"units": "h", "long_name": "exposure before washout"}
    return {"units": plan.unit(name), "long_name": name}
