"""Fits in other hands: PEtab problems that say what the fit says."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.fitting.petab_parts import bent_of
from p53net.fitting.result import Fit
from tests.support.commands import Command
from tests.support.elsewhere import archive_in_tellurium, output_of
from tests.support.fitting import course, plasma, plate, simulated

FREE, KILLING = "KT-253: fu_medium_degrader", "RS4;11: K_PUMA_caspase"
CLEARANCE = "milademetan in human: CL_inhibitor"
EXACT = Tolerances(1e-10, 1e-14)
TRUTH = {FREE: 0.03, KILLING: 200.0}
FLAT = {FREE: ("log-uniform", 0.003, 0.3)}
DOSES = (0.1, 0.3, 0.5, 1.0)


@lru_cache
def fit_of(case: str) -> Fit:
    """That of a case, which several tests ask for."""
    rows, truth, more = CASES[case]
    return fitted(rows, truth, **more)


def fitted(rows: list[dict[str, object]], truth: dict[str, float], **more: object) -> Fit:
    return pn.fit(simulated(rows, truth, 1), list(truth), draws=0, starts=1, **more)


@pytest.fixture(scope="module")
def dish() -> Fit:
    """A plate beside vehicle, and a blot in fold."""
    rows = [
        *plate("KT-253", "RS4;11", DOSES),
        *course("MDM2", "KT-253", "RS4;11", 0.5, (1.0, 4.0)),
    ]
    return fitted(rows, TRUTH, priors=FLAT, noise={"MDM2": ("log-normal", 0.15)})


def assert_same(found: Fit, path: Path) -> None:
    """Likelihoods and predictions are those of the fit, at the optimum and beside it."""
    problem = pn.read_petab(path, accuracy=1e-8)
    unknowns = found.target.unknowns
    assert len(problem.names) == len(unknowns)
    aside = 0.04 * (unknowns.high - unknowns.low)
    vectors = np.clip([found.best, found.best - aside, found.best + aside],
                      unknowns.low, unknowns.high)  # fmt: skip
    np.testing.assert_allclose(problem.nominal, found.best, rtol=1e-12)
    squares = (found.target.rows(vectors, EXACT) ** 2).sum(axis=1)
    own = found.target.highest - squares / 2.0
    np.testing.assert_allclose(problem.log_likelihood(vectors), own, atol=1e-6, rtol=1e-6)
    assert np.ptp(own) > 0.1  # it does tell them apart


@pytest.mark.slow
def test_a_dish_says_the_same(dish: Fit, tmp_path: Path) -> None:
    """Ratios to vehicle and to the start at once. Measured: 3e-8."""
    assert_same(dish, pn.export(dish, tmp_path / "problem"))


def of_body(drug: str, regimen: str, observable: str, unit: str, **more: object) -> list[dict]:
    like = {"observable": observable, "drug": drug, "regimen": regimen, "host": "human",
            "unit": unit, **more}  # fmt: skip
    return [{**like, "time": time, "replicate": n} for time in (24.0, 120.0, 240.0)
            for n in range(2)]  # fmt: skip


CASES: dict[str, tuple[list[dict[str, object]], dict[str, float], dict[str, object]]] = {
    "plate, blot and plasma": (
        [*plate("KT-253", "RS4;11", DOSES, 2), *plate("milademetan", "SJSA-1", (300.0,), 1),
         *course("p21", "milademetan", "SJSA-1", 300.0, (4.0, 12.0)),
         *plasma("milademetan", "human", "260 mg once + 130 mg once from 1 d", (2, 8, 30), 1)],
        {**TRUTH, CLEARANCE: 14.0},
        {"scale": ["p21"], "noise": dict.fromkeys(("p21", "plasma"), ("log-normal", 0.15))},
    ),
    "two drugs": (
        [{"observable": "viability", "drug": "milademetan + KT-253", "dose": dose, "time": 72.0,
          "unit": "%", "line": "RS4;11"} for dose in ("30 + 0.1", "100 + 0.3", "30 + 0.3")],
        {FREE: 0.03}, {"noise": {"viability": ("normal", 5.0)}},
    ),
    "washout": (
        [{**row, "exposure": 4.0} for row in plate("KT-253", "RS4;11", (0.5, 1.0, 3.0))],
        TRUTH, {},
    ),
    "shares of classes": (
        [*plate("KT-253", "RS4;11", DOSES, observable="caspase", time=8.0, unit="fold"),
         *plate("KT-253", "RS4;11", DOSES)],
        TRUTH, {"structure": {"death": "spread"}},
    ),
    "an infusion": (
        plasma("KT-253", "human", "20 mg once over 2 h + 10 mg once from 1 d over 90 min",
               (1.0, 3.0, 26.0, 40.0)),
        {"KT-253 in human: CL_degrader": 3.0}, {},
    ),
    "a tumour": (
        of_body("KT-253", "4 mg once + 2 mg once from 2 d", "volume", "%", line="RS4;11"),
        {KILLING: 200.0}, {},
    ),
    "marrow": (
        [*of_body("milademetan", "260 mg daily for 3 d", "platelets", "1e9/L"),
         *of_body("milademetan", "260 mg daily for 3 d", "GDF15", "fold")],
        {"model: slope_platelets": 0.005}, {"priors": {"model: slope_platelets":
                                                       ("log-uniform", 0.0005, 0.05)}},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_data_says_the_same(case: str, tmp_path: Path) -> None:
    found = fit_of(case)
    assert_same(found, pn.export(found, tmp_path / "problem"))


@pytest.mark.slow
def test_signals_with_blanks_have_scale_and_offset(tmp_path: Path) -> None:
    table = simulated(plate("KT-253", "RS4;11", DOSES, 2), TRUTH, 1, sd=2.0)
    table["unit"], table["value"] = "AU", 30.0 * table["value"] + 200.0
    blank = {"observable": "viability", "drug": "blank", "time": 72.0, "unit": "AU",
             "line": "RS4;11"}  # fmt: skip
    blanks = pd.DataFrame([{**blank, "replicate": n, "value": 200.0 + n} for n in range(3)])
    found = pn.fit(pd.concat([table, blanks], ignore_index=True), list(TRUTH), draws=0, starts=1)
    assert {one.kind for one in found.target.unknowns.nuisances} == {"noise", "scale", "offset"}
    assert_same(found, pn.export(found, tmp_path / "problem"))


@pytest.mark.slow
def test_priors_are_those_of_the_fit(tmp_path: Path) -> None:
    """Of logits, logarithms, and flat ones, up to a constant."""
    rows = [*plate("KT-253", "RS4;11", DOSES),
            *plasma("milademetan", "human", "260 mg once", (2.0, 8.0))]  # fmt: skip
    priors = {KILLING: ("log-normal", 180.0, 2.0)}
    found = fitted(rows, {**TRUTH, CLEARANCE: 14.0}, priors=priors)
    problem = pn.read_petab(pn.export(found, tmp_path / "problem"))
    unknowns = found.target.unknowns
    random = np.random.default_rng(1).uniform(0.3, 0.7, (20, len(unknowns)))
    vectors = unknowns.low + (unknowns.high - unknowns.low) * random
    z = unknowns.normal(vectors)[:, : len(unknowns.parameters)]
    flat = [i for i, one in enumerate(unknowns.priors) if one.distribution == "log-uniform"]
    z[:, flat] = 0.0
    own = -(z**2).sum(axis=1) / 2.0  # normal on their scales
    logs = [i for i, one in enumerate(unknowns.priors) if one.distribution == "log-normal"]
    assert logs and len(logs) + len(flat) < len(unknowns.priors)  # all three kinds
    other = problem.log_prior(vectors) + vectors[:, logs].sum(axis=1)  # of the logarithm
    np.testing.assert_allclose(other - other[0], own - own[0], atol=1e-6)


@pytest.mark.slow
def test_petablint_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("petab", reason="petab is not installed")
    path = pn.export(fit_of("plate, blot and plasma"), tmp_path / "problem")
    lint = Path(sys.executable).parent / "petablint"
    done = subprocess.run([lint, "-v", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ERROR" not in done.stderr


PYPESTO = """
import json, sys
import numpy as np
import petab.v1 as petab
import pypesto.optimize
from pypesto.objective.roadrunner import SolverOptions
from pypesto.petab import PetabImporter
problem = petab.Problem.from_yaml(sys.argv[1])
importer = PetabImporter(problem, simulator_type="roadrunner")
objective = importer.create_objective_creator("roadrunner").create_objective()
objective.solver_options = SolverOptions(relative_tolerance=1e-9, absolute_tolerance=1e-14)
start = np.array(problem.x_nominal_free_scaled) + 0.2
wanted = importer.create_problem(objective=objective, x_guesses=[start])
method = pypesto.optimize.ScipyOptimizer(
    "Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7, "maxiter": 1000})
found = pypesto.optimize.minimize(
    wanted, optimizer=method, n_starts=1, progress_bar=False, filename=None)
print("RESULT" + json.dumps([list(found.optimize_result[0].x), found.optimize_result[0].fval]))
"""


@pytest.mark.slow
def test_pypesto_finds_the_same_optimum(dish: Fit, tmp_path: Path) -> None:
    pytest.importorskip("petab", reason="petab is not installed")
    if importlib.util.find_spec("pypesto") is None:
        pytest.skip("pyPESTO is not installed")
    path = pn.export(dish, tmp_path / "problem")
    x, value = json.loads(output_of(PYPESTO, str(path)).partition("RESULT")[2])
    unknowns = dish.target.unknowns
    found = unknowns.values(np.array([x]))[0]
    # 3e-4 apart when measured: searches end where the sum changes by less than their tolerance
    np.testing.assert_allclose(found, unknowns.values(dish.best[None])[0], rtol=1e-3)
    assert -value == pytest.approx(dish.log_likelihood, abs=2e-3)  # fits run at 1e-6


@pytest.mark.slow
def test_an_archive_of_a_fit_runs_everywhere(tmp_path: Path) -> None:
    rows = [*plate("KT-253", "RS4;11", (0.5,)), *course("MDM2", "KT-253", "RS4;11", 0.3, (4.0,))]
    found = fitted(rows, {FREE: 0.03}, noise={"MDM2": ("log-normal", 0.15)})
    one, two = (pn.export(found, tmp_path / name) for name in ("one.omex", "two.omex"))
    assert one.read_bytes() == two.read_bytes()
    own = pn.run_archive(one, tmp_path / "own")
    with zipfile.ZipFile(one) as held:
        held.extractall(tmp_path / "problem")
    simulated = pn.read_petab(tmp_path / "problem" / "problem.yaml").simulate()
    (tmp_path / "other").mkdir()
    archive_in_tellurium(one, tmp_path / "other")
    for name, rows in simulated.groupby("simulationConditionId"):
        table = own[f"curves_{name}"]
        last = rows[rows["time"] == rows["time"].max()].iloc[0]
        quantity = "live_cells" if last["observableId"] == "observable_1" else "MDM2_total"
        by = f"vehicle_{quantity}" if quantity == "live_cells" else f"rest_{quantity}"
        factor = 100.0 if quantity == "live_cells" else 1.0
        ended = factor * table[quantity].iloc[-1] / table[by].iloc[-1]
        assert ended == pytest.approx(last["simulation"], rel=1e-5)
        other = pd.read_csv(tmp_path / "other" / f"simulation_curves_{name}.csv")
        np.testing.assert_allclose(other[quantity], table[quantity], rtol=1e-6)


@pytest.mark.slow
def test_lines_of_other_sizes_are_models_of_an_archive(tmp_path: Path) -> None:
    """RoadRunner keeps amounts where SED-ML changes a compartment, others concentrations."""
    rows = [*plate("KT-253", "RS4;11", (0.5,)), *plate("KT-253", "SJSA-1", (3.0,))]
    found = fitted(rows, {FREE: 0.03})
    path = pn.export(found, tmp_path / "fit.omex")
    with zipfile.ZipFile(path) as held:
        assert {"model_1.xml", "model_2.xml"} < set(held.namelist())
    tables = pn.run_archive(path)
    own = {
        round(100.0 * table["live_cells"].iloc[-1] / table["vehicle_live_cells"].iloc[-1], 3)
        for table in tables.values()
    }
    assert own == {round(one, 3) for one in found.target.predicted(found.best[None], EXACT)[0]}


@pytest.mark.slow
@pytest.mark.parametrize("structure", ["v0.1", {"clone": "mutant"}])
def test_other_structures_say_the_same(structure: object, tmp_path: Path) -> None:
    found = fitted(plate("KT-253", "RS4;11", DOSES, 1), {FREE: 0.03}, structure=structure,
                   noise={"viability": ("normal", 5.0)})  # fmt: skip
    assert_same(found, pn.export(found, tmp_path / "problem.v1"))


@pytest.mark.slow
def test_priors_that_go_together_are_said(tmp_path: Path) -> None:
    pair = {"model: k_syn_p53": 30.0, "model: k_ub_p53": 30.0}
    rows = course("p53", "KT-253", "RS4;11", 1.0, (1.0, 2.0, 4.0, 8.0))
    found = fitted(rows, pair, noise={"p53": ("log-normal", 0.15)})
    with pytest.warns(UserWarning, match="k_syn_p53 and model: k_ub_p53 go together"):
        pn.export(found, tmp_path / "problem")


@pytest.mark.slow
def test_commands_write_petab(command: Command, tmp_path: Path) -> None:
    table = simulated(plate("KT-253", "RS4;11", DOSES, 2), TRUTH, 1)
    table.to_csv(tmp_path / "plate.csv", index=False)
    done = command("fit", str(tmp_path / "plate.csv"), "--parameter", FREE, "--draws", "0",
                   "--starts", "1", "--no-plot", "-o", str(tmp_path / "fit"), "--petab",
                   str(tmp_path / "problem"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert pn.read_petab(tmp_path / "problem" / "problem.yaml").names[0].startswith("logit_KT_253")
    done = command("export", "KT-253", str(tmp_path / "s.omex"), "--dose", "KT-253=5", "--petab",
                   str(tmp_path / "problem"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "s.omex") as held:
        assert "petab/problem.yaml" in held.namelist()


@pytest.mark.slow
def test_what_petab_cannot_say_is_named(tmp_path: Path) -> None:
    table = simulated(
        plasma("milademetan", "human", "260 mg once", (2, 8, 90)), {CLEARANCE: 14.0}, 1
    )
    table["value"] = table["value"].astype(object)
    table.loc[4, "value"] = "<5"
    found = pn.fit(table, [CLEARANCE], draws=0, starts=1)
    with pytest.raises(pn.UnsupportedError, match=r"row.* 5: values below a limit"):
        pn.export(found, tmp_path / "out")
    assert not list(tmp_path.iterdir())


FOLLOWING = {
    "a mouse by allometry": (
        [*plasma("milademetan", "mouse", "50 mg/kg once", (2.0, 8.0)),
         *plasma("milademetan", "human", "260 mg once", (2.0, 8.0))],
        {CLEARANCE: 14.0}, {},
    ),
    "plasma by medium": (
        of_body("KT-253", "4 mg once", "volume", "%", line="RS4;11"), {FREE: 0.03}, {},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", FOLLOWING)
def test_what_follows_a_parameter_does_so_in_the_file(case: str, tmp_path: Path) -> None:
    rows, truth, more = FOLLOWING[case]
    found = fitted(rows, truth, **more)
    assert_same(found, pn.export(found, tmp_path / "problem"))


def test_another_formula_is_refused() -> None:
    assert bent_of(lambda x: 0.3 * x, "a", "b") == pytest.approx((0.3, 0.0), abs=1e-12)
    assert bent_of(lambda x: x / (10.0 - 9.0 * x), "a", "b") == pytest.approx((0.1, 0.9))
    with pytest.raises(pn.UnsupportedError, match="a follows b by a formula"):
        bent_of(lambda x: x**2, "a", "b")


@pytest.mark.slow
def test_a_fit_of_a_problem_has_files_already(dish: Fit, tmp_path: Path) -> None:
    again = pn.fit(pn.export(dish, tmp_path / "one"), draws=0, starts=1)
    with pytest.raises(pn.InputError, match="of a PEtab problem already"):
        pn.export(again, tmp_path / "two")


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("fit.xml", {}, "a folder is written"),
        ("folder", {"feedback": False}, "exported as it is"),
        ("folder", {"settling": 10.0}, "exported as it is"),
        ("folder", {"petab": "x"}, "exported as it is"),
    ],
)
@pytest.mark.slow
def test_what_is_refused(
    name: str, more: dict[str, object], said: str, dish: Fit, tmp_path: Path
) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.export(dish, tmp_path / name, **more)
    assert not list(tmp_path.iterdir())
