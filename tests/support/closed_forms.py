"""Solutions by formulas."""

import math
from collections.abc import Sequence

import numpy as np

import p53net as pn


def free_drug(
    times: np.ndarray, steps: Sequence[tuple[float, float]], model: pn.Model
) -> np.ndarray:
    """An inhibitor in a cell without MDM2, by the formula between doses."""
    p = {name: row.value for name, row in model.definition.parameters.items()}
    k, fu = p["k_perm_inhibitor"], p["fu_medium_inhibitor"]
    found, inside = np.zeros(len(times)), 0.0
    ends = [time for time, _ in steps[1:]] + [math.inf]
    for (start, level), end in zip(steps, ends, strict=True):
        mine = (times >= start) & (times <= end)
        course = fu * level + (inside - fu * level) * np.exp(-k * (times[mine] - start))
        found[mine] = course
        inside = fu * level + (inside - fu * level) * math.exp(-k * (end - start))
    return found
