"""Results over draws as bands: quantiles of what is defined, and how often that is."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES, Ensemble

DEFINED = "_defined"
"""Added to the name of a measure: the share of the draws in which it has a value."""

ENDS = (QUANTILES[0], QUANTILES[-1])
"""What holds 95 % of the draws."""


def quantiles(values: FloatArray, shares: Sequence[float] = QUANTILES) -> FloatArray:
    """Quantiles over the first axis of what is no NaN, as numpy's; NaN where nothing is."""
    whole = values[~np.isnan(values).reshape(len(values), -1).all(axis=1)]
    if len(whole) and not np.isnan(whole).any():
        return np.asarray(np.quantile(whole, shares, axis=0))
    ordered = np.sort(values, axis=0)  # NaN comes last
    counts = (~np.isnan(ordered)).sum(axis=0)
    found = []
    for share in shares:
        place = share * np.maximum(counts - 1, 0)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        left, right = (np.take_along_axis(ordered, i[None], axis=0)[0] for i in (low, high))
        part = place - low
        # as numpy interpolates: from the nearer end
        between = np.where(part < 0.5, left + (right - left) * part,
                           right - (right - left) * (1.0 - part))  # fmt: skip
        found.append(np.where(counts > 0, between, np.nan))
    return np.array(found)


def with_bands(result: xr.Dataset, along: Sequence[str] = ()) -> xr.Dataset:
    """The Dataset with `quantile` in place of `draw`. Beside each measure stands its share of
    draws that have a value, beside curves, which go `along` a dimension, none. Of words, such as a
    status, there is how often each is said."""
    data: dict[str, xr.DataArray] = {}
    for name, variable in result.data_vars.items():
        if "draw" not in variable.dims:
            data[str(name)] = variable
            continue
        dims = [one for one in variable.dims if one != "draw"]
        values = variable.transpose("draw", *dims).values
        if values.dtype.kind in "OU":
            data[str(name)] = xr.DataArray(_said(values), dims=dims, attrs=variable.attrs)
            continue
        numbers = values.astype(float)
        data[str(name)] = xr.DataArray(
            quantiles(numbers), dims=("quantile", *dims), attrs=variable.attrs
        )
        if not set(dims) & set(along):
            meaning = f"share of draws with a value: {variable.attrs.get('long_name', name)}"
            data[f"{name}{DEFINED}"] = xr.DataArray(
                (~np.isnan(numbers)).mean(axis=0),
                dims=dims,
                attrs={"units": "1", "long_name": meaning},
            )
    coords = {name: one for name, one in result.coords.items() if "draw" not in one.dims}
    share = xr.DataArray(list(QUANTILES), dims="quantile",
                         attrs={"units": "1", "long_name": "share of draws below"})  # fmt: skip
    return xr.Dataset(data, {**coords, "quantile": share}, result.attrs)


def about(ensemble: Ensemble, whole: int, failed: Iterable[tuple[int, str]]) -> dict[str, str]:
    """For the attributes of a result: which draws, and what became of them."""
    used = len(ensemble)
    pairs = sorted(set(failed), key=lambda one: one[1])
    return {
        "ensemble": str(ensemble.about.get("models", "")),
        "ensemble_sha256": ensemble.sha256,
        "draws": f"{used}" if used == whole else f"{used} of {whole}, evenly thinned",
        "structures": json.dumps(ensemble.structures),
        "failed": json.dumps(Counter(reason for _, reason in pairs)),
    }


def is_banded(result: xr.Dataset) -> bool:
    """Whether it has quantiles over draws."""
    return "quantile" in result.dims


def median(result: xr.Dataset) -> xr.Dataset:
    """The same shape as a point estimate: medians of the draws, where there are quantiles."""
    return result.sel(quantile=0.5, drop=True) if is_banded(result) else result


class Band(float):
    """A median that is written with what holds 95 % of the draws: `4.3 [1.2 to 13]`."""

    def __new__(cls, values: xr.DataArray) -> "Band":
        """Of a number with quantiles."""
        made = super().__new__(cls, float(values.sel(quantile=0.5)))
        made._ends = tuple(float(values.sel(quantile=one)) for one in ENDS)
        return made

    _ends: tuple[float, ...]

    def __format__(self, spec: str) -> str:
        if math.isnan(self):
            return format(float(self), spec)
        low, high = (format(end, spec) for end in self._ends)
        return f"{format(float(self), spec)} [{low} to {high}]"


def number(values: xr.DataArray) -> float:
    """One value: a number, or a median that is written with its band."""
    return Band(values) if "quantile" in values.dims else float(values)


def _said(values: "NDArray[np.object_]") -> "NDArray[np.object_]":
    """What is said in all draws, or how often each is said, by place."""
    flat = values.reshape(len(values), -1)
    found = np.array([_counted(column.tolist()) for column in flat.T], dtype=object)
    return found.reshape(values.shape[1:])


def _counted(words: list[object]) -> str:
    """`ok`, or `ok in 480 of 500 draws; not reached: 20`: reasons without their details."""
    if len(set(words)) == 1:
        return str(words[0])
    counts = Counter(re.split("[:;]", str(word))[0] for word in words)
    fine = counts.pop("ok", 0)
    others = [f"{word}: {number}" for word, number in counts.most_common()]
    return "; ".join([f"ok in {fine} of {len(words)} draws", *others])
