"""Drugs and cell lines as rows: what is shipped, synonyms, and a user's own tables."""

from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net.model import cell_line_entries, drug_entries

HEADER = "{}\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
GRID = np.linspace(0.0, 24.0, 25)


def write(path: Path, key: str, *rows: str) -> Path:
    path.write_text(HEADER.format(key) + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_promised_drugs_and_lines_are_there() -> None:
    assert set(drug_entries()) >= {
        "milademetan", "nutlin-3a", "idasanutlin", "siremadlin", "navtemadlin", "RG7112",
        "SAR405838", "KT-253", "MD-224", "MD-4251",
    }  # fmt: skip
    assert set(cell_line_entries()) >= {"generic", "SJSA-1", "LPS-amplified", "RS4;11", "TP53-null"}


@pytest.mark.parametrize(
    ("synonym", "name"),
    [("DS-3032b", "milademetan"), ("RAIN-32", "milademetan"), ("seldegamadlin", "KT-253"),
     ("RG7388", "idasanutlin"), ("HDM201", "siremadlin"), ("AMG 232", "navtemadlin"),
     ("amg 232", "navtemadlin"), ("kt-253", "KT-253"), (" Milademetan ", "milademetan")],
)  # fmt: skip
def test_synonyms_resolve_in_any_case(synonym: str, name: str) -> None:
    assert list(pn.load(synonym).definition.drugs) == [name]


def test_no_synonym_means_two_drugs() -> None:
    for entries in (drug_entries(), cell_line_entries()):
        spelled = [
            s.casefold() for entry in entries.values() for s in {entry.name, *entry.synonyms}
        ]
        by_owner = {
            (s, e.name) for e in entries.values() for s in map(str.casefold, (e.name, *e.synonyms))
        }
        assert len({s for s, _ in by_owner}) == len(by_owner)
        assert spelled


@pytest.mark.parametrize("drug", drug_entries())
@pytest.mark.slow
def test_every_drug_raises_p53_and_has_its_own_affinity(drug: str) -> None:
    model = pn.load(drug)
    run = model.simulate(GRID, {drug: 1000.0})
    assert float(run["p53_active"][-1] / run["p53_active"][0]) > 1.5
    affinity = (
        "Ki_inhibitor" if "inhibitor" in model.definition.drugs.values() else "Kd_MDM2_degrader"
    )
    assert affinity in drug_entries()[drug].values


@pytest.mark.slow
def test_every_value_has_a_unit_a_source_and_a_kind() -> None:
    for line in cell_line_entries():
        table = pn.load("milademetan", "KT-253", cell_line=line).parameters
        assert list(table.columns) == ["id", "value", "unit", "source", "kind"]
        assert table["id"].is_unique
        assert set(table["kind"]) <= {"measured", "assumed", "fitted", "input", "computed"}
        assert table["unit"].str.len().gt(0).all()
        assert table["source"].str.len().gt(3).all()


def test_a_users_drug(tmp_path: Path) -> None:
    path = write(
        tmp_path / "my.tsv",
        "drug",
        "newdrug\tmechanism\tinhibitor\t\t\t\t",
        "newdrug\tsynonym\tND-1\t\t\t\t",
        "newdrug\tKi_inhibitor\t0.0005\tuM\tmeasured\tMe 2026\tSPR",
        "newdrug\tk_perm_inhibitor\t0.1\t1/minute\tassumed\t\tguess",
    )
    model = pn.load("nd-1", tables={"drugs": path})
    table = model.parameters.set_index("id")
    assert table.loc["Ki_inhibitor", "value"] == 0.5
    assert table.loc["Ki_inhibitor", "unit"] == "nM"
    assert table.loc["Ki_inhibitor", "kind"] == "measured"
    assert table.loc["k_perm_inhibitor", "value"] == 6.0
    assert "Me 2026" in table.loc["Ki_inhibitor", "source"]
    run = model.simulate(GRID, {"newdrug": 100.0})
    assert float(run["p53_active"][-1]) > 2.0 * float(run["p53_active"][0])
    assert list(pn.load("milademetan", tables={"drugs": path}).definition.drugs) == ["milademetan"]


def test_a_users_row_wins_over_the_package(tmp_path: Path) -> None:
    path = write(
        tmp_path / "my.tsv",
        "drug",
        "milademetan\tmechanism\tinhibitor\t\t\t\t",
        "milademetan\tKi_inhibitor\t9\tnM\tassumed\t\tmine",
    )
    assert (
        pn.load("milademetan", tables={"drugs": path}).definition.parameters["Ki_inhibitor"].value
        == 9.0
    )


def test_a_users_cell_line_may_set_what_this_model_lacks(tmp_path: Path) -> None:
    path = write(
        tmp_path / "lines.tsv",
        "cell_line",
        "mine\tCRBN_of_line\t21\tnM\tassumed\t\tguess",
        "mine\tMDM2_gene_dose\t3\tdimensionless\tassumed\t\tguess",
    )
    assert (
        pn.load(cell_line="mine", tables={"cell_lines": path})
        .definition.parameters["MDM2_gene_dose"]
        .value
        == 3
    )
    both = pn.load("KT-253", cell_line="MINE", tables={"cell_lines": path})
    assert float(both.steady_state()["CRBN"]) == 21.0


def test_a_row_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    """In the default CRBN_total only tells the CRBN of a line; in v0.1 it is what counts."""
    row = "mine\tCRBN_total\t21\tnM\tassumed\t\tguess"
    tables = {"cell_lines": write(tmp_path / "lines.tsv", "cell_line", row)}
    with pytest.raises(pn.TableError, match="mine: CRBN_total is worked out in this structure"):
        pn.load("KT-253", cell_line="mine", tables=tables)
    model = pn.load("KT-253", cell_line="mine", tables=tables, structure="v0.1")
    assert float(model.steady_state()["CRBN"]) == 21.0


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "excel.tsv"
    text = (
        HEADER.format("drug")
        + "x\tmechanism\tinhibitor\t\t\t\t\nx\tKi_inhibitor\t1\tnM\tassumed\t\tn\n"
    )
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert pn.load("x", tables={"drugs": path}).definition.parameters["Ki_inhibitor"].value == 1.0
