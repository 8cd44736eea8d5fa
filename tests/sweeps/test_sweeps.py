"""Sweeps: every row is what a single run gives, and bad input is refused before anything runs."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import p53net as pn
from p53net.engines.base import Cells
from p53net.sweeps.design import design_of
from p53net.sweeps.store import digest_of

TIMES = np.linspace(0.0, 24.0, 25)
LINE = pn.load("milademetan")
BOTH = pn.load("milademetan", "KT-253")
PEAK = "peak:p53_active"
GRID = {"milademetan": [10.0, 100.0, 1000.0], "k_deg_p53": [0.1, 0.4]}


@pytest.fixture(scope="module")
def small() -> xr.Dataset:
    return pn.sweep(
        LINE,
        GRID,
        times=TIMES,
        observables=["MDM2_total"],
        measures=[pn.measures.peak("p53_active")],
    )


def test_a_row_is_what_a_run_gives(small: xr.Dataset) -> None:
    assert small["peak_p53_active"].dims == ("milademetan", "k_deg_p53")
    for dose in GRID["milademetan"]:
        for rate in GRID["k_deg_p53"]:
            run = LINE.simulate(TIMES, {"milademetan": dose}, {"k_deg_p53": rate})
            row = small.sel(milademetan=dose, k_deg_p53=rate)
            assert float(row["peak_p53_active"]) == float(run["p53_active"].max())
            assert float(row["MDM2_total_at_24"]) == float(run["MDM2_total"][-1])
            assert str(row["status"].values) == "ok"


def test_everything_has_a_unit_and_a_meaning(small: xr.Dataset) -> None:
    for name in (*small.data_vars, *small.coords):
        assert small[name].attrs["units"]
        assert small[name].attrs["long_name"]
    assert small["k_deg_p53"].attrs["units"] == "1/h"
    assert small.attrs["model"] == "milademetan"


def test_measures_of_a_curve() -> None:
    run = LINE.simulate(TIMES, {"milademetan": 100.0})
    active = run["p53_active"].values
    wanted = [
        pn.measures.auc("p53_active"), pn.measures.peak("p53_active"), "lowest:p53_active", pn.measures.at("p53_active", 12),
        pn.measures.fold("p53_active"), "swing:p53_active",
    ]  # fmt: skip
    found = pn.sweep(LINE, {"milademetan": [100.0]}, times=TIMES, measures=wanted).isel(
        milademetan=0
    )
    late = active[TIMES >= 18.0]
    expected = {
        "auc_p53_active": np.trapezoid(active, TIMES),
        "peak_p53_active": active.max(),
        "lowest_p53_active": active.min(),
        "p53_active_at_12": active[12],
        "p53_active_fold": active[-1] / active[0],
        "p53_active_swing": (late.max() - late.min()) / late.mean(),
    }
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-14), name
    assert found["auc_p53_active"].attrs["units"] == "nM h"


@pytest.mark.parametrize("drug", ["milademetan", "KT-253"])
@pytest.mark.slow
def test_measures_of_escape_are_those_of_the_study(drug: str) -> None:
    study = pn.escape([drug], hours=24.0, pulse_hours=4.0, fold=3.0).sel(drug=drug)
    dose = float(study["equal_dose"])
    model = pn.load(drug)
    times = np.linspace(0.0, 24.0, 481)
    names = ["escape_index", "log_undrugged", "log_abundance", "log_occupancy"]
    names += ["destroyed_per_drug"] * (drug == "KT-253")
    searched = ["loop_factor:3", "equal_dose:3"]
    searched += [f"dose_ratio:{fold}" for fold in (2, 3, 5)]
    searched += [f"stoichiometric_load:3:{volume}" for volume in (2, 1000)]
    found = pn.sweep(model, {drug: [dose]}, times=times, measures=[*names, *searched]).isel(
        {drug: 0}
    )
    assert str(found["status"].values) == "ok"
    for name in [*names, "loop_factor", "equal_dose"]:
        value = found[f"{name}_3" if name in ("loop_factor", "equal_dose") else name]
        assert float(value) == pytest.approx(float(study[name]), rel=1e-6), name
    for fold in (2, 3, 5):
        ratio = float(study["dose_ratio"].sel(fold=fold))
        assert float(found[f"dose_ratio_{fold}"]) == pytest.approx(ratio, rel=1e-6)
    for volume in (2, 1000):
        load = float(study["stoichiometric_load"].sel(medium_volume=volume))
        assert float(found[f"stoichiometric_load_3_{volume}"]) == pytest.approx(load, rel=1e-6)
    after = pn.sweep(
        model,
        {"exposure": [4.0, 24.0], drug: [dose]},
        times=np.linspace(0.0, 120.0, 4801),
        measures=["rebound", "free_MDM2_rise", "persistence", "washout_half_time"],
    ).isel({drug: 0})
    for name in ("rebound", "free_MDM2_rise", "persistence", "washout_half_time"):
        for hours in (4.0, 24.0):
            value = float(study[name].sel(exposure=hours))
            found_value = float(after[name].sel(exposure=hours))
            # The study looks at other times; both are read from a grid.
            assert found_value == pytest.approx(value, rel=2e-3, abs=1e-6), (name, hours)


def test_a_measure_without_a_value_says_so() -> None:
    found = pn.sweep(LINE, {"milademetan": [100.0]}, times=TIMES, measures=["rebound", PEAK])
    assert np.isnan(found["rebound"].values[0])
    assert np.isfinite(found["peak_p53_active"].values[0])
    assert found["status"].values[0] == "measure undefined"
    assert "no washout" in found["reason"].values[0]


def test_without_drug_there_is_no_escape_index() -> None:
    """Nor one made of rounding errors."""
    rates = np.linspace(0.1, 0.9, 9)
    axes = {"milademetan": [0.0, 1e-6], "k_deg_p53": rates}
    found = pn.sweep(LINE, axes, times=TIMES, measures=["escape_index"])
    assert (found["status"] == "measure undefined").all()


@pytest.mark.parametrize(
    ("function", "status", "said"),
    [
        (lambda times, active: active[-1] - active[0], "ok", ""),
        (lambda times, active: np.nan, "measure undefined", "it is nan"),
        (lambda times, active: "much", "measure undefined", "not a number"),
        (lambda times, active: 1 / 0, "failed", "ZeroDivisionError"),
        (lambda times, active: active.fill(0.0) or 1.0, "ok", ""),
    ],
)
def test_a_measure_of_your_own(function: Callable[..., Any], status: str, said: str) -> None:
    own = pn.measures.own("mine", function, ["p53_active"], "nM")
    found = pn.sweep(LINE, {"milademetan": [100.0]}, times=TIMES, measures=[own, PEAK])
    assert found["status"].values[0] == status
    assert said in found["reason"].values[0]
    assert np.isfinite(found["mine"].values[0]) == (status == "ok")
    if status == "ok":  # nor did it change what the others see
        run = LINE.simulate(TIMES, {"milademetan": 100.0})
        assert found["peak_p53_active"].values[0] == float(run["p53_active"].max())


def _scaled(factor: float, times: np.ndarray, active: np.ndarray) -> float:
    return factor * float(active[-1])


def test_own_measures_are_told_apart(tmp_path: Path) -> None:
    def kept(factor: float, resume: bool) -> xr.Dataset:
        own = pn.measures.own("mine", partial(_scaled, factor), ["p53_active"])
        return pn.sweep(
            LINE, {"milademetan": [1.0]}, times=TIMES, measures=[own], store=tmp_path / "s",
            resume=resume,
        )  # fmt: skip

    first = kept(2.0, resume=False)
    assert kept(2.0, resume=True).identical(first)
    with pytest.raises(pn.StoreError, match="measures"):
        kept(3.0, resume=True)


def test_failed_runs_are_rows() -> None:
    """A pulsing cell has no untreated state; extreme rates stop the integrator."""
    table = pd.DataFrame({"k_deg_p53": [0.23, 0.23], "k_on_inhibitor": [3.6, 1e300]})
    found = pn.sweep(LINE, table, times=TIMES, measures=[PEAK], doses={"milademetan": 100.0})
    assert found["status"].values.tolist() == ["ok", "integration failed"]
    assert np.isnan(found["peak_p53_active"].values[1])
    assert found["reason"].values[1]


def test_curves_are_kept() -> None:
    found = pn.sweep(
        LINE, GRID, times=TIMES, observables=["p53_total", "MDM2_mRNA"], keep_trajectories=True
    )
    assert found["p53_total"].dims == ("milademetan", "k_deg_p53", "time")
    run = LINE.simulate(TIMES, {"milademetan": 10.0}, {"k_deg_p53": 0.4})
    for name in ("p53_total", "MDM2_mRNA"):
        one = found[name].sel(milademetan=10.0, k_deg_p53=0.4)
        np.testing.assert_array_equal(one, run[name])


def test_doses_are_scaled_and_washed_out() -> None:
    scaled = pn.sweep(
        LINE,
        {"milademetan": [10.0, 100.0]},
        doses={"milademetan": [(0, 2.0), (4, 0.0), (8, 1.0)]},
        times=TIMES,
        measures=[PEAK],
    )
    run = LINE.simulate(TIMES, {"milademetan": [(0, 100.0), (4, 0.0), (8, 50.0)]})
    assert float(scaled["peak_p53_active"][1]) == float(run["p53_active"].max())
    exposed = pn.sweep(
        LINE,
        {"exposure": [0.0, 6.5, 24.0, 99.0]},
        doses={"milademetan": 100.0},
        times=TIMES,
        observables=["p53_total"],
    )
    runs = [
        LINE.simulate(TIMES, {"milademetan": dose})["p53_total"][-1]
        for dose in (0.0, pn.pulse(100.0, 6.5), 100.0, 100.0)
    ]
    np.testing.assert_array_equal(exposed["p53_total_at_24"], runs)


def test_both_drugs_and_the_open_loop() -> None:
    found = pn.sweep(
        BOTH,
        {"ds-3032b": [100.0]},
        doses={"seldegamadlin": 1.0},
        parameters={"k_deg_p53": 0.3},
        feedback=False,
        times=TIMES,
        measures=[PEAK],
    )
    run = BOTH.simulate(
        TIMES, {"milademetan": 100.0, "KT-253": 1.0}, {"k_deg_p53": 0.3}, feedback=False
    )
    assert float(found["peak_p53_active"].sel(milademetan=100.0)) == float(run["p53_active"].max())


def test_a_table_of_points(tmp_path: Path) -> None:
    table = pd.DataFrame({"milademetan": [10.0, 300.0, 10.0], "k_deg_p53": [0.1, 0.2, 0.3]})
    table.to_csv(tmp_path / "points.csv", index=False)
    table.to_parquet(tmp_path / "points.parquet")
    made = [
        pn.sweep(LINE, one, times=TIMES, measures=[PEAK])
        for one in (table, tmp_path / "points.csv", tmp_path / "points.parquet")
    ]
    assert made[0]["peak_p53_active"].dims == ("point",)
    np.testing.assert_array_equal(made[0]["k_deg_p53"], table["k_deg_p53"])
    assert made[0].identical(made[1]) and made[0].identical(made[2])


@pytest.mark.slow
@settings(max_examples=20)
@given(st.permutations(range(8)))
def test_a_row_depends_on_its_own_inputs_only(order: list[int]) -> None:
    values = np.geomspace(1.0, 1e4, 8), np.geomspace(0.05, 1.0, 8)
    table = pd.DataFrame({"milademetan": values[0], "k_deg_p53": values[1]})
    usual = pn.sweep(LINE, table, times=TIMES, measures=[PEAK, "escape_index"])
    mixed = pn.sweep(LINE, table.iloc[order], times=TIMES, measures=[PEAK, "escape_index"])
    for name in ("peak_p53_active", "escape_index"):
        np.testing.assert_array_equal(mixed[name], usual[name].values[order])


@settings(max_examples=50)
@given(
    st.integers(1, 40),
    st.integers(0, 10**6),
    st.sampled_from(["sobol", "latin-hypercube"]),
    st.floats(1e-6, 1e3),
    st.floats(1.001, 1e6),
)
def test_random_designs_stay_inside(
    points: int, seed: int, kind: str, low: float, ratio: float
) -> None:
    axes = {
        "a": pn.log_uniform(low, low * ratio),
        "b": pn.uniform(0.0, ratio),
        "c": [1.0, 2.0],
    }
    made = design_of(axes, points, kind, seed)
    assert made.size == 2 * points and made.dimensions == ("c", "point")
    values = made.values(0, made.size)
    for column, (least, most) in enumerate([(1.0, 2.0), (low, low * ratio), (0.0, ratio)]):
        assert least <= values[:, column].min() and values[:, column].max() <= most
    np.testing.assert_array_equal(values, design_of(axes, points, kind, seed).values(0, made.size))
    np.testing.assert_array_equal(
        values[3 % made.size :][:2], made.values(3 % made.size, made.size)[:2]
    )
    if kind == "latin-hypercube":
        cells = np.floor(values[:points, 2] / ratio * points)
        assert len(np.unique(np.minimum(cells, points - 1))) == points


def test_grids_are_in_c_order_and_have_exact_ends() -> None:
    made = design_of({"a": [1.0, 2.0], "b": pn.log_uniform(0.05, 1.0)}, 3, "grid", 1)
    assert made.shape == (2, 3)
    expected = [(a, b) for a in (1.0, 2.0) for b in (0.05, np.sqrt(0.05), 1.0)]
    np.testing.assert_allclose(made.values(0, 6), expected, rtol=1e-12)
    assert made.grid["b"][0] == 0.05 and made.grid["b"][-1] == 1.0


MOVING = [n for n, row in BOTH.definition.parameters.items()
          if row.kind not in ("input", "computed") and row.value > 0]  # fmt: skip


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(MOVING), st.floats(-0.5, 0.5)), min_size=1, max_size=6))
def test_the_fast_untreated_state_is_the_integrated_one(moves: list[tuple[str, float]]) -> None:
    rows = BOTH.definition.parameters
    changed = {name: rows[name].value * 10**power for name, power in moves}
    columns = {name: np.array([value]) for name, value in changed.items()}
    runner = BOTH.runner("roadrunner")
    seeds = runner.resting._seeds(columns, 1)
    integrated = runner.engine.rest(Cells(columns, seeds), near=False)
    found = runner.resting.of(columns, 1, ())
    assert integrated.errors.keys() == found.errors.keys()
    if integrated.errors:
        assert isinstance(integrated.errors[0], pn.SteadyStateError)
        assert isinstance(found.errors[0], pn.SteadyStateError)
    else:
        np.testing.assert_allclose(found.states, integrated.states, rtol=1e-9, atol=1e-9)


def test_drug_parameters_leave_the_untreated_state_bit_for_bit() -> None:
    def untreated(**changed: float) -> np.ndarray:
        columns = {name: np.array([value]) for name, value in changed.items()}
        return BOTH.runner("roadrunner").resting.of(columns, 1, ()).states[0]

    usual = untreated()
    for name in ("Ki_inhibitor", "k_ub_MDM2", "fu_medium_degrader"):
        np.testing.assert_array_equal(untreated(**{name: 0.5}), usual)
    assert (untreated(CRBN_of_line=200.0) != usual).any()


def test_the_store_is_plain_parquet(tmp_path: Path, small: xr.Dataset) -> None:
    again = pn.sweep(
        LINE,
        GRID,
        times=TIMES,
        observables=["MDM2_total"],
        measures=[pn.measures.peak("p53_active")],
        store=tmp_path / "s",
        chunk=4,
    )
    assert again.identical(small)
    assert pn.read_sweep(tmp_path / "s").identical(small)
    table = pd.read_parquet(tmp_path / "s" / "chunks").sort_values("point")
    assert list(table["point"]) == list(range(6))
    np.testing.assert_array_equal(table["peak_p53_active"], small["peak_p53_active"].values.ravel())
    assert set(table["status"]) == {"ok"}
    record = json.loads((tmp_path / "s" / "manifest.json").read_text())["record"]
    assert record["model_sha256"] == LINE.definition.sha256
    assert record["versions"]["libroadrunner"]


def test_an_unfinished_store_can_be_read(tmp_path: Path, small: xr.Dataset) -> None:
    kept = dict(times=TIMES, measures=[PEAK], store=tmp_path / "s", chunk=2)
    pn.sweep(LINE, GRID, **kept)
    next((tmp_path / "s" / "chunks").glob("000000000002-*")).unlink()
    partial = pn.read_sweep(tmp_path / "s")
    assert (partial["status"].values.ravel() == "not run").tolist() == [False] * 2 + [True] * 2 + [
        False
    ] * 2
    assert np.isnan(partial["peak_p53_active"].values.ravel()[2:4]).all()
    told: list[pn.Progress] = []
    resumed = pn.sweep(LINE, GRID, **kept, resume=True, progress=told.append)
    assert (told[0].done, told[0].resumed, told[-1].done) == (4, 4, 6)
    np.testing.assert_array_equal(resumed["peak_p53_active"], small["peak_p53_active"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"axes": {"milademetan": [10.0, 101.0]}}, "points_sha256"),
        ({"measures": ["auc:p53_active"]}, "measures"),
        ({"times": np.linspace(0, 24, 49)}, "times_h"),
        ({"feedback": False}, "feedback"),
        ({"parameters": {"k_deg_p53": 0.5}}, "parameters"),
        ({"time_limit": 7.0}, "time_limit_s"),
        ({"model": pn.load("milademetan", cell_line="SJSA-1")}, "model_sha256"),
        ({"model": pn.load("nutlin-3a"), "axes": {"nutlin-3a": [10.0, 100.0]}}, "model"),
    ],
)
def test_a_store_of_another_sweep_is_refused(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    usual = {"model": LINE, "axes": {"milademetan": [10.0, 100.0]}}
    options = {"times": TIMES, "measures": [PEAK], "store": tmp_path / "s"}
    pn.sweep(**usual, **options)
    before = {p: p.read_bytes() for p in (tmp_path / "s").rglob("*.parquet")}
    with pytest.raises(pn.StoreError, match=named):
        pn.sweep(**{**usual, **options, **change}, resume=True)
    with pytest.raises(pn.StoreError, match="already"):
        pn.sweep(**usual, **options)
    assert before == {p: p.read_bytes() for p in (tmp_path / "s").rglob("*.parquet")}


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"format": 99}', '{"format": 1}',
        '{"format": 1, "key": "x", "chunk_size": 10, "shape": [1000000000000]}',
        '{"format": 1, "key": "x", "chunk_size": 0, "shape": [10]}',
        '{"format": 1, "key": "x", "chunk_size": 5, "shape": [10]}',
        '{"format": 1, "key": "x", "chunk_size": 5, "shape": ["many"]}',
        "[" * 100_000, '{"format": 1, "shape": [Infinity]}',
    ],
)  # fmt: skip
def test_a_stranger_s_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "chunks").mkdir()
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(pn.StoreError):
        pn.read_sweep(tmp_path)


def test_only_its_own_files_are_ever_removed(tmp_path: Path) -> None:
    store, options = tmp_path / "s", {"times": TIMES, "measures": [PEAK]}
    (store / "chunks").mkdir(parents=True)
    (store / "chunks" / "thesis.csv").write_text("years of work")
    with pytest.raises(pn.StoreError, match="other files"):
        pn.sweep(LINE, ONE, **options, store=store)
    (store / "chunks" / "thesis.csv").unlink()
    first = pn.sweep(LINE, ONE, **options, store=store)
    for name in ("merged.parquet", "notes.txt", ".hidden"):
        (store / "chunks" / name).write_text("mine")
    (store / "chunks" / "deeper").mkdir()
    again = pn.sweep(LINE, ONE, **options, store=store, resume=True)
    assert again.identical(first)
    assert {"merged.parquet", "notes.txt", ".hidden", "deeper"} <= {
        path.name for path in (store / "chunks").iterdir()
    }
    home = tmp_path / "home"
    (store / "chunks").rename(home)
    (store / "chunks").symlink_to(home, target_is_directory=True)
    with pytest.raises(pn.StoreError, match="a link"):
        pn.sweep(LINE, ONE, **options, store=store, resume=True)


def test_a_manifest_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    options = {"times": TIMES, "measures": [PEAK], "store": tmp_path / "s"}
    pn.sweep(LINE, {"milademetan": [1.0, 10.0]}, **options)
    manifest = tmp_path / "s" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["grid"]["milademetan"] = [5.0, 6.0]
    manifest.write_text(json.dumps(content))
    with pytest.raises(pn.StoreError, match="changed after"):
        pn.read_sweep(tmp_path / "s")
    content["digest"] = digest_of(content)  # by one who knows how
    manifest.write_text(json.dumps(content))
    with pytest.raises(pn.StoreError, match="not that of the manifest"):
        pn.read_sweep(tmp_path / "s")
    again = pn.sweep(LINE, {"milademetan": [1.0, 10.0]}, **options, resume=True)
    assert again["milademetan"].values.tolist() == [1.0, 10.0]


@pytest.mark.parametrize("name", ["manifest.json", "chunks/000000000000-" + "0" * 32 + ".parquet"])
def test_devices_and_links_are_not_read(tmp_path: Path, name: str) -> None:
    options = {"times": TIMES, "measures": [PEAK], "store": tmp_path / "s"}
    pn.sweep(LINE, ONE, **options)
    for path in (tmp_path / "s" / "chunks").iterdir():
        path.unlink()
    (tmp_path / "s" / name).unlink(missing_ok=True)
    (tmp_path / "s" / name).symlink_to("/dev/zero")
    if name == "manifest.json":
        with pytest.raises(pn.StoreError, match="ordinary file"):
            pn.read_sweep(tmp_path / "s")
    else:
        assert pn.read_sweep(tmp_path / "s")["status"].values.tolist() == ["not run"]


def test_arguments_of_measures_count_to_the_last_digit(tmp_path: Path) -> None:
    times = [0.0, 12.0, 12.00001, 24.0]
    options = {"times": times, "store": tmp_path / "s"}
    pn.sweep(LINE, ONE, **options, measures=["at:p21:12"])
    with pytest.raises(pn.StoreError, match="measures"):
        pn.sweep(LINE, ONE, **options, measures=["at:p21:12.00001"], resume=True)


def test_a_cell_that_rests_only_when_changed_is_found() -> None:
    """The usual cell may accumulate something; the fast way to the untreated state is then shut."""
    definition = LINE.definition
    sbml = definition.sbml.replace('id="k_deg_p21" value="1.4"', 'id="k_deg_p21" value="0"')
    assert sbml != definition.sbml
    rows = {
        **definition.parameters,
        "k_deg_p21": replace(definition.parameters["k_deg_p21"], value=0.0),
    }
    model = pn.Model(replace(definition, sbml=sbml, parameters=rows))
    with pytest.raises(pn.SteadyStateError):
        model.simulate(TIMES)
    rest = model.simulate(TIMES, parameters={"k_deg_p21": 0.3})["p21"]
    usual = LINE.simulate(TIMES, parameters={"k_deg_p21": 0.3})["p21"]
    np.testing.assert_allclose(rest, usual, rtol=1e-9)


@pytest.mark.parametrize("name", ["P2_activity", "MDM2_turnover", "p53_total"])
def test_units_are_those_of_a_single_run(name: str) -> None:
    found = pn.sweep(LINE, ONE, times=TIMES, observables=[name], keep_trajectories=True)
    unit = LINE.simulate(TIMES, observables=[name])[name].attrs["units"]
    assert found[name].attrs["units"] == unit
    area = pn.sweep(LINE, ONE, times=TIMES, measures=[f"auc:{name}"])[f"auc_{name}"]
    assert area.attrs["units"] == {"1": "h", "1/h": "1", "nM": "nM h"}[unit]


def test_closures_and_defaults_tell_measures_apart() -> None:
    def made(factor: float) -> pn.Measure:
        def scaled(times: np.ndarray, active: np.ndarray) -> float:
            return factor * float(active[-1])

        return pn.measures.own("mine", scaled, ["p53_active"])

    digests = [made(factor).own.digest for factor in (1.0, 100.0, 1.0)]
    assert digests[0] == digests[2] != digests[1]


ONE = {"milademetan": [1.0]}
REFUSED: dict[str, tuple[dict[str, Any], type[pn.P53NetError], str]] = {
    "not a model": ({"model": "milademetan"}, pn.InputError, "pn.load"),
    "no axes": ({"axes": {}}, pn.InputError, "axes must map"),
    "axes of another kind": ({"axes": [1, 2]}, pn.InputError, "axes must map"),
    "empty axis": ({"axes": {"milademetan": []}}, pn.InputError, "empty"),
    "axis of texts": ({"axes": {"milademetan": ["much"]}}, pn.InputError, "must be numbers"),
    "axis that is a text": ({"axes": {"milademetan": "1:10"}}, pn.InputError, "must be numbers"),
    "axis of two dimensions": ({"axes": {"milademetan": [[1.0]]}}, pn.InputError, "2-dimensional"),
    "NaN": ({"axes": {"milademetan": [1.0, np.nan]}}, pn.InputError, "NaN"),
    "infinity": ({"axes": {"milademetan": [1.0, np.inf]}}, pn.InputError, "infinite"),
    "negative": ({"axes": {"milademetan": [-1.0]}}, pn.InputError, "below 0"),
    "a value twice": ({"axes": {"milademetan": [1.0, 1.0]}}, pn.InputError, "twice"),
    "unknown axis": ({"axes": {"kdeg_p53": [1.0]}}, pn.UnknownNameError, "did you mean 'k_deg_p53'"),
    "drug not in the model": ({"axes": {"KT-253": [1.0]}}, pn.InputError, "load it with"),
    "one axis by two names": (
        {"axes": {"milademetan": [1.0], "DS-3032b": [2.0]}}, pn.InputError, "an axis twice"),
    "an input as axis": ({"axes": {"feedback": [0.0, 1.0]}}, pn.InputError, "feedback=False"),
    "a divisor of 0": ({"axes": {"cell": [0.0, 1.0]}}, pn.InputError, "divides by it"),
    "axis and parameter": (
        {"axes": {"k_deg_p53": [1.0]}, "parameters": {"k_deg_p53": 1.0}}, pn.InputError, "once"),
    "unknown design": ({"design": "random"}, pn.InputError, "one of grid, sobol"),
    "random design of arrays": ({"design": "sobol", "points": None}, pn.InputError, "distribution"),
    "points without distribution": ({"points": 5}, pn.InputError, "leave it out"),
    "distribution without points": (
        {"axes": {"k_deg_p53": pn.uniform(0.1, 1)}}, pn.InputError, "whole number"),
    "half a point": (
        {"axes": {"k_deg_p53": pn.uniform(0.1, 1)}, "points": 2.5}, pn.InputError, "whole number"),
    "no point": (
        {"axes": {"k_deg_p53": pn.uniform(0.1, 1)}, "points": 0, "design": "sobol"},
        pn.InputError, "whole number"),
    "bad seed": (
        {"axes": {"k_deg_p53": pn.uniform(0.1, 1)}, "points": 4, "design": "sobol", "seed": -1},
        pn.InputError, "seed"),
    "a million millions": (
        {"axes": {"milademetan": np.arange(1e6), "k_deg_p53": np.arange(1, 1e6 + 1)}},
        pn.InputError, r"1,000,000,000,000 points \(1,000,000 x 1,000,000\).*core years"),
    "curves beyond memory": (
        {"axes": {"milademetan": np.arange(1e6)}, "observables": ["p53_total", "p21"],
         "times": np.linspace(0, 72, 1000), "keep_trajectories": True}, pn.InputError, "GiB"),
    "nothing kept": ({"measures": []}, pn.InputError, "nothing would be kept"),
    "unknown measure": ({"measures": ["peek:p53_active"]}, pn.UnknownNameError, "'peak'"),
    "unknown observable": ({"measures": ["peak:p53_activ"]}, pn.UnknownNameError, "p53_active"),
    "measure without argument": ({"measures": ["peak"]}, pn.InputError, "peak:observable"),
    "measure that is a number": ({"measures": [3]}, pn.InputError, "such as 'peak:p53_active'"),
    "measure at another time": ({"measures": ["at:p21:7.77"]}, pn.InputError, "not among the times"),
    "a measure twice": ({"measures": [PEAK, PEAK]}, pn.InputError, "give each measure once"),
    "fold of 1": ({"measures": ["dose_ratio:1"]}, pn.InputError, "above 1"),
    "degrader's measure": ({"measures": ["destroyed_per_drug"]}, pn.InputError, "load a drug"),
    "which drug": (
        {"model": BOTH, "measures": ["dose_ratio:3"]}, pn.InputError, "milademetan and KT-253"),
    "times from 1": ({"times": [1.0, 2.0]}, pn.InputError, "starts at"),
    "dose after the end": (
        {"axes": {"k_deg_p53": [1.0]}, "doses": {"milademetan": pn.pulse(1.0, 99.0)}},
        pn.InputError, "after the run ends"),
    "shape of nothing": ({"doses": {"milademetan": 0.0}}, pn.InputError, "no shape to scale"),
    "exposure without a drug": ({"axes": {"exposure": [1.0]}}, pn.InputError, "no drug is given"),
    "exposure beside a schedule": (
        {"axes": {"exposure": [1.0]}, "doses": {"milademetan": pn.pulse(1.0, 2.0)}},
        pn.InputError, "schedule of its own"),
    "curves of nothing": ({"keep_trajectories": True}, pn.InputError, "name at least one"),
    "open loop compared": (
        {"measures": ["escape_index"], "feedback": False}, pn.InputError, "closed and opened"),
    "observables of another kind": ({"observables": 5}, pn.InputError, "list of names"),
    "store of another kind": ({"store": 5}, pn.InputError, "path of a folder"),
    "too many workers": ({"workers": 10**7}, pn.InputError, "at most"),
    "endless memory": ({"memory_limit": "1e400"}, pn.InputError, "256 MiB"),
    "engine": ({"engine": "magic"}, pn.InputError, "roadrunner"),
    "workers": ({"workers": -1}, pn.InputError, "workers"),
    "workers and scheduler": (
        {"workers": 1, "scheduler": "tcp://127.0.0.1:1"}, pn.InputError, "or a scheduler"),
    "scheduler": ({"scheduler": "localhost"}, pn.InputError, "tcp://host:8786"),
    "time limit": ({"time_limit": 0}, pn.InputError, "above 0"),
    "memory limit": ({"memory_limit": "much"}, pn.InputError, "256 MiB"),
    "little memory": ({"memory_limit": 1000}, pn.InputError, "256 MiB"),
    "chunk": ({"chunk": 0}, pn.InputError, "chunk"),
    "feedback": ({"feedback": "open"}, pn.InputError, "True or False"),
    "resume nothing": ({"resume": True}, pn.InputError, "needs the store"),
    "table of nothing": ({"axes": pd.DataFrame({"milademetan": []})}, pn.InputError, "empty"),
    "table that is missing": ({"axes": "no/such.csv"}, pn.InputError, "cannot read points"),
    "table and design": (
        {"axes": pd.DataFrame(ONE), "design": "sobol"}, pn.InputError, "a design already"),
    "read-only folder": ({"store": "/proc/none/here"}, pn.OutputError, "cannot make the folder"),
    "folder of other files": ({"store": Path(__file__).parent}, pn.StoreError, "other files"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_runs(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, error, said = REFUSED[case]
    monkeypatch.setattr("p53net.sweeps.rows.rows_of", lambda *_: pytest.fail("a point was run"))
    usual = {"model": LINE, "axes": ONE, "times": TIMES, "measures": [PEAK]}
    with pytest.raises(error, match=said):
        pn.sweep(**{**usual, **change})


@pytest.mark.parametrize(
    ("low", "high", "kind"), [(0.0, 1.0, pn.log_uniform), (1.0, 1.0, pn.uniform),
                              (2.0, 1.0, pn.log_uniform), (-1.0, 1.0, pn.uniform),
                              (0.0, np.nan, pn.uniform)]
)  # fmt: skip
def test_distributions_refuse(low: float, high: float, kind: Callable[..., Any]) -> None:
    with pytest.raises(pn.InputError):
        kind(low, high)


def test_a_tornado_ranks_what_single_runs_give() -> None:
    found = pn.tornado(
        LINE, PEAK, moved=["k_deg_p53", "K_MDM2", "milademetan"],
        doses={"milademetan": 100.0}, times=TIMES, factor=2.0,
    )  # fmt: skip

    def peak(dose: float, parameters: dict[str, float]) -> float:
        return float(LINE.simulate(TIMES, {"milademetan": dose}, parameters)["p53_active"].max())

    base = {n: LINE.definition.parameters[n].value for n in ("k_deg_p53", "K_MDM2")}
    assert float(found["baseline"]) == pytest.approx(peak(100.0, {}), rel=1e-9)
    for name, value in base.items():
        for side, by in (("down", 0.5), ("up", 2.0)):
            cell = float(found["value"].sel(parameter=name, side=side))
            assert cell == pytest.approx(peak(100.0, {name: value * by}), rel=1e-9)
    up = float(found["value"].sel(parameter="milademetan", side="up"))
    assert up == pytest.approx(peak(200.0, {}), rel=1e-9)
    reach = np.abs(found["value"] - found["baseline"]).max("side").values
    assert (np.diff(reach) <= 0).all()


def test_a_tornado_takes_every_parameter() -> None:
    found = pn.tornado(LINE, PEAK, doses={"milademetan": 100.0}, times=TIMES)
    rows = LINE.definition.parameters
    movable = {n for n, r in rows.items() if r.kind not in ("input", "computed") and r.value > 0}
    assert set(found["parameter"].values) == movable | {"milademetan"}
    assert set(np.unique(found["status"])) <= {"ok", "steady state failed"}
    with pytest.raises(pn.UnknownNameError):
        pn.tornado(LINE, PEAK, moved=["DSB"], times=TIMES)
    with pytest.raises(pn.InputError, match="above 1"):
        pn.tornado(LINE, PEAK, factor=1.0, times=TIMES)


def test_sobol_indices_of_a_product() -> None:
    """Without p53 and MDM2 in the way, drug in the cell is dose times free fraction."""
    axes = {"milademetan": pn.uniform(1e6, 3e6), "fu_medium_inhibitor": pn.uniform(0.1, 0.9)}
    found = pn.sobol_indices(
        LINE, axes, "at:inhibitor_in_cell:24", points=256, times=[0.0, 12.0, 24.0]
    )

    def relative_variance(axis: Any) -> float:
        mean, width = (axis.low + axis.high) / 2, axis.high - axis.low
        return (width**2 / 12) / mean**2

    v = {name: relative_variance(axis) for name, axis in axes.items()}
    total = (
        v["milademetan"] + v["fu_medium_inhibitor"] + v["milademetan"] * v["fu_medium_inhibitor"]
    )
    for name, one in v.items():
        alone, all_in = one / total, (one + v["milademetan"] * v["fu_medium_inhibitor"]) / total
        row = found.sel(parameter=name)
        assert float(row["S1"]) == pytest.approx(alone, abs=0.03)
        assert float(row["ST"]) == pytest.approx(all_in, abs=0.03)
        assert abs(float(row["S1"]) - alone) < 2 * float(row["S1_conf"])
    assert found["parameter"].values.tolist() == ["fu_medium_inhibitor", "milademetan"]


@pytest.mark.parametrize(
    ("axes", "points", "said"),
    [
        ({"k_deg_p53": pn.uniform(0.1, 1)}, 16, "two axes"),
        ({"k_deg_p53": pn.uniform(0.1, 1), "K_MDM2": [1.0]}, 16, "distribution"),
        ({"k_deg_p53": pn.uniform(0.1, 1), "K_MDM2": pn.uniform(50, 200)}, 12, "power of two"),
    ],
)
def test_sobol_indices_refuse(axes: dict[str, Any], points: int, said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.sobol_indices(LINE, axes, PEAK, points=points, times=TIMES)


def test_sobol_indices_need_every_point() -> None:
    axes = {"k_deg_p53": pn.uniform(0.1, 1), "K_MDM2": pn.uniform(50, 200)}
    with pytest.raises(pn.MeasureError, match="of 16 points have no rebound"):
        pn.sobol_indices(LINE, axes, "rebound", points=4, times=TIMES)
    with pytest.raises(pn.MeasureError, match="same at every point"):
        pn.sobol_indices(LINE, {"Ki_inhibitor": pn.uniform(1, 2), "fu_medium_inhibitor": pn.uniform(0, 1)},
                         PEAK, points=4, times=TIMES)  # fmt: skip
