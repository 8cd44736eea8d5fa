"""Bands over draws, apart from any study: quantiles, shares, words, and what is refused."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import p53net as pn
from p53net.ensembles import banded, draws
from p53net.ensembles.cells import Cells, as_ensemble, without_numbers
from p53net.ensembles.draws import QUANTILES, Ensemble
from p53net.model.library import models_folder
from p53net.model.own import as_tables
from tests.support.draws import STRUCTURES, changed, committed, drawn
from tests.support.own_evidence import own_tables

NUMBERS = st.floats(-1e6, 1e6) | st.just(float("nan"))


@given(arrays(float, (7, 3), elements=NUMBERS))
def test_quantiles_are_those_of_numpy_where_there_is_a_value(values: np.ndarray) -> None:
    found = banded.quantiles(values)
    for column, expected in zip(found.T, values.T, strict=True):
        there = expected[~np.isnan(expected)]
        if not len(there):
            assert np.isnan(column).all()
            continue
        np.testing.assert_allclose(column, np.quantile(there, QUANTILES), rtol=1e-12, atol=1e-9)


def test_a_measure_has_its_share_and_a_curve_has_none() -> None:
    half = np.array([1.0, np.nan, 3.0, 5.0])
    result = xr.Dataset(
        {"half": ("draw", half), "curve": (("draw", "time"), np.ones((4, 2))), "plain": ((), 2.0)}
    )
    found = banded.with_bands(result, ["time"])
    assert set(found.data_vars) == {"half", "half_defined", "curve", "plain"}
    assert float(found["half_defined"]) == 0.75
    assert float(found["half"].sel(quantile=0.5)) == 3.0
    assert found["curve"].dims == ("quantile", "time") and float(found["plain"]) == 2.0


def test_words_are_counted_without_their_details() -> None:
    words = np.array([["ok", "ok"], ["not reached: it is 2.9", "ok"],
                      ["not reached: it is 1.5", "ok"]], dtype=object)  # fmt: skip
    found = banded.with_bands(xr.Dataset({"status": (("draw", "fold"), words)}))
    assert found["status"].values.tolist() == ["ok in 1 of 3 draws; not reached: 2", "ok"]


def test_a_band_is_written_with_its_ends() -> None:
    values = xr.DataArray([1.0, 2.0, 3.0, 4.0, 5.0], dims="quantile",
                          coords={"quantile": list(QUANTILES)})  # fmt: skip
    assert f"{banded.number(values):.1f} nM" == "3.0 [1.0 to 5.0] nM"
    assert f"{banded.number(xr.DataArray(2.5)):.1f} nM" == "2.5 nM"
    assert f"{banded.number(values * np.nan):.1f}" == "nan"


def test_reasons_that_differ_in_numbers_are_one() -> None:
    said = "active p53 reaches {:.3g}, not 3, even at 1e+07 nM; choose a lower target"
    assert without_numbers(said.format(2.94)) == without_numbers(said.format(1.1e-5))
    assert "p53" in without_numbers(said) and "choose" not in without_numbers(said)


def test_a_thinned_ensemble_keeps_the_numbers_of_its_draws() -> None:
    whole = drawn(9)
    thin = whole.thinned(3)
    assert thin.table.index.tolist() == [0, 4, 8] and len(thin.thinned(5)) == 3
    assert thin.trial(1) == whole.trial(4) and thin.structure(2) == whole.structure(8)
    assert whole.numbered([0, 4, 8]).sha256 == thin.sha256 != whole.sha256
    with pytest.raises(pn.InputError, match="no draw 12"):
        whole.numbered([12])


def test_cells_of_a_part_have_one_structure_and_all_are_there() -> None:
    cells = Cells(drawn(7))
    parts = list(cells.parts(2))
    assert sorted(place for part in parts for place in part.draws.tolist()) == list(range(7))
    assert all(len(part.draws) <= 2 for part in parts)
    names = cells.ensemble.table["structure"].to_numpy()
    assert all((names[part.draws] == part.structure).all() for part in parts)


def test_what_a_user_changes_stands_for_what_was_drawn() -> None:
    cells, model = Cells(drawn(4, structures=["default"])), pn.load("milademetan")
    (part,) = cells.parts()
    columns = cells.columns(model, part, {"k_syn_p53": 5.0}, copies=2)
    assert columns["k_syn_p53"].tolist() == [5.0] * 8
    drawn_values = cells.ensemble.table["milademetan: Ki_inhibitor"].to_numpy()
    assert columns["Ki_inhibitor"].tolist() == np.repeat(drawn_values, 2).tolist()


def test_draws_that_all_fail_are_one_error() -> None:
    def fails(_part: object) -> xr.Dataset:
        raise pn.SimulationError("it stopped")

    with pytest.raises(pn.SimulationError, match="it stopped"):
        Cells().one_by_one(fails)
    with pytest.raises(pn.InputError, match="no draw has a result: integration failed"):
        Cells(drawn(2)).one_by_one(fails)


def test_draws_that_fail_are_counted_and_leave_a_gap() -> None:
    cells = Cells(drawn(4))

    def odd(part: object) -> xr.Dataset:
        (place,) = part.draws.tolist()
        if place % 2:
            raise pn.SteadyStateError(f"no rest after {place} h")
        return xr.Dataset({"x": float(place), "status": ((), np.array("ok", dtype=object))})

    found = cells.finished(cells.one_by_one(odd))
    assert json.loads(found.attrs["failed"]) == {"no steady state": 2}
    assert float(found["x_defined"]) == 0.5 and float(found["x"].sel(quantile=0.5)) == 1.0
    assert found["status"].item() == "ok in 2 of 4 draws; no run: 2"


def test_an_ensemble_is_named_by_its_file_too(tmp_path) -> None:
    path = drawn(2).save(tmp_path / "mine.parquet")
    assert len(as_ensemble(path)) == len(as_ensemble(str(path))) == 2
    assert as_ensemble(None) is None


def test_a_package_without_an_ensemble_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "is_shipped", lambda: False)
    with pytest.raises(pn.InputError, match="ships no ensemble"):
        pn.ensemble()


def test_the_shipped_ensemble_is_of_these_models_and_of_bodies_too() -> None:
    shipped = pn.ensemble()
    assert len(shipped) == 500 and shipped.about["converged"] and shipped.has_bodies
    assert set(shipped.structures) == {"default", "residual"}
    assert (models_folder() / draws.SHIPPED).stat().st_size < 5e6


WRONG = {
    "no ensemble": (lambda _: {"ensemble": 3}, "a int"),
    "a table": (lambda e: {"ensemble": e.table}, "a DataFrame"),
    "no file": (lambda _: {"ensemble": "nowhere.parquet"}, "cannot read the ensemble"),
    "a structure": (lambda e: {"ensemble": e, "structure": "MDMX"}, "structure and ensemble"),
    "draws of nothing": (lambda _: {"draws": True}, "give ensemble="),
    "draws as a number": (lambda e: {"ensemble": e, "draws": 5}, "True .* or False"),
    "own tables": (
        lambda e: {"ensemble": e, "tables": {"drugs": "mine.tsv"}}, "tables and ensemble"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("study", ["escape", "viability", "pk", "patient"])
def test_what_is_no_ensemble_or_contradicts_one(
    study: str, case: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("p53net.ensembles.draws.SHIPPED", "none.parquet")
    (tmp_path / "mine.tsv").write_text("drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n")
    dose = pn.regimen(260, "mg", "3/14", days=14)
    call = {
        "escape": lambda **more: pn.escape(**more),
        "viability": lambda **more: pn.viability("milademetan", **more),
        "pk": lambda **more: pn.pk("milademetan", dose, **more),
        "patient": lambda **more: pn.patient("milademetan", dose, days=14, **more),
    }[study]
    arguments, message = WRONG[case]
    with pytest.raises(pn.InputError, match=message):
        call(**arguments(drawn(2)))


def test_structures_and_an_ensemble_contradict_each_other() -> None:
    with pytest.raises(pn.InputError, match="ensemble and structures"):
        pn.escape(structures="all", ensemble=drawn(2))


def test_the_ensembles_of_tests_have_the_committed_values() -> None:
    one = drawn(2, spread=0.0)
    for draw, structure in enumerate(STRUCTURES):
        usual = pn.load("KT-253", structure=structure).definition.parameters
        found = changed(one, draw, "KT-253")
        assert {name: usual[name].value for name in found} == found and "k_syn_p53" in found
    assert np.isnan(committed("model: Kd_MDMX", "default"))
    other = dataclasses.replace(one, table=one.table.iloc[::-1])
    assert other.sha256 != one.sha256


@pytest.mark.slow
def test_a_line_of_ones_own_goes_with_an_ensemble_that_was_made_with_it(tmp_path: Path) -> None:
    """Each draw is a run of that line with the values of the draw; changed tables are refused."""
    mine = own_tables(tmp_path)
    own, few = as_tables(mine), drawn(2)
    about = {**few.about, "own": {name: one.sha256 for name, one in own}}
    whole = Ensemble(few.table.assign(**{"ourline: k_growth": [0.01, 0.06]}), about)
    plates = pn.viability("milademetan", "ourline", ensemble=whole, tables=mine, draws=True)
    for draw in range(2):
        values = changed(whole, draw, "milademetan", cell_line="ourline", system="culture",
                         tables=own)  # fmt: skip
        assert values["k_growth"] == [0.01, 0.06][draw]
        one = pn.viability("milademetan", "ourline", tables=mine, parameters=values,
                           structure=whole.structure(draw))  # fmt: skip
        np.testing.assert_allclose(plates["ic50"].values[draw], one["ic50"].values, rtol=1e-6)
    table = mine / "cell_lines.tsv"
    table.write_text(table.read_text().replace("0.03", "0.04"))
    with pytest.raises(pn.InputError, match="tables and ensemble"):
        pn.viability("milademetan", "ourline", ensemble=whole, tables=mine)
