"""A checkerboard of two drugs beside equations that were written by hand."""

import numpy as np
import pytest

import p53net as pn
from tests.referee.compare import own_curves, values_of
from tests.referee.scenarios import BOTH, PLAIN, Scenario


@pytest.mark.slow
def test_equations_written_by_hand_give_the_checkerboard() -> None:
    """Both drugs on one pocket, from docs/model.md, integrated by SciPy."""
    made = pn.synergy(*BOTH, accuracy=1e-8, structure=PLAIN, concentrations=[60.0, 200.0],
                      other_concentrations=[0.4, 1.5])  # fmt: skip
    live = {}
    for dose, other in ((0.0, 0.0), (200.0, 0.0), (200.0, 0.4), (60.0, 1.5)):
        given = dict(zip(BOTH, (dose, other), strict=True))
        one = Scenario("pair", BOTH, given, {drug: [(0.0, nM)] for drug, nM in given.items()},
                       "culture", "RS4;11", times=np.array([0.0, 36.0, 72.0]))  # fmt: skip
        live[dose, other] = own_curves(one, values_of(one.model()), {})["live_cells"][-1]
    for (dose, other), cells in live.items():
        effect = float(made["effect"].sel(dose=dose, other_dose=other))
        assert effect == pytest.approx(1.0 - cells / live[0.0, 0.0], abs=1e-6)
    assert 0.05 < float(made["effect"].sel(dose=200.0, other_dose=0.4)) < 1.0
