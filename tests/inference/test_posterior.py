"""`infer` from end to end, small: its ensemble, its tables, its store and its files."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import p53net as pn
from p53net.cli.terminal import app
from p53net.errors import InputError, StoreError
from p53net.inference import agreement, exporting, influence
from p53net.inference.posterior import Posterior, infer
from p53net.inference.widths import WIDTHS
from tests.support import ROOT

SMALL = {"runs": 2, "particles": 8, "moves": 1, "kept": 3, "between": 1, "draws": 4, "seed": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("posterior")


@pytest.fixture(scope="module")
def posterior(folder: Path) -> Posterior:
    return infer(["default", "MDMX"], folder=folder, workers=1, bodies=False, **SMALL)


@pytest.mark.slow
def test_an_ensemble_has_a_value_for_every_prior_of_each_structure(posterior: Posterior) -> None:
    from p53net.inference.priors import Space, for_structure

    ensemble = posterior.ensemble
    assert len(ensemble) == SMALL["draws"]
    for part in ensemble.parts():
        names = [name for name in Space(for_structure(part.structure)).names
                 if name in ensemble.table]  # fmt: skip
        assert len(names) > 100 and "model: slope_platelets" not in names
        table = ensemble.table.iloc[part.draws]
        assert np.isfinite(table[names].to_numpy(dtype=float)).all()
        others = [name for name in ensemble.parameters if name not in names]
        assert table[others].isna().to_numpy().all()


@pytest.mark.slow
def test_what_is_stored_is_taken_up_again(
    posterior: Posterior, folder: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    shutil.copytree(folder, half)
    (half / "MDMX-width-1-run-1.npz").unlink()
    again = infer(["default", "MDMX"], folder=half, workers=1, bodies=False, **SMALL)
    pd.testing.assert_frame_equal(again.ensemble.table, posterior.ensemble.table, check_exact=True)
    with pytest.raises(StoreError, match="seed"):
        infer(["default"], folder=half, **{**SMALL, "seed": 4})


@pytest.mark.slow
def test_a_small_posterior_says_that_it_has_not_converged_and_is_refused(
    posterior: Posterior, tmp_path: Path
) -> None:
    assert posterior.ensemble.about["why"] == agreement.why_not(
        posterior.convergence,
        pd.DataFrame({"quantity": [], "r_hat": np.empty(0), "apart": np.empty(0)}),
    )
    few = replace(
        posterior.ensemble, about={**posterior.ensemble.about, "converged": False, "why": "few"}
    )
    path = few.save(tmp_path / "small.parquet")
    with pytest.raises(InputError, match="has not converged: few"):
        pn.ensemble(path)


@pytest.mark.slow
def test_rows_are_predicted_and_weights_without_a_row_are_evidence_over_its_density(
    posterior: Posterior,
) -> None:
    rows = posterior.rows.set_index("observation")
    assert {"kt253_dc50", "nutlin_ic50_sjsa1"} <= set(rows.index)
    assert rows["p_value"].between(0, 1).all()
    lost = rows["q50"].isna()  # in all of so few draws
    assert (rows.loc[lost, "undefined"] == 1.0).all()
    assert (rows["q2.5"] <= rows["q97.5"])[~lost].all()
    left = {name: influence.left_out(posterior, name).set_index("row") for name in
            ("default", "MDMX")}  # fmt: skip
    logs = posterior.weights["structure"].map(
        lambda name: left[name].loc["kt253_dc50", "log_density"] - (name == "default")
    )
    near = replace(posterior, weights=posterior.weights.assign(log_evidence=logs))
    row = influence.weights_without(near).set_index("without").loc["kt253_dc50"]
    assert row["default"] / row["MDMX"] == pytest.approx(np.exp(-1.0))


@pytest.mark.slow
def test_inference_data_hold_what_the_runs_drew(posterior: Posterior, tmp_path: Path) -> None:
    data = exporting.inference_data(posterior, "MDMX")
    runs = posterior.of("MDMX")
    assert data.sample_stats["lp"].shape == (2, SMALL["kept"] * SMALL["particles"])
    total = sum(data.log_likelihood[name] for name in data.log_likelihood)
    np.testing.assert_allclose(total[0], runs[0].log_likelihood.ravel(), rtol=1e-9)
    path = exporting.save(posterior, "MDMX", tmp_path)
    assert path.stat().st_size > 1000


@pytest.mark.slow
def test_the_command_goes_on_from_its_folder_and_writes_everything(
    posterior: Posterior, folder: Path
) -> None:
    given = [f"--{name}={value}" for name, value in SMALL.items()]
    words = ["infer", "--out", str(folder), "--structure", "default", "--structure", "MDMX",
             "--no-bodies"]  # fmt: skip
    result = CliRunner().invoke(app, [*words, *given])
    assert result.exit_code == (0 if posterior.ensemble.about["converged"] else 1)
    for name in ("weights", "convergence", "rows", "weights_without", "influence",
                 "prior_widths", "weights_at_widths"):  # fmt: skip
        assert len(pd.read_csv(folder / f"{name}.csv"))
    asked = pd.read_csv(folder / "weights_at_widths.csv").groupby(["priors", "width"])
    assert set(asked.groups) == {("all", 1.0), *(("without information", one) for one in WIDTHS)}
    assert (asked["weight"].sum().round(9) == 1.0).all()
    about = json.loads((folder / "posterior.json").read_text())
    assert set(about["weights"]) == {"default", "MDMX"}
    for name in ("ensemble.parquet", "default.nc", "MDMX.nc", "posterior.png", "posterior.svg"):
        assert (folder / name).stat().st_size > 1000


BAD = [
    ({"structures": []}, "give one to 8 names"),
    ({"structures": ["default", "default"]}, "each once"),
    ({"structures": ["nonsense"]}, "unknown structure"),
    ({"runs": 0}, "runs is 0"),
    ({"particles": 2.5}, "particles is 2.5"),
    ({"moves": True}, "moves is True"),
    ({"draws": -1}, "draws is -1"),
    ({"seed": -1}, "seed is -1"),
    ({"workers": 0}, "workers is 0"),
    ({"observations": "no_such_file.tsv"}, "no_such_file.tsv"),
]


@pytest.mark.parametrize(("given", "said"), BAD, ids=[str(one) for one, _ in BAD])
def test_bad_input_is_one_clear_error(given: dict[str, object], said: str) -> None:
    with pytest.raises(pn.P53NetError, match=said):
        infer(**given)


def test_an_observation_that_nothing_predicts_is_refused_by_name(tmp_path: Path) -> None:
    shipped = (ROOT / "models" / "observations.tsv").read_text(encoding="utf-8").splitlines()
    row = next(line for line in shipped if line.startswith("kt253_dc50\t"))
    mine = tmp_path / "mine.tsv"
    mine.write_text("\n".join([shipped[0], row.replace("kt253_dc50", "my_dc50")]) + "\n")
    with pytest.raises(InputError, match="nothing predicts the observations my_dc50"):
        infer(observations=mine)
