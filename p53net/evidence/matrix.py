"""Published numbers in several structures: where each is met, or missed and by how much."""

import math
from collections.abc import Callable, Sequence

import pandas as pd
import xarray as xr

_VARIES = ("predicted", "use", "seen_by", "verdict", "place", "reason", "predicted_in")
"""What depends on the structure; the rest is of the observation."""
_SHARES = ("% of patients", "%")
_WORDS = {"inside": "met", "outside": "missed", "not predicted": "missed"}


def compared(
    run: Callable[[str], xr.Dataset],
    structures: Sequence[str],
    progress: Callable[[str, float], None] | None,
) -> xr.Dataset:
    """The ledger over `structure` and `observation`; `beyond` is how far a prediction is outside: a
    factor of the nearer end, or a difference where shares of patients are compared or a number is
    not above 0; NaN if it is not.

    `run` is the ledger of one structure.
    """
    found = []
    for number, name in enumerate(structures):
        if progress is not None:
            progress(name, number / len(structures))
        found.append(run(name))
    over = xr.concat([one[list(_VARIES)] for one in found],
                     pd.Index(list(structures), name="structure"))  # fmt: skip
    result = found[0].drop_vars(_VARIES).merge(over)
    beyond = [[_beyond(result.sel(observation=row, structure=name))
               for row in result["observation"].values] for name in structures]  # fmt: skip
    about = {"units": "1", "long_name": "factor or points outside the interval"}
    result["beyond"] = ("structure", "observation"), beyond, about
    return result.assign_attrs(
        study="matrix",
        structure=", ".join(structures),
        counts="; ".join(f"{one.attrs['structure']}: {one.attrs['counts']}" for one in found),
        failed="; ".join(
            dict.fromkeys(one.attrs["failed"] for one in found if one.attrs["failed"])
        ),
    )


def table(result: xr.Dataset) -> pd.DataFrame:
    """A row for each observation: how it stands in each structure, with the factor of a miss."""
    rows = []
    for name in result["observation"].values:
        one = result.sel(observation=name)
        if set(one["verdict"].values) == {"not modelled"}:
            continue
        each = {str(s): said(one.sel(structure=s)) for s in result["structure"].values}
        rows.append({"observation": str(name), "line": one["line"].item(), **each})
    return pd.DataFrame(rows)


def count_table(result: xr.Dataset) -> pd.DataFrame:
    """A row for each structure: rows met and missed, and those of them that no choice saw."""
    rows: list[dict[str, object]] = []
    for name in result["structure"].values:
        one = result.sel(structure=name)
        met, missed = (one["verdict"].isin(words) for words in (
            ["inside"], ["outside", "not predicted"]))  # fmt: skip
        free = one["use"] == "predict"
        rows.append(
            {
                "structure": str(name),
                "met": int(met.sum()),
                "missed": int(missed.sum()),
                "predicted_met": int((met & free).sum()),
                "predicted_missed": int((missed & free).sum()),
            }
        )
    return pd.DataFrame(rows)


def said(one: xr.Dataset) -> str:
    """How one row stands in one structure."""
    word, beyond = _WORDS.get(one["verdict"].item(), ""), float(one["beyond"])
    if word != "missed" or not math.isfinite(beyond):
        return word
    if one["unit"].item() in _SHARES:
        return f"{beyond:+.0f} points"
    return f"x {beyond:.3g}" if beyond > 0 else f"{beyond:+.3g} {one['unit'].item()}"


def _beyond(one: xr.Dataset) -> float:
    value, low, high = (float(one[name]) for name in ("predicted", "low", "high"))
    if one["verdict"].item() != "outside" or not math.isfinite(value):
        return math.nan
    end = low if value < low else high
    if not math.isfinite(end):
        return math.nan
    if one["unit"].item() in _SHARES or end <= 0 or value <= 0:
        return value - end
    return value / end
