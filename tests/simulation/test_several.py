"""Many runs with output times of their own, beside each run alone on the reference engine."""

import numpy as np
import pytest

import p53net as pn
from tests.support.pair import PAIR

GRIDS = [[0.0, 1.0], [0.0, 0.3, 7.7, 24.1, 40.0], [0.0, 5.0, 48.0]]
DOSES = [{"KT-253": 3.0}, {"KT-253": pn.pulse(5.0, 6.1)}, None]
BODY = [{"KT-253": pn.regimen(2, "mg", [0, 1])}, {"KT-253": pn.regimen(2, "mg", [2.2], over=1.0)},
        None]  # fmt: skip
ENGINES = ["auto", "roadrunner", "batch", "copasi"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("system", ["dish", "plasma"])
def test_each_run_has_its_own_times(engine: str, system: str) -> None:
    model = pn.load("KT-253", system=system)
    doses, name = (DOSES, "k_deg_p53") if system == "dish" else (BODY, "CL_degrader")
    values = np.array([0.5, 1.0, 2.0]) * model.definition.parameters[name].value
    found = model.simulate_many(GRIDS, doses=doses, parameters={name: values}, engine=engine)
    assert found["time"].dims == ("run", "point") and found["time"].shape == (3, 5)
    assert list(found["reason"].values) == ["", "", ""]
    for i, grid in enumerate(GRIDS):
        alone = model.simulate(grid, doses[i], {name: values[i]}, engine="roadrunner")
        own = found.isel(run=i, point=slice(0, len(grid)))
        assert own["time"].values.tolist() == grid
        for quantity in alone.data_vars:
            curve = alone[quantity].values
            scale = max(float(np.abs(curve).max()), 1e-9)
            apart = np.abs(own[quantity].values - curve).max() / scale
            assert apart < 5e-6, quantity  # measured: 7e-7
        rest = found.isel(run=i, point=slice(len(grid), None))
        assert bool(np.isnan(rest["time"]).all()) and bool(np.isnan(rest[quantity]).all())


@pytest.mark.parametrize("engine", ENGINES)
def test_strangers_models_have_starts_too(engine: str) -> None:
    pair = pn.read_sbml(PAIR)
    starts = np.array([3.0, 5.0])
    found = pair.simulate_many([[0, 0.5], [0, 0.1, 2.0]], start={"A": starts, "B": 12.0 - starts},
                               observables=["A", "D"], engine=engine)  # fmt: skip
    times = found["time"].values
    exact = 4 + (starts[:, None] - 4) * np.exp(-3 * times)
    np.testing.assert_allclose(found["A"].values, exact, rtol=2e-6)
    shown = np.where(np.isnan(times), np.nan, 2 * starts[:, None])  # the file sets it at the start
    np.testing.assert_allclose(found["D"].values, shown, rtol=1e-12)


def test_one_grid_serves_all_and_the_record_runs_again() -> None:
    model = pn.load(system="dish")
    found = model.simulate_many([0, 4, 9], parameters={"k_deg_p53": [0.2, 0.3]},
                                observables=["p53_total"])  # fmt: skip
    assert found["p53_total"].shape == (2, 3)
    assert pn.rerun(found).identical(found)


@pytest.mark.parametrize(
    ("times", "options", "said"),
    [
        ([], {}, "times must be a list"),
        ([[0, 1], [1, 2]], {}, "run 1: times starts at 1"),
        ([[0, 1], [0, 2, 2]], {}, "run 1: times must rise"),
        ([[0, 1], []], {}, "run 1: times must be"),
        ([0, 1], {"doses": [{"KT-253": 1.0}] * 2, "parameters": {"k_deg_p53": [1, 2, 3]}},
         "doses has 2 and k_deg_p53 of parameters 3"),
        ([0, 1], {"parameters": {"k_deg_p53": [0.1, -1.0]}}, "k_deg_p53"),
        ([0, 1], {"parameters": {"k_deg_p53": [[0.1]]}}, "has the shape"),
        ([0, 1], {"parameters": {"k_deg_p53": "x"}}, "give numbers"),
        ([0, 1], {"parameters": [1.0]}, "must map names to numbers"),
        ([0, 1], {"start": {"p53_total": 1.0}}, "starts at the untreated state"),
        ([[0, 1], [0, 9]], {"doses": {"KT-253": pn.pulse(1.0, 4.0)}}, "after the run ends at 1"),
        (np.linspace(0, 1, 2000), {"parameters": {"k_deg_p53": np.linspace(0.1, 1, 1000)}},
         "more than 20,000,000"),
    ],
)  # fmt: skip
def test_what_is_refused(times: object, options: dict[str, object], said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.load("KT-253").simulate_many(times, **options)


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_a_run_that_fails_is_said_and_leaves_the_others(engine: str) -> None:
    pair = pn.read_sbml(PAIR)
    found = pair.simulate_many([0.0, 1.0], parameters={"k": [1.0, -1e6]}, observables=["A"],
                               engine=engine)  # fmt: skip
    assert found["reason"].values[0] == "" and np.isfinite(found["A"].values[0]).all()
    assert found["reason"].values[1] and np.isnan(found["A"].values[1]).all()
