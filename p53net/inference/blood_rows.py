"""Rates of toxicity in trials, for a likelihood: of few patients who stand for all.

Counts before treatment only scale what follows, so that rates are exact over them. What else varies
between patients is taken from quasi-random points, the same for all draws.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from p53net.dosing.regimens import regimen
from p53net.engines.base import FloatArray, Tolerances
from p53net.simulation.trials import Cell, Trial, changes
from p53net.studies.body import blood
from p53net.studies.body.population import GRADES, factors, percent_of_all

_JAPAN = tuple(regimen(dose, "mg", "21/28", days=blood.DAYS) for dose in (60.0, 90.0))
_OTHERS = (*blood.OTHERS, *_JAPAN)
_ARM_OF_JAPAN = [1, 3, 4]  # 120 mg on days 1 to 21 of 28 is among the others
_MANY, _FEW = 32, 16
"""Patients of the arm that three trials had, and of each other: powers of two."""

_SEED = 2
_VARY = (
    ("CL_inhibitor",),
    ("V_central_inhibitor",),
    ("slope_platelets", "slope_neutrophils", "slope_red_cells"),
    ("MTT_platelets", "MTT_neutrophils", "life_red_cells"),
)
"""What varies between patients beside counts before treatment. Lineages share a coordinate: no row
is of two of them."""

ROUGH = Tolerances(1e-4, 1e-11)
"""For runs of many days: rates are right to 0.1 % of patients and growth inhibition to 1 %, of
which a likelihood, whose rows are known to several, tells nothing; three times as fast."""


def rates(trials: Sequence[Trial]) -> dict[str, FloatArray]:
    """Per cent of patients (trial) whose grade worsens, of each row; NaN where a run fails.

    The cell's own counts before treatment, which decide who enters a trial, are not moved.
    """
    model = blood.marrow("milademetan", ROUGH)
    changed = [
        {name: value for name, value in one.items() if not name.endswith("_baseline")}
        for one in changes(model, [Cell(trial, "milademetan") for trial in trials])
    ]
    many, few = _patients(_MANY), _patients(_FEW)
    arms = [blood.INTERMITTENT] * _MANY + [arm for arm in _OTHERS for _ in range(_FEW)]
    lowest = blood.lowest_of_runs(model, "milademetan", arms, changed,
                                  pd.concat([many, *[few] * len(_OTHERS)]))  # fmt: skip
    found: dict[str, FloatArray] = {}
    for column, (name, (count, _)) in enumerate(GRADES.items()):
        typical = model.definition.parameters[f"{count}_baseline"].value
        for key, grade in (("grade3plus", 3), ("any", 1)):
            each = percent_of_all(lowest[..., column] / typical, typical, name, grade)
            others = each[:, _MANY:].reshape(len(trials), len(_OTHERS), _FEW).mean(axis=2)
            found[f"{name}_{key}_intermittent"] = each[:, :_MANY].mean(axis=1)
            found[f"{name}_{key}_other"] = others[:, : len(blood.OTHERS)].mean(axis=1)
            if (name, key) == ("thrombocytopenia", "any"):
                found["platelets_japan_any"] = others[:, _ARM_OF_JAPAN].mean(axis=1)
        found[f"{name}_grade34_mantra"] = found[f"{name}_grade3plus_intermittent"]
    return found


@cache
def _patients(number: int) -> pd.DataFrame:
    """How far they are from the typical patient (patient, parameter), from Sobol's points."""
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    points = ndtri(Sobol(len(_VARY), rng=np.random.default_rng(_SEED)).random(number))
    return factors(
        pd.DataFrame({name: points[:, i] for i, names in enumerate(_VARY) for name in names})
    )
