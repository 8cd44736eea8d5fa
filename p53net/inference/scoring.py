"""How well draws predict a published number that they have not seen: the logarithmic score."""

import math

import numpy as np
import pandas as pd
from scipy.special import log_ndtr, logsumexp

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.evidence.published import Observation
from p53net.inference.likelihood import UNDEFINED, family
from p53net.inference.prior_checks import prior_draws

_WIDTH = math.log(1.5) / 1.959964
"""Standard deviation of the logarithm of a bound: what is assumed of one dose elsewhere."""


def log_score(row: Observation, predicted: FloatArray) -> float:
    """Logarithm of the mean, over draws, of how likely a row is: by the density of its logarithm
    where it has two ends above 0, and of a bound by the chance of what was seen. Undefined
    predictions count as in the likelihood; infinite ones meet every lower bound."""
    if math.isfinite(row.low) and math.isfinite(row.high):
        return _mean(family(row)(predicted))
    limit, sign = (row.low, 1.0) if math.isfinite(row.low) else (row.high, -1.0)
    with np.errstate(divide="ignore"):
        away = sign * np.log(predicted / limit) / _WIDTH
    return _mean(log_ndtr(np.where(np.isnan(away), -UNDEFINED, away)))


def prior_like(ensemble: Ensemble, draws: int, seed: int = 1) -> Ensemble:
    """So many draws of the priors, of the structures that were weighed for an ensemble, each as
    likely as the others. Raises InputError."""
    weights = ensemble.about.get("weights")
    names = list(weights) if isinstance(weights, dict) and weights else list(ensemble.structures)
    counts = [len(part) for part in np.array_split(np.arange(draws), len(names))]
    parts = [prior_draws(name, n, seed + i)
             for i, (name, n) in enumerate(zip(names, counts, strict=True)) if n]  # fmt: skip
    table = pd.concat([one.table for one in parts], ignore_index=True)
    return Ensemble(table, parts[0].about)


def _mean(logs: FloatArray) -> float:
    return float(logsumexp(logs) - math.log(len(logs)))
