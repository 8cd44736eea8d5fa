"""A stored result that is read when it is looked at: Dask arrays over the chunks of a store."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from p53net.extras import need
from p53net.sweeps import arrays
from p53net.sweeps.arrays import Array
from p53net.sweeps.store import Store

_BLOCK = 250_000
"""Points, or values of curves, that Dask works on together."""


def lazily_opened(store: Store) -> xr.Dataset:
    """The result of a store, finished or not. What is missing or damaged is `not run`.

    The chunks that are there now are looked for; each is read when its points are.
    """
    need("workers", "a stored result that is read when it is looked at", only=["dask"])
    import dask.array

    places = store.places()

    def array(name: str) -> "dask.array.Array":
        column = _Column(store, places, name)
        empty = np.empty((0,) * column.ndim, dtype=column.dtype)
        blocks = _blocks(column.shape)
        return dask.array.from_array(column, blocks, name=False, asarray=False, meta=empty)

    return arrays.labelled(store.manifest, array)


class _Column:
    """A column in the shape of the sweep, of which a slice reads the chunks that it needs."""

    def __init__(self, store: Store, places: dict[int, list[Path]], name: str) -> None:
        self._store, self._places, self._name = store, places, name
        manifest = store.manifest
        self._points = tuple(int(length) for length in manifest["shape"])
        along = (len(manifest["times"]),) if name in manifest["curves"] else ()
        self.shape = (*self._points, *along)
        self.ndim = len(self.shape)
        self.dtype = np.dtype(object if name in arrays.TEXTS else float)

    def __getitem__(self, key: tuple[slice | int, ...]) -> Array:
        wanted = [range(length)[one] for length, one in zip(self.shape, key, strict=True)]
        lists = [[one] if isinstance(one, int) else one for one in wanted]
        chosen = np.ix_(*map(np.asarray, lists[: len(self._points)]))
        if not math.prod(map(len, lists)):
            found = np.empty([len(one) for one in lists], dtype=self.dtype)
        else:
            flat = np.ravel_multi_index(chosen, self._points)
            first = int(flat.min())
            found = self._flat(first, int(flat.max()) + 1)[flat - first]
            if len(self._points) < self.ndim:
                found = found[..., np.asarray(lists[-1])]
        alone = tuple(axis for axis, one in enumerate(wanted) if isinstance(one, int))
        return np.asarray(found.squeeze(alone))

    def _flat(self, first: int, end: int) -> Array:
        """Points `first` to `end`."""
        size, extra = self._store.chunk_size, self.shape[len(self._points) :]
        missing = arrays.TEXTS.get(self._name, np.nan)
        found = np.full((end - first, *extra), missing, dtype=self.dtype)
        for start in range(first // size * size, end, size):
            if (values := self._chunk(start)) is not None:
                low, high = max(start, first), min(start + len(values), end)
                found[low - first : high - first] = values[low - start : high - start]
        return found

    def _chunk(self, start: int) -> Array | None:
        manifest = self._store.manifest
        for path in self._places.get(start, ()):
            table = self._store.sound(path, [*manifest["grid"], self._name])
            if table is not None:
                arrays.check_axes(manifest, start, table)
                return arrays.column(manifest, start, table, self._name)
        return None


def _blocks(shape: Sequence[int]) -> tuple[int, ...]:
    """Lengths of blocks whose points follow one another in the order of the sweep."""
    found, inner = [], math.prod(shape)
    for length in shape:
        inner //= length
        found.append(max(1, min(length, _BLOCK // inner)))
    return tuple(found)
