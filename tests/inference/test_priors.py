"""The table of priors: complete, sound, and one clear error for each defect."""

import math
import re
from pathlib import Path

import pytest

from p53net.errors import InputError, TableError
from p53net.evidence.published import observations
from p53net.inference.parameters import all_parameters, parameters_of
from p53net.inference.priors import COLUMNS, NO_INFORMATION, for_structure, priors
from p53net.model.derived import DERIVED
from p53net.model.structures import named_structures

PUBLISHED = ("Hunziker2010", "Proctor2008")
OURS = [name for name in named_structures() if name not in PUBLISHED]

ROW = {
    "entry": "model", "parameter": "Kd_p53", "distribution": "log-normal", "centre": "100",
    "spread": "5", "low": "", "high": "", "unit": "nM", "with": "", "correlation": "",
    "reason": "a test", "source": "",
}  # fmt: skip


def table(folder: Path, *changes: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    rows = [{**ROW, **change} for change in changes] or [ROW]
    lines = ["\t".join(columns), *("\t".join(row[c] for c in columns) for row in rows)]
    path = folder / "mine.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("structure", OURS)
def test_whatever_a_structure_can_vary_has_a_prior(structure: str) -> None:
    """Assumed, fitted and measured values alike; those that follow from others have none."""
    known = parameters_of(structure)
    assert [one.name for one in for_structure(structure)] == [n for n in priors() if n in known]
    assert not known.keys() - priors().keys()
    assert not {f"{one.entry}: {one.parameter}" for one in DERIVED} & priors().keys()


def test_every_prior_is_of_some_structure_and_says_why() -> None:
    assert priors().keys() == set().union(*(parameters_of(name) for name in OURS))
    for one in priors().values():
        assert len(one.reason) > 3, one.name


def test_options_bring_their_parameters_and_take_others_away() -> None:
    named = {
        name: {one.name for one in for_structure(name)} for name in ("v0.1", "default", "residual")
    }
    assert "model: E3_capacity" in named["default"] - named["v0.1"]
    assert "model: CRBN_total" in named["v0.1"] - named["default"]
    assert "model: residual" in named["residual"] - named["default"]
    assert {"SJSA-1: MDM2_gene_dose", "KT-253 in mouse: CL_degrader"} < named["v0.1"]


def test_a_fixed_prior_is_what_the_models_have() -> None:
    fixed = [one for one in priors().values() if one.fixed]
    assert 10 < len(fixed) < 30
    for one in fixed:
        assert one.centre == all_parameters()[one.name].value, one.name


@pytest.mark.slow
def test_no_centre_is_a_number_that_scored_rows_gave() -> None:
    """Of any structure: fitted ones, and those that were chosen with a row in view that is compared
    with predictions. Such a row would count twice."""
    known, checked = observations(), 0
    for structure in OURS:
        for one in for_structure(structure):
            value = parameters_of(structure)[one.name]
            rows = [known[word] for word in re.findall(r"\w+", value.saw) if word in known]
            if value.kind == "fitted" or any(row.comparable for row in rows):
                checked += 1
                middle = one.centre
                if one.distribution == "log-uniform":
                    middle = math.sqrt(one.low * one.high)
                assert one.fixed or middle != pytest.approx(value.value, rel=0.02), one.name
    assert checked > 100


def test_what_is_in_the_models_is_not_ruled_out() -> None:
    for structure in OURS:
        known = parameters_of(structure)
        for one in for_structure(structure):
            assert one.low <= known[one.name].value <= one.high, one.name


def test_what_is_known_of_nothing_is_one_group() -> None:
    group = [one for one in priors().values() if one.uninformed]
    assert len(group) > 15
    assert all(one.reason.startswith(NO_INFORMATION) and one.spread == 3 for one in group)


def test_a_table_of_ones_own_stands_alone_or_wins(tmp_path: Path) -> None:
    mine = table(tmp_path, {"centre": "50", "low": "10"})
    assert list(priors(mine)) == ["model: Kd_p53"]
    both = priors(own=mine)
    assert both.keys() == priors().keys() and both["model: Kd_p53"].centre == 50
    assert both["model: Kd_p53"].low == 10
    assert [one.centre for one in for_structure(table=priors(mine))] == [50]


def test_priors_of_a_line_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "cell_lines.tsv").write_text(
        "cell_line\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
        "mine\tk_growth\t0.03\tper_hour\tassumed\t\ta test\n",
        encoding="utf-8",
    )
    row = {"entry": "mine", "parameter": "k_growth", "unit": "per_hour", "centre": "0.03"}
    own = table(tmp_path, row)
    with pytest.raises(TableError, match="unknown entry 'mine'"):
        priors(own=own)
    assert "mine: k_growth" in priors(own=own, tables=tmp_path / "tables")
    own.rename(tmp_path / "tables" / "priors.tsv")
    assert "mine: k_growth" in [one.name for one in for_structure(tables=tmp_path / "tables")]


def test_a_published_core_keeps_its_values() -> None:
    for name in PUBLISHED:
        with pytest.raises(InputError, match="published core"):
            for_structure(name)


DEFECTS: dict[str, tuple[list[dict[str, str]], str]] = {
    "distribution": ([{"distribution": "gamma"}], "unknown distribution 'gamma'.*log-uniform"),
    "centre below": ([{"low": "200"}], "the centre 100 is not between 200 and inf"),
    "centre above": ([{"high": "50"}], "the centre 100 is not between 0 and 50"),
    "share above 1": (
        [{"parameter": "k_deg_p53", "unit": "per_hour", "distribution": "logit-normal"}],
        "the centre 100 is not between 0 and 1",
    ),
    "bounds crossed": (
        [{"distribution": "log-uniform", "centre": "", "spread": "", "low": "5", "high": "2"}],
        "the bounds are 5 and 2; give a low bound below the high",
    ),
    "log of nothing": (
        [{"distribution": "log-uniform", "centre": "", "spread": "", "low": "0", "high": "2"}],
        "of log-uniform above 0",
    ),
    "bound by nature": ([{"low": "-1"}], "outside 0 to inf"),
    "factor": ([{"spread": "1"}], "spread is 1, but of log-normal it is a factor, above 1"),
    "deviation": ([{"distribution": "normal", "spread": "0"}], "spread is 0, but a standard"),
    "needs": ([{"spread": ""}], "log-normal needs centre and spread; add spread"),
    "needs ends": (
        [{"distribution": "log-uniform", "centre": "", "spread": "", "low": "5"}],
        "log-uniform needs low and high; add high",
    ),
    "too much": ([{"distribution": "fixed"}], "fixed has no spread; leave it empty"),
    "no number": ([{"centre": "many"}], "centre is 'many', but must be a finite number"),
    "too large": ([{"centre": "1e999"}], "centre is '1e999', but must be a finite number"),
    "reason": ([{"reason": " "}], "the reason is missing"),
    "unit": ([{"unit": "uM"}], "the unit is 'uM', but the models have it in nM"),
    "entry": ([{"entry": "SJSA1"}], "unknown entry 'SJSA1'; did you mean 'SJSA-1'"),
    "parameter": ([{"parameter": "Kd_p35"}], "no model varies it.*did you mean 'Kd_p53'"),
    "twice": ([{}, {}], "model: Kd_p53 stands twice"),
    "correlation": ([{"with": "model: k_on_p53", "correlation": "1"}], "must lie between -1 and 1"),
    "no correlation": ([{"with": "model: k_on_p53"}], "the correlation is 0"),
    "with none": ([{"correlation": "0.5"}], "goes `with` none"),
    "with unknown": ([{"with": "model: Kd", "correlation": "0.5"}], "unknown prior 'model: Kd'"),
    "with fixed": (
        [
            {"with": "model: MDM2_gene_dose", "correlation": "0.5"},
            {"parameter": "MDM2_gene_dose", "unit": "dimensionless", "distribution": "fixed",
             "spread": ""},
        ],
        "is fixed; name another",
    ),
    "with itself": ([{"with": "model: Kd_p53", "correlation": "0.5"}], "goes in a circle"),
    "circle": (
        [
            {"with": "model: K_MDM2", "correlation": "0.5"},
            {"parameter": "K_MDM2", "with": "model: Kd_p53", "correlation": "0.5"},
        ],
        "goes in a circle, model: Kd_p53 with model: K_MDM2 with model: Kd_p53",
    ),
    "no text": ([{"reason": "a\x00"}], "holds the character"),
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_one_clear_error(defect: str, tmp_path: Path) -> None:
    changes, message = DEFECTS[defect]
    with pytest.raises(TableError, match=message):
        priors(table(tmp_path, *changes))


def test_missing_columns_and_files(tmp_path: Path) -> None:
    without = tuple(name for name in COLUMNS if name not in ("spread", "with"))
    with pytest.raises(TableError, match="the columns spread, with are missing"):
        priors(table(tmp_path, columns=without))
    with pytest.raises(InputError, match="nowhere"):
        priors(tmp_path / "nowhere.tsv")
