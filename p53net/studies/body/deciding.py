"""Who decides what a study of patients shows: they alone are run as exactly as was asked for.

A rate counts patients below a limit, and a percentile is worked out from two who are next to each
other in rank. Whoever is far from the limit, or of another rank, may be known roughly: what is
shown is the same to the last bit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from p53net.engines.base import FloatArray

ROUGH = 1e-3
"""Accuracy of those who decide nothing."""

_WIDTH = 3.0
"""How far off a rough value may be, over `ROUGH` and beside its bar. The largest error that was
seen is as large as `ROUGH` (`docs/schedules.md`)."""

FEW = 50
"""Patients of whom all are run as exactly as was asked for, for too many of them decide."""

Mask: TypeAlias = NDArray[np.bool_]


class Band(NamedTuple):
    """Between what the values of patients are."""

    low: FloatArray
    high: FloatArray


Run: TypeAlias = Callable[[str, NDArray[np.intp], float | None], xr.Dataset]
"""A system of some patients, by number, to an accuracy; None is what was asked for."""

Deciding: TypeAlias = Callable[[Mapping[str, Band], Mask], Mapping[str, Mask]]
"""Of the bands of all measures, and who ran in all systems: who decides, by system."""


def runs_to_show(
    run: Run,
    measures: Mapping[str, Sequence[str]],
    size: int,
    accuracy: float | None,
    deciding: Deciding,
) -> dict[str, xr.Dataset]:
    """Measures of so many patients by system, those of who decides as exact as `accuracy`, and all
    others to `ROUGH`.

    All are as exact as was asked for where one of those is not as it had to be by its rough run.
    """
    everyone = np.arange(size)
    if size <= FEW or accuracy is None or accuracy >= ROUGH:
        return {system: run(system, everyone, None) for system in measures}
    found = {system: run(system, everyone, ROUGH).copy(deep=True) for system in measures}
    exact = {system: np.zeros(size, dtype=bool) for system in measures}
    while True:
        bands = {
            name: _band(found[system], name, exact[system])
            for system, names in measures.items()
            for name in names
        }
        ok = {system: _ok(one) for system, one in found.items()}
        wanted = deciding(bands, np.logical_and.reduce(list(ok.values())))
        again = {
            system: np.flatnonzero((wanted[system] | ~ok[system]) & ~exact[system])
            for system in measures
        }
        if not any(map(len, again.values())):
            return found
        for system, rows in again.items():
            if not len(rows):
                continue
            more = run(system, rows, None)
            sound = ok[system][rows] & _ok(more)
            inside = [_inside(more, name, bands[name], rows)[sound] for name in measures[system]]
            if not np.all(inside):
                rows = everyone[~exact[system]]
                more = run(system, rows, None)
            for name in (*measures[system], "status"):
                found[system][name].values[rows] = more[name].values
            exact[system][rows] = True


def by_rank(band: Band, ran: Mask, percents: Sequence[float]) -> Mask:
    """Who may be one of those from whom percentiles of the patients who ran are worked out."""
    rows = np.flatnonzero(ran)
    low, high = band.low[rows], band.high[rows]
    lowest, highest = np.sort(low), np.sort(high)
    found, last = np.zeros(len(ran), dtype=bool), len(rows) - 1
    for percent in percents:
        at = percent / 100.0 * last
        # One more on each side, for a rank that is whole may come out beside that.
        for rank in range(max(int(at) - 1, 0), min(int(at) + 2, last) + 1):
            found[rows] |= (low <= highest[rank]) & (high >= lowest[rank])
    return found


def _band(found: xr.Dataset, name: str, exact: Mask) -> Band:
    values, bars = found[name].values, found[f"{name}_error"].values
    # A bar alone is too narrow where two runs agree by chance.
    bars = np.where(np.isnan(bars), np.inf, bars)
    off = np.where(exact, 0.0, _WIDTH * ROUGH * np.abs(values) + bars)
    return Band(values - off, values + off)


def _inside(more: xr.Dataset, name: str, band: Band, rows: NDArray[np.intp]) -> Mask:
    values = more[name].values
    return np.asarray((values >= band.low[rows]) & (values <= band.high[rows]))


def _ok(found: xr.Dataset) -> Mask:
    return np.asarray(found["status"].values == "ok")
