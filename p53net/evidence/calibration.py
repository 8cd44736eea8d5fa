"""Fitting what the models' tables call `fitted` to the observations marked for it, all together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from p53net.errors import InputError, unknown_name
from p53net.evidence.blocks import Block, all_blocks
from p53net.evidence.fit import SEED, STARTS, Fit, fit_jointly
from p53net.evidence.profiles import add_profiles
from p53net.evidence.residuals import residual
from p53net.model.structures import StructureLike, as_structure, name_of, supposing
from p53net.simulation.choice import AUTO, preferring
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded

_ABOUT = {
    "estimate": "fitted value, at the best optimum",
    "committed": "value in the tables",
    "low": "lower end of the 95 % interval, from the profile; 0 where it does not close",
    "high": "upper end of the 95 % interval, from the profile; infinite where it does not close",
    "identified": "whether the profile closes on both sides, and there is one optimum",
    "elsewhere": "other optima within 95 % that have another value",
    "unit": "unit",
    "block": "which block it belongs to",
}
_SEEN = {
    "observed": "published value; NaN where only a range is published",
    "aim": "what the fit aims at: that value, or the geometric mean of the range",
    "observed_low": "lower end of its interval",
    "observed_high": "upper end of its interval",
    "predicted": "with all estimates",
    "residual": "how far apart, in standard deviations of the observation",
    "inside": "whether the prediction is in the interval",
    "observed_unit": "unit",
    "observed_block": "which block it belongs to",
}
_FITTING = 0.6  # of the time, where there are profiles


@recorded
def calibrate(
    blocks: Iterable[str] | None = None,
    *,
    profiles: bool = True,
    starts: int = STARTS,
    structure: StructureLike = None,
    engine: str = AUTO,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Fit the parameters of all blocks, or of those named, together on all their observations.

    What is not fitted keeps its committed value; `structure` is that of all models.

    Returns a Dataset over `parameter`: `estimate`, `committed`, its 95 % interval `low` to `high`,
    whether it is `identified`, and how many optima have it `elsewhere`; over `parameter` and
    `point` the profiles, `value` and least `chi_squared`;
    over `optimum`, the best first, `optimum_value` of each parameter, `optimum_chi_squared` and
    `optimum_found_by` how many of the `starts`; over `observation` what was `observed` and
    `predicted`, the `aim` of the fit and the `residual`; and `correlation` of all estimates.
    Raises UnknownNameError, InputError.

    Examples:
        >>> found = pn.calibrate(["degradation"], profiles=False, starts=1)
        >>> found["estimate"].dims, found["parameter"].values.tolist()
        (('parameter',), ['MD-4251: fu_medium_degrader', 'HEK293T: uptake_of_line'])
    """
    with preferring(engine), supposing(structure):
        return as_dataset(fit_of(blocks, profiles=profiles, starts=starts, progress=progress))


def fit_of(
    blocks: Iterable[str] | None = None,
    *,
    profiles: bool = True,
    starts: int = STARTS,
    progress: Callable[[str, float], None] | None = None,
) -> Fit:
    """The fit behind `calibrate`."""
    if not isinstance(starts, int) or isinstance(starts, bool) or starts < 1:
        raise InputError(f"starts is {starts!r}, but must be a whole number, 1 or more")

    def told(what: str, first: float, share: float) -> Callable[[float], None] | None:
        return None if progress is None else lambda done: progress(what, first + share * done)

    part = _FITTING if profiles else 1.0
    fit = fit_jointly(_named(blocks), starts, told("fitting from many starts", 0.0, part))
    if profiles:
        add_profiles(fit, told("intervals", part, 1.0 - part))
    if progress is not None:
        progress("done", 1.0)
    return fit


def as_dataset(fit: Fit) -> xr.Dataset:
    """A fit as `calibrate` returns it."""
    names = [f"{one.entry}: {one.parameter}" for one in fit.estimates]
    data: dict[str, Any] = {
        key: ("parameter", column, {"long_name": _ABOUT[key]})
        for key, column in _columns(_estimates(fit)).items()
    }
    data |= {
        key: ("observation", column, {"long_name": _SEEN[key]})
        for key, column in _columns(_residuals(fit)).items()
    }
    both = ("parameter", "point")
    profiles = list(fit.profiles.values())
    longest = max(map(len, profiles), default=0)
    for key, meaning in (("value", "fixed value"), ("chi_squared", "least chi-squared then")):
        filled = np.full((len(names), longest), math.nan)  # profiles differ in length
        for row, profile in zip(filled, profiles, strict=False):
            row[: len(profile)] = profile[key]
        data[key] = (both, filled, {"long_name": meaning})
    data["correlation"] = (("parameter", "other"), fit.correlation, {"units": "1"})
    optima = {
        "value": (("optimum", "parameter"), np.exp([one.logs for one in fit.optima])),
        "chi_squared": ("optimum", np.array([one.chi_squared for one in fit.optima])),
        "found_by": ("optimum", np.array([one.found_by for one in fit.optima])),
    }
    meanings = {"value": "value there", "chi_squared": "sum of squares there",
                "found_by": "starts that ended there"}  # fmt: skip
    data |= {f"optimum_{key}": (*column, {"long_name": meanings[key]})
             for key, column in optima.items()}  # fmt: skip
    return xr.Dataset(
        data,
        coords={
            "parameter": names,
            "other": names,
            "entry": ("parameter", [one.entry for one in fit.estimates]),
            "symbol": ("parameter", [one.parameter for one in fit.estimates]),
            "observation": [row.id for row in fit.joint.observed],
            "optimum": np.arange(1, len(fit.optima) + 1),
        },
        attrs={
            "study": "calibrate",
            "structure": name_of(as_structure(None)),
            "parameters": len(names),
            "observations": len(fit.joint.observed),
            "seed": SEED,
            "starts": fit.starts,
            "version": VERSION,
        },
    )


def table(result: xr.Dataset) -> pd.DataFrame:
    """Estimates for reading: block, entry, parameter, estimate, unit, committed, interval ..."""
    names = ["block", "estimate", "unit", "committed", "low", "high", "identified",
             "elsewhere"]  # fmt: skip
    frame = result[names].to_dataframe().reset_index(drop=True)
    frame = frame.rename(columns={"symbol": "parameter"})
    return frame[["block", "entry", "parameter", *names[1:]]]


def residual_table(result: xr.Dataset) -> pd.DataFrame:
    """Observations beside predictions, and how far apart, in standard deviations."""
    frame = result[list(_SEEN)].to_dataframe().reset_index()
    short = {name: name.removeprefix("observed_") for name in _SEEN if name != "observed"}
    frame = frame.rename(columns=short)
    first = ["block", "observation", "observed", "aim", "low", "high", "predicted", "unit"]
    return frame[[*first, "residual", "inside"]]


def correlation_table(result: xr.Dataset) -> pd.DataFrame:
    """Correlation of each pair of estimates."""
    rows = [
        (one, other, float(result["correlation"][i, j]))
        for (i, one), (j, other) in combinations(enumerate(result["parameter"].values), 2)
    ]
    return pd.DataFrame(rows, columns=["one", "other", "correlation"])


def optimum_table(result: xr.Dataset) -> pd.DataFrame:
    """Optima, a row for each: chi-squared, the starts that ended there, and all values."""
    frame = pd.DataFrame(
        result["optimum_value"].values, result["optimum"].values, result["parameter"].values
    )
    frame.insert(0, "found_by", result["optimum_found_by"].values)
    frame.insert(0, "chi_squared", result["optimum_chi_squared"].values)
    return frame.rename_axis("optimum").reset_index()


def _named(blocks: Iterable[str] | None) -> list[Block]:
    known = {block.name: block for block in all_blocks()}
    names = [blocks] if isinstance(blocks, str) else list(known if blocks is None else blocks)
    for name in names:
        if name not in known:
            raise unknown_name("block", name, known)
    if not names:
        raise InputError(f"no block is named; choose among {', '.join(known)}")
    return [block for block in known.values() if block.name in names]


def _estimates(fit: Fit) -> list[dict[str, Any]]:
    rows = []
    of = {one: block.name for block in fit.joint.blocks for one in block.parameters}
    for one, value in fit.estimates.items():
        low, high = fit.interval(one) if fit.profiles else (math.nan, math.nan)
        rows.append(
            {
                "block": of[one],
                "estimate": value,
                "unit": one.value.unit,
                "committed": one.value.value,
                "low": low,
                "high": high,
                "identified": str(fit.identified(one)) if fit.profiles else "not looked at",
                "elsewhere": len(fit.elsewhere(one)),
            }
        )
    return rows


def _residuals(fit: Fit) -> list[dict[str, Any]]:
    rows = []
    of = {name: block.name for block in fit.joint.blocks for name in block.observed}
    for row in fit.joint.observed:
        value = fit.predictions[row.id]
        rows.append(
            {
                "observed_block": of[row.id],
                "observed": row.value,
                "aim": row.middle,
                "observed_low": row.low,
                "observed_high": row.high,
                "predicted": value,
                "observed_unit": row.unit,
                "residual": residual(row, value),
                "inside": row.holds(value),
            }
        )
    return rows


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}
