"""Samplers of other libraries and ours on a block of the likelihood, as a table in Markdown.

`python -m benchmarks.samplers --block death` from the repository root. All see the parameters and
rows of a block (`benchmarks/block.py`) in coordinates that are standard normal under the prior, and
take a batch of points at a time. Seconds are of this process's CPU. Effective draws are ArviZ's for
chains, and by the sum of squared weights for weighted points. How far means are apart is said in
their standard errors. A library that is not installed is left out.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.block import BLOCKS, Block, Part
from p53net.engines.base import FloatArray
from p53net.inference.tempering import Settings, tempered
from p53net.inference.weighing import evidence_of

RUNS = 4
TEMPERED = Settings(particles=128, moves=4, draws=5, between=20)
WALKERS, BURNT, KEPT = 64, 150, 350
LIVE, EFFECTIVE, MOST_CALLS = 400, 1000, 30000


@dataclass
class Found:
    """What one sampler gave."""

    mean: FloatArray
    sd: FloatArray
    effective: float
    """Draws, of the parameter with the fewest."""
    log_evidence: float = float("nan")
    error: float = float("nan")

    @property
    def standard_error(self) -> FloatArray:
        """Of the mean."""
        return np.asarray(self.sd / np.sqrt(self.effective))


class Counted:
    """A block that counts what it is asked."""

    def __init__(self, part: Part) -> None:
        self.block, self.points = Block(part), 0
        self.block.residuals(np.zeros((32, len(self.block))))  # compiled before any clock runs

    def residuals(self, z: FloatArray, _labels: object = None) -> FloatArray:
        """By point and row."""
        self.points += len(z)
        return self.block.residuals(z)

    def log_likelihood(self, z: FloatArray) -> FloatArray:
        """With its constants."""
        return self.block.likelihood.highest - 0.5 * (self.residuals(z) ** 2).sum(axis=1)

    def log_posterior(self, z: FloatArray) -> FloatArray:
        """But for a constant."""
        return self.log_likelihood(z) - 0.5 * (z**2).sum(axis=1)


def ours(job: Counted) -> Found:
    """Tempered particles with moves along and across directions, in emcee."""
    size, block = len(job.block), job.block
    runs = [
        tempered(
            job.residuals, block.likelihood.highest, size, np.random.default_rng(seed), TEMPERED
        )
        for seed in range(RUNS)
    ]
    chains = np.concatenate([np.swapaxes(one.chains, 0, 1) for one in runs])
    evidence = evidence_of([one.log_evidence for one in runs])
    return _of_chains(chains, evidence.log, evidence.error)


def stretch(job: Counted) -> Found:
    """emcee's own moves, from the prior."""
    import emcee

    random = np.random.default_rng(1)
    sampler = emcee.EnsembleSampler(WALKERS, len(job.block), job.log_posterior, vectorize=True)
    sampler.random_state = np.random.RandomState(1).get_state()
    sampler.run_mcmc(random.standard_normal((WALKERS, len(job.block))), BURNT + KEPT)
    return _of_chains(np.swapaxes(sampler.get_chain(discard=BURNT), 0, 1))


def nested(job: Counted) -> Found:
    """nautilus: nested sampling with importance weights and neural networks."""
    import nautilus
    from scipy.special import ndtri

    sampler = nautilus.Sampler(ndtri, job.log_likelihood, n_dim=len(job.block), n_live=LIVE,
                               vectorized=True, pass_dict=False, seed=1)  # fmt: skip
    sampler.run(n_eff=EFFECTIVE, n_like_max=MOST_CALLS)
    points, logs, _ = sampler.posterior()
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ points
    effective = float(1.0 / (weights**2).sum())
    sd = np.sqrt(weights @ (points - mean) ** 2)
    return Found(mean, sd, effective, float(sampler.log_z), 1.0 / np.sqrt(effective))


SAMPLERS: dict[str, Callable[[Counted], Found]] = {
    "tempered particles (emcee's MHMove)": ours,
    "emcee, stretch moves": stretch,
    "nautilus": nested,
}


def _of_chains(chains: FloatArray, log: float = float("nan"), error: float = float("nan")) -> Found:
    """Of chain, draw, parameter."""
    import arviz

    flat = chains.reshape(-1, chains.shape[-1])
    effective = min(float(arviz.ess(chains[..., i])) for i in range(chains.shape[-1]))
    effective = min(
        effective, len(flat)
    )  # of chains of few draws ArviZ may say more than there are
    return Found(flat.mean(axis=0), flat.std(axis=0), effective, log, error)


def main() -> int:
    """Run those that are installed, and print what they found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--block", choices=list(BLOCKS), default="loop")
    parser.add_argument("--only", nargs="*", choices=list(SAMPLERS), default=list(SAMPLERS))
    given = parser.parse_args()
    found: dict[str, Found] = {}
    print("| sampler | points | CPU s | effective draws | a CPU second | log evidence |")
    print("|---|---|---|---|---|---|")
    for name in given.only:
        job, began = Counted(BLOCKS[given.block]), time.process_time()
        try:
            one = SAMPLERS[name](job)
        except ImportError as error:
            print(f"| {name} | {error.name} is not installed | | | | |")
            continue
        spent = time.process_time() - began
        evidence = f"{one.log_evidence:.2f} ± {one.error:.2f}" if one.error > 0 else "none"
        print(f"| {name} | {job.points:,} | {spent:.0f} | {one.effective:,.0f} "
              f"| {one.effective / spent:.1f} | {evidence} |", flush=True)  # fmt: skip
        found[name] = one
    print("\nMeans (standard deviations), in standard deviations of the prior:\n")
    print(f"| parameter | {' | '.join(found)} |\n|---{'|---' * len(found)}|")
    for i, parameter in enumerate(BLOCKS[given.block].parameters):
        cells = [f"{one.mean[i]:+.2f} ({one.sd[i]:.2f})" for one in found.values()]
        print(f"| {parameter} | {' | '.join(cells)} |")
    first, *others = found
    for name in others:
        apart = np.abs(found[first].mean - found[name].mean)
        errors = np.hypot(found[first].standard_error, found[name].standard_error)
        most = float((apart / errors).max())
        print(f"\n{name} and {first}: means differ by at most {most:.1f} standard errors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
