"""Small ensembles, made by code: no posterior, but of the same form."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from p53net.ensembles.draws import Ensemble
from p53net.ensembles.identity import digest
from p53net.model import cell_line_entries, drug_entries
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
    names: Sequence[str] = NAMES,
    seed: int = 5,
    **changed: Sequence[float],
) -> Ensemble:
    """So many draws, in turn of each structure: values of the tables times a factor, which is 1
    without a spread; a parameter that a structure does not have is NaN. `changed` are factors of
    single parameters of the model."""
    random, rows = np.random.default_rng(seed), []
    for i in range(number):
        structure = structures[i % len(structures)]
        factors = np.exp(spread * random.standard_normal(len(names)))
        row: dict[str, object] = {"structure": structure}
        for name, factor in zip(names, factors.tolist(), strict=True):
            row[name] = committed(name, structure) * factor
        for name, each in changed.items():
            row[f"model: {name}"] = committed(f"model: {name}", structure) * each[i]
        rows.append(row)
    return Ensemble(pd.DataFrame(rows), {"models": digest(), "converged": True})


def committed(name: str, structure: str) -> float:
    """The value that the tables and texts have for `ENTRY: PARAMETER`."""
    entry, _, parameter = name.partition(": ")
    if entry == "model":
        models = (
            shared("milademetan", system=system, structure=structure, **where)
            for system, where in (("culture", {}), ("marrow", {"host": "human"}))
        )
        found = (one.definition.parameters for one in models)
        return next((one[parameter].value for one in found if parameter in one), np.nan)
    drug, _, host = entry.partition(" in ")
    if host:
        return pharmacokinetics_of(drug, host).values[parameter].value
    return {**drug_entries(), **cell_line_entries()}[entry].values[parameter].value
