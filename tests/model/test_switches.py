"""Structures: switches, their options, names, and values of their own."""

from collections.abc import Mapping

import numpy as np
import pytest

import p53net as pn
from p53net.model import structures
from p53net.model.headers import described
from p53net.model.library import Part
from p53net.model.replacing import with_replaced


def part(text: str, name: str = "x") -> Part:
    return Part(described(name, text, f"models/{name}.ant"), ())


def test_default_is_as_without() -> None:
    usual = pn.load("KT-253").definition
    for given in (
        None,
        {},
        {"partner": "capacity"},
        "default",
        next(iter(structures.named_structures())),
    ):
        found = pn.load("KT-253", structure=given).definition
        assert (found.id, found.sbml) == (usual.id, usual.sbml)
    assert "structure" not in usual.loaded


def test_a_record_makes_it_again() -> None:
    model = pn.load("milademetan", structure={"partner": "MDMX"})
    run = model.simulate(np.array([0.0, 24.0]), {"milademetan": 300.0})
    assert run.attrs["structure"] == "MDMX"
    again = pn.rerun(run)
    assert again.identical(run)
    assert model.definition.id == "milademetan_partner_MDMX"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("residul", "unknown structure 'residul'; did you mean 'residual'"),
        ({"partners": "MDMX"}, "unknown switch 'partners'; did you mean 'partner'"),
        ({"partner": "MDMY"}, "unknown option of partner 'MDMY'"),
        ({"partner": 3}, "unknown option of partner '3'"),
        (3, "structure is 3; give the name of one"),
        (["partner"], "give the name of one"),
    ],
)
def test_unknown(given: Mapping[str, str], message: str) -> None:
    with pytest.raises(pn.P53NetError, match=message):
        pn.load(structure=given)


def test_written() -> None:
    text = "partner=capacity, residual=on"
    assert structures.written(text) == {"partner": "capacity", "residual": "on"}
    for wrong in ("partner", "partner=none, partner=capacity"):
        with pytest.raises(pn.InputError, match="structure"):
            structures.written(wrong)


def test_replace_stands_where_the_line_was() -> None:
    base = part("a = 1 nM // assumed: x\nb := a\nr: => s; a\ns' = a")
    other = part("// structure: q = w\n\nreplace b := 2*a\nreplace s' = b\nreplace r: => s; b")
    lines = with_replaced([base, other])
    assert lines[:4] == ["a = 1 nM // assumed: x", "b := 2*a", "r: => s; b", "s' = b"]


def test_replace_refuses() -> None:
    base = part("a = 1 nM // assumed: x")
    one = part("// structure: q = w\n\nreplace a = 2 nM // assumed: y", "one")
    two = part("// structure: v = z\n\nreplace a = 3 nM // assumed: y", "two")
    with pytest.raises(pn.InputError, match="q=w and v=z both change a"):
        with_replaced([base, one, two])
    nothing = part("// structure: q = w\n\nreplace c = 2 nM // assumed: y")
    with pytest.raises(pn.ModelError, match="it replaces c, which nothing defines"):
        with_replaced([base, nothing])
    of_drug = part("// structure: q = w\n// in: drug\n\nreplace c = 2 nM // assumed: y")
    assert with_replaced([base, of_drug])[0] == "a = 1 nM // assumed: x"


def test_table() -> None:
    table = pn.structures()
    assert table.groupby("switch")["default"].sum().eq(1).all()
    assert set(table.columns) > {"evidence_for", "evidence_against", "source"}


def test_every_option_has_its_row() -> None:
    """A fragment of an option that no row names would be in no model."""
    known = {(one.switch, one.option) for one in structures.options()}
    fragments = structures.library_of().fragments
    assert {(f.switch, one) for f in fragments if f.switch for one in f.options} <= known
    for one in fragments:
        for switch, options in one.needs.items():
            assert {(switch, option) for option in options} <= known


@pytest.mark.slow
def test_values_of_a_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of `refitted.tsv` hold in their structure, and a user's own rows win."""
    rows = {
        "RS4;11": {"K_PUMA_caspase": ("50", "nM", "fitted", "here", "")},
        "milademetan": {"Ki_inhibitor": ("3", "nM", "fitted", "here", "")},
        "model": {"k_growth": ("0.01", "per_hour", "fitted", "here", "")},
    }
    monkeypatch.setattr(
        "p53net.model.tables.refitted",
        lambda structure: rows if structures.name_of(structure) == "MDMX" else {},
    )

    def value(name: str, structure: str) -> float:
        model = pn.load("milademetan", cell_line="RS4;11", system="culture", structure=structure)
        return model.definition.parameters[name].value

    assert value("K_PUMA_caspase", "MDMX") == 50.0 != value("K_PUMA_caspase", "v0.1")
    assert value("Ki_inhibitor", "MDMX") == 3.0 != value("Ki_inhibitor", "v0.1")
    generic = pn.load(system="culture", structure="MDMX").definition.parameters
    assert generic["k_growth"].value == 0.01
    assert value("k_growth", "MDMX") == value("k_growth", "v0.1")  # a line's row wins


def test_what_is_only_told_cannot_be_set() -> None:
    """CRBN_total follows the CRBN of a line in the default: setting it would do nothing."""
    model = pn.load("KT-253")
    times = np.array([0.0, 24.0])
    with pytest.raises(pn.InputError, match="would change nothing; set CRBN_of_line instead"):
        model.simulate(times, {"KT-253": 1.0}, {"CRBN_total": 5.0})
    less = model.simulate(times, {"KT-253": 1.0}, {"CRBN_of_line": 1.0})
    assert float(less["MDM2_total"][-1]) > float(
        model.simulate(times, {"KT-253": 1.0})["MDM2_total"][-1]
    )
    old = pn.load("KT-253", structure="v0.1")
    old.simulate(times, {"KT-253": 1.0}, {"CRBN_total": 5.0})
    model.simulate(times, {"KT-253": 1.0}, {"P2_activity_held": 0.5}, feedback=False)
