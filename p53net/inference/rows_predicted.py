"""What the posterior says of each row of evidence, and how surprising what was seen is."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtr

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES
from p53net.evidence.published import observations
from p53net.inference.likelihood import Family, family
from p53net.inference.units import Drawn, Unit
from p53net.model.own import Tables


def predictive(
    units: Mapping[Unit, Drawn],
    shares: Mapping[str, float],
    bodies: Mapping[str, FloatArray],
    own: Tables,
) -> pd.DataFrame:
    """A row for each row of evidence, those of `bodies` as draws predict them: `stage`, quantiles
    of what is predicted, and `p_value`, the chance of a datum lower than what was published, if the
    posterior were right."""
    rows = observations(own)
    found = []
    first = next(iter(units.values()))
    for name in first.rows:
        values, weights = [], []
        for unit, one in units.items():
            values.append(one.predicted[name].ravel())
            weights.append(np.full(values[-1].size, shares[unit.structure] / values[-1].size))
        found.append(_row(name, "cells", np.concatenate(values), np.concatenate(weights),
                          family(rows[name])))  # fmt: skip
    for name, made in bodies.items():
        found.append(_row(name, "bodies", made, np.ones(len(made)), family(rows[name])))
    return pd.DataFrame(found)


def _row(
    name: str, stage: str, values: FloatArray, weights: FloatArray, kind: Family
) -> dict[str, object]:
    known = np.isfinite(values)
    surprise = ndtr(-kind.residual(values))
    return {
        "observation": name,
        "stage": stage,
        **{f"q{100 * q:g}": one for q, one in zip(QUANTILES, _quantiles(values[known],
                                                  weights[known]), strict=True)},
        "undefined": float(1.0 - weights[known].sum() / weights.sum()),
        "p_value": float((surprise * weights).sum() / weights.sum()),
    }  # fmt: skip


def _quantiles(values: FloatArray, weights: FloatArray) -> FloatArray:
    if not len(values):
        return np.full(len(QUANTILES), np.nan)
    order = np.argsort(values)
    ends = np.cumsum(weights[order]) / weights.sum()
    return np.asarray(values[order][np.minimum(np.searchsorted(ends, QUANTILES), len(values) - 1)])
