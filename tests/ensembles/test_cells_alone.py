"""An ensemble of cells in a dish, without bodies: what it answers, and what refuses it."""

from collections.abc import Callable

import numpy as np
import pytest

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError
from p53net.inference.experiments import read_experiments
from p53net.inference.read_outs import readings
from tests.support.draws import drawn


@pytest.fixture(scope="module")
def cells() -> Ensemble:
    whole = drawn(4)
    return Ensemble(whole.table, {**whole.about, "bodies": None})


DOSE = pn.regimen(260, "mg", "3/14", cycles=1)
MOUSE = pn.regimen(50, "mg/kg", "daily", days=7)

REFUSED: dict[str, Callable[[Ensemble], object]] = {
    "pk": lambda e: pn.pk("milademetan", [DOSE], ensemble=e),
    "xenograft": lambda e: pn.xenograft("milademetan", [MOUSE], "SJSA-1", ensemble=e),
    "patient": lambda e: pn.patient("milademetan", DOSE, ensemble=e),
    "questions about trials": lambda e: pn.trial_questions("milademetan", ensemble=e, population=2),
    "a draw of a patient": lambda e: pn.load(
        "milademetan", system="marrow", host="human", ensemble=e, draw=0
    ),
    "curves of a patient": lambda e: pn.load("milademetan", system="marrow", host="human").simulate(
        [0, 24], ensemble=e
    ),
    "a claim about tumours": lambda e: e.probability("tgi 3/14 > 14/28"),
}


@pytest.mark.parametrize("ask", REFUSED.values(), ids=REFUSED)
def test_bodies_refuse_it(cells: Ensemble, ask: Callable[[Ensemble], object]) -> None:
    with pytest.raises(InputError, match="of cells in a dish"):
        ask(cells)


@pytest.mark.slow
def test_cells_take_it(cells: Ensemble) -> None:
    run = pn.load("milademetan").simulate([0, 24], {"milademetan": 100.0}, ensemble=cells)
    assert run.sizes["quantile"] == 5
    assert 0.0 <= cells.probability('MDM2_total_fold["KT-253"] < 1') <= 1.0


def test_experiments_in_bodies_have_no_number_and_say_why(cells: Ensemble) -> None:
    asked = ("p53_half_life", "gdf15_course", "pk_KT253_mouse")
    some = [one for one in read_experiments() if one.name in asked]
    found = readings(cells, some)
    assert np.isfinite(found["p53_half_life"].values).all()
    for name in ("gdf15_course", "pk_KT253_mouse"):
        assert np.isnan(found[name].values).all()
        assert set(found[name].reasons) == {"the ensemble has no bodies"}
