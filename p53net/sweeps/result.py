"""The labelled result of a sweep, put together from its chunks."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from p53net.errors import InputError, StoreError
from p53net.model import shown_unit
from p53net.sweeps import store as stores
from p53net.sweeps.design import Design
from p53net.sweeps.plan import EXPOSURE, Plan
from p53net.sweeps.rows import RERUNS, STATUSES

if TYPE_CHECKING:
    import pyarrow as pa

_REASON = "why not ok, or why another engine took over"

LARGEST_RESULT = 8 * 2**30
"""Bytes that a result may hold in memory."""


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
        "format": stores.FORMAT,
        "key": stores.digest_of(record),
        "chunk_size": chunk_size,
        "dimensions": list(design.dimensions),
        "shape": list(design.shape),
        "grid": {name: values.tolist() for name, values in design.grid.items()},
        "sampled": list(design.sampled),
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
    }


class Result:
    """Arrays of the right shape, filled chunk by chunk."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._manifest = manifest
        check_memory(manifest)
        size = math.prod(manifest["shape"])
        names = [*manifest["sampled"], *manifest["variables"]]
        self._numbers = {name: np.full(size, np.nan) for name in names}
        self._texts = {
            "status": np.full(size, "not run", dtype=object),
            "reason": np.full(size, "", dtype=object),
        }
        along = len(manifest["times"])
        self._curves = {name: np.full((size, along), np.nan) for name in manifest["curves"]}

    def add(self, start: int, table: "pa.Table") -> None:
        """Put a chunk in its place. Raises StoreError where it does not fit."""
        place = slice(start, start + len(table))
        try:
            self._check_axes(start, table)
            for name, values in self._numbers.items():
                values[place] = table[name].to_numpy()
            for name, texts in self._texts.items():
                coded = table[name].combine_chunks()
                if not hasattr(coded, "dictionary"):
                    coded = coded.dictionary_encode()
                words = np.array(coded.dictionary.to_pylist() or [""], dtype=object)
                if name == "status" and not set(words) <= {*STATUSES, ""}:
                    raise ValueError(f"a status is none of {', '.join(STATUSES)}")
                texts[place] = words[coded.indices.to_numpy()]  # one string for many points
            for name, curves in self._curves.items():
                flat = table[name].combine_chunks().flatten().to_numpy()
                curves[place] = flat.reshape(len(table), -1)
        except stores.UNSOUND as error:
            raise StoreError(f"the chunk at {start} does not fit its sweep: {error}") from None

    def _check_axes(self, start: int, table: "pa.Table") -> None:
        grid = self._manifest["grid"]
        rows = np.arange(start, start + len(table))
        places = np.unravel_index(rows, tuple(self._manifest["shape"]))
        for (name, values), place in zip(grid.items(), places, strict=False):
            if not np.array_equal(np.asarray(values, dtype=float)[place], table[name].to_numpy()):
                raise ValueError(f"its {name} is not that of the manifest")

    def dataset(self) -> xr.Dataset:
        """The result over the grid's axes and `point`, with units, a status and a reason."""
        m = self._manifest
        dimensions, shape = tuple(m["dimensions"]), tuple(m["shape"])
        data: dict[str, Any] = {}
        coordinates: dict[str, Any] = {
            name: (name, np.asarray(values), m["axes"][name]) for name, values in m["grid"].items()
        }
        for name in m["sampled"]:  # the same for every cell of the grid
            along = self._numbers[name].reshape(-1, shape[-1])[0]
            coordinates[name] = ("point", along, m["axes"][name])
        for name, about in m["variables"].items():
            data[name] = (dimensions, self._numbers[name].reshape(shape), about)
        for name, meaning in (("status", ", ".join(STATUSES)), ("reason", _REASON)):
            about = {"units": "1", "long_name": meaning}
            data[name] = (dimensions, self._texts[name].reshape(shape), about)
        if self._curves:
            coordinates["time"] = (
                "time",
                m["times"],
                {"units": m.get("time_unit", "h"), "long_name": "time"},
            )
        for name, about in m["curves"].items():
            data[name] = ((*dimensions, "time"), self._curves[name].reshape(*shape, -1), about)
        return xr.Dataset(data, coords=coordinates, attrs=m["attributes"])


def read_sweep(folder: str | Path) -> xr.Dataset:
    """The result of a sweep in a folder, finished or not: what is missing is `not run`.

    Raises StoreError where the folder holds no sweep. Damaged chunks count as not run.
    """
    store = stores.read(folder)
    try:
        result = assembled(store.manifest, store.chunks())
        for name in ("doses", "parameters"):  # read again by figures
            if not all(map(str, json.loads(result.attrs[name]).items())):
                raise ValueError(name)
        return result
    except stores.UNSOUND as error:
        raise StoreError(f"{folder} is not a sound sweep: {error!r}") from None


def assembled(manifest: Mapping[str, Any], chunks: "Iterable[tuple[int, pa.Table]]") -> xr.Dataset:
    """The result from all its chunks."""
    result = Result(manifest)
    for start, table in chunks:
        result.add(start, table)
    return result.dataset()


def check_memory(manifest: Mapping[str, Any]) -> None:
    """Refuse a result that would not fit into memory, and say how big it is."""
    m = manifest
    single = len(m["sampled"]) + len(m["variables"]) + 2  # status and reason
    needed = 8 * math.prod(m["shape"]) * (single + len(m["curves"]) * len(m["times"]))
    if needed > LARGEST_RESULT:
        raise InputError(
            f"the result would take {needed / 2**30:,.1f} GiB, and at most "
            f"{LARGEST_RESULT / 2**30:g} GiB are held; keep measures instead of curves, or fewer"
        )


def _about_axis(plan: Plan, name: str) -> dict[str, str]:
    if name in plan.definition.drugs:
        how = "at each dose" if plan.definition.in_body else "in the medium"
        return {"units": plan.unit(name), "long_name": f"{name} {how}"}
    if name == EXPOSURE:
        return {"units": "h", "long_name": "exposure before washout"}
    return {"units": plan.unit(name), "long_name": name}
