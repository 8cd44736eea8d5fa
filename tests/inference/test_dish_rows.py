"""Quick predictions of the ledger's rows, against those that the ledger's own functions make."""

import numpy as np
import pytest

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import as_trials
from p53net.errors import UnknownNameError
from p53net.evidence import predictions as ledger
from p53net.evidence.assays import PLATE, cells_of
from p53net.evidence.cells import Group, in_dish
from p53net.evidence.panels import wild_type
from p53net.inference.dish_rows import DishRows
from p53net.inference.likelihood import _POTENCY, STEPS
from p53net.inference.parameters import parameters_of
from p53net.inference.priors import for_structure
from p53net.inference.reading import half_dose
from p53net.model.structures import supposing

DRAWS, NEAR = 20, 0.25
"""Draws, and standard deviations of logarithms around the committed values."""

GROUPS: tuple[Group, ...] = (
    ledger.loop, ledger.damage, ledger.biochemistry, ledger.degradation, ledger.induction,
    ledger.sensitivity, ledger.relative_potency, ledger.nutlin, ledger.amplified_potency,
    ledger.biopsies, wild_type,
)  # fmt: skip

EXACT, READ, FITTED, TWO_STEPS = 0.005, 0.05, 0.08, 0.32
TOLERANCES = {
    "p53_half_life": EXACT, "mdm2_half_life": EXACT,
    "milademetan_htrf_ic50": EXACT, "nutlin_htrf_ic50": EXACT, "rg7112_htrf_ic50": EXACT,
    "idasanutlin_htrf_ic50": EXACT, "navtemadlin_htrf_ic50": EXACT,
    "rg7112_p53": EXACT, "rg7112_p21": EXACT, "rg7112_mdm2_mrna": EXACT,
    "md4251_dmax": EXACT, "nutlin_death_sjsa1": 2 * EXACT,
    "p53_pulse_period": READ, "mdm2_lag": READ,
    "kt253_dc50": FITTED, "md4251_dc50": FITTED,
    "kt253_ic50_rs411": TWO_STEPS, "md224_ic50_rs411": TWO_STEPS,
    "milademetan_nutlin_ratio": TWO_STEPS, "nutlin_ic50_sjsa1": TWO_STEPS,
    "navtemadlin_ic50_sjsa1": TWO_STEPS, "rg7112_ic50_amplified": TWO_STEPS,
    "rg7112_ic50_normal": TWO_STEPS, "nutlin_ic50_wild_type": TWO_STEPS,
    "idasanutlin_ic50_wild_type": TWO_STEPS,
    "milademetan_induction_sjsa1_p53": READ, "milademetan_induction_sjsa1_p21": READ,
    "milademetan_induction_sjsa1_mdm2": READ,
}  # fmt: skip
"""How far logarithms may lie apart in nine of ten draws. Rows without a plate are the same number.
Pulses are seen on a coarser grid. A DC50 is half of the largest effect here and the middle of a
logistic curve below the hook in the ledger. An IC50 is that of a fitted logistic curve there: live
cells fall in two steps, by growth and by death, which such a curve smooths over (the test of plates
tells this from a plate that is too coarse)."""


def near(structure: str) -> tuple[list[str], FloatArray]:
    """Names, and values of draws around the committed ones; shares stay below 1."""
    rows = [one for one in for_structure(structure) if not one.fixed]
    known, random = parameters_of(structure), np.random.default_rng(1)
    middle = np.array([known[one.name].value for one in rows])
    values = middle * np.exp(NEAR * random.standard_normal((DRAWS, len(rows))))
    below = np.array([0.99 * one.high if one.high <= 1 else np.inf for one in rows])
    return [one.name for one in rows], np.minimum(values, below)


@pytest.mark.slow
@pytest.mark.parametrize("structure", ["default", "no partner", "MDMX"])
def test_rows_are_those_of_the_ledger(structure: str) -> None:
    names, values = near(structure)
    found, made = DishRows(names, structure)(values), dict[str, list[float]]()
    with supposing(structure):
        for group in GROUPS:
            for row in group(as_trials(names, values)):
                for name, value in row.items():
                    made.setdefault(name, []).append(value)
    shared = found.keys() & made.keys() - STEPS.keys()
    assert shared == TOLERANCES.keys()
    for name in shared:
        one, other = found[name], np.array(made[name])
        both = np.isfinite(one) & np.isfinite(other)
        assert both.sum() >= 0.4 * DRAWS, name
        apart = np.abs(np.log(one[both] / other[both]))
        assert np.quantile(apart, 0.9) < TOLERANCES[name], (name, np.sort(apart))


@pytest.mark.slow
def test_a_coarse_plate_reads_what_a_fine_one_does() -> None:
    """Half of the largest effect on seven or eight doses and five more, against the 33 of the
    ledger: nine of ten draws within half of the error that is assumed of an IC50, and none beyond a
    step of the finer plate."""
    names, values = near("default")
    found, trials = DishRows(names, "default", ["viability"])(values), as_trials(names, values)
    rows = {"kt253_ic50_rs411": ("KT-253", "RS4;11"), "md224_ic50_rs411": ("MD-224", "RS4;11"),
            "nutlin_ic50_sjsa1": ("nutlin-3a", "SJSA-1"),
            "rg7112_ic50_normal": ("RG7112", "generic")}  # fmt: skip
    for name, pair in rows.items():
        live = in_dish(cells_of(trials, [pair]), "culture", PLATE, [0.0, 72.0], ["live_cells"])
        expected = half_dose(PLATE, live[:, :, 1, 0])
        apart = np.abs(np.log(found[name] / expected))
        assert np.quantile(apart, 0.9) < _POTENCY / 2, name
        assert apart.max() < np.log(PLATE[1] / PLATE[0]), name


def test_only_the_parts_that_are_asked_for_run() -> None:
    rows = DishRows(["model: k_deg_MDM2"], parts=("loop", "binding"))
    found = rows(np.array([[0.7], [1.4]]))
    assert {"p53_half_life", "mdm2_half_life", "milademetan_htrf_ic50"} < found.keys()
    assert "kt253_dc50" not in found and rows.read == {"model: k_deg_MDM2"}
    np.testing.assert_allclose(found["mdm2_half_life"], 60 * np.log(2) / np.array([0.7, 1.4]))
    assert found["milademetan_htrf_ic50"][0] == found["milademetan_htrf_ic50"][1]


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'loop'"):
        DishRows([], parts=("lopo",))
