"""The engine of the page gives what the batch engine gives."""

from typing import Any

import numpy as np
import pytest

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.engines.batch import code as compiling
from p53net.engines.batch.driver import Driver
from p53net.engines.batch.engine import Batch
from p53net.engines.batch.machine import processor
from p53net.lab.pieces import Contents
from p53net.lab.webassembly import LANES, kernel_and_text
from p53net.model.rates import system_of
from p53net.simulation.model import Model
from tests.support.lab import apart, in_python, setting

PEAK = 1e-8
"""Of a curve's peak: measured 2.7e-9 over 200 settings of all structures."""

PULSE: dict[str, Any] = {
    "drugs": [{"name": "KT-253", "dose": 10.0, "from": 0.0, "hours": 4.0}],
    "line": "RS4;11", "structure": "default", "parameters": {}, "hours": 72.0, "points": 145,
    "closed": 0.0,
}  # fmt: skip
BOTH = PULSE | {
    "drugs": [
        {"name": "nutlin-3a", "dose": 1000.0, "from": 5.0, "hours": 10.0},
        {"name": "MD-224", "dose": 1.0, "from": 0.0, "hours": 1e9},
    ],
    "line": "SJSA-1", "structure": "residual", "parameters": {"n_MDM2": 2.5, "DSB": 0.7},
}  # fmt: skip
DISH = PULSE | {
    "drugs": [{"name": "milademetan", "dose": 300.0, "from": 0.0, "hours": 1e9}], "closed": 20.0,
}  # fmt: skip
CHANGED = PULSE | {"line": "generic", "parameters": {"k_deg_p53": 0.5, "CRBN_of_line": 60.0}}


@pytest.mark.parametrize("one", [PULSE, BOTH, DISH, CHANGED], ids=["pulse", "two", "dish", "own"])
@pytest.mark.slow
def test_curves_are_those_of_python(node: Any, one: dict[str, Any]) -> None:
    (found,) = node([["curves", one]])
    assert "error" not in found, found
    for loop, feedback in (("closed", True), ("opened", False)):
        run = in_python(one, feedback=feedback)
        differences = {n: apart(c, run, n) for n, c in found["result"][loop].items()}
        assert len(differences) == 8
        assert max(differences.values()) < PEAK, differences
    start = {name: run[name].values[0] for name in found["result"]["untreated"]}
    assert found["result"]["untreated"] == pytest.approx(start, rel=1e-9)


@pytest.mark.slow
def test_random_settings_are_those_of_python(node: Any, contents: Contents) -> None:
    random = np.random.default_rng(20)
    settings = [setting(contents, random) for _ in range(8)]
    for one, found in zip(settings, node([["curves", one] for one in settings]), strict=True):
        assert "error" not in found, (one, found)
        run = in_python(one, feedback=True)
        worst = max(apart(curve, run, name) for name, curve in found["result"]["closed"].items())
        assert worst < PEAK, one


@pytest.mark.slow
def test_a_dose_response_is_one_of_runs(node: Any) -> None:
    doses = [0.01, 0.3, 7.0]
    (found,) = node([["response", PULSE, "p53_active", 24.0, doses]])
    for i, dose in enumerate(doses):
        one = PULSE | {"drugs": [PULSE["drugs"][0] | {"dose": dose}]}
        for loop, feedback in (("closed", True), ("opened", False)):
            run = in_python(one, feedback=feedback)["p53_active"]
            value = float(run.sel(time=24.0))
            # measured 1.2e-8: the page makes these at a nominal tolerance of 1e-7
            assert found["result"][loop][i] == pytest.approx(value, rel=1e-6)


@pytest.mark.slow
def test_a_band_is_that_of_the_ensemble(node: Any) -> None:
    """Of a line, and with a parameter that a user changed in every draw."""
    one = PULSE | {"line": "SJSA-1", "points": 25, "parameters": {"k_deg_p53": 0.5}}
    (found,) = node([["band", one, 40, [0.025, 0.5, 0.975], 1e-9]])
    model = pn.load("KT-253", cell_line="SJSA-1", accuracy=1e-8)
    run = model.simulate(
        np.linspace(0.0, 72.0, 25), {"KT-253": pn.pulse(10.0, 4.0)}, one["parameters"],
        ensemble=pn.ensemble().thinned(40),
    )  # fmt: skip
    assert found["result"]["count"] == 40
    for name in ("p53_total", "MDM2_total", "GDF15"):
        for own, share in zip(found["result"]["bands"][name], (0.025, 0.5, 0.975), strict=True):
            other = run[name].sel(quantile=share).values
            assert np.abs(np.array(own) - other).max() < 1e-8 * other.max()  # measured 1e-9


PATIENTS: list[dict[str, Any]] = [
    {"drugs": [{"name": "milademetan", "amount": 260, "on": 3, "of": 14}], "line": "LPS-amplified",
     "parameters": {}, "days": 28},
    {"drugs": [{"name": "milademetan", "amount": 120, "on": 9, "of": 10},
               {"name": "KT-253", "amount": 1, "on": 1, "of": 7}], "line": "SJSA-1",
     "parameters": {"k_deg_p53": 0.4, "platelets_baseline": 200.0, "CL_degrader": 2.0}, "days": 15},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("given", PATIENTS, ids=["one", "two"])
def test_a_patient_is_that_of_python(node: Any, given: dict[str, Any]) -> None:
    (found,) = node([["patient", given]])
    assert "error" not in found, found
    days, names = given["days"], [drug["name"] for drug in given["drugs"]]
    doses = {one["name"]: pn.regimen(one["amount"], "mg", f"{one['on']}/{one['of']}", days=days)
             for one in given["drugs"]}  # fmt: skip
    for place, line in (("marrow", None), ("tumour", given["line"])):
        model = pn.load(*names, system=place, cell_line=line)
        own = {n: v for n, v in given["parameters"].items() if n in model.definition.parameters}
        exact = Model(model.definition, Tolerances(1e-9, 1e-16))
        run = exact.simulate(
            np.linspace(0, 24 * days, 4 * days + 1), doses, own, engine="batch", feedback=False
        )
        for name, curve in found["result"][place]["opened"].items():
            assert apart(curve, run, name) < PEAK, name  # measured 9e-10


@pytest.mark.slow
def test_a_cell_without_a_rest_is_refused(node: Any) -> None:
    """As in Python, which follows such a cell and finds that it does not come to rest."""
    lost = PULSE | {"parameters": {"k_deg_p53": 0.0, "k_ub_p53": 0.0}}
    (found,) = node([["curves", lost]])
    assert "no untreated state" in found["error"]
    with pytest.raises(pn.SteadyStateError):
        in_python(lost, feedback=True)


@pytest.mark.slow
def test_what_grows_is_found(node: Any) -> None:
    """Largest real parts against eigenvalues, of matrices that grow, shrink and turn."""
    random = np.random.default_rng(3)
    blocks = [random.normal(size=(6, 6)) * 10.0 ** random.uniform(-2, 2) for _ in range(20)]
    blocks += [np.array([[-1e-3, 5.0], [-5.0, -1e-3]]), np.array([[1e-3, 5.0], [-5.0, 1e-3]])]
    for block, found in zip(blocks, node([["growth", b.tolist()] for b in blocks]), strict=True):
        largest = np.linalg.eigvals(block).real.max()
        assert (found["result"] > 1e-6) == (largest > 1e-6), (largest, found)


def test_the_text_is_that_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letter by letter, for the vectors of WebAssembly, and with every exponent free."""
    texts = []

    def keep(text: str, *_: object) -> None:
        texts.append(text)

    monkeypatch.setattr(compiling, "compiled", keep)
    model, host = pn.load("KT-253"), processor()
    target = type(host)(host.name, host.features, LANES)
    engine = Batch(model.definition, model.tolerances, target)
    engine._code(engine.system, False, Driver)
    assert texts == [kernel_and_text(system_of(model.definition.sbml))[1]]
