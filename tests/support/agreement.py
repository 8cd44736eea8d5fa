"""How near two engines must be."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

AGREEMENT = 1e-6  # of each quantity's maximum
FLOOR = 1e-9  # nM: a quantity that stays below is compared with this instead


def assert_agree(run: xr.Dataset, other: Mapping[str, np.ndarray]) -> None:
    assert set(run.data_vars) <= set(other)
    for name in run.data_vars:
        own = run[name].values
        scale = max(float(np.abs(own).max()), FLOOR)
        assert float(np.abs(own - other[name]).max()) <= AGREEMENT * scale, name
