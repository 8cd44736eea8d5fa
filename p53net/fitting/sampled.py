"""Draws of what is estimated: the package's tempered particles, in two runs that have to agree."""

from dataclasses import dataclass

import numpy as np

from p53net.engines.base import FloatArray
from p53net.extras import need
from p53net.fitting.optimum import Told, silent
from p53net.inference.agreement import LARGEST_R_HAT
from p53net.inference.tempering import Residuals, Settings, tempered

RUNS, PARTICLES = 2, 256
"""Independent runs, and particles of each."""

_MOVES, _BETWEEN = 8, 20  # at each degree of the evidence, and between draws that are kept
_FEWEST = 200.0  # effective draws


@dataclass(frozen=True)
class Draws:
    """What the sampler gave."""

    z: FloatArray
    """(run, draw, unknown): standard normal under the priors."""
    log_likelihood: FloatArray
    """(run, draw)."""
    r_hat: FloatArray
    """Of each unknown, between runs."""
    effective: FloatArray
    """Independent draws that all are worth, of each unknown, if particles are independent: that
    they are is what two runs that agree say."""
    evaluations: int

    @property
    def why(self) -> str:
        """Why the draws are not to be relied on; empty where they are."""
        worst = float(np.nan_to_num(self.r_hat, nan=np.inf).max())
        if worst > LARGEST_R_HAT:
            return f"two runs of the sampler differ (R-hat {worst:.2f})"
        few = float(self.effective.min())
        wanted = min(_FEWEST, self.z.shape[1] * RUNS / 2)
        return f"few draws are independent ({few:.0f})" if few < wanted else ""


def drawn(
    residuals: Residuals, highest: float, unknowns: int, draws: int, seed: int,
    told: Told = silent,
) -> Draws:  # fmt: skip
    """At least so many draws of the posterior; the same seed gives the same. Raises
    MissingPackageError."""
    need_libraries()
    import arviz

    kept = -(-draws // (RUNS * PARTICLES))
    settings = Settings(PARTICLES, _MOVES, max(kept, 2), _BETWEEN)
    found = [
        tempered(residuals, highest, unknowns, np.random.default_rng([seed, run]), settings,
                 lambda share, run=run: told((run + share) / RUNS))  # type: ignore[misc]
        for run in range(RUNS)
    ]  # fmt: skip
    z = np.array([one.chains.reshape(-1, unknowns) for one in found])
    logs = np.array([one.log_likelihood.ravel() for one in found])
    r_hat = np.array([float(arviz.rhat(z[:, :, i])) for i in range(unknowns)])
    chains = np.concatenate([np.swapaxes(one.chains, 0, 1) for one in found])
    worth = np.array([_worth(chains[:, :, i]) for i in range(unknowns)])
    evaluations = sum(one.evaluations for one in found)
    return Draws(z, logs, r_hat, worth, evaluations)


def _worth(chains: FloatArray) -> float:
    """Independent draws of chains (particle, draw) whose draws are alike."""
    away = chains - chains.mean()
    variance = float((away**2).mean())
    if not variance > 0:
        return float(len(chains))
    alike = min(max(float((away[:, :-1] * away[:, 1:]).mean()) / variance, 0.0), 1.0)
    return float(chains.size / (1.0 + (chains.shape[1] - 1) * alike))


def need_libraries() -> None:
    """Raises MissingPackageError where what draws need is not installed."""
    need("fit", "a fit with draws", "leave them out with draws=0")
