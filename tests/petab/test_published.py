"""Published problems, in the folder that P53NET_PETAB names: AMICI's log-likelihoods, and slopes.

Crauste's reference is 1.2e-3 off: three solvers at 1e-12 and tighter (Radau, DOP853, LSODA of
SciPy) and CVODE at 1e-12 give -190.963978. CVODE at AMICI's own tolerances (1e-8 and 1e-16) is off
by as much, as the model is near to where its solution ends in finite time.
"""

import os
from pathlib import Path

import numpy as np
import pytest

import p53net as pn

FOLDER = os.environ.get("P53NET_PETAB", "")
REFERENCES = {
    "Bachmann_MSB2011": 418.40573341425295,
    "Boehm_JProteomeRes2014": -138.22199693517703,
    "Crauste_CellSystems2017": -190.96397757574,  # see above
    "Elowitz_Nature2000": 63.20279991419332,
    "Fiedler_BMCSystBiol2016": 58.58390161681,
    "Fujita_SciSignal2010": 53.08377736998929,
    "Raia_CancerResearch2011": -346.089781,  # equations by hand; AMICI has none
    "Sneyd_PNAS2002": 319.79177818768756,
    "Weber_BMC2015": -296.2017922646865,
    "Zheng_PNAS2012": 278.33353271001477,
}
WITHOUT = ("Alkan_SciSignal2018", "Liu_IFACPapersOnLine2025")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="P53NET_PETAB names no folder of PEtab problems"),
]


@pytest.mark.parametrize("name", [*REFERENCES, *WITHOUT])
def test_published_problems_have_their_likelihood_and_slopes(name: str) -> None:
    path = Path(FOLDER) / name / f"{name}.yaml"
    problem = pn.read_petab(path)
    nominal = problem.nominal
    if name in REFERENCES:
        found = float(problem.log_likelihood(nominal))
        assert found == pytest.approx(REFERENCES[name], abs=1e-4)
    moved = nominal + np.random.default_rng(2).normal(0.0, 0.03, len(nominal))
    theta = np.clip(moved, *problem.bounds)
    exact = pn.read_petab(path, accuracy=1e-9)
    steps = 3e-4 * np.eye(len(theta))
    up, down, far_up, far_down = (
        exact.log_likelihood(theta + by * steps) for by in (1.0, -1.0, 2.0, -2.0)
    )
    central = (8 * (up - down) - (far_up - far_down)) / (12 * 3e-4)
    assert np.isfinite(central).all()
    apart = np.abs(problem.gradient(theta) - central).max()
    assert apart <= 1e-5 * np.abs(central).max()


def test_data_of_another_folder_are_read_where_that_is_named() -> None:
    folder = Path(FOLDER) / "Fujita_SciSignal2010"
    path = folder / "test_data" / "input_test_Fujita_SciSignal2010.yaml"
    problem = pn.read_petab(path, folder=folder)
    assert np.isfinite(problem.log_likelihood(problem.nominal))
