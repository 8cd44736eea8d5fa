"""Reductions equal what numpy makes of all rows, however these are cut and in whatever order."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import p53net as pn
from p53net.errors import InputError, StoreError, UnknownNameError
from p53net.sweeps import reduced
from p53net.sweeps.reductions import Reduction, best, histogram, quantiles, reduction_of

TIMES = np.linspace(0.0, 24.0, 25)
AXES = {"k_deg_p53": pn.log_uniform(0.1, 0.5), "milademetan": pn.log_uniform(1.0, 1e3)}
SHARES = (0.0, 0.05, 1 / 3, 0.5, 0.95, 1.0)
EDGES = (-10.0, -1.0, 0.0, 0.5, 1.0, 100.0)
KINDS: list[Reduction] = [quantiles("m", SHARES), histogram("m", EDGES), best("m", 5)]
ODD = st.one_of(
    st.floats(-200, 200),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([*EDGES, 0.0, -0.0, 5e-324, 1.7e308]),
)


def chunk(values: np.ndarray, start: int) -> pa.Table:
    """Rows of a sweep over one axis, which is ten times the place of the point."""
    places = start + np.arange(len(values))
    statuses = np.where(np.isfinite(values), "ok", "measure undefined")
    reasons = np.where(np.isfinite(values), "", [f"at {place}" for place in places])
    return pa.table({"a": 10.0 * places, "m": values, "status": statuses, "reason": reasons})


def reduce(values: np.ndarray, cuts: list[int], order: Callable[[list[Any]], None]) -> xr.Dataset:
    ends = [0, *sorted({cut for cut in cuts if cut < len(values)}), len(values)]
    parts = [
        (start, reduced.as_parts(KINDS, ["a"], start, chunk(values[start:end], start)))
        for start, end in itertools.pairwise(ends)
        if end > start
    ]
    order(parts)
    manifest = {
        "reductions": [one.as_record() for one in KINDS],
        "axes": {"a": {"units": "nM"}},
        "shape": [len(values)],
        "variables": {"m": {"units": "1", "long_name": "m"}},
        "attributes": {},
    }
    return reduced.dataset(manifest, parts)


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.lists(ODD, min_size=1, max_size=60),
    st.lists(st.integers(1, 60), max_size=60),
    st.randoms(use_true_random=False),
)
def test_reductions_are_those_of_all_rows(
    values: list[float], cuts: list[int], chance: Any
) -> None:
    column = np.array(values)
    found = reduce(column, cuts, chance.shuffle)
    assert found.identical(reduce(column, [], lambda parts: None))
    finite = column[np.isfinite(column)]
    if len(finite):
        expected = np.quantile(finite, SHARES, method="inverted_cdf")
        # Of the smallest numbers of all, a bin is narrower than what floats can tell.
        np.testing.assert_allclose(found["m_quantile"], expected, rtol=1.0000001e-3, atol=1e-320)
    else:
        assert np.isnan(found["m_quantile"]).all()
    assert found["m_quantile"].attrs["points"] == len(finite)
    counts, _ = np.histogram(finite, EDGES)
    np.testing.assert_array_equal(found["m_histogram"], counts)
    outside = found["m_histogram"].attrs
    assert outside["below"] == (finite < EDGES[0]).sum()
    assert outside["above"] == (finite > EDGES[-1]).sum()
    there = (i for i in range(len(column)) if np.isfinite(column[i]))
    order = sorted(there, key=lambda i: (-column[i], i))[:5]
    np.testing.assert_array_equal(found["m_best_point"], order)
    np.testing.assert_array_equal(found["m_best"], column[order])
    np.testing.assert_array_equal(found["m_best_a"], 10.0 * np.array(order))
    number = dict(zip(found["status"].values, found["points"].values, strict=True))
    assert sum(number.values()) == len(column)
    assert number.get("ok", 0) == len(finite)
    lost = np.flatnonzero(~np.isfinite(column))
    if len(lost):
        assert found["reason"].sel(status="measure undefined") == f"at {lost[0]}"


@pytest.mark.parametrize("error", [1e-4, 0.01, 0.1])
def test_quantiles_keep_the_error_that_they_are_given(error: float) -> None:
    values = np.exp(np.random.default_rng(1).normal(0.0, 3.0, 20_001))
    one, shares = quantiles("m", np.linspace(0, 1, 201), error), np.linspace(0, 1, 201)
    part = one.part(0, chunk(values, 0), ["a"])
    found = one.variables(part, {}, ["a"])["m_quantile"][1]
    off = found / np.quantile(values, shares, method="inverted_cdf") - 1
    assert np.abs(off).max() <= error * (1 + 1e-9)
    width = np.log((1 + error) / (1 - error))
    assert len(part.keys) <= np.log(values.max() / values.min()) / width + 2


def test_the_lowest() -> None:
    values = np.array([3.0, np.nan, 1.0, 1.0, 2.0])
    part = best("m", 3, lowest=True).part(7, chunk(values, 7), ["a"])
    np.testing.assert_array_equal(part.keys, [9, 10, 11])
    np.testing.assert_array_equal(part.numbers.reshape(3, 2)[:, 0], [1.0, 1.0, 2.0])


def test_a_chunk_that_is_there_twice_counts_once() -> None:
    values = np.arange(4.0)
    assert reduce(values, [2], lambda parts: parts.append(parts[0])).identical(
        reduce(values, [2], lambda parts: None)
    )


# In sweeps

REDUCE = [
    quantiles("peak_p53_active"), histogram("peak_p53_active", np.geomspace(1, 1e3, 7)),
    best("peak_p53_active", 4), best("rebound", 3, lowest=True),
]  # fmt: skip


@pytest.fixture(scope="module")
def model() -> pn.Model:
    return pn.load("milademetan")


def run(model: pn.Model, **options: Any) -> xr.Dataset:
    usual = {
        "points": 60, "design": "latin-hypercube", "times": TIMES, "engine": "batch",
        "measures": ["peak:p53_active", "rebound"], "workers": 0, "chunk": 7, "reduce": REDUCE,
    }  # fmt: skip
    return pn.sweep(model, AXES, **(usual | options))


@pytest.fixture(scope="module")
def usual(model: pn.Model) -> xr.Dataset:
    return run(model)


def test_a_reduced_sweep(model: pn.Model, usual: xr.Dataset) -> None:
    rows = run(model, reduce=())
    peaks = rows["peak_p53_active"].values
    expected = np.quantile(peaks, (0.05, 0.5, 0.95), method="inverted_cdf")
    np.testing.assert_allclose(usual["peak_p53_active_quantile"], expected, rtol=1e-3)
    top = rows.isel(point=usual["peak_p53_active_best_point"].values)
    for name, column in {"": "peak_p53_active", **{f"_{a}": a for a in AXES}}.items():
        np.testing.assert_array_equal(usual[f"peak_p53_active_best{name}"], top[column])
    assert usual["peak_p53_active_best_milademetan"].attrs["units"] == "nM"
    assert usual["peak_p53_active_quantile"].attrs["units"] == rows["peak_p53_active"].units
    assert usual["points"].sel(status="measure undefined") == 60  # there is no washout
    assert usual["rebound_best"].size == 0
    assert (rows["reason"].values == str(usual["reason"].values[0])).all()


@pytest.mark.parametrize("options", [{"chunk": 60}, {"chunk": 1}, {"workers": None}])
def test_chunks_and_threads_leave_no_trace(
    options: dict[str, Any], model: pn.Model, usual: xr.Dataset
) -> None:
    assert run(model, **options).identical(usual)


@pytest.mark.slow
def test_workers_leave_no_trace(model: pn.Model, usual: xr.Dataset, tmp_path: Path) -> None:
    assert run(model, workers=2, store=tmp_path / "s").identical(usual)
    assert pn.read_sweep(tmp_path / "s").identical(usual)


def test_a_reduced_sweep_is_resumed(model: pn.Model, usual: xr.Dataset, tmp_path: Path) -> None:
    store = tmp_path / "s"
    assert run(model, store=store).identical(usual)
    paths = sorted((store / "chunks").iterdir())
    paths[1].unlink()
    paths[3].write_bytes(paths[3].read_bytes()[:-1])
    part = pn.read_sweep(store)
    assert part["points"].sel(status="not run") == 14
    counted: list[pn.Progress] = []
    again = run(model, store=store, resume=True, progress=counted.append)
    assert again.identical(usual)
    assert (counted[0].resumed, counted[0].recomputed, counted[-1].done) == (46, 1, 60)
    assert counted[-1].failed == 14
    for path in (store / "chunks").iterdir():
        path.unlink()
    nothing = pn.read_sweep(store)
    assert nothing["points"].sel(status="not run") == 60
    assert np.isnan(nothing["peak_p53_active_quantile"]).all()
    with pytest.raises(StoreError, match="it differs in reductions"):
        run(model, store=store, resume=True, reduce=REDUCE[:1])
    assert pn.rerun(usual).identical(usual)


def test_a_point_that_fails_is_counted(model: pn.Model) -> None:
    found = run(model, time_limit=1e-6, engine="roadrunner", points=20)
    assert dict(zip(found["status"].values, found["points"].values, strict=True)) == {
        "time limit": 20
    }
    assert found["reason"].values.tolist() == ["more than 1e-06 s"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: quantiles("m", [0.5, 1.5]), "shares of quantiles are 0 to 1"),
        (lambda: quantiles("m", []), "shares must be a list of 1 to 1,000 numbers"),
        (lambda: quantiles("m", "half"), "shares are 'half', but must be numbers"),
        (lambda: quantiles("m", error=0.0), "error is 0.0, but must be 1e-4 to 0.1"),
        (lambda: quantiles(7), "7 is no column of a sweep"),
        (lambda: histogram("m", [1.0]), "edges of a histogram must be two or more"),
        (lambda: histogram("m", [1.0, 1.0]), "each above the one before"),
        (lambda: histogram("m", [1.0, np.nan]), "edges must be a list"),
        (lambda: best("m", 0), "number is 0, but must be 1 to 100,000"),
        (lambda: best("m", 2, lowest=3), "lowest is 3, but must be True or False"),
    ],
)
def test_refused(made: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        made()


def test_refused_by_a_sweep(model: pn.Model) -> None:
    with pytest.raises(UnknownNameError, match="unknown measure of a reduction 'peak_p53_activ'"):
        run(model, reduce=[best("peak_p53_activ")])
    with pytest.raises(InputError, match="which is no reduction; write"):
        run(model, reduce="median")
    with pytest.raises(InputError, match="two Best of peak_p53_active"):
        run(model, reduce=[*REDUCE[:3], best("peak_p53_active", 5)])
    with pytest.raises(InputError, match="leave keep_trajectories out"):
        run(model, observables=["p53_active"], keep_trajectories=True)


@pytest.mark.parametrize("one", [*KINDS, best("m", 3, lowest=True)])
def test_a_record_makes_it_again(one: Reduction) -> None:
    ((kind, inner),) = one.as_record().items()
    assert kind == "reduction" and reduction_of(inner) == one


# From the command line


def command(*words: str) -> Any:
    from p53net.cli import app

    return CliRunner().invoke(app, ["sweep", "milademetan", "--vary", "milademetan=1:1000:log",
                                    "--design", "sobol", "--points", "20", "--times", "25",
                                    "--measure", "peak:p53_active", *words])  # fmt: skip


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "s"
    done = command("--out", str(out), "--reduce", "quantiles:peak_p53_active:0.1,0.9",
                   "--reduce", "histogram:peak_p53_active:1:1000:3:log",
                   "--reduce", "best:peak_p53_active:2:lowest")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "20 points: 20 ok" in done.output
    expected = pn.sweep(
        pn.load("milademetan"), {"milademetan": pn.log_uniform(1, 1000)}, points=20,
        design="sobol", times=np.linspace(0, 72, 25), measures=["peak:p53_active"],
        reduce=[quantiles("peak_p53_active", [0.1, 0.9]),
                histogram("peak_p53_active", [1.0, 10.0, 100.0, 1000.0]),
                best("peak_p53_active", 2, lowest=True)],
    )  # fmt: skip
    found = pn.read_sweep(out)
    for name in expected.data_vars:
        np.testing.assert_array_equal(found[name], expected[name])
    lines = (out / "peak_p53_active_best.csv").read_text().splitlines()
    assert len(lines) == 3 and lines[0].split(",")[-1] == "peak_p53_active_best_milademetan"
    assert float(lines[1].split(",")[1]) == float(expected["peak_p53_active_best"][0])
    assert {path.name for path in out.glob("*.csv")} == {
        f"peak_p53_active_{kind}.csv" for kind in ("quantile", "histogram", "best")
    }


@pytest.mark.parametrize(
    "text", ["median:peak_p53_active", "quantiles:peak_p53_active", "histogram:m:1:2",
             "histogram:m:1:2:3:lin", "best:m:3:worst", "best"],
)  # fmt: skip
def test_the_command_refuses(text: str, tmp_path: Path) -> None:
    done = command("--out", str(tmp_path / "s"), "--reduce", text)
    assert done.exit_code != 0
    assert isinstance(done.exception, InputError)
    assert f"--reduce {text} should be" in str(done.exception)


def test_a_reduced_sweep_is_not_drawn(tmp_path: Path) -> None:
    from p53net.cli import app

    command("--out", str(tmp_path / "s"), "--reduce", "best:peak_p53_active:2")
    done = CliRunner().invoke(app, ["plot", str(tmp_path / "s")])
    assert "no points to draw" in str(done.exception)
