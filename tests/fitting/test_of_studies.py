"""Studies as tables of data: what is fitted to them is what made them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.fitting.points import points_of
from p53net.fitting.scenes import Scenes
from p53net.fitting.table import rows_of
from p53net.model import drug_entries
from p53net.model.own import Tables

FEW = [0.03, 0.1, 0.3, 1.0, 3.0]
FREE = "KT-253: fu_medium_degrader"
TWO = pn.regimen([4, 2], "mg", [0, 30.5]) + pn.regimen(3, "mg", [50], over=1.5)
STUDIES = {
    "viability": lambda: pn.viability("KT-253", ["RS4;11", "SJSA-1"], concentrations=FEW),
    "degradation": lambda: pn.degradation("KT-253", "RS4;11", concentrations=FEW),
    "caspase": lambda: pn.caspase("KT-253", "RS4;11", concentrations=FEW),
    "pk": lambda: pn.pk("KT-253", TWO, hours=72),
    "xenograft": lambda: pn.xenograft("KT-253", pn.regimen(1, "mg/kg", [0, 24.5]), "RS4;11",
                                      days=8),
}  # fmt: skip


def predicted(table: pd.DataFrame) -> np.ndarray:
    """What the models say of a table, as they are."""
    points = points_of(rows_of(table), None, Tables())
    scenes = Scenes(points, [FREE], None, Tables())
    usual = drug_entries()["KT-253"].values["fu_medium_degrader"].value
    return scenes.predict(np.array([[usual]]))[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_table_of_a_study_is_what_the_models_say(name: str) -> None:
    table = pn.data_of(STUDIES[name]())
    assert len(table) >= 6 and (table["error"] > 0).all()
    values = table["value"].to_numpy(float)
    np.testing.assert_allclose(predicted(table), values, rtol=1e-4, atol=1e-5)  # measured: 3e-5


def test_curves_are_taken_at_times_that_are_named() -> None:
    study = pn.pk("KT-253", pn.regimen(20, "mg", "once"), hours=48)
    table = pn.data_of(study, times=[0, 1, 7.5, 48], noise=0.2)
    assert table["time"].tolist() == [1.0, 7.5, 48.0]
    np.testing.assert_allclose(table["error"], 0.2 * table["value"])
    assert table["regimen"].tolist() == ["20.0 mg 0.0"] * 3
    with pytest.raises(pn.InputError, match=r"no value at 7.53 h; it has 0\.\d+"):
        pn.data_of(study, times=[0, 7.53])


@pytest.mark.slow
def test_noisy_wells_are_replicates() -> None:
    table = pn.data_of(pn.viability("KT-253", noise=0.05, replicates=2, concentrations=FEW))
    assert table.groupby("dose").size().tolist() == [2] * 5
    assert table["value"].nunique() == 10


@pytest.mark.slow
def test_a_study_goes_to_others_as_petab(tmp_path: Path) -> None:
    """The truth is the optimum."""
    table = pn.data_of(pn.viability("KT-253", concentrations=FEW))
    path = pn.export(pn.fit(table, [FREE], draws=0, starts=1), tmp_path / "problem")
    problem = pn.read_petab(path)
    usual = drug_entries()["KT-253"].values["fu_medium_degrader"].value
    share = 1.0 / (1.0 + np.exp(-problem.nominal[0]))
    assert share == pytest.approx(usual, rel=1e-3)


@pytest.mark.parametrize(
    ("study", "options", "said"),
    [
        (lambda: pn.load().simulate([0, 1]), {}, "what simulate gives is no table"),
        (lambda: pn.viability("KT-253", concentrations=FEW, parameters={"k_death": 0.1}), {},
         "was made with parameters"),
        (lambda: pn.degradation("KT-253", concentrations=FEW, beside={"milademetan": 10.0}), {},
         "was made with beside"),
        (lambda: pn.viability("KT-253", concentrations=FEW), {"times": [0, 1]}, "times are given"),
        (lambda: pn.viability("KT-253", concentrations=FEW), {"noise": 0.0}, "noise is 0.0"),
        (lambda: pd.DataFrame(), {}, "no result of a study"),
    ],
)  # fmt: skip
def test_what_is_refused(study: object, options: dict[str, object], said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.data_of(study(), **options)  # type: ignore[operator]
