"""Predictions of many cells and trials on one model are those of each on its own model."""

import numpy as np
import pytest
from scipy.signal import find_peaks

import p53net as pn
from p53net.dosing.regimens import regimen
from p53net.evidence import assays
from p53net.evidence.blocks import BLOCKS, Block
from p53net.evidence.cells import in_body, in_dish, model_of
from p53net.evidence.pulses import peaks
from p53net.model.definition import values
from p53net.simulation.trials import Cell, Trial, changes
from tests.support.effects import half_effects

PLACES = [
    ("nutlin-3a", "RS4;11", "culture", None),
    ("MD-224", "LPS-amplified", "dish", None),
    ("KT-253", "TP53-null", "culture", None),
    ("milademetan", "ST-02-0075", "tumour", "mouse"),
]


@pytest.mark.parametrize(("drug", "line", "system", "host"), PLACES)
def test_a_cell_is_the_shared_model_with_its_changes(
    drug: str, line: str, system: str, host: str | None
) -> None:
    own = pn.load(drug, cell_line=line, system=system, host=host).definition
    shared = model_of(drug, system, host)
    model = shared.definition
    usual = {name: row.value for name, row in model.parameters.items()}
    (found,) = changes(shared, [Cell({}, drug, line)])
    assert own.species == model.species and own.derived == model.derived
    assert {**usual, **found} == {name: row.value for name, row in own.parameters.items()}
    assert values(drug, cell_line=line, system=system, host=host) == {**usual, **found}


@pytest.mark.parametrize(("drug", "line", "system", "host"), PLACES[:3])
@pytest.mark.slow
def test_a_dish_of_many_is_each_in_its_own_model(
    drug: str, line: str, system: str, host: str | None
) -> None:
    times, doses, names = [0.0, 24.0, 72.0], np.array([1.0, 100.0]), ["p53_total", "MDM2_total"]
    trial = {line: {"MDM2_gene_dose": 3.0}, drug: {f"fu_medium_{role(drug)}": 0.2}}
    found = in_dish([Cell({}, drug), Cell(trial, drug, line)], system, doses, times, names)
    model = pn.load(drug, cell_line=line, system=system, host=host)
    changed = {**trial[line], **trial[drug]}
    for well, dose in enumerate([0.0, *doses]):
        run = model.simulate(times, {drug: dose}, changed, observables=names)
        for i, name in enumerate(names):
            highest = float(run[name].max())
            assert found[1, well, :, i] == pytest.approx(run[name].values, rel=1e-6, abs=1e-9)
            assert highest == 0.0 or found[0, well, :, i] != pytest.approx(run[name].values)


@pytest.mark.slow
def test_bodies_of_many_are_each_in_its_own_model() -> None:
    drug, line, system, host = PLACES[3]
    arms = [None, regimen(50.0, "mg/kg", "daily", days=7)]
    times = np.array([0.0, 100.0, 168.0])
    found = in_body([Cell({}, drug), Cell({}, drug, line)], system, host, arms, times,
                    ["tumour_volume"])  # fmt: skip
    model = pn.load(drug, cell_line=line, system=system, host=host)
    for number, arm in enumerate(arms):
        run = model.simulate(times, None if arm is None else {drug: arm})
        within = 2e-6  # both are within 1e-6 of the truth, the accuracy of every run
        assert found[1, number, :, 0] == pytest.approx(run["tumour_volume"].values, rel=within)
    assert found[0, 1, -1, 0] != pytest.approx(found[1, 1, -1, 0], rel=1e-3)


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.rough is None], ids=lambda one: one.name
)
@pytest.mark.slow
def test_trials_do_not_feel_each_other(block: Block) -> None:
    trials: list[Trial] = []
    for factor in (1.0, 1.3, 0.8):
        trial: dict[str, dict[str, float]] = {}
        for one in block.parameters:
            trial.setdefault(one.entry, {})[one.parameter] = one.value.value * factor
        trials.append(trial)
    together = block.predict(trials)
    assert together[0] == pytest.approx(block.predict([{}])[0], rel=1e-9)
    for trial, found in zip(trials, together, strict=True):
        assert block.predict([trial]) == [found]
    moved = [name for name in block.observed if together[1][name] != together[2][name]]
    assert moved


def test_half_effects_are_those_of_a_search_by_bracketing() -> None:
    cells = [Cell({}, "milademetan", line) for line in ("generic", "SJSA-1")]
    found = assays.half_effects(cells, "p21", 24.0)
    for dose, cell in zip(found, cells, strict=True):
        model = pn.load("milademetan", cell_line=cell.line)
        assert dose == pytest.approx(half_effects(model, "milademetan", ["p21"], 24.0)["p21"][0])


def test_peaks_are_those_of_scipy() -> None:
    random = np.random.default_rng(2)
    for smooth in (1, 5, 40):
        curve = np.convolve(random.normal(size=500), np.ones(smooth) / smooth)
        for prominence in (1e-9, 0.3, 1.0):
            wanted, _ = find_peaks(curve, prominence=prominence)
            assert peaks(curve, prominence).tolist() == wanted.tolist()


def role(drug: str) -> str:
    return pn.load(drug).definition.drugs[drug]
