"""Whether independent runs agree, and how many independent draws they are worth."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.inference.answers import answers_of
from p53net.inference.priors import Space, for_structure
from p53net.inference.tempering import Sampled
from p53net.inference.units import Drawn, Unit
from p53net.model.own import Tables
from p53net.model.tables import NONE

HEADLINES = ("dose_ratio:3", "escape_index", "MDM2_total_fold", "equal_dose:3")
"""Answers of both drugs that must have converged."""

LARGEST_R_HAT, LEAST_ESS = 1.05, 400
"""Beyond which draws are not used (Vehtari 2021 Bayesian Anal 16:667 asks for 1.01 and 400; runs of
particles are short, so that chance alone gives R-hat more)."""

LARGEST_OF_BODIES = 1.2
"""R-hat of walks over bodies, given the cell. Its square is one and one over the independent draws
in a walk, of which only the last is used: with two it has forgotten where the walk began."""

MOST_APART = 0.05
"""Share of cells whose two walks have nothing in common. A band of 95 % leaves as much outside."""

_PARTICLES = 64  # of each run, whose headlines are computed: the rest are like them


def convergence(units: Mapping[Unit, Drawn], own: Tables = NONE) -> pd.DataFrame:
    """R-hat between runs, and effective draws of all particles, of each headline and structure.

    R-hat cuts each run into its first draws and its last, so that it sees a drift that all share.
    A particle is a chain of a few draws, too short for the usual estimate of effective draws: they
    are counted by how like one draw is to the next, as of a process without further memory, and
    resampling before is not counted for. `ess_tail` is the less of the two ends, 5 and 95 %.
    Undefined draws get the median, and are counted as `undefined`. `own` are the tables that the
    units were made with.
    """
    tables = []
    for structure in dict.fromkeys(unit.structure for unit in units):
        runs = [one for unit, one in units.items() if unit.structure == structure]
        tables.append(_of_structure(structure, runs, own))
    return pd.concat(tables, ignore_index=True)


def headlines_of(
    structure: str, runs: Sequence[Drawn], own: Tables = NONE
) -> tuple[pd.DataFrame, FloatArray]:
    """Headlines of some particles, a row for each run, particle and draw in this order, and their
    coordinates."""
    kept = [one.z[:, : min(_PARTICLES, one.z.shape[1])] for one in runs]
    z = np.array([np.swapaxes(one, 0, 1) for one in kept])  # run, particle, draw, coordinate
    flat = z.reshape(-1, z.shape[-1])
    space = Space(for_structure(structure, tables=own))
    table = pd.DataFrame(space.values(flat), columns=space.names)
    table.insert(0, "structure", structure)
    about = {"models": digest(), "converged": False}
    return answers_of(Ensemble(table, about), HEADLINES).values, z


def _of_structure(structure: str, runs: Sequence[Drawn], own: Tables) -> pd.DataFrame:
    import arviz

    values, z = headlines_of(structure, runs, own)
    number, particles, draws = z.shape[:3]
    scale = runs[0].z.shape[1] / particles
    found = []
    for name in values:
        flat = values[name].to_numpy(dtype=float)
        lost = np.isnan(flat)
        logs = np.log(np.maximum(np.where(lost, np.nanmedian(flat), flat), 1e-12))
        chains = logs.reshape(number * particles, draws)
        in_time = np.swapaxes(logs.reshape(number, particles, draws), 1, 2).reshape(number, -1)
        ends = np.quantile(logs, (0.05, 0.95))
        tails = (chains <= ends[0], chains >= ends[1])
        found.append(
            {
                "structure": structure,
                "headline": name,
                "r_hat": float(arviz.rhat(in_time)) if number > 1 else np.nan,
                "ess_bulk": scale * effective(_ranked(chains)),
                "ess_tail": scale * min(effective(one.astype(float)) for one in tails),
                "median": float(np.nanmedian(flat)),
                "undefined": float(lost.mean()),
            }
        )
    return pd.DataFrame(found)


def effective(chains: FloatArray) -> float:
    """Effective draws of many short chains (chain, draw), about the mean of all."""
    away = chains - chains.mean()
    if chains.shape[1] < 2 or not (variance := float((away**2).mean())) > 0:
        return float(len(chains))
    alike = float((away[:, :-1] * away[:, 1:]).mean()) / variance
    alike = min(max(alike, 0.0), 0.999)
    return chains.size * (1.0 - alike) / (1.0 + alike)


def _ranked(values: FloatArray) -> FloatArray:
    """Normal numbers of the same order."""
    from scipy.special import ndtri

    ranks = values.ravel().argsort().argsort().reshape(values.shape)
    return np.asarray(ndtri((ranks + 0.625) / (values.size + 0.25)))


def of_runs(names: Sequence[str], runs: Sampled) -> pd.DataFrame:
    """R-hat between independent runs (run, draw, coordinate) of each coordinate."""
    import arviz

    r_hat = [float(arviz.rhat(runs.chains[..., i])) for i in range(len(names))]
    return pd.DataFrame({"quantity": names, "r_hat": r_hat, "apart": 0.0})


def why_not(table: pd.DataFrame, bodies: pd.DataFrame) -> str:
    """Why a posterior is not to be used, whose headlines and bodies agree so far between runs;
    empty if it is to be."""
    apart = table[~(table["r_hat"] <= LARGEST_R_HAT)]
    few = table[table["ess_bulk"] < LEAST_ESS]
    said = []
    if len(apart):
        worst = apart.fillna(np.inf).sort_values("r_hat").to_dict("records")[-1]
        said.append(
            f"runs differ in {len(apart)} of {len(table)} headlines, most in {worst['headline']} "
            f"of {worst['structure']} (R-hat {worst['r_hat']:.2f})"
        )
    if len(few):
        worst = few.sort_values("ess_bulk").to_dict("records")[0]
        said.append(
            f"{len(few)} of {len(table)} headlines have few effective draws, least "
            f"{worst['headline']} of {worst['structure']} ({worst['ess_bulk']:.0f})"
        )
    unlike = bodies[~(bodies["r_hat"] <= LARGEST_OF_BODIES)]
    if len(unlike):
        worst = unlike.fillna(np.inf).sort_values("r_hat").to_dict("records")[-1]
        said.append(
            f"walks over bodies differ in {len(unlike)} of {len(bodies)} quantities, most in "
            f"{worst['quantity']} (R-hat {worst['r_hat']:.2f})"
        )
    apart = bodies[bodies["apart"] > MOST_APART]
    if len(apart):
        worst = apart.sort_values("apart").to_dict("records")[-1]
        said.append(
            f"walks over bodies have nothing in common in {100 * worst['apart']:.0f} % of cells, "
            f"as {worst['quantity']} shows"
        )
    return "; ".join(said)
