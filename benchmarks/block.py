"""Blocks of the likelihood that two benchmarks share: few parameters, and rows that are cheap to
predict. All other parameters are as committed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.evidence.published import Observation, observations
from p53net.inference.dish_rows import DishRows
from p53net.inference.likelihood import Likelihood
from p53net.inference.priors import Space, priors
from p53net.inference.wells import Kind


class Part(NamedTuple):
    """What is sampled, and what it is compared with."""

    parameters: tuple[str, ...]
    parts: tuple[str, ...]
    rows: tuple[str, ...]


LOOP = Part(
    (
        "model: k_ub_p53",
        "model: k_transcr_MDM2_P1",
        "model: k_transcr_MDM2_P2",
        "model: k_deg_MDM2",
        "KT-253: k_perm_degrader",
        "milademetan: fu_medium_inhibitor",
        "RG7112: tumour_concentration",
    ),
    ("loop", "degradation", "induction", "biopsies"),
    (
        "p53_half_life",
        "mdm2_half_life",
        "kt253_dc50",
        "milademetan_induction_sjsa1_p53",
        "milademetan_induction_sjsa1_p21",
        "milademetan_induction_sjsa1_mdm2",
        "rg7112_p53",
        "rg7112_p21",
        "rg7112_mdm2_mrna",
    ),
)
"""How fast MDM2 leads p53 away and how much the loop makes of it, and one number of each drug. All
rows are log-normal: numbers with an interval."""

DEATH = Part(
    (
        "nutlin-3a: Ki_inhibitor",
        "nutlin-3a: fu_medium_inhibitor",
        "model: k_act_caspase",
        "model: k_deact_caspase",
        "model: feedback_caspase",
        "model: K_PUMA_caspase",
        "model: n_PUMA_caspase",
        "model: k_death",
    ),
    ("binding", "death"),
    ("nutlin_htrf_ic50", "nutlin_death_sjsa1", "nutlin_lethal_sjsa1", "caspase"),
)
"""How p53 kills, with a switch in it, and how much of one drug is free: numbers and statements."""

BLOCKS: Mapping[str, Part] = {"loop": LOOP, "death": DEATH}
PARAMETERS, ROWS = LOOP.parameters, LOOP.rows

HEADLINE = "MDM2 under milademetan"
"""Total MDM2 of RS4;11 after a day of 1,000 nM, over vehicle."""


class Block:
    """Coordinates, standard normal under the prior, and how far each row is from the evidence."""

    def __init__(self, part: Part = LOOP) -> None:
        known = priors()
        self.part = part
        self.space = Space([known[name] for name in part.parameters])
        self.predict = DishRows(self.space.names, parts=part.parts)
        self.observe(observations())

    def __len__(self) -> int:
        return len(self.space)

    def observe(self, evidence: Mapping[str, Observation]) -> None:
        """From now on this is the evidence."""
        self.likelihood = Likelihood(self.predict, self.part.rows, evidence)

    def residuals(self, z: FloatArray, _labels: NDArray[np.intp] | None = None) -> FloatArray:
        """Of coordinates (n, parameter), by row (n, row)."""
        with np.errstate(all="ignore"):
            return self.likelihood.residuals(self.space.values(z))

    def log_likelihood(self, z: FloatArray) -> FloatArray:
        """With its constants (n)."""
        return self.likelihood.highest - 0.5 * (self.residuals(z) ** 2).sum(axis=1)

    def log_posterior(self, z: FloatArray) -> FloatArray:
        """The same with the density of coordinates (n)."""
        prior = -0.5 * (z**2).sum(axis=1) - 0.5 * z.shape[1] * np.log(2.0 * np.pi)
        return self.log_likelihood(z) + prior

    def headline(self, z: FloatArray) -> FloatArray:
        """A number that the models predict and no row observes (n)."""
        wells = self.predict.wells((Kind("milademetan", "RS4;11"),), "dish", np.array([1e3]),
                                   np.array([0.0, 24.0]), ["MDM2_total"])  # fmt: skip
        found = wells.run(self.predict.parameters, self.space.values(z))[:, 0, :, 1, 0]
        return np.asarray(found[:, 1] / found[:, 0])


def simulated(block: Block, z: FloatArray, random: np.random.Generator) -> dict[str, Observation]:
    """What would be observed of a cell (parameter): its rows with noise as wide as the likelihood
    takes that of the published ones to be."""
    known = observations()
    predicted = block.predict(block.space.values(z[None]))
    found = {}
    for name in ROWS:
        wide = float(np.sqrt(known[name].high / known[name].low))
        value = float(predicted[name][0] * np.exp(_width(block, name) * random.standard_normal()))
        found[name] = replace(known[name], value=value, low=value / wide, high=value * wide)
    return found


def _width(block: Block, row: str) -> float:
    """Standard deviation of the logarithm, from the density at its highest."""
    highest = block.likelihood.families[block.likelihood.rows.index(row)].highest
    return float(np.exp(-highest) / np.sqrt(2.0 * np.pi))
