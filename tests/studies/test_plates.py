"""Plates beside plain runs, and what a well is a share of."""

import numpy as np
import pytest

import p53net as pn
from p53net.studies.dish.viability_assay import _luminescence

DOSES = [1.0, 10.0, 100.0, 1000.0, 10000.0]


def ends(system: str, name: str, hours: float, **more: object) -> np.ndarray:
    """Of plain runs under each dose, over the same without drug."""
    model = pn.load("milademetan", system=system, **more)
    times = [0.0, hours]
    values = [
        float(model.simulate(times, {"milademetan": dose}, observables=[name])[name][-1])
        for dose in (0.0, *DOSES)
    ]
    return np.array(values[1:]) / values[0]


@pytest.mark.slow
def test_wells_are_shares_of_vehicle_at_the_same_time() -> None:
    found = pn.viability("milademetan", "SJSA-1", hours=48.0, concentrations=DOSES, replicates=2)
    live = ends("culture", "live_cells", 48.0, cell_line="SJSA-1")
    for well in (0, 1):
        assert found["viability"][0, 0, :, well].values == pytest.approx(100.0 * live, rel=1e-6)


@pytest.mark.slow
def test_mdm2_and_caspase_are_shares_of_vehicle() -> None:
    given = {"cell_line": "SJSA-1", "hours": [24.0], "concentrations": DOSES}
    mdm2 = pn.degradation("milademetan", **given)["MDM2"].sel(loop="closed").values.ravel()
    line = {"cell_line": "SJSA-1"}
    assert mdm2 == pytest.approx(100.0 * ends("dish", "MDM2_total", 24.0, **line), rel=1e-6)
    wells = pn.caspase("milademetan", **given)
    each, live = (ends("culture", name, 24.0, **line) for name in ("caspase", "live_cells"))
    assert wells["caspase"].values.ravel() == pytest.approx(each, rel=1e-6)
    assert wells["live_cells"].values.ravel() == pytest.approx(100.0 * live, rel=1e-6)
    assert wells["caspase_well"].values.ravel() == pytest.approx(each * live, rel=1e-6)


def test_noise_of_vehicle_is_in_every_well_of_its_plate() -> None:
    """As many vehicle wells as others: the mean of a plate scatters by √2 of what its wells alone
    would give, and about 100 %. The noise is a mean of 600 plates, so these limits are four of its
    standard errors."""
    live, noise = np.full(7, 3.0), 0.2  # vehicle and six doses without effect
    plates = [_luminescence(live, 3, noise, np.random.default_rng(seed)) for seed in range(600)]
    means = np.array([plate.mean() for plate in plates])
    alone = 100.0 * noise / np.sqrt(18)
    assert means.mean() == pytest.approx(100.0, abs=4 * alone * np.sqrt(2 / 600) + 0.3)
    assert means.std() == pytest.approx(np.sqrt(2.0) * alone, rel=4 / np.sqrt(2 * 600))
    assert np.std([plate[:, 0] / plate.mean() for plate in plates]) == pytest.approx(0.2, rel=0.1)


def test_a_plate_without_noise_is_that_of_its_cells() -> None:
    wells = _luminescence(np.array([4.0, 2.0, 1.0]), 2, 0.0, np.random.default_rng(1))
    np.testing.assert_array_equal(wells, [[50.0, 50.0], [25.0, 25.0]])
