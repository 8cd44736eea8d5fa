"""Fitting what the models' tables call `fitted`, block by block, to the observations marked for it.

Blocks are fitted in order, each with the values that earlier ones found, rounded as they are
written.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from p53net.errors import unknown_name
from p53net.evidence.blocks import BLOCKS, DERIVED
from p53net.evidence.fit import SEED, STARTS, Fit, fit_block, residual, rounded
from p53net.evidence.profiles import add_profiles
from p53net.evidence.published import observation
from p53net.simulation.choice import AUTO, preferring
from p53net.simulation.model import VERSION
from p53net.simulation.provenance import recorded

_ABOUT = {
    "estimate": "fitted value",
    "committed": "value in the tables",
    "low": "lower end of the 95 % interval, from the profile; 0 where it does not close",
    "high": "upper end of the 95 % interval, from the profile; infinite where it does not close",
    "identified": "whether the profile closes on both sides, with all solutions inside",
    "found_by": "starts that fitted as well",
    "elsewhere": "how many of these with other values",
    "unit": "unit",
    "block": "what it was fitted with",
}
_SEEN = {
    "observed": "published value",
    "observed_low": "lower end of its interval",
    "observed_high": "upper end of its interval",
    "predicted": "with all estimates",
    "residual": "how far apart, in standard deviations of the observation",
    "inside": "whether the prediction is in the interval",
    "observed_unit": "unit",
    "observed_block": "what is fitted to it",
}


@recorded
def calibrate(
    blocks: Iterable[str] | None = None,
    *,
    profiles: bool = True,
    starts: int = STARTS,
    engine: str = AUTO,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Fit all blocks in order, or those named, with later ones on the values of earlier ones.

    Blocks that are not fitted keep their committed values. Returns a Dataset over `parameter`:
    `estimate`, `committed`, its 95 % interval `low` to `high`, whether it is `identified`,
    `found_by` how many starts, and how many of these `elsewhere`; over `parameter` and `point` the
    profiles, `value` and least `chi_squared`; over `observation` what was `observed` and
    `predicted`, and the `residual`; and `correlation` of the estimates of a block.
    Raises UnknownNameError.
    """
    with preferring(engine):
        return as_dataset(fits_of(blocks, profiles=profiles, starts=starts, progress=progress))


def fits_of(
    blocks: Iterable[str] | None = None,
    *,
    profiles: bool = True,
    starts: int = STARTS,
    progress: Callable[[str, float], None] | None = None,
) -> list[Fit]:
    """The fits behind `calibrate`, one for each block."""
    known = {block.name: block for block in BLOCKS}
    chosen = [blocks] if isinstance(blocks, str) else list(known if blocks is None else blocks)
    for name in chosen:
        if name not in known:
            raise unknown_name("block", name, known)
    trial: dict[str, dict[str, float]] = {}
    fits: list[Fit] = []
    parts = [block for block in BLOCKS if block.name in chosen]
    for number, block in enumerate(parts):
        if progress is not None:
            progress(f"fitting {block.name}", number / len(parts))
        fit = fit_block(block, trial, starts)
        for one, value in fit.estimates.items():
            trial.setdefault(one.entry, {})[one.parameter] = value
        for row in DERIVED:
            if (row.source[1]) in trial.get(row.source[0], {}):
                value = row.function(trial[row.source[0]][row.source[1]])
                trial.setdefault(row.entry, {})[row.parameter] = rounded(value)
        if profiles:
            add_profiles(fit, trial)
        fits.append(fit)
    return fits


def as_dataset(fits: Sequence[Fit]) -> xr.Dataset:
    """Fits as `calibrate` returns them."""
    named = {f"{one.entry}: {one.parameter}": (one, fit) for fit in fits for one in fit.estimates}
    seen = {name: fit for fit in fits for name in fit.block.observed}
    data: dict[str, Any] = {
        key: ("parameter", column, {"long_name": _ABOUT[key]})
        for key, column in _estimates(fits).items()
        if key in _ABOUT
    }
    data |= {
        key: ("observation", column, {"long_name": _SEEN[key]})
        for key, column in _residuals(fits).items()
        if key in _SEEN
    }
    both = ("parameter", "point")
    for key, meaning in (("value", "fixed value"), ("chi_squared", "least chi-squared then")):
        # A short profile, at a bound, is filled up with NaN.
        rows = [list(fit.profiles[one][key]) if fit.profiles else [] for one, fit in named.values()]
        longest = max(map(len, rows), default=0)
        filled = [[*row, *[math.nan] * (longest - len(row))] for row in rows]
        data[key] = (both, np.array(filled).reshape(len(rows), longest), {"long_name": meaning})
    correlation = np.full((len(named),) * 2, math.nan)
    places = list(named)
    for fit in fits:
        inside = [places.index(name) for name in fit.correlation.index]
        correlation[np.ix_(inside, inside)] = fit.correlation.to_numpy()
    data["correlation"] = (("parameter", "other"), correlation, {"units": "1"})
    return xr.Dataset(
        data,
        coords={
            "parameter": places,
            "other": places,
            "entry": ("parameter", [one.entry for one, _ in named.values()]),
            "symbol": ("parameter", [one.parameter for one, _ in named.values()]),
            "observation": list(seen),
        },
        attrs={
            "study": "calibrate",
            "parameters": len(named),
            "observations": len(seen),
            "seed": SEED,
            "starts": fits[0].starts if fits else 0,
            "version": VERSION,
        },
    )


def table(result: xr.Dataset) -> pd.DataFrame:
    """Estimates for reading: block, entry, parameter, estimate, unit, committed, interval ..."""
    names = ["block", "estimate", "unit", "committed", "low", "high", "identified", "found_by",
             "elsewhere"]  # fmt: skip
    frame = result[names].to_dataframe().reset_index(drop=True)
    frame = frame.rename(columns={"symbol": "parameter"})
    return frame[["block", "entry", "parameter", *names[1:]]]


def residual_table(result: xr.Dataset) -> pd.DataFrame:
    """Observations beside predictions, and how far apart, in standard deviations."""
    frame = result[list(_SEEN)].to_dataframe().reset_index()
    short = {name: name.removeprefix("observed_") for name in _SEEN if name != "observed"}
    frame = frame.rename(columns=short)
    first = ["block", "observation", "observed", "low", "high", "predicted", "unit"]
    return frame[[*first, "residual", "inside"]]


def correlation_table(result: xr.Dataset) -> pd.DataFrame:
    """Correlation of each pair of estimates within a block; blocks are fitted apart."""
    block = result["block"].values
    rows = [
        (block[i], one, other, float(result["correlation"][i, j]))
        for (i, one), (j, other) in combinations(enumerate(result["parameter"].values), 2)
        if block[i] == block[j]
    ]
    return pd.DataFrame(rows, columns=["block", "one", "other", "correlation"])


def _estimates(fits: Iterable[Fit]) -> dict[str, list[Any]]:
    rows = []
    for fit in fits:
        for one, value in fit.estimates.items():
            low, high = fit.interval(one) if fit.profiles else (math.nan, math.nan)
            identified = str(fit.identified(one)) if fit.profiles else "not looked at"
            rows.append(
                {
                    "block": fit.block.name,
                    "estimate": value,
                    "unit": one.value.unit,
                    "committed": one.value.value,
                    "low": low,
                    "high": high,
                    "identified": identified,
                    "found_by": f"{len(fit.solutions)} of {fit.starts} starts",
                    "elsewhere": len(fit.elsewhere(one)),
                }
            )
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}


def _residuals(fits: Iterable[Fit]) -> dict[str, list[Any]]:
    rows = []
    for fit in fits:
        for name in fit.block.observed:
            row, value = observation(name), fit.predictions[name]
            rows.append(
                {
                    "observed_block": fit.block.name,
                    "observed": row.middle,
                    "observed_low": row.low,
                    "observed_high": row.high,
                    "predicted": value,
                    "observed_unit": row.unit,
                    "residual": residual(row, value),
                    "inside": row.holds(value),
                }
            )
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}
