"""What every engine is given for a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """From `start` to `end` [h], after setting and then raising concentrations [nM] at `start`."""

    start: float
    end: float
    settings: Mapping[str, float] = field(default_factory=dict)
    additions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Tolerances:
    """Relative tolerance, and absolute tolerance [zmol], low enough for the smallest doses."""

    relative: float = 1e-9
    absolute: float = 1e-16
