"""Models of others: start values, states at rest, observables by formula."""

import numpy as np
import pytest

import p53net as pn
from tests.support.pair import PAIR as TEXT

TIMES = np.linspace(0, 2, 9)


@pytest.fixture(scope="module")
def pair() -> pn.Model:
    return pn.read_sbml(TEXT)


@pytest.mark.parametrize("engine", ["auto", "batch"])
def test_start_values(pair: pn.Model, engine: str) -> None:
    run = pair.simulate(TIMES, start={"A": 3.0, "B": 9.0}, engine=engine)
    exact = 4 + (3 - 4) * np.exp(-3 * TIMES)
    np.testing.assert_allclose(run["A"], exact, rtol=1e-6)
    np.testing.assert_allclose(run["B"], 12 - exact, rtol=1e-6)
    assert float(run["D"][0]) == 6.0  # twice A, as the file says
    usual = pair.simulate(TIMES, engine=engine)
    assert float(usual["A"][0]) == 12.0 and float(usual["D"][0]) == 24.0


def test_a_run_from_other_starts_is_made_again(pair: pn.Model) -> None:
    run = pair.simulate(TIMES, start={"A": 3.0})
    assert pn.rerun(run).identical(run)


@pytest.mark.parametrize("engine", ["auto", "batch"])
def test_states_at_rest(pair: pn.Model, engine: str) -> None:
    rest = pair.steady_state(engine=engine)
    assert float(rest["A"]) == pytest.approx(4.0, rel=1e-6)
    assert rest["A"].attrs["units"] == "mol/L"
    rest = pair.steady_state(parameters={"k": 5.0}, start={"A": 0.0, "B": 6.0}, engine=engine)
    assert float(rest["A"]) == pytest.approx(1.0, rel=1e-6)


def test_what_never_rests_is_said() -> None:
    growing = pn.read_sbml(TEXT.replace("<ci>A</ci></apply></math></kineticLaw>", (
        "<cn>1</cn></apply></math></kineticLaw>")).replace('id="D"', 'id="D"'))  # fmt: skip
    with pytest.raises(pn.SteadyStateError, match="pair: it"):
        growing.steady_state(parameters={"back": 0.0})


def test_observables_by_formula(pair: pn.Model) -> None:
    run = pair.simulate(TIMES, observables=["A", "A / (A + B)", "k * time"], parameters={"k": 3.0})
    assert list(run.data_vars) == ["A", "A / (A + B)", "k * time"]
    np.testing.assert_allclose(run["A / (A + B)"], run["A"] / 12, rtol=1e-9)
    np.testing.assert_allclose(run["k * time"], 3 * TIMES)
    ours = pn.load().simulate([0.0, 1.0], observables="MDM2_total / p53_total")
    assert list(ours.data_vars) == ["MDM2_total / p53_total"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"start": {"X": 1.0}}, "unknown state 'X'"),
        ({"start": {"k": 1.0}}, "give it in parameters"),
        ({"start": {"A": "much"}}, "start of A"),
        ({"start": {"A": np.nan}}, "start of A"),
        ({"start": 3.0}, "must map states"),
        ({"observables": ["A / Z"]}, "unknown observable 'Z'"),
        ({"observables": ["A /"]}, "observable 'A /'"),
        ({"observables": ["1 / (A - A)"]}, "not finite"),
        ({"observables": ["__import__('os')"]}, "observable"),
    ],
)
def test_what_is_refused(pair: pn.Model, arguments: dict[str, object], said: str) -> None:
    with pytest.raises((pn.InputError, pn.UnknownNameError), match=said):
        pair.simulate(TIMES, **arguments)


def test_our_own_models_start_untreated() -> None:
    with pytest.raises(pn.InputError, match="starts at the untreated state"):
        pn.load().simulate([0.0, 1.0], start={"p53": 1.0})
