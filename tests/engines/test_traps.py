"""What the engines do wrong without an error, and that our code does not fall for it.

Each test is one trap of a simulation engine, reached the way a user would reach it.
"""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import roadrunner

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.model import sbml
from p53net.simulation.model import Model
from tests.support.files import read

GRID = np.linspace(0.0, 72.0, 145)


def values(run) -> np.ndarray:
    return np.array([run[name].values for name in run.data_vars])


@pytest.fixture
def fresh() -> Model:
    return pn.load("KT-253")


def test_a_second_live_instance_gives_the_same_pulse(fresh: Model) -> None:
    dose = {"KT-253": pn.pulse(10.0, 4.0)}
    first = values(fresh.simulate(GRID, dose))
    second_model = pn.load("KT-253")
    np.testing.assert_array_equal(first, values(second_model.simulate(GRID, dose)))
    np.testing.assert_array_equal(first, values(fresh.simulate(GRID, dose)))
    assert roadrunner.Config.getValue(roadrunner.Config.LOADSBMLOPTIONS_RECOMPILE)


def test_a_short_pulse_is_not_stepped_over_on_a_coarse_grid(fresh: Model) -> None:
    dose = {"KT-253": pn.pulse(100.0, 0.01, start=30.0)}
    coarse = fresh.simulate([0.0, 72.0], dose)
    fine = fresh.simulate(np.linspace(0.0, 72.0, 7201), dose)
    assert float(fine["degrader_in_cell"].max()) > 0.1
    assert float(coarse["MDM2_destroyed"][-1]) > 1.0
    np.testing.assert_allclose(values(coarse)[:, -1], values(fine)[:, -1], rtol=1e-6, atol=1e-9)


def test_a_dose_at_time_zero_counts(fresh: Model) -> None:
    run = fresh.simulate(GRID, {"KT-253": [(0.0, 10.0)]})
    assert float(run["degrader_medium"][0]) == 10.0
    np.testing.assert_array_equal(values(run), values(fresh.simulate(GRID, {"KT-253": 10.0})))


def test_a_row_at_a_dose_time_shows_the_medium_after_the_dose(fresh: Model) -> None:
    run = fresh.simulate([0.0, 4.0, 8.0], {"KT-253": [(0, 10.0), (4, 3.0), (8, 1.0)]})
    assert run["degrader_medium"].values.tolist() == [10.0, 3.0, 1.0]


def test_changed_parameters_do_not_stay(fresh: Model) -> None:
    before = values(fresh.simulate(GRID, {"KT-253": 10.0}))
    fresh.simulate(GRID, {"KT-253": 3.0}, {"k_deg_p53": 1.0, "cell": 0.5}, feedback=False)
    fresh.simulate(GRID, {"KT-253": pn.closed_dish(3.0, 2.0)}, {"DSB": 1.0})
    fresh.steady_state({"KT-253": 1.0}, {"CRBN_of_line": 5.0})
    np.testing.assert_array_equal(before, values(fresh.simulate(GRID, {"KT-253": 10.0})))


def test_selections_do_not_stay(fresh: Model) -> None:
    only = fresh.simulate(GRID, {"KT-253": 10.0}, observables=["p53_active"])
    assert list(only.data_vars) == ["p53_active"]
    everything = fresh.simulate(GRID, {"KT-253": 10.0})
    np.testing.assert_array_equal(only["p53_active"].values, everything["p53_active"].values)


def test_after_a_failed_run_no_stale_table_comes_back(fresh: Model) -> None:
    good = values(fresh.simulate(GRID, {"KT-253": 10.0}))
    with pytest.raises(pn.P53NetError):
        fresh.simulate(GRID, {"KT-253": 10.0}, {"k_syn_p53": 1e300})
    with pytest.raises(pn.SimulationError):
        fresh.simulate(GRID, {"KT-253": 1e300})
    np.testing.assert_array_equal(good, values(fresh.simulate(GRID, {"KT-253": 10.0})))


def test_a_dose_is_a_concentration_in_any_volume(fresh: Model) -> None:
    """The engine's bare species id is an amount; both compartments differ from 1 pL here."""
    run = fresh.simulate(GRID, {"KT-253": pn.closed_dish(10.0, 20.0)}, {"cell": 4.0})
    assert float(run["degrader_medium"][0]) == 10.0
    held = fresh.simulate(GRID, {"KT-253": 10.0}, {"cell": 4.0, "medium": 7.0})
    assert np.unique(held["degrader_medium"].values).tolist() == [10.0]
    p = {name: row.value for name, row in fresh.definition.parameters.items()}
    inside = 10.0 * p["fu_medium_degrader"] * p["uptake_of_line"]
    assert float(held["degrader"][-1]) == pytest.approx(inside, rel=1e-3)


def test_a_start_that_follows_a_parameter_moves_with_it(fresh: Model) -> None:
    """Conserved totals are not updated by engines that analyse moieties."""
    run = fresh.simulate(GRID, {"KT-253": 10.0}, {"CRBN_of_line": 5.0})
    assert float(run["CRBN"][0]) == 5.0
    bound = run["CRBN_degrader"] + run["MDM2_degrader_CRBN"]
    total = run["CRBN"] + bound + run["MDM2_degrader_CRBN_ubiquitinated"]
    np.testing.assert_allclose(total.values, 5.0, rtol=1e-9)


def test_the_untreated_state_follows_the_parameters(fresh: Model) -> None:
    for parameters in ({"MDM2_gene_dose": 5.0}, {"k_deg_p53": 2.0}, {"k_ub_p53": 1.0}):
        run = fresh.simulate(GRID, parameters=parameters)
        assert float(abs(run["p53_total"] / run["p53_total"][0] - 1.0).max()) < 1e-7
        assert float(run["p53_total"][0]) != pytest.approx(25.4228, rel=1e-2)


def test_damage_and_dish_do_not_move_the_untreated_state(fresh: Model) -> None:
    plain = values(fresh.simulate(GRID))[:, 0]
    np.testing.assert_array_equal(
        plain, values(fresh.simulate(GRID, parameters={"DSB": 1.0}))[:, 0]
    )


def test_a_failed_load_does_not_hand_out_the_previous_model() -> None:
    sbml.to_sbml("model *good()\nA = 1\nend", "good")
    with pytest.raises(pn.ModelError):
        sbml.to_sbml("model *bad()\nr: A => B; k*(\nend", "bad")
    with pytest.raises(pn.ModelError):
        sbml.to_antimony("<sbml/>")


def test_one_model_from_several_threads(fresh: Model) -> None:
    """One engine must not run in two threads at once: runs wait for each other."""
    expected = {dose: values(fresh.simulate(GRID, {"KT-253": dose})) for dose in (1.0, 30.0)}
    wrong: list[float] = []

    def work(dose: float) -> None:
        for _ in range(5):
            if not np.array_equal(values(fresh.simulate(GRID, {"KT-253": dose})), expected[dose]):
                wrong.append(dose)

    threads = [threading.Thread(target=work, args=(dose,)) for dose in (1.0, 30.0, 1.0, 30.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_values_at_shared_times_do_not_depend_on_the_grid(fresh: Model) -> None:
    coarse = fresh.simulate([0.0, 3.0, 24.0], {"KT-253": 10.0})
    fine = fresh.simulate(np.linspace(0.0, 24.0, 241), {"KT-253": 10.0})
    np.testing.assert_allclose(
        values(coarse), values(fine.sel(time=[0.0, 3.0, 24.0])), rtol=1e-6, atol=1e-9
    )


def test_a_slow_cell_still_has_its_state_at_rest() -> None:
    """A process of 1e-3 /h is not at rest after 2,000 h, and not a reason to give up either."""
    model = pn.load()
    rest = model.steady_state(parameters={"k_deg_p21": 2e-3})
    made = 500.0 * float(rest["p21_mRNA"])
    assert float(rest["p21"]) == pytest.approx(made / 2e-3, rel=1e-8)


def test_the_smallest_dose_is_as_accurate_as_a_large_one(fresh: Model) -> None:
    """An absolute tolerance that suits nM would be blind to a dose of 1e-6 nM."""
    run = fresh.simulate(GRID, {"KT-253": 1e-6})
    tight = Model(fresh.definition, Tolerances(1e-12, 1e-24)).simulate(GRID, {"KT-253": 1e-6})
    for name in run.data_vars:
        scale = float(tight[name].max())
        assert float(abs(run[name] - tight[name]).max()) <= 1e-6 * scale, name


@pytest.mark.slow
def test_a_drug_may_be_called_what_antimony_reserves(tmp_path) -> None:
    header = "drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
    for name in ("end", "gamma", "MDM2", "time"):
        path = tmp_path / "my.tsv"
        path.write_text(header + f"{name}\tmechanism\tinhibitor\t\t\t\t\n")
        model = pn.load(name, tables={"drugs": path})
        assert float(model.simulate(GRID, {name: 1e3})["p53_active"][-1]) > 30.0


def test_times_apart_by_a_rounding_error_are_one(fresh: Model) -> None:
    """CVODE refuses so short a step: a dose at 0.3 h beside a grid's third tenth of an hour."""
    grid = np.arange(0.0, 10.0, 0.1)
    assert grid[3] != 0.3
    run = fresh.simulate(grid, {"KT-253": pn.pulse(10.0, hours=0.3)})
    usual = fresh.simulate(np.round(grid, 6), {"KT-253": pn.pulse(10.0, hours=0.3)})
    np.testing.assert_allclose(run["p53_total"], usual["p53_total"], rtol=1e-7)
    twice = fresh.simulate([0.0, 0.3, 0.1 + 0.2, 1.0], {"KT-253": 10.0})["p53_total"].values
    assert twice[1] == twice[2] and twice[3] > twice[2]


@pytest.mark.parametrize("engine", ["batch", "roadrunner", "copasi"])
def test_events_that_wait_at_the_end_of_a_run_do_not_happen_in_the_next(
    engine: str, tmp_path: Path
) -> None:
    """RoadRunner keeps them through a reset."""
    model = read("x = 2; E: at 2.5 after time > 0.5, fromTrigger=false: x = x*x", tmp_path)
    model.simulate([0.0, 1.0], engine=engine)
    again = model.simulate([0.0, 2.0, 3.0, 4.0], engine=engine)
    assert again["x"].values.tolist() == [2.0, 2.0, 2.0, 4.0]


@pytest.mark.slow
def test_engine_warnings_stay_off_stdout() -> None:
    """CVODE writes warnings to stdout, which belongs to the user's data."""
    code = (
        "import p53net as pn\n"
        "try:\n    pn.load('KT-253').simulate([0.0, 5.0], {'KT-253': 1e308})\n"
        "except pn.SimulationError:\n    print('refused')"
    )
    command = "simulate KT-253 --dose 1e308 --hours 5".split()
    for arguments, out in (["-c", code], "refused\n"), (["-m", "p53net", *command], ""):
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False
        )
        assert done.stdout == out
        assert "Traceback" not in done.stderr
    assert "error: KT_253: integration failed" in done.stderr
