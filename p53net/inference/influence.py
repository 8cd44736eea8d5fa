"""Which rows and which priors carry a headline: by weights of the draws that are there.

Leaving a row out divides each draw by that row's likelihood. Pareto's k says whether the draws
suffice for that; above 0.7 only a new run can tell (Vehtari 2017 Stat Comput 27:1413).
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.inference.agreement import headlines_of
from p53net.inference.likelihood import family
from p53net.inference.posterior import Posterior
from p53net.inference.priors import Space, for_structure
from p53net.inference.weighing import stacked, weighed


def left_out(posterior: Posterior, structure: str) -> pd.DataFrame:
    """Each row left out of one structure: `log_density`, how well the others predict it, and
    Pareto's `k`."""
    found = []
    for name, logs in _log_likelihoods(posterior, structure).items():
        smoothed, k = pareto_smoothed(-logs)
        found.append(
            {"structure": structure, "row": name, "k": float(k),
             "log_density": float(np.log(np.exp(smoothed + logs).sum()))}
        )  # fmt: skip
    return pd.DataFrame(found)


def weights_without(posterior: Posterior) -> pd.DataFrame:
    """Weights of structures by evidence, by stacking, and with each row left out: a row for each.

    `largest_k` is the worst of the structures; above `pareto.POOR` a row's weights are not to be
    trusted.
    """
    names = list(posterior.weights["structure"])
    tables = {name: left_out(posterior, name).set_index("row") for name in names}
    density = {name: table["log_density"].to_numpy() for name, table in tables.items()}
    logs = posterior.weights["log_evidence"].to_numpy()
    rows = [{"without": "nothing", **weighed(names, logs)},
            {"without": "nothing, stacked", **stacked(density)}]  # fmt: skip
    for i, row in enumerate(tables[names[0]].index):
        less = logs - np.array([density[name][i] for name in names])
        worst = max(float(table["k"].iloc[i]) for table in tables.values())
        rows.append({"without": str(row), **weighed(names, less), "largest_k": worst})
    return pd.DataFrame(rows)


def headlines_without(posterior: Posterior, structure: str) -> pd.DataFrame:
    """How far each row moves each headline: `median` with it, `without` it, the shift over the
    posterior's spread, and Pareto's `k`."""

    runs = posterior.of(structure)
    values, z = headlines_of(structure, runs, posterior.own)
    particles, draws = z.shape[1:3]
    found = []
    for name, row in posterior.evidence.items():
        predicted = np.array([one.predicted[name][:draws, :particles].T for one in runs]).ravel()
        smoothed, k = pareto_smoothed(-family(row)(predicted))
        share = np.exp(smoothed)
        for headline in values:
            logs = np.log(np.maximum(values[headline].to_numpy(dtype=float), 1e-12))
            known = np.isfinite(logs)
            middle = float(np.median(logs[known]))
            other = _median(logs[known], share[known])
            found.append(
                {"structure": structure, "headline": headline, "row": name,
                 "median": np.exp(middle), "without": np.exp(other),
                 "shift": (other - middle) / float(logs[known].std()), "k": float(k)}
            )  # fmt: skip
    return pd.DataFrame(found)


def prior_widths(posterior: Posterior, structure: str) -> pd.DataFrame:
    """How each headline would answer to a wider prior: the slope of its mean logarithm, over its
    spread, with the logarithm of each prior's width. It is the covariance of the headline with the
    square of the prior's coordinate."""
    values, z = headlines_of(structure, posterior.of(structure), posterior.own)
    flat = z.reshape(-1, z.shape[-1])
    names = Space(for_structure(structure, tables=posterior.own)).names
    found = []
    for headline in values:
        logs = np.log(np.maximum(values[headline].to_numpy(dtype=float), 1e-12))
        known = np.isfinite(logs)
        away = (logs[known] - logs[known].mean()) / logs[known].std()
        squares = flat[known] ** 2
        slopes = (away[:, None] * (squares - squares.mean(axis=0))).mean(axis=0)
        found += [{"structure": structure, "headline": headline, "prior": name, "slope": slope}
                  for name, slope in zip(names, slopes.tolist(), strict=True)]  # fmt: skip
    table = pd.DataFrame(found)
    order = table["slope"].abs().sort_values(ascending=False).index
    return table.loc[order].reset_index(drop=True)


def pareto_smoothed(logs: FloatArray) -> tuple[FloatArray, float]:
    """Logarithms of weights, smoothed and summing to 1, and Pareto's k."""
    import arviz

    psislw: Callable[[FloatArray], tuple[FloatArray, float]] = arviz.psislw
    smoothed, k = psislw(logs)
    return np.asarray(smoothed), float(k)


def _log_likelihoods(posterior: Posterior, structure: str) -> Mapping[str, FloatArray]:
    runs = posterior.of(structure)
    return {
        name: family(row)(np.concatenate([one.predicted[name].ravel() for one in runs]))
        for name, row in posterior.evidence.items()
    }


def _median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values)
    ends = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(ends, ends[-1] / 2.0)])
