"""Rows of evidence of a user's own: how they are read, what predicts them, and what they do to a
posterior."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import p53net as pn
from p53net.cli.terminal import app
from p53net.evidence.published import observations
from p53net.inference import body_draws, handling
from p53net.inference.body_walks import Effort
from p53net.inference.dish_rows import DishRows
from p53net.inference.likelihood import Likelihood, family
from p53net.inference.own_evidence import Assay, Parameter, Quantity, Run, own_rows
from p53net.inference.own_predicted import OwnPredicted
from p53net.inference.parameters import parameters_of
from p53net.inference.parts import HANDLED
from p53net.inference.posterior import Posterior, infer
from p53net.inference.prior import HALF_95
from p53net.inference.priors import Space, for_structure
from p53net.inference.target import Target
from p53net.inference.tempering import Settings, tempered
from p53net.model.library import models_folder
from p53net.model.own import as_tables
from tests.support.own_evidence import own_tables, written

QUICK = 1e-3
"""Of a value, ten times what quick runs were seen to be off."""

GROWTH = "ourline: k_growth"
MEASURED = {"kind": "measured", "source": "ours"}


def predicted(
    folder: Path, values: Mapping[str, list[float]], *rows: Mapping[str, str],
    **line: Mapping[str, str],
) -> tuple[dict[str, np.ndarray], OwnPredicted]:  # fmt: skip
    """Of trials with these values; what else has a prior has its value of the tables."""
    own = as_tables(own_tables(folder, *rows, **line))
    known = parameters_of("default", own)
    usual = {one.name: known[one.name].value for one in for_structure("default", tables=own)}
    columns = {**usual, **values}
    dish = DishRows([*columns], "default", own=own)
    made = OwnPredicted(dish, own_rows(own))
    return made(np.stack(np.broadcast_arrays(*columns.values()), axis=-1)), made


def test_read_outs_are_what_the_words_say(tmp_path: Path) -> None:
    rows = own_rows(as_tables(own_tables(
        tmp_path,
        {"id": "a", "read_out": 'ic50["nutlin-3A", "OurLine"]'},
        {"id": "b", "read_out": '2*p53_total:24/p53_total:0["untreated"] - MDM2_total:8["RS411"]',
         "line": "ourline", "drug": "KT253", "dose": "10 nM for 4 h"},
        {"id": "c", "read_out": "k_growth", "line": "ourline", "system": "culture"},
    )))  # fmt: skip
    treated = Run("dish", "ourline", "KT-253", "10 nM for 4 h")
    assert list(rows["a"].wanted.values()) == [Assay("ic50", "nutlin-3a", "ourline")]
    assert list(rows["b"].wanted.values()) == [
        Quantity(treated, "p53_total", 24.0),
        Quantity(treated._replace(dose=""), "p53_total", 0.0),
        Quantity(treated._replace(line="RS4;11"), "MDM2_total", 8.0),
    ]
    (growth,) = rows["c"].wanted.values()
    assert growth == Parameter(Run("culture", "ourline", "milademetan", ""), "k_growth")


def test_the_table_of_the_package_needs_none_of_the_columns() -> None:
    assert own_rows(as_tables({"observations": models_folder() / "observations.tsv"})) == {}


@pytest.mark.slow
def test_a_parameter_is_read_alone_and_from_whoever_has_it(tmp_path: Path) -> None:
    """Of a line of one's own from its prior, of the models for all lines; nothing runs."""
    values = {GROWTH: [0.02, 0.04], "model: k_deg_MDM2": [0.5, 2.0]}
    found, made = predicted(
        tmp_path, values,
        {"id": "doubling", "read_out": "0.693147/k_growth", "unit": "h", "line": "ourline",
         "system": "culture"},
        {"id": "half_life", "read_out": "41.59/k_deg_MDM2", "unit": "min", "line": "ourline"},
        {"id": "dose", "read_out": "MDM2_gene_dose", "unit": "1", "line": "ourline"},
        MDM2_gene_dose={"value": "4", "unit": "dimensionless", **MEASURED},
    )  # fmt: skip
    np.testing.assert_allclose(found["doubling"], np.log(2) / np.array([0.02, 0.04]), rtol=1e-6)
    np.testing.assert_allclose(found["half_life"], 41.59 / np.array([0.5, 2.0]))
    np.testing.assert_array_equal(found["dose"], [4.0, 4.0])
    assert made.rows.read == {GROWTH, "model: k_deg_MDM2"}
    assert made.held == ["ourline: MDM2_gene_dose"]


def test_a_row_is_as_likely_as_its_interval_says(tmp_path: Path) -> None:
    """Log-normal, with the interval as its 95 %, against the formula."""
    row = {"value": "0.04", "low": "0.02", "high": "0.08", "unit": "per_hour"}
    own = as_tables(own_tables(tmp_path, {"read_out": "k_growth", "system": "culture", **row}))
    made = family(observations(own)["mine"])
    width, values = np.log(2.0) / HALF_95, np.array([0.02, 0.04, 0.1])
    away = np.log(values / 0.04) / width
    expected = -0.5 * away**2 - np.log(width * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(made(values), expected, rtol=1e-5)


@pytest.mark.slow
def test_quantities_are_those_of_a_run_of_the_line(tmp_path: Path) -> None:
    """Against runs with error bars of the model that a user loads, in three kinds of doses."""
    doses = {"a": "1000 nM", "b": "1000 nM for 4 h", "c": "1000 nM in 10 pL"}
    rows = [{"id": name, "read_out": 'p53_total:24/p53_total:0["untreated"]', "unit": "fold",
             "line": "ourline", "drug": "nutlin-3a", "dose": dose}
            for name, dose in doses.items()]  # fmt: skip
    late = {"id": "d", "read_out": "p53_total:2", "line": "ourline", "drug": "nutlin-3a",
            "dose": "1000 nM for 4 h"}  # fmt: skip
    line = {"MDM2_gene_dose": {"value": "4", "unit": "dimensionless", **MEASURED}}
    usual = pn.load("nutlin-3a", cell_line="ourline", tables=own_tables(tmp_path, **line))
    changed = [0.7, 1.4]
    found, _ = predicted(tmp_path, {"model: k_deg_MDM2": changed}, *rows, late, **line)
    courses = {"a": 1000.0, "b": pn.pulse(1000.0, 4.0), "c": pn.closed_dish(1000.0, 10.0)}
    for i, value in enumerate(changed):
        for name, dose in courses.items():
            run = usual.simulate([0, 2, 24], {"nutlin-3a": dose}, parameters={"k_deg_MDM2": value})
            p53 = run["p53_total"].values
            assert found[name][i] == pytest.approx(p53[2] / p53[0], rel=QUICK), name
            if name == "b":
                assert found["d"][i] == pytest.approx(p53[1], rel=QUICK)


@pytest.mark.slow
def test_a_line_with_the_values_of_another_one_reads_what_that_one_does(tmp_path: Path) -> None:
    """And assays are those of the ledger's rows, which have plates of their own."""
    known = pn.model.cell_line_entries()["RS4;11"].values
    line = {name: {"value": f"{one.value!r}", "unit": one.unit, **MEASURED}
            for name, one in known.items() if name != "k_growth"}  # fmt: skip
    values = {GROWTH: [known["k_growth"].value]}
    values |= {f"RS4;11: {name}": [one.value] for name, one in known.items()}
    values["model: k_deg_MDM2"] = [0.7, 1.4]
    pairs = [("KT-253", "ic50"), ("MD-4251", "dc50"), ("MD-4251", "dmax"), ("milademetan", "ic50")]
    rows = [{"id": f"{what} {drug} {place}", "read_out": f'{what}["{drug}","{place}"]',
             "unit": "%" if what == "dmax" else "nM", "value": "", "low": "1", "high": "2"}
            for drug, what in pairs for place in ("ourline", "RS4;11")]  # fmt: skip
    found, _ = predicted(tmp_path, values, *rows, **line)
    for drug, what in pairs:
        mine, theirs = found[f"{what} {drug} ourline"], found[f"{what} {drug} RS4;11"]
        np.testing.assert_allclose(mine, theirs, rtol=QUICK)
        assert abs(np.log(mine[1] / mine[0])) > 10 * QUICK
    usual = parameters_of("default")
    columns = {**{name: [one.value] for name, one in usual.items()}, **values}
    del columns[GROWTH]
    ledger = DishRows([*columns], "default", ["degradation", "viability"])
    theirs = ledger(np.stack(np.broadcast_arrays(*columns.values()), axis=-1))
    for mine, name in (("ic50 KT-253 RS4;11", "kt253_ic50_rs411"),
                       ("dc50 MD-4251 RS4;11", "md4251_dc50"),
                       ("dmax MD-4251 RS4;11", "md4251_dmax")):  # fmt: skip
        np.testing.assert_allclose(found[mine], theirs[name], rtol=10 * QUICK, err_msg=name)


@pytest.mark.slow
def test_a_drug_with_the_values_of_another_one_does_what_that_one_does(tmp_path: Path) -> None:
    known = pn.model.drug_entries()["nutlin-3a"]
    drug = {"drug": "newdrug", "source": "ours", "note": ""}
    facts = {"value": "inhibitor", "unit": "", "kind": ""}
    table = [{**drug, "parameter": "mechanism", **facts}]
    table += [{**drug, "parameter": name, "value": f"{one.value!r}", "unit": one.unit, **MEASURED}
              for name, one in known.values.items()]  # fmt: skip
    written(own_tables(tmp_path), "drugs.tsv", *table)
    rows = [{"id": name, "read_out": f'p53_total:24/p53_total:0*ic50["{name}"]', "drug": name,
             "dose": "300 nM", "unit": "nM"} for name in ("newdrug", "nutlin-3a")]  # fmt: skip
    found, made = predicted(tmp_path, {"model: k_deg_MDM2": [0.7, 1.4]}, *rows)
    np.testing.assert_allclose(found["newdrug"], found["nutlin-3a"], rtol=QUICK)
    assert abs(np.log(found["newdrug"][1] / found["newdrug"][0])) > 10 * QUICK
    assert set(made.held) == {f"newdrug: {name}" for name in known.values}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


OBSERVED, FACTOR = 0.12, 1.26
"""Growth of the line [1/h], and its 95 %: four times the prior's middle, whose 95 % is a factor of
two, so four standard deviations of it, measured three times as well as it was known before."""

ROW = {"read_out": "k_growth", "line": "ourline", "system": "culture", "unit": "1/h",
       "value": f"{OBSERVED}", "low": f"{OBSERVED / FACTOR!r}",
       "high": f"{OBSERVED * FACTOR!r}"}  # fmt: skip
SMALL = {"runs": 1, "particles": 16, "moves": 1, "kept": 4, "between": 1, "draws": 4, "seed": 3}


def given(folder: Path) -> dict[str, Path]:
    """The row in a table that is named by itself, the rest in a folder."""
    own = own_tables(folder, ROW)
    row = folder / "mine.tsv"
    if (own / "observations.tsv").exists():
        (own / "observations.tsv").replace(row)
    return {"observations": row, "tables": own}


@pytest.mark.slow
def test_only_what_the_row_reads_is_moved_besides(folder: Path) -> None:
    own = as_tables(own_tables(folder, ROW))
    target, usual = Target("default", own=own), Target("default")
    moved = {target.space.names[i] for i in target.moved}
    assert moved - {usual.space.names[i] for i in usual.moved} == {GROWTH}
    assert set(target.rows) - set(usual.rows) == {"mine"}
    z = np.random.default_rng(1).standard_normal((3, len(target.space)))
    shipped = [target.space.names.index(name) for name in usual.space.names]
    for name, values in usual.predictions(z[:, shipped]).items():
        # Matrices of another width are multiplied in another order on some processors, so that a
        # parameter may differ in its last bit: a period of pulses by 4e-13 on one that was met.
        np.testing.assert_allclose(target.predictions(z)[name], values, rtol=1e-11, err_msg=name)


@pytest.mark.slow
def test_a_row_about_one_parameter_gives_the_posterior_of_the_formula(tmp_path: Path) -> None:
    """Without the ledger: two normal curves in the logarithm make a third, and their overlap is the
    evidence. Four standard errors of 1,000 draws, were they independent; the evidence is a product
    of some seven means of 500 weights that half of them bear, so of 0.12 in the logarithm."""
    own = as_tables(own_tables(tmp_path, ROW))
    space = Space(for_structure("default", tables=own))
    names, fixed = [*space.names, *space.fixed], np.array([*space.fixed.values()])
    predict = OwnPredicted(DishRows(names, "default", own=own), own_rows(own))
    likelihood = Likelihood(predict, ["mine"], observations(own))

    def values(z: np.ndarray) -> np.ndarray:
        whole = np.zeros((len(z), len(space)))
        whole[:, space.names.index(GROWTH)] = z[:, 0]
        return np.hstack([space.values(whole), np.tile(fixed, (len(z), 1))])

    found = tempered(
        lambda z, _labels: likelihood.residuals(values(z)), likelihood.highest, 1,
        np.random.default_rng(1), Settings(particles=500, moves=10, draws=2, between=20),
        lambda _share: None,
    )  # fmt: skip
    logs = np.log(predict(values(found.chains.reshape(-1, 1)))["mine"])
    prior, row = np.log(2.0) / HALF_95, np.log(FACTOR) / HALF_95
    apart, both = np.log(OBSERVED / 0.03), np.hypot(prior, row)
    width, error = prior * row / both, 4.0 / np.sqrt(len(logs))
    assert logs.mean() == pytest.approx(
        np.log(0.03) + apart * (prior / both) ** 2, abs=error * width
    )
    assert logs.std() == pytest.approx(width, rel=error / np.sqrt(2.0))
    evidence = -0.5 * (apart / both) ** 2 - np.log(both * np.sqrt(2.0 * np.pi))
    # at each degree half of the 500 count: its factor is known to a part in the root of them
    error = np.sqrt(len(found.degrees) / 500.0)
    assert found.log_evidence == pytest.approx(evidence, abs=4.0 * error)


@pytest.fixture(scope="module")
def posterior(folder: Path) -> Iterator[Posterior]:
    """With bodies, of which few are run, for they are dear."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handling, "_SETTINGS", Settings(particles=8, moves=1, draws=2, between=1))
        effort = Effort(random=1, quick=0, learning=1, settling=0, kept=2, steps=4, again=0)
        patch.setattr(body_draws, "_EFFORT", effort)
        yield infer(["default"], folder=folder / "out", workers=1, **given(folder), **SMALL)


@pytest.mark.slow
def test_a_row_moves_the_posterior_its_way(posterior: Posterior) -> None:
    """So few particles have not converged, and come from few; but none is left where the prior had
    its middle 95 %, and the row is beyond."""
    (run,) = posterior.of("default")
    assert (run.predicted["mine"] > 0.03 * 2.0).all()
    assert (posterior.ensemble.table[GROWTH] > 0.03 * 2.0).all()
    rows = posterior.rows.set_index("observation")
    assert rows.loc["mine", "stage"] == "cells" and rows.loc["mine", "q50"] > 0.06
    assert "mine" in posterior.evidence and posterior.ensemble.about["held"] == []


@pytest.mark.slow
def test_each_draw_has_a_body(posterior: Posterior) -> None:
    ensemble = posterior.ensemble
    names = Space(for_structure("default")).names
    assert ensemble.has_bodies and np.isfinite(ensemble.table[names].to_numpy(dtype=float)).all()
    about = ensemble.about["bodies"]
    assert about["cells"] == len(ensemble) == SMALL["draws"]
    told = {one["quantity"] for one in about["agreement"]}
    assert {"log likelihood", *HANDLED} <= told
    rows = posterior.rows.set_index("observation")
    assert {"milademetan_cmax", "thrombocytopenia_grade34_mantra"} <= set(rows.index)
    assert set(rows.loc[about["rows"], "stage"]) == {"bodies"}


@pytest.mark.slow
def test_the_command_takes_the_same(posterior: Posterior, folder: Path) -> None:
    """It goes on from the folder, so that it has the same rows and tables, or would be refused."""
    words = [f"--{name}={value}" for name, value in {**given(folder), **SMALL}.items()]
    done = CliRunner().invoke(
        app, ["infer", "--out", str(folder / "out"), "--structure", "default", "--no-plot", *words]
    )
    assert done.exit_code == 1 and "not converged" in done.output, done.output
    assert "\nmine,cells," in (folder / "out" / "rows.csv").read_text()
    assert (folder / "out" / "default.nc").exists()
