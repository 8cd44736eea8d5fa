"""What priors predict before any evidence: draws of them, and every published number from each."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import QUANTILES, Ensemble
from p53net.ensembles.identity import digest
from p53net.errors import InputError, MeasureError, SimulationError, SteadyStateError
from p53net.evidence import predictions as predicted
from p53net.evidence.cells import Group, Predictions, in_dish
from p53net.evidence.marrow import biomarker
from p53net.evidence.panels import wild_type
from p53net.evidence.published import observations
from p53net.inference.prior_table import for_structure
from p53net.inference.space import Space
from p53net.model.structures import StructureLike, as_structure, name_of, supposing
from p53net.simulation.trials import Cell, Trial

GROUPS: tuple[Group, ...] = (
    predicted.loop, predicted.damage, predicted.biochemistry, predicted.degradation,
    predicted.induction, predicted.sensitivity, predicted.relative_potency, predicted.nutlin,
    predicted.amplified_potency, predicted.biopsies, predicted.matched, predicted.plasma, biomarker,
    predicted.tumour_growth, wild_type,
)  # fmt: skip
"""Of the groups of predictions those of numbers, but for blood, which takes minutes."""

LEVELS = {
    "p53_untreated": ("p53, untreated", "nM"),
    "MDM2_untreated": ("MDM2, untreated", "nM"),
    "P1_share": ("share of P1 in MDM2 transcription, untreated", "1"),
    "MDM2_mRNA_fold": ("MDM2 mRNA under nutlin-3a, 10 uM for 24 h", "fold"),
    "MDM2_fold": ("MDM2 under nutlin-3a, 10 uM for 24 h", "fold"),
    "p53_fold": ("p53 under nutlin-3a, 10 uM for 24 h", "fold"),
}
"""Quantities of the generic cell that no row of the ledger says, with name and unit."""

_DRUG, _DOSE, _HOURS = "nutlin-3a", 10_000.0, 24.0  # nM, h


def prior_draws(structure: StructureLike = None, draws: int = 200, seed: int = 1) -> Ensemble:
    """Draws from the priors of a structure, as an ensemble that no evidence has weighted. Raises
    InputError."""
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
        raise InputError(f"draws is {draws!r}, but must be a whole number, 1 or more")
    name = name_of(as_structure(structure))
    space = Space(for_structure(structure))
    values = space.values(np.random.default_rng(seed).standard_normal((draws, len(space))))
    table = pd.DataFrame(values, columns=space.names)
    table.insert(0, "structure", name)
    about = {"models": digest(), "seed": seed, "priors": "alone, without evidence"}
    return Ensemble(table, about)


def prior_predictive(
    structure: StructureLike = None, draws: int = 200, seed: int = 1
) -> xr.Dataset:
    """What priors predict: `predicted` (row, draw) in the units of the ledger, NaN where a draw has
    no such number, its `quantile`s (row, quantile) over the draws that have one, `defined`, the
    share of those, and `inside`, the share of all draws in the interval of the observation, which
    is `low` to `high`. Rows are observations, and the LEVELS of a cell, which have no interval. The
    attribute `failed` counts draws that could not be computed, by reason. Raises InputError."""
    ensemble = prior_draws(structure, draws, seed)
    trials = [ensemble.trial(draw) for draw in range(draws)]
    failed: Counter[str] = Counter()
    found: list[Predictions] = [{} for _ in trials]
    with supposing(structure):
        for group in (_levels, *GROUPS):
            for all_rows, rows in zip(found, _of_each(group, trials, failed), strict=True):
                all_rows |= rows
    known = observations()
    names = [*LEVELS, *(name for name in known if any(name in rows for rows in found))]
    values = np.array([[rows.get(name, np.nan) for rows in found] for name in names])
    low = np.array([known[name].low if name in known else -np.inf for name in names])
    high = np.array([known[name].high if name in known else np.inf for name in names])
    units = [known[name].unit if name in known else LEVELS[name][1] for name in names]
    within = (values >= low[:, None]) & (values <= high[:, None])
    return xr.Dataset(
        {
            "predicted": (("row", "draw"), values),
            "quantiles": (("row", "quantile"), np.array([_quantiles(one) for one in values])),
            "defined": ("row", (~np.isnan(values)).mean(axis=1)),
            "inside": (
                "row",
                np.where(np.isinf(low) & np.isinf(high), np.nan, within.mean(axis=1)),
            ),
            "low": ("row", low),
            "high": ("row", high),
            "unit": ("row", units),
        },
        coords={"row": names, "quantile": list(QUANTILES)},
        attrs={"structure": name_of(as_structure(structure)), "seed": seed, "failed": dict(failed)},
    )


def _quantiles(values: FloatArray) -> FloatArray:
    """Of the numbers that are there; each is one of them, for some may be infinite."""
    there = values[~np.isnan(values)]
    if not len(there):
        return np.full(len(QUANTILES), np.nan)
    found: FloatArray = np.quantile(there, QUANTILES, method="inverted_cdf")
    return found


def _of_each(group: Group, trials: Sequence[Trial], failed: Counter[str]) -> list[Predictions]:
    """Predictions of each trial; nothing of one that fails, which is counted."""
    try:
        return group(trials)
    except (SteadyStateError, SimulationError, MeasureError) as error:
        if len(trials) == 1:
            failed[f"{group.__name__}: {type(error).__name__}"] += 1
            return [{}]
        half = len(trials) // 2
        return [*_of_each(group, trials[:half], failed), *_of_each(group, trials[half:], failed)]


def _levels(trials: Sequence[Trial]) -> list[Predictions]:
    names = ["p53_total", "MDM2_total", "MDM2_mRNA", "P2_activity"]
    curves = in_dish([Cell(trial, _DRUG) for trial in trials], "dish", np.array([_DOSE]),
                     [0.0, _HOURS], names)  # fmt: skip
    found = []
    for trial, rest, drugged in zip(trials, curves[:, 0, 0], curves[:, 1, 1], strict=True):
        p53, mdm2, _, activity = rest.tolist()
        p1, p2 = (trial["model"][f"k_transcr_MDM2_{one}"] for one in ("P1", "P2"))
        folds = (drugged[:3] / rest[:3]).tolist()
        numbers = p53, mdm2, p1 / (p1 + p2 * activity), folds[2], folds[1], folds[0]
        found.append(dict(zip(LEVELS, numbers, strict=True)))
    return found
