"""The table of experiments, and what each would read."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.errors import P53NetError
from p53net.inference.experiments import COLUMNS, read_experiments
from p53net.inference.per_draw import NOT_HERE
from p53net.inference.read_outs import readings

ROW = {
    "experiment": "half_life", "title": "Half-life of MDM2", "read_out": "41.59/k_deg_MDM2",
    "unit": "min", "system": "dish", "line": "generic", "drug": "milademetan", "dose": "",
    "error": "0.2", "error_kind": "cv", "days": "5", "effort": "low", "reason": "speed of the loop",
    "source": "three blots",
}  # fmt: skip


def written(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "experiments.tsv"
    lines = ["\t".join(COLUMNS), *("\t".join(row[name] for name in COLUMNS) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_package_has_its_experiments() -> None:
    known = read_experiments()
    assert len(known) >= 30
    assert len({one.title for one in known}) == len(known)
    assert {one.effort for one in known} == {"low", "medium", "high"}
    assert all(0.005 <= one.error <= 0.5 for one in known)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": ""}, "title is empty"),
        ({"source": " "}, "source is empty"),
        ({"error": "0"}, "error is '0', but must be a number above 0"),
        ({"error": "-0.1"}, "must be a number above 0"),
        ({"error": "nan"}, "must be a number above 0"),
        ({"error": "much"}, "error is 'much'"),
        ({"error_kind": "percent"}, "cv or sd"),
        ({"days": "inf"}, "days is 'inf'"),
        ({"effort": "some"}, "low, medium, high"),
        ({"system": "flask"}, "system is 'flask'"),
        ({"system": "plasma"}, "in human or mouse"),
        ({"system": "plasma in rat"}, "in human or mouse"),
        ({"system": "dish in mouse"}, "system is 'dish in mouse'"),
        ({"drug": "aspirin"}, "unknown drug 'aspirin'"),
        ({"line": "HeLa9"}, "unknown cell line"),
        ({"dose": "100"}, "dose '100' is not understood"),
        ({"dose": "100 mg"}, "dose '100 mg' is not understood"),
        ({"dose": "260 mg sometimes", "system": "plasma in human"}, "schedule 'sometimes'"),
        ({"read_out": "p53_total:24 <"}, "no claim"),
        ({"read_out": "p53_total:24 > 3"}, "no claim"),
        ({"read_out": "3.5"}, "no number of a model"),
        ({"read_out": 'p53_total:24["HeLa9"]'}, "unknown cell line"),
        ({"read_out": 'p53_total:24["generic","RS4;11"]'}, "two words"),
        ({"read_out": "p53_total:99999"}, "later than"),
        ({"read_out": 'ic50["aspirin"]'}, "unknown drug"),
        (
            {"read_out": 'platelets:24["generic"]', "system": "marrow in human", "line": ""},
            "no cell line in marrow",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_one_error(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(pn.TableError, match="line 2") as caught:
        read_experiments(written(tmp_path, ROW | changed))
    assert said in str(caught.value)


def test_a_table_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(pn.TableError, match="twice"):
        read_experiments(written(tmp_path, ROW, ROW))
    with pytest.raises(pn.TableError, match="no experiment"):
        read_experiments(written(tmp_path))
    short = tmp_path / "short.tsv"
    short.write_text("experiment\ttitle\n", encoding="utf-8")
    with pytest.raises(pn.TableError, match="no column read_out"):
        read_experiments(short)
    short.write_text("\t".join(COLUMNS) + "\nonly\tthree\tcells\n", encoding="utf-8")
    with pytest.raises(pn.TableError, match="other cells"):
        read_experiments(short)
    short.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(pn.TableError, match="UTF-8"):
        read_experiments(short)
    with pytest.raises(P53NetError, match="cannot read"):
        read_experiments(tmp_path / "none.tsv")


@pytest.mark.slow
def test_read_outs_are_those_of_runs_of_the_same_cell(tmp_path: Path) -> None:
    """Parameters as they are, and quantities as `simulate` gives them, in each draw."""
    rows = [
        ROW,
        ROW | {"experiment": "copies", "read_out": "602.2*MDM2_total:0*cell"},
        ROW | {"experiment": "null", "read_out": 'MDM2_mRNA:0["TP53-null"]/MDM2_mRNA:0'},
        ROW | {"experiment": "course", "read_out": "p53_total:2/p53_total:0; p53_total:6",
               "dose": "100 nM for 4 h"},
        ROW | {"experiment": "residual", "read_out": "residual", "error_kind": "sd"},
    ]  # fmt: skip
    table = pd.DataFrame({"structure": ["default"] * 2, "model: k_deg_MDM2": [1.4, 2.8]})
    found = readings(Ensemble(table, {}), read_experiments(written(tmp_path, *rows)))
    np.testing.assert_allclose(found["half_life"].values[:, 0], [41.59 / 1.4, 41.59 / 2.8])
    model, null = pn.load("milademetan"), pn.load("milademetan", cell_line="TP53-null")
    for i, rate in enumerate((1.4, 2.8)):
        run = model.simulate(
            [0.0, 2.0, 6.0], {"milademetan": pn.pulse(100.0, 4.0)}, {"k_deg_MDM2": rate}
        )
        rest = null.steady_state(parameters={"k_deg_MDM2": rate})
        p53 = run["p53_total"].values
        copies = 602.2 * 2.0 * float(run["MDM2_total"][0])
        share = float(rest["MDM2_mRNA"]) / float(run["MDM2_mRNA"][0])
        np.testing.assert_allclose(found["copies"].values[i], copies, rtol=1e-5)
        np.testing.assert_allclose(found["null"].values[i], share, rtol=1e-5)
        np.testing.assert_allclose(found["course"].values[i], [p53[1] / p53[0], p53[2]], rtol=1e-5)
    assert (found["residual"].values == 0.0).all()


@pytest.mark.slow
def test_a_read_out_of_another_structure_is_undefined_and_one_of_none_refused(
    tmp_path: Path,
) -> None:
    row = ROW | {"read_out": "E3_capacity"}
    table = pd.DataFrame({"structure": ["default", "no partner"]})
    (found,) = readings(Ensemble(table, {}), read_experiments(written(tmp_path, row))).values()
    assert np.isfinite(found.values[:, 0]).tolist() == [True, False]
    assert found.reasons.tolist() == ["", NOT_HERE]
    elsewhere = ROW | {"read_out": "MDMX_total:0"}  # of a structure that this ensemble has not
    (found,) = readings(
        Ensemble(table, {}), read_experiments(written(tmp_path, elsewhere))
    ).values()
    assert (found.reasons == NOT_HERE).all()
    wrong = written(tmp_path, ROW | {"read_out": "no_such_thing:4"})
    with pytest.raises(pn.TableError, match="no structure has no_such_thing"):
        readings(Ensemble(table, {}), read_experiments(wrong))


@pytest.mark.slow
def test_every_experiment_is_read_in_the_default_structure() -> None:
    """Those of a part that it does not have are read in a structure with that part."""
    table = pd.DataFrame({"structure": ["default", "MDMX"]})
    for name, one in readings(Ensemble(table, {}), read_experiments()).items():
        assert np.isfinite(one.values).all(axis=1).tolist() == [name != "MDMX_copies", True], name
