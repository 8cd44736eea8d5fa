"""PEtab problems of our models: what others make of them, and what is refused."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import p53net as pn
from tests.support.elsewhere import output_of

DRUG = "milademetan"
BODY = {DRUG: pn.regimen(260, "mg", [0, 24])}
TIMES = np.array([0, 0.5, 1, 2, 4, 8, 12, 24.5, 26, 30, 36, 48.0])
BOUNDS = {"CL_inhibitor": (5.0, 50.0), "V_central_inhibitor": (30.0, 300.0)}
CELL = {"KT-253": 5.0}


@pytest.fixture(scope="module")
def plasma() -> pn.Model:
    return pn.load(DRUG, system="plasma")


@pytest.fixture(scope="module")
def data(plasma: pn.Model) -> pd.DataFrame:
    """Of a patient who clears faster than the usual one, from a smaller volume."""
    run = plasma.simulate(TIMES, BODY, {"CL_inhibitor": 18.0, "V_central_inhibitor": 80.0})
    noise = np.exp(0.1 * np.random.default_rng(1).normal(size=len(TIMES) - 1))
    values = run["inhibitor_plasma"].values[1:] * noise
    return pd.DataFrame(
        {"observable": "inhibitor_plasma", "time": TIMES[1:], "value": values, "error": 0.1}
    )


def fitted(path: Path) -> tuple[np.ndarray, object]:
    problem = pn.read_petab(path)
    best = minimize(
        lambda x: -problem.log_likelihood(x),
        problem.nominal,
        jac=lambda x: -problem.gradient(x),
        bounds=problem.bounds.T,
        options={"ftol": 1e-14, "gtol": 1e-8},
    )
    return problem.values(best.x), problem


PYPESTO = """
import json, sys
import numpy as np
import petab.v1 as petab
from pypesto.petab import PetabImporter
import pypesto.optimize
problem = petab.Problem.from_yaml(sys.argv[1])
wanted = PetabImporter(problem, simulator_type="roadrunner").create_problem()
method = pypesto.optimize.ScipyOptimizer(
    "Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000})
found = pypesto.optimize.minimize(
    wanted, optimizer=method, n_starts=2, progress_bar=False, filename=None)
best = found.optimize_result[0]
names = [wanted.x_names[i] for i in wanted.x_free_indices]
x = np.asarray(best.x)[wanted.x_free_indices]
print("RESULT" + json.dumps(dict(zip(names, (10.0 ** x).tolist()))))
"""

IN_COPASI = """
import json, os, sys
import basico, numpy as np, pandas as pd
folder = sys.argv[1]
os.chdir(folder)  # where basico leaves its copy of the data
data = pd.read_csv(folder + "/measurements.tsv", sep="\\t")
basico.load_model(folder + "/model.xml")
frame = pd.DataFrame({"Time": data["time"], "[inhibitor_plasma]": data["measurement"]})
basico.add_experiment("plasma", frame)
bounds = pd.read_csv(folder + "/parameters.tsv", sep="\\t")
basico.set_fit_parameters([
    {"name": f"Values[{one.parameterId}].InitialValue", "lower": one.lowerBound,
     "upper": one.upperBound, "start": one.nominalValue} for one in bounds.itertuples()])
basico.set_task_settings("Parameter Estimation", {"method": {"name": "Levenberg - Marquardt",
    "Iteration Limit": 2000, "Tolerance": 1e-10}})
found = basico.run_parameter_estimation(update_model=True)
print("RESULT" + json.dumps({
    "fit": [float(v) for v in found["sol"]],
    "dose": basico.get_parameters("dose_inhibitor")["initial_value"].iloc[0]}))
"""


def result_of(code: str, *arguments: str) -> object:
    return json.loads(output_of(code, *arguments).partition("RESULT")[2])


@pytest.mark.slow
def test_pypesto_finds_the_same_optimum(
    plasma: pn.Model, data: pd.DataFrame, tmp_path: Path
) -> None:
    pytest.importorskip("petab", reason="petab is not installed")
    if importlib.util.find_spec("pypesto") is None:
        pytest.skip("pyPESTO is not installed")
    path = pn.write_petab(plasma, data, BOUNDS, tmp_path, doses=BODY, noise="log-normal")
    own, problem = fitted(path)
    found = result_of(PYPESTO, str(path))
    np.testing.assert_allclose([found[name] for name in problem.names], own, rtol=1e-3)


@pytest.mark.slow
def test_copasi_finds_the_same_optimum_and_leaves_the_dose(
    plasma: pn.Model, data: pd.DataFrame, tmp_path: Path
) -> None:
    pytest.importorskip("basico")
    # COPASI's usual weights are 1 over the mean square, one number: least squares of values
    path = pn.write_petab(
        plasma, data.assign(error=100.0), BOUNDS, tmp_path, doses=BODY, noise="normal"
    )
    own, _ = fitted(path)
    found = result_of(IN_COPASI, str(tmp_path))
    np.testing.assert_allclose(found["fit"], own, rtol=1e-3)
    assert found["dose"] == pytest.approx(pn.convert(260, "mg", "nmol", DRUG), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["plasma", "cell", "conditions"])
def test_petablint_finds_nothing(
    which: str, plasma: pn.Model, data: pd.DataFrame, tmp_path: Path
) -> None:
    pytest.importorskip("petab", reason="petab is not installed")
    if which == "plasma":
        path = pn.write_petab(plasma, data, BOUNDS, tmp_path, doses=BODY, noise="log-normal")
    elif which == "cell":
        path = pn.write_petab(pn.load("KT-253"), of_cell(), {"k_deg_p53": (0.01, 10)}, tmp_path,
                              doses=CELL)  # fmt: skip
    else:
        path = in_conditions(plasma, tmp_path)
    lint = Path(sys.executable).parent / "petablint"
    done = subprocess.run([lint, "-v", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ERROR" not in done.stderr


def of_cell(k_deg_p53: float | None = None) -> pd.DataFrame:
    changed = {} if k_deg_p53 is None else {"k_deg_p53": k_deg_p53}
    run = pn.load("KT-253").simulate(np.linspace(0, 24, 5), CELL, changed)
    tables = [
        pd.DataFrame({"observable": name, "time": run["time"], "value": values})
        for name, values in (("p53_total", run["p53_total"]),
                             ("MDM2_total / p53_total", run["MDM2_total"] / run["p53_total"]))
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)


@pytest.mark.slow
def test_an_untreated_start_follows_what_is_fitted(tmp_path: Path) -> None:
    """The curves of other parameters are those of a run with these, from its own rest."""
    model, table = pn.load("KT-253"), of_cell(0.6)
    path = pn.write_petab(model, table, {"k_deg_p53": (0.01, 10)}, tmp_path, doses=CELL)
    problem = pn.read_petab(path)
    assert problem.names == ("k_deg_p53", "noise_1", "noise_2")
    theta = problem.nominal
    theta[0] = np.log10(0.6)
    found = problem.simulate(theta)
    np.testing.assert_allclose(found["simulation"], found["measurement"], rtol=2e-6)


def in_conditions(plasma: pn.Model, folder: Path) -> Path:
    """Two doses: the amount is a parameter that conditions set."""
    masses = {"low": 130.0, "high": 520.0}
    rows = [
        pd.DataFrame({
            "observable": "inhibitor_plasma", "time": TIMES[1:], "condition": name,
            "value": plasma.simulate(TIMES, {DRUG: pn.regimen(mass, "mg", [0, 24])})[
                "inhibitor_plasma"].values[1:],
        })
        for name, mass in masses.items()
    ]  # fmt: skip
    conditions = {
        name: {"dose_inhibitor": pn.convert(mass, "mg", "nmol", DRUG)}
        for name, mass in masses.items()
    }
    return pn.write_petab(plasma, pd.concat(rows), BOUNDS, folder, doses=BODY,
                          conditions=conditions)  # fmt: skip


def test_conditions_set_doses(plasma: pn.Model, tmp_path: Path) -> None:
    found = pn.read_petab(in_conditions(plasma, tmp_path)).simulate()
    np.testing.assert_allclose(found["simulation"], found["measurement"], rtol=2e-6)


def changed(**columns: object) -> dict[str, object]:
    return {"data": columns}


BAD: dict[str, tuple[dict[str, object], str]] = {
    "no frame": ({"data": [1, 2]}, "no DataFrame"),
    "unknown column": (changed(dose=1.0), "a column 'dose'"),
    "no value": ({"drop": "value"}, "no column 'value'"),
    "no rows": ({"rows": 0}, "no rows"),
    "text for a value": (changed(value="high"), "row 1: value"),
    "missing time": (changed(time=np.nan), "row 1: time"),
    "negative time": (changed(time=-1.0), "row 1: time"),
    "negative error": (changed(error=-0.1), "row 1: error"),
    "no error": (changed(error=0.0), "row 1: error is 0"),
    "no logarithm": (changed(value=-1.0), "has no logarithm"),
    "unknown observable": (changed(observable="plasma_inhibitor"), "unknown observable"),
    "bad formula": (changed(observable="inhibitor_plasma /"), "observable"),
    "odd condition": (changed(condition="a b"), "no word"),
    "unknown condition": (changed(condition="other"), "unknown condition 'other'"),
    "unknown noise": ({"noise": "cauchy"}, "noise is 'cauchy'"),
    "no parameters": ({"parameters": {}}, "must map ids to bounds"),
    "unknown parameter": ({"parameters": {"CL": (1, 2)}}, "unknown parameter 'CL'"),
    "bounds fall": ({"parameters": {"CL_inhibitor": (50, 5)}}, "must be above 0 and rise"),
    "bounds at 0": ({"parameters": {"CL_inhibitor": (0, 50)}}, "must be above 0 and rise"),
    "bounds elsewhere": ({"parameters": {"CL_inhibitor": (1, 2)}}, "give bounds around it"),
    "one bound": ({"parameters": {"CL_inhibitor": 3.0}}, "give two numbers"),
    "set and fitted": ({"conditions": {"usual": {"CL_inhibitor": 3.0}}}, "do one of them"),
    "unknown id": ({"conditions": {"usual": {"x": 3.0}}}, "unknown id in condition usual"),
    "set in one": (
        {"conditions": {"usual": {"dose_inhibitor": 3.0}, "b": {}}}, "b does not set"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case: str, plasma: pn.Model, data: pd.DataFrame, tmp_path: Path) -> None:
    arguments, said = BAD[case]
    more = dict(arguments)
    table: object = data
    if isinstance(more.get("data"), dict):
        table = data.assign(**more.pop("data"))
    table = more.pop("data", table)
    if "drop" in more:
        table = data.drop(columns=[more.pop("drop")])
    if "rows" in more:
        table = data.head(more.pop("rows"))
    parameters = more.pop("parameters", BOUNDS)
    more.setdefault("noise", "log-normal")
    with pytest.raises((pn.InputError, pn.UnknownNameError), match=said):
        pn.write_petab(plasma, table, parameters, tmp_path / "out", doses=BODY, **more)
    assert not list(tmp_path.iterdir())


SETTLES = {
    "pulse": (("KT-253",), {}, {"KT-253": pn.pulse(5.0, 4.0)}, "MDM2_total"),
    "closed": (("KT-253",), {}, {"KT-253": pn.closed_dish(5.0)}, "MDM2_total"),
    "culture": ((DRUG,), {"system": "culture"}, {DRUG: 300.0}, "live_cells"),
    "tumour": (("KT-253",), {"system": "tumour"}, {"KT-253": pn.regimen(2, "mg", [0, 24])},
               "tumour_volume"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", SETTLES)
def test_other_cells_settle_in_the_file(case: str, tmp_path: Path) -> None:
    """Measured: 2e-7 at most."""
    drugs, where, doses, name = SETTLES[case]
    model, grid = pn.load(*drugs, **where), np.array([0.0, 3.0, 12.0, 30.0, 72.0])
    run = model.simulate(grid, doses, {"k_deg_p53": 0.5})
    table = pd.DataFrame({"observable": name, "time": grid, "value": run[name].values})
    path = pn.write_petab(model, table, {"k_deg_p53": (0.01, 10)}, tmp_path, doses=doses)
    problem = pn.read_petab(path)
    theta = problem.nominal
    theta[0] = np.log10(0.5)
    found = problem.simulate(theta)
    np.testing.assert_allclose(found["simulation"], found["measurement"], rtol=5e-6)
    np.testing.assert_allclose(found["time"], grid + 1000.0)


def test_conditions_of_settling_cells_set_no_starts(tmp_path: Path) -> None:
    model = pn.load("KT-253")
    with pytest.raises(pn.UnknownNameError, match="id in condition usual 'degrader_medium'"):
        pn.write_petab(model, of_cell(), {"k_deg_p53": (0.01, 10)}, tmp_path / "out",
                       doses={"KT-253": pn.pulse(5.0, 4.0)},
                       conditions={"usual": {"degrader_medium": 1.0}})  # fmt: skip
