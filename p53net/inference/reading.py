"""Reading plates of many cells: doses of half an effect and of a level, for all rows at once."""

import numpy as np

from p53net.engines.base import FloatArray

BEYOND = 10.0
"""A dose that a plate does not reach counts as so many times its highest."""

_LEAST = 0.1  # of the untreated: a smaller effect has no half
_EDGE = 1e-3  # of an effect: what is nearer to an end says nothing of the slope


def half_dose(doses: FloatArray, values: FloatArray) -> FloatArray:
    """The dose of half of the largest effect, of each curve (..., dose) after its vehicle.

    `values` hold vehicle first; `doses` [nM] are common or a row for each curve. Between two doses
    a curve is taken as logistic in the logarithm of the dose. Without an effect of a tenth it is
    `BEYOND` the highest; NaN stays NaN.
    """
    vehicle, wells = values[..., :1], values[..., 1:]
    change = wells - vehicle
    largest = np.abs(change).argmax(axis=-1)[..., None]
    full = np.take_along_axis(change, largest, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = change / full
    found = level_dose(doses, share, 0.5)
    with np.errstate(invalid="ignore"):
        flat = np.abs(full[..., 0]) < _LEAST * np.abs(vehicle[..., 0])
    found = np.where(flat, BEYOND * doses[..., -1], found)
    return np.where(np.isfinite(values).all(axis=-1), found, np.nan)


def level_dose(doses: FloatArray, shares: FloatArray, level: float) -> FloatArray:
    """The first dose at which a share (..., dose) reaches a level, as `half_dose`; below the lowest
    dose that dose over `BEYOND`."""
    logs = np.broadcast_to(np.log(doses), shares.shape)
    reached = shares >= level
    first = reached.argmax(axis=-1)[..., None]
    before = np.maximum(first - 1, 0)
    odds = _odds(shares)
    x0, x1 = (np.take_along_axis(logs, at, -1)[..., 0] for at in (before, first))
    y0, y1 = (np.take_along_axis(odds, at, -1)[..., 0] for at in (before, first))
    aim = _odds(np.asarray(level))
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(y1 > y0, (aim - y0) / (y1 - y0), 0.0)
    found = np.exp(x0 + np.clip(part, 0.0, 1.0) * (x1 - x0))
    lowest, highest = (np.exp(logs[..., end]) for end in (0, -1))
    found = np.where(first[..., 0] == 0, lowest / BEYOND, found)
    return np.asarray(np.where(reached.any(axis=-1), found, BEYOND * highest))


def between(doses: FloatArray, values: FloatArray, number: int) -> FloatArray:
    """So many doses of each curve (..., dose) between the two where it passes half of its largest
    effect; around the nearest end of the plate where it does not."""
    middle = np.log(half_dose(doses, values))
    logs = np.log(doses)
    place = np.clip(np.searchsorted(logs, np.nan_to_num(middle)), 1, len(logs) - 1)
    low, high = logs[place - 1], logs[place]
    share = (np.arange(number) + 1.0) / (number + 1.0)
    return np.asarray(np.exp(low[..., None] + share * (high - low)[..., None]))


def _odds(share: FloatArray) -> FloatArray:
    kept = np.clip(share, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(kept / (1.0 - kept)))
