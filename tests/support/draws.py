"""Small ensembles, made by code: no posterior, but of the same form."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd

from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.model import cell_line_entries, drug_entries
from p53net.model.definition import values
from p53net.model.tables import pharmacokinetics_of
from p53net.simulation.loading import shared

STRUCTURES = ("default", "MDMX")
NAMES = (
    "model: k_syn_p53", "model: k_deg_MDM2", "model: k_transcr_MDM2_P1", "model: k_transcr_PUMA",
    "model: Kd_MDMX", "milademetan: Ki_inhibitor", "KT-253: Kd_CRBN_degrader",
    "KT-253: k_perm_degrader", "RS4;11: K_PUMA_caspase", "milademetan in human: CL_inhibitor",
    "model: PUMA_kill",
)  # fmt: skip
"""What is drawn, of all entries."""


def drawn(
    number: int,
    *,
    spread: float = 0.2,
    structures: Sequence[str] = STRUCTURES,
    seed: int = 5,
    given: Mapping[str, Sequence[float]] | None = None,
) -> Ensemble:
    """So many draws, in turn of each structure: values of the tables times a factor, which is 1
    without a spread; a parameter that a structure does not have is NaN. `given` are values of
    parameters of the model, one for each draw."""
    random, rows = np.random.default_rng(seed), []
    for i in range(number):
        structure = structures[i % len(structures)]
        factors = np.exp(spread * random.standard_normal(len(NAMES))).tolist()
        row = {name: committed(name, structure) * f for name, f in zip(NAMES, factors, strict=True)}
        more = {f"model: {name}": float(each[i]) for name, each in (given or {}).items()}
        rows.append({"structure": structure, **row, **more})
    return Ensemble(pd.DataFrame(rows), {"models": digest(), "converged": True})


@cache
def committed(name: str, structure: str) -> float:
    """The value that the tables and texts have for `ENTRY: PARAMETER`; NaN where there is none."""
    entry, _, parameter = name.partition(": ")
    if entry == "model":
        return _of_texts(structure).get(parameter, np.nan)
    drug, _, host = entry.partition(" in ")
    if host:
        return pharmacokinetics_of(drug, host).values[parameter].value
    return {**drug_entries(), **cell_line_entries()}[entry].values[parameter].value


@cache
def _of_texts(structure: str) -> dict[str, float]:
    return {**values("milademetan", system="culture", structure=structure),
            **values("milademetan", system="marrow", structure=structure)}  # fmt: skip


def changed(ensemble: Ensemble, draw: int, drug: str, **where: str) -> dict[str, float]:
    """What a draw changes in a model of its structure, as a study takes it by `parameters`."""
    model = shared(drug, **where, structure=ensemble.structure(draw))
    return {name: float(column[0]) for name, column in ensemble.columns(model, [draw]).items()}
