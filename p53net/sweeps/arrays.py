"""From the columns of chunks to the labelled arrays of a result."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from p53net.errors import StoreError
from p53net.sweeps import store as stores
from p53net.sweeps.rows import STATUSES

if TYPE_CHECKING:
    import pyarrow as pa

_REASON = "why not ok, or why another engine took over"
TEXTS = {"status": "not run", "reason": ""}
"""Columns of texts, and what stands there for a point that was not run."""

Array = np.ndarray[Any, np.dtype[Any]]


def column(manifest: Mapping[str, Any], start: int, table: "pa.Table", name: str) -> Array:
    """A column of the chunk from `start` on: a number or text for each point, or a curve.

    Raises StoreError where the chunk does not fit the manifest.
    """
    try:
        if name in TEXTS:
            return _texts(table, name)
        if name in manifest["curves"]:
            flat = table[name].combine_chunks().flatten().to_numpy()
            return np.asarray(flat.reshape(len(table), len(manifest["times"])), dtype=float)
        return np.asarray(table[name].to_numpy(), dtype=float)
    except stores.UNSOUND as error:
        raise _unfit(start, error) from None


def check_axes(manifest: Mapping[str, Any], start: int, table: "pa.Table") -> None:
    """Raise StoreError for a chunk whose crossed axes are not those of the manifest."""
    try:
        rows = np.arange(start, start + len(table))
        places = np.unravel_index(rows, tuple(manifest["shape"]))
        for (name, values), place in zip(manifest["grid"].items(), places, strict=False):
            expected = np.asarray(values, dtype=float)[place]
            if not np.array_equal(expected, table[name].to_numpy()):
                raise ValueError(f"its {name} is not that of the manifest")
    except stores.UNSOUND as error:
        raise _unfit(start, error) from None


def labelled(manifest: Mapping[str, Any], array: Callable[[str], Any]) -> xr.Dataset:
    """The result over the grid's axes and `point`, with units, a status and a reason.

    `array` gives a column in the shape of the sweep, and a curve with its times last.
    """
    m = manifest
    dimensions = tuple(m["dimensions"])
    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = {
        name: (name, np.asarray(values), m["axes"][name]) for name, values in m["grid"].items()
    }
    for name in m["sampled"]:  # the same for every cell of the grid
        coordinates[name] = ("point", array(name)[(0,) * len(m["grid"])], m["axes"][name])
    for name, about in m["variables"].items():
        data[name] = (dimensions, array(name), about)
    for name, meaning in (("status", ", ".join(STATUSES)), ("reason", _REASON)):
        data[name] = (dimensions, array(name), {"units": "1", "long_name": meaning})
    if m["curves"]:
        about = {"units": m.get("time_unit", "h"), "long_name": "time"}
        coordinates["time"] = ("time", m["times"], about)
    for name, about in m["curves"].items():
        data[name] = ((*dimensions, "time"), array(name), about)
    return xr.Dataset(data, coords=coordinates, attrs=m["attributes"])


def _texts(table: "pa.Table", name: str) -> Array:
    coded = table[name].combine_chunks()
    if not hasattr(coded, "dictionary"):
        coded = coded.dictionary_encode()
    words = np.array(coded.dictionary.to_pylist() or [""], dtype=object)
    if name == "status" and not set(words) <= {*STATUSES, ""}:
        raise ValueError(f"a status is none of {', '.join(STATUSES)}")
    return np.asarray(words[coded.indices.to_numpy()])  # one string for many points


def _unfit(start: int, error: Exception) -> StoreError:
    return StoreError(f"the chunk at {start} does not fit its sweep: {error}")
