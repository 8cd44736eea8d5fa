"""`fit=`: studies run in the draws of a fit, with the tables that it had."""

import inspect
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.fitting.result import Fit
from p53net.model.own import Tables, as_tables
from p53net.studies.catalogue import SHIPPED, function_at
from tests.support.commands import Command
from tests.support.draws import drawn
from tests.support.fitting import plasma, plate

ONCE = pn.regimen(2, "mg", "once")
MINE = {"drugs": {"mine": {
    "mechanism": "degrader", "molar_mass": "900 g/mol", "Kd_MDM2_degrader": "0.3 nM",
    "Kd_CRBN_degrader": "180 nM", "cooperativity": 3, "fu_medium_degrader": 0.03,
    "k_perm_degrader": "2 per_hour",
}}}  # fmt: skip
FREE = "mine: fu_medium_degrader"


@dataclass
class Few:
    """Some draws that look like those of a fit."""

    some: Ensemble
    tables: Tables = field(default_factory=Tables)

    def ensemble(self) -> Ensemble:
        return self.some


STUB = Few(drawn(2))


@pytest.fixture(scope="module")
def whole() -> Fit:
    """Of a drug of one's own, from three wells."""
    rows = plate("mine", "RS4;11", (0.1, 0.5, 3.0), 1)
    data = pd.DataFrame(rows).assign(value=[96.0, 46.0, 2.0], error=6.0)
    return pn.fit(data, [FREE], priors={FREE: ("log-uniform", 0.001, 1.0)}, tables=MINE,
                  draws=2, starts=1)  # fmt: skip


@pytest.fixture(scope="module")
def own(whole: Fit) -> Few:
    """Three of its draws, of 1,024."""
    return Few(whole.ensemble().thinned(3), whole.tables)


@pytest.fixture(scope="module")
def folder(whole: Fit, own: Few, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was saved, with as few draws."""
    found = tmp_path_factory.mktemp("fit")
    written = {str(path.relative_to(found)) for path in whole.save(found)}
    assert {"ensemble.parquet", "tables/drugs.tsv"} <= written
    assert pn.ensemble(found / "ensemble.parquet").sha256 == whole.ensemble().sha256
    own.some.save(found / "ensemble.parquet")
    return found


def test_every_study_that_takes_an_ensemble_takes_a_fit() -> None:
    every = {name: function_at(one.function) for name, one in SHIPPED.items()}
    every |= {"simulate": pn.Model.simulate, "next_experiment": pn.next_experiment}
    arguments = {name: inspect.signature(one).parameters for name, one in every.items()}
    taking = {name for name, own in arguments.items() if "ensemble" in own}
    assert len(taking) >= 14
    assert {name for name, own in arguments.items() if "fit" in own} == taking


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    [
        lambda **given: pn.pk("KT-253", ONCE, host="human", **given),
        lambda **given: pn.degradation("KT-253", hours=2.0, concentrations=[1.0, 3.0, 10.0, 30.0,
                                       100.0], **given),
        lambda **given: pn.load("KT-253").simulate([0, 4], {"KT-253": 3.0}, **given),
        lambda **given: pn.sweep(pn.load("KT-253"), {"KT-253": [1.0, 3.0]}, times=[0, 4],
                                 observables=["p53_active"], **given),
    ],
    ids=["pk", "degradation", "simulate", "sweep"],
)  # fmt: skip
def test_a_fit_is_the_ensemble_of_its_draws(run: object) -> None:
    found = run(fit=STUB, draws=True)  # type: ignore[operator]
    expected = run(ensemble=STUB.some, draws=True)  # type: ignore[operator]
    assert found.sizes["draw"] == 2
    xr.testing.assert_identical(found, expected)


@pytest.mark.slow
def test_a_fit_brings_the_tables_that_it_had(own: Few) -> None:
    found = pn.degradation("mine", "RS4;11", hours=2.0, fit=own)
    again = pn.degradation("mine", "RS4;11", hours=2.0, ensemble=own.ensemble(), tables=MINE)
    xr.testing.assert_identical(found, again)
    run = pn.load("mine", cell_line="RS4;11", tables=MINE).simulate(
        [0, 2], {"mine": 1.0}, fit=own, draws=True
    )
    one = pn.load("mine", cell_line="RS4;11", tables=MINE).simulate(
        [0, 2], {"mine": 1.0}, {"fu_medium_degrader": own.some.table[FREE].iloc[1]}
    )
    # equal to the bit when measured
    assert float(run["MDM2_total"][1, -1]) == pytest.approx(float(one["MDM2_total"][-1]), rel=1e-9)


@pytest.mark.slow
def test_a_fit_that_was_saved_is_the_same(own: Few, folder: Path) -> None:
    found = pn.degradation("mine", "RS4;11", hours=2.0, fit=folder)
    expected = pn.degradation("mine", "RS4;11", hours=2.0, fit=own)
    xr.testing.assert_equal(found, expected)
    xr.testing.assert_identical(pn.rerun(found, files=True), found)


@pytest.mark.slow
def test_the_command_line_takes_a_folder(
    own: Few, folder: Path, tmp_path: Path, command: Command
) -> None:
    words = ["assay", "degradation", "mine", "--cell-line", "RS4;11", "--hours", "2", "--no-plot"]
    done = command(*words, "--fit", str(folder), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "quantiles.csv").set_index("quantile")
    expected = pn.degradation("mine", "RS4;11", hours=2.0, fit=own).sel(loop="closed")
    closed = table[table["loop"] == "closed"]
    assert closed.loc[0.5, "dc50"] == pytest.approx(
        float(expected["dc50"].sel(quantile=0.5).item()), rel=1e-12
    )
    both = command(*words, "--fit", str(folder), "--ensemble", "shipped")
    assert both.returncode != 0
    assert "--fit and --ensemble are both given" in both.stderr
    for other in (["trial-questions"], ["next-experiment", "--answer", "dose_ratio:3"]):
        both = command(*other, "--fit", str(folder), "--ensemble", "any.parquet")
        assert "--fit and --ensemble are both given" in both.stderr


@pytest.mark.slow
def test_a_draw_of_a_fit_is_a_model(own: Few, folder: Path, tmp_path: Path) -> None:
    """Of a drug of one's own, with its tables."""
    value = own.some.table[FREE].iloc[2]
    model = pn.load("mine", cell_line="RS4;11", fit=folder, draw=2)
    rows = model.parameters.set_index("id")
    assert rows.loc["fu_medium_degrader", ["value", "kind"]].tolist() == [value, "drawn"]
    assert rows.loc["Kd_MDM2_degrader", "value"] == 0.3
    run = model.simulate([0, 2], {"mine": 1.0})
    one = pn.load("mine", cell_line="RS4;11", tables=MINE).simulate(
        [0, 2], {"mine": 1.0}, {"fu_medium_degrader": value}
    )
    # 1e-9 apart when measured, within the accuracy of a run
    np.testing.assert_allclose(run["MDM2_total"], one["MDM2_total"], rtol=1e-7)
    assert pn.rerun(run, files=True).identical(run)
    assert "mine" in pn.export(model, tmp_path / "mine.ant").read_text()
    with pytest.raises(pn.InputError, match="say which with draw="):
        pn.load("mine", fit=own)
    with pytest.raises(pn.InputError, match="tables and draw are both given"):
        pn.load("mine", ensemble=drawn(1), draw=0, tables=MINE)


@pytest.mark.slow
def test_a_draw_of_a_fit_is_exported(tmp_path: Path, command: Command) -> None:
    """Of the package's drugs: an ensemble without tables."""
    STUB.some.save(tmp_path / "ensemble.parquet")
    words = ["export", "KT-253", str(tmp_path / "one.ant"), "--fit", str(tmp_path)]
    done = command(*words, "--draw", "0")
    assert done.returncode == 0, done.stderr
    digits = repr(float(STUB.some.table["model: k_syn_p53"].iloc[0]))[:11]
    assert digits in (tmp_path / "one.ant").read_text()
    done = command(*words)
    assert done.returncode != 0
    assert "say which with draw=" in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fit": STUB, "ensemble": drawn(1)}, "fit and ensemble are both given"),
        ({"fit": 5}, "fit is '5', a int; give what pn.fit"),
        ({"fit": "no such folder"}, "has no ensemble.parquet"),
        ({"fit": STUB, "structure": "MDMX"}, "structure and ensemble are both given"),
        ({"fit": STUB, "tables": MINE}, "tables and ensemble are both given"),
    ],
)
def test_what_is_no_fit_is_one_clear_error(given: dict[str, object], said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.degradation("KT-253", hours=2.0, **given)  # type: ignore[arg-type]


def test_experiments_are_ranked_by_the_draws_of_a_fit() -> None:
    with pytest.raises(pn.InputError, match="there are 2 draws, but a regression needs 60"):
        pn.next_experiment("dose_ratio:3", fit=STUB)
    with pytest.raises(pn.InputError, match="fit and ensemble are both given"):
        pn.next_experiment("dose_ratio:3", fit=STUB, ensemble=STUB.some)


def test_a_fit_without_draws_says_so() -> None:
    rows = plasma("milademetan", "human", "260 mg once", (4.0, 24.0), 1)
    found = pn.fit(pd.DataFrame(rows).assign(value=[1300.0, 60.0], error=0.1),
                   ["milademetan in human: CL_inhibitor"], draws=0, starts=1)  # fmt: skip
    with pytest.raises(pn.InputError, match="the fit has no draws; fit again"):
        pn.pk("KT-253", ONCE, fit=found)


def test_tables_may_be_mappings() -> None:
    text = as_tables(MINE).texts["drugs"].text
    assert "mine\tKd_MDM2_degrader\t0.3\tnM\tassumed\t\tgiven with the call\n" in text
    assert "mine\tcooperativity\t3.0\tdimensionless\tassumed\t" in text
    model = pn.load("mine", tables=MINE)
    rows = model.parameters.set_index("id")
    assert rows.loc["Kd_MDM2_degrader", ["value", "unit", "kind"]].tolist() == [
        0.3, "nM", "assumed",
    ]  # fmt: skip
    run = model.simulate([0, 1], {"mine": 1.0})
    assert pn.rerun(run).identical(run)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"priors": {"mine": {"a": 1}}}, r"tables\['priors'\] is a mapping, but has columns"),
        ({"drugs": {"mine": 5}}, r"tables\['drugs'\]\['mine'\] is '5'; give a mapping"),
        ({"drugs": {"mine": {"Kd": [1]}}}, r"\['drugs'\]: mine, Kd is '\[1\]'; give a number"),
        ({"drugs": {"mine": {"Kd": True}}}, "mine, Kd is 'True'; give a number"),
        ({"drugs": {"mine": {"Kd": "low"}}}, "mine, Kd: value 'low' is not a finite number"),
        ({"drugs": {"mine": {"Kd": "3"}}}, "mine, Kd: the unit is missing"),
        ({"drugs": {"mine": {"Kd": float("nan")}}}, "mine, Kd: value 'nan' is not a finite"),
        ({"drugs": {"mine": {"molar_mass": "9 g/mol"}}}, "mine: mechanism '' is unknown"),
        ({"drugs": {"mine": {**MINE["drugs"]["mine"], "Kd_MDM2_degrader": "0.3 L"}}}, "0.3|nM"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_one_clear_error(tables: object, said: str) -> None:
    with pytest.raises(pn.TableError, match=said):
        pn.load("mine", tables=tables)  # type: ignore[arg-type]


def test_tables_of_several_assays_are_one() -> None:
    rows = plate("milademetan", "RS4;11", (10.0, 100.0), 1)
    live = pd.DataFrame(rows).assign(value=[99.0, 60.0], error=5.0)
    blot = live.assign(observable="MDM2", time=24.0, value=[120.0, 200.0], error=20.0)
    kill = ["RS4;11: K_PUMA_caspase"]
    found = pn.fit([live, blot], kill, draws=0, starts=1)
    one = pn.fit(pd.concat([live, blot]), kill, draws=0, starts=1)
    pd.testing.assert_frame_equal(found.parameters, one.parameters)
    assert found.predicted["table"].tolist() == ["table 1"] * 2 + ["table 2"] * 2
    with pytest.raises(pn.InputError, match="table 2, row 1: it says the same as table 1, row 1"):
        pn.fit([live, live], kill, draws=0)
    with pytest.raises(pn.InputError, match="a list; give"):
        pn.fit([], kill, draws=0)
    with pytest.raises(pn.InputError, match="the data are '5', a int"):
        pn.fit(5, kill, draws=0)  # type: ignore[arg-type]
