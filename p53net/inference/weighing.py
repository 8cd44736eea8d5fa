"""How plausible each structure is: by its evidence, and by how it predicts what was left out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray

_MIXED = 1e-12


class Evidence(NamedTuple):
    """Of one structure."""

    log: float
    """Logarithm of the evidence, of the mean of the runs."""
    error: float
    """Standard error of it, from how far the runs are apart."""
    runs: tuple[float, ...]


def evidence_of(runs: Sequence[float]) -> Evidence:
    """Of runs that are independent: the mean of their evidence, with its error by jackknife."""
    logs = np.array(runs, dtype=float)
    log = _log_mean(logs)
    if len(logs) < 2:
        return Evidence(log, float("nan"), tuple(runs))
    left = np.array([_log_mean(np.delete(logs, i)) for i in range(len(logs))])
    error = np.sqrt((len(logs) - 1) * ((left - left.mean()) ** 2).mean())
    return Evidence(log, float(error), tuple(runs))


def by_structure(runs: Iterable[tuple[str, float]]) -> dict[str, Evidence]:
    """Of each structure, from the logarithm of the evidence that each of its runs gave."""
    found: dict[str, list[float]] = {}
    for structure, log in runs:
        found.setdefault(structure, []).append(log)
    return {structure: evidence_of(logs) for structure, logs in found.items()}


def weights(found: Mapping[str, Evidence]) -> pd.DataFrame:
    """Weight of each structure, each as likely as the others beforehand, with its standard error
    from those of the evidence (by 4,000 normal draws of fixed seed)."""
    names = list(found)
    logs = np.array([found[name].log for name in names])
    errors = np.nan_to_num(np.array([found[name].error for name in names]))
    drawn = logs + errors * np.random.default_rng(1).standard_normal((4000, len(names)))
    return pd.DataFrame(
        {
            "structure": names,
            "log_evidence": logs,
            "error": [found[name].error for name in names],
            "weight": _softmax(logs[None])[0],
            "weight_error": _softmax(drawn).std(axis=0),
        }
    )


def most_plausible(table: pd.DataFrame) -> str:
    """The structure with the largest weight."""
    return str(table["structure"].to_numpy()[int(np.argmax(table["weight"].to_numpy()))])


def weighed(names: Sequence[str], log_evidence: FloatArray) -> dict[str, float]:
    """Weight of each structure by its evidence, each as likely beforehand."""
    return dict(zip(names, _softmax(np.asarray(log_evidence)[None])[0].tolist(), strict=True))


def stacked(left_out: Mapping[str, FloatArray]) -> dict[str, float]:
    """Weights with which the structures together best predict each row that was left out.

    `left_out` are logarithms of its density there (row), the rows the same in all (Yao 2018
    Bayesian Anal 13:917).
    """
    from scipy.optimize import minimize

    names = list(left_out)
    if len(names) == 1:
        return {names[0]: 1.0}
    logs = np.array([left_out[name] for name in names])
    density = np.exp(logs - logs.max(axis=0))

    def lost(free: FloatArray) -> float:
        share = _softmax(np.append(free, 0.0)[None])[0]
        return -float(np.log(share @ density + _MIXED).sum())

    starts = [np.zeros(len(names) - 1), *(4.0 * np.eye(len(names) - 1))]
    best = min((minimize(lost, start, method="BFGS") for start in starts), key=lambda one: one.fun)
    return dict(zip(names, _softmax(np.append(best.x, 0.0)[None])[0].tolist(), strict=True))


def _log_mean(logs: FloatArray) -> float:
    return float(np.log(np.exp(logs - logs.max()).mean()) + logs.max())


def _softmax(logs: FloatArray) -> FloatArray:
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
