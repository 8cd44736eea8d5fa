"""What each row is to the models follows from what the choice of parameters saw."""

import re
from pathlib import Path

import pytest

import p53net as pn
from p53net.evidence import cells
from p53net.evidence.behind import PLACES, Place
from p53net.evidence.blocks import all_blocks
from p53net.evidence.predictions import GROUPS
from p53net.evidence.published import observations
from p53net.evidence.seen import BUILT, USES, Seen, uses
from p53net.model import library
from p53net.model.derived import DERIVED
from p53net.model.structures import supposing
from p53net.simulation.trials import Cell
from tests.support.texts import copied_models

ALONE = "v0.1"
"""The structure of version 0.1.0, where most was set by hand."""


@pytest.fixture(scope="module")
def shipped() -> dict[str, Seen]:
    return uses()


def own_lines(folder: Path, old: str, new: str) -> dict[str, Path]:
    """A table of cell lines of one's own: the shipped one with another text."""
    text = (library.models_folder() / "cell_lines.tsv").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = folder / "cell_lines.tsv"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return {"cell_lines": path}


def test_what_is_fitted_is_what_a_block_fits_to(shipped: dict[str, Seen]) -> None:
    used = [name for block in all_blocks() for name in block.observed]
    assert len(used) == len(set(used))
    text = (library.models_folder() / "haematology_staged.ant").read_text(encoding="utf-8")
    tags = re.findall(r"// fitted: python -m benchmarks.marrow .*{saw: fit: ([^;}]*)", text)
    marrow = {name for tag in tags for name in tag.split(", ")}
    fitted = {name for name, row in shipped.items() if row.use == "fit"}
    assert marrow < fitted <= {*used, *marrow}


def test_a_fitted_value_saw_its_block_and_a_derived_one_its_source() -> None:
    committed = [block for block in all_blocks()
                 if all(one.value.kind == "fitted" for one in block.parameters)]  # fmt: skip
    for block in committed:
        said = set()
        for one in block.parameters:
            fits = [part for part in one.value.saw.split("; ") if part.startswith("fit: ")]
            assert len(fits) == 1, one
            said |= set(fits[0].removeprefix("fit: ").split(", "))
        assert said and said <= set(block.observed), block.name  # less, until it is fitted again
    for row in DERIVED:
        entry, parameter = row.source
        assert pn.evidence.committed.committed_value(row.entry, row.parameter).saw == (
            f"derived: {parameter} of {entry}"
        )


def test_rows_that_nothing_could_miss_are_no_predictions(shipped: dict[str, Seen]) -> None:
    """What the notes of the tables confess."""
    with supposing(ALONE):
        alone = uses()
    for name in ("tgi_milademetan_100", "tp53_null", "milademetan_linearity", "milademetan_japan",
                 "gdf15_monotone", "milademetan_biopsy", "caspase", "p53_half_life"):  # fmt: skip
        assert shipped[name].use == alone[name].use == "set", name
    for name in ("p53_pulse_period", "nutlin_death_sjsa1", "milademetan_induction_sjsa1_p53"):
        assert (shipped[name].use, alone[name].use) == ("fit", "set"), name
    assert shipped["thrombocytopenia_order"].use == alone["thrombocytopenia_order"].use == "set"
    assert alone["navtemadlin_ic50_sjsa1"].use == "predict"
    assert shipped["navtemadlin_ic50_sjsa1"].use == "fit"
    assert shipped["navtemadlin_kd"].use == "input"
    assert shipped["kt253_mv411"].use == "not modelled"
    assert set(USES) >= {row.use for row in shipped.values()}


def test_derived_values_saw_what_their_source_saw(tmp_path: Path) -> None:
    """A mouse's free fraction is derived from man's: were that fitted to a xenograft's row, the row
    would be no prediction of the mouse."""
    text = (library.models_folder() / "pharmacokinetics.tsv").read_text(encoding="utf-8")
    own = tmp_path / "pharmacokinetics.tsv"
    own.write_text(text.replace("fit: gdf15_fold", "fit: gdf15_fold, tgi_milademetan_sjsa1"))
    with supposing(ALONE):
        row = uses({"pharmacokinetics": own})["tgi_milademetan_sjsa1"]
        assert uses()["tgi_milademetan_sjsa1"].use == "predict"
    assert row.use == "fit" and row.by == "fit: fu_plasma_inhibitor"


@pytest.mark.slow
def test_one_entry_changes_a_label(tmp_path: Path, shipped: dict[str, Seen]) -> None:
    marked = own_lines(tmp_path, "set: tp53_null, ", "set: nutlin_lethal_sjsa1, ")
    found = uses(marked)
    assert found["tp53_null"].use == "predict"
    assert found["nutlin_lethal_sjsa1"].use == "predict"  # not of that line
    assert found["nutlin_null_leukaemia"] == shipped["nutlin_null_leukaemia"]
    fitted = own_lines(
        tmp_path, "fit: kt253_ic50_rs411, md224_ic50_rs411", "fit: md224_ic50_rs411, md224_dc"
    )
    with supposing(ALONE):  # elsewhere the uptake of the line saw it too
        assert uses()["kt253_ic50_rs411"].use == "fit"
        assert uses(fitted)["kt253_ic50_rs411"].use == "predict"


@pytest.mark.slow
def test_the_tag_of_a_model_text_counts_and_changes_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shipped: dict[str, Seen]
) -> None:
    before = pn.load("milademetan", cell_line="SJSA-1", system="culture").definition
    models = copied_models(tmp_path, monkeypatch)
    path = models / "core.ant"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{saw: set: p53_half_life}", ""), encoding="utf-8")
    assert shipped["p53_half_life"].use == "set"
    assert uses()["p53_half_life"].use == "predict"
    after = pn.load("milademetan", cell_line="SJSA-1", system="culture").definition
    assert after.antimony == before.antimony and after.sbml == before.sbml
    assert "{saw" not in before.antimony
    assert all("{" not in row.source for row in before.parameters.values())


@pytest.mark.parametrize(
    ("saw", "message"),
    [
        ("seen: tp53_null", "does not say what its choice saw"),
        ("set: tp53_nul", "unknown observation 'tp53_nul'; did you mean 'tp53_null'"),
        ("derived: k_syn of SJSA-1", "unknown parameter 'k_syn of SJSA-1'"),
        ("derived: cell of SJSA-7", "unknown entry 'SJSA-7'; did you mean 'SJSA-1'"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, saw: str, message: str) -> None:
    own = own_lines(tmp_path, "set: tp53_null, nutlin_null_leukaemia, md4251_mutant", saw)
    with pytest.raises(pn.P53NetError, match=re.escape(message)):
        uses(own)


def test_a_table_without_the_column_still_loads(tmp_path: Path, shipped: dict[str, Seen]) -> None:
    own = tmp_path / "cell_lines.tsv"
    own.write_text(
        "cell_line\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
        "mine\tMDM2_gene_dose\t2\tdimensionless\tassumed\tme\t\n"
    )
    tables = {"cell_lines": own}
    assert pn.load("KT-253", cell_line="mine", tables=tables).definition.cell_line == "mine"
    assert uses(tables) == shipped


@pytest.mark.slow
def test_a_structure_has_what_its_own_parameters_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = copied_models(tmp_path, monkeypatch)
    path = models / "partner_capacity.ant"
    text = path.read_text(encoding="utf-8")
    tag = re.compile(r"(E3_capacity = .*?)( \{saw: .*\})?$", re.M)
    path.write_text(tag.sub(r"\1 {saw: set: idasanutlin_ic50_wild_type}", text, count=1))
    assert uses()["idasanutlin_ic50_wild_type"].by == "set: E3_capacity"
    with supposing("no partner"):
        assert uses()["idasanutlin_ic50_wild_type"].use == "predict"


def test_every_row_has_models_or_a_reason(shipped: dict[str, Seen]) -> None:
    rows = observations()
    assert set(PLACES) <= set(rows)
    assert BUILT in shipped["caspase"].by
    assert shipped["kt253_over_inhibitors"].lines == "generic, RS4;11, SJSA-1, LPS-amplified"


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS, ids=lambda one: one.__name__)
def test_the_models_behind_a_prediction_are_those_that_it_runs(
    group: cells.Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: set[Place] = set()
    whole = cells.changes

    def noted(model: pn.Model, many: list[Cell]) -> list[dict[str, float]]:
        about = model.definition
        ran.update(Place(one.drug, one.line, about.system, about.host or None) for one in many)
        return whole(model, many)

    monkeypatch.setattr(cells, "changes", noted)
    monkeypatch.setattr("p53net.evidence.marrow.changes", noted)
    found = group([{}])[0]
    said = {place for name in found for place in PLACES[name]}
    if ran:  # others read a parameter, and run nothing
        assert ran <= said
        assert {p for p in said if p.system != "dish"} <= ran
