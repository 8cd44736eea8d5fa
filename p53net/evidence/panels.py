"""What the models predict of panels of lines: potencies in wild-type, amplified and null cells.

Functions are like those of `predictions`.
"""

from collections.abc import Sequence

import numpy as np

from p53net.evidence.assays import PLATE, cells_of, half_effects, ic50s, keyed
from p53net.evidence.behind import AMPLIFIED, LEUKAEMIA, LIPOSARCOMA, NULL, WILD_TYPE
from p53net.evidence.cells import Group, Predictions, in_dish, model_of
from p53net.simulation.trials import Cell, Trial, value_of

_GENERIC = "generic"
_WEEK = 168.0  # h
_LIFE = "life_platelets"  # h; of models where blood has a rate of its own
_LOST = 0.1  # of the cells seeded: viability is lost


def wild_type(trials: Sequence[Trial]) -> list[Predictions]:
    """IC50s in an unamplified cell, and of amplified cells over it."""
    pairs = [("RG7112", _GENERIC), ("RG7112", LIPOSARCOMA), ("nutlin-3a", _GENERIC),
             ("nutlin-3a", AMPLIFIED), ("idasanutlin", _GENERIC), ("nutlin-3a", LIPOSARCOMA),
             ("SAR405838", LIPOSARCOMA)]  # fmt: skip
    found = ic50s(cells_of(trials, pairs)).reshape(-1, len(pairs))
    return [
        {
            "rg7112_ic50_normal": float(one[0]),
            "rg7112_amplified_over_normal": float(one[1] / one[0]),
            "nutlin_ic50_wild_type": float(one[2]),
            "nutlin_sjsa1_over_wild_type": float(one[3] / one[2]),
            "idasanutlin_ic50_wild_type": float(one[4]),
            "sar405838_over_nutlin": float(one[5] / one[6]),
        }
        for one in found
    ]


def without_p53(trials: Sequence[Trial]) -> list[Predictions]:
    """Per cent of cells without p53 that are missing after three days of a high dose."""
    doses = {"nutlin_null_leukaemia": ("nutlin-3a", 1e4), "md4251_mutant": ("MD-4251", 1e3)}
    found: list[Predictions] = [{} for _ in trials]
    for key, (drug, dose) in doses.items():
        live = in_dish(cells_of(trials, [(drug, NULL)]), "culture", np.array([dose]), [0.0, 72.0],
                       ["live_cells"])[:, :, 1, 0]  # fmt: skip
        for one, (untreated, treated) in zip(found, live, strict=True):
            one[key] = float(100.0 * (1.0 - treated / untreated))
    return found


def more_mdm2(trials: Sequence[Trial]) -> list[Predictions]:
    """Whether nutlin-3a is more potent in leukaemia with three MDM2 genes than with one."""
    cells = [
        Cell({**trial, LEUKAEMIA: {**trial.get(LEUKAEMIA, {}), "MDM2_gene_dose": genes}},
             "nutlin-3a", LEUKAEMIA)
        for trial in trials
        for genes in (1.0, 3.0)
    ]  # fmt: skip
    return [{"nutlin_mdm2_sensitivity": float(many < one)} for one, many in
            ic50s(cells).reshape(-1, 2)]  # fmt: skip


def a_week(trials: Sequence[Trial]) -> list[Predictions]:
    """The lowest dose of a plate [nM] of nutlin-3a that leaves a tenth of SJSA-1 after a week."""
    cells = cells_of(trials, [("nutlin-3a", AMPLIFIED)])
    live = in_dish(cells, "culture", PLATE, [0.0, _WEEK], ["live_cells"])[:, 1:, 1, 0]
    lost = [PLATE[one <= _LOST] for one in live]
    return [{"nutlin_lethal_sjsa1": float(one[0]) if len(one) else np.inf} for one in lost]


def handed_back(trials: Sequence[Trial]) -> list[Predictions]:
    """Whether a day of KT-253 leaves less MDM2 than untreated, and milademetan more."""
    folds = []
    for drug, dose in (("KT-253", 10.0), ("milademetan", 1000.0)):
        wells = in_dish(cells_of(trials, [(drug, LEUKAEMIA)]), "dish", np.array([dose]),
                        [0.0, 24.0], ["MDM2_total"])[:, :, 1, 0]  # fmt: skip
        folds.append(wells[:, 1] / wells[:, 0])
    return [{"kt253_mdm2_rebound": float(low < 1.0 < high)} for low, high in zip(*folds,
            strict=True)]  # fmt: skip


def apoptosis(trials: Sequence[Trial]) -> list[Predictions]:
    """Potency of KT-253 over milademetan in active caspase after two days, the smallest ratio of
    the wild-type lines."""
    over, under = (
        np.array(half_effects(cells_of(trials, [(drug, line) for line in WILD_TYPE]), "caspase",
                              48.0, "culture")).reshape(len(trials), -1)
        for drug in ("milademetan", "KT-253")
    )  # fmt: skip
    return keyed(["kt253_apoptosis_ratio"], (over / under).min(axis=1))


def blood_at_rest(trials: Sequence[Trial]) -> list[Predictions]:
    """Days that a platelet lives in blood: in a chain whose steps are alike, one step."""
    model = model_of("milademetan", "marrow", "human")
    known = model.definition.parameters
    if _LIFE in known:
        return [{"platelet_life_span": value_of(t, "model", _LIFE, model) / 24.0} for t in trials]
    if not {"MTT_platelets", "maturation_steps"} <= set(known):
        return [{} for _ in trials]
    found = []
    for trial in trials:
        maturation, steps = (value_of(trial, "model", name, model)
                             for name in ("MTT_platelets", "maturation_steps"))  # fmt: skip
        found.append({"platelet_life_span": maturation / steps / 24.0})
    return found


PANELS: tuple[Group, ...] = (
    wild_type, without_p53, more_mdm2, a_week, handed_back, apoptosis, blood_at_rest,
)  # fmt: skip
