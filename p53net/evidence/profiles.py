"""Profiles of a fit: the least chi-squared with one parameter fixed around its estimate."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.evidence.cells import Trial
from p53net.evidence.fit import NUDGE, Fit, bounds_of, residuals_of

_STEPS = np.array([*(0.005 * 2.0 ** np.arange(9)), math.log(8.0)])
# Of a profile, from the estimate to both sides, in logarithms: fine where the interval may be
# narrow, and as far as a factor of eight.


def add_profiles(fit: Fit, trial: Trial) -> None:
    """The least chi-squared with each parameter fixed at values around its estimate."""
    from scipy.optimize import least_squares

    block = fit.block
    residuals = residuals_of(block, trial)
    best = np.log(list(fit.estimates.values()))
    if block.separate:
        _profile_together(fit, residuals, best)
        return
    low, high = bounds_of(block)
    for place, one in enumerate(block.parameters):
        others = [i for i in range(len(best)) if i != place]
        rows = [(fit.estimates[one], fit.chi_squared)]
        for fixed in best[place] + _both_sides(best[place] - low[place], high[place] - best[place]):

            def remaining(free: FloatArray, fixed: float = fixed, place: int = place) -> FloatArray:
                return residuals(np.insert(free, place, fixed))

            if others:
                options: dict[str, Any] = {"diff_step": [NUDGE] * len(others), "max_nfev": 15}
                options["bounds"] = low[others], high[others]
                chi = 2.0 * float(least_squares(remaining, best[others], **options).cost)
            else:
                chi = float((remaining(best[others]) ** 2).sum())
            rows.append((math.exp(fixed), chi))
        fit.profiles[one] = pd.DataFrame(sorted(rows), columns=["value", "chi_squared"])


def _profile_together(
    fit: Fit, residuals: Callable[[FloatArray], FloatArray], best: FloatArray
) -> None:
    """The same where each parameter has its own observations: all are moved at once."""
    shape = len(best), -1
    usual = (residuals(best) ** 2).reshape(shape).sum(axis=1)
    steps = np.sort([0.0, *_both_sides(math.inf, math.inf)])
    moved = np.array([(residuals(best + s) ** 2).reshape(shape).sum(axis=1) for s in steps])
    for place, one in enumerate(fit.block.parameters):
        chi = moved[:, place] + usual.sum() - usual[place]
        values = np.exp(best[place] + steps)
        fit.profiles[one] = pd.DataFrame({"value": values, "chi_squared": chi})


def _both_sides(below: float, above: float) -> FloatArray:
    """Steps of a profile that has this much room to each side, up to the bounds."""
    sides = [-np.unique(np.minimum(_STEPS, below)), np.unique(np.minimum(_STEPS, above))]
    return np.concatenate(sides)
