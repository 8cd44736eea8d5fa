"""Large sweeps: designs by index, work in pieces, results that are opened and not read."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

import p53net as pn
from p53net.errors import InputError, StoreError
from p53net.sweeps import result, sampling
from p53net.sweeps import store as stores
from p53net.sweeps.design import Design, design_of, design_of_table

TIMES = np.linspace(0.0, 24.0, 25)
AXES = {"k_deg_p53": pn.log_uniform(0.1, 0.5), "milademetan": pn.log_uniform(1.0, 1e3)}


# Designs by index


def designs(kind: str, points: int, seed: int) -> Design:
    """With a grid, random axes, and both, and a table."""
    axes: dict[str, Any] = {"a": pn.uniform(0.0, 3.0), "b": pn.log_uniform(1e-3, 1e3)}
    if kind == "table":
        return design_of_table(pd.DataFrame(np.random.default_rng(seed).random((points, 3))))
    if kind == "crossed":
        return design_of({**axes, "c": [1.0, 2.0, 5.0]}, points, "sobol", seed)
    return design_of(axes, points + (kind == "grid"), kind, seed)


@settings(max_examples=100)
@given(
    st.sampled_from(["grid", "sobol", "latin-hypercube", "crossed", "table"]),
    st.integers(1, 70),
    st.integers(0, 10**6),
    st.lists(st.integers(0, 210), min_size=2, max_size=2),
)
def test_a_slice_is_that_of_the_whole_design(
    kind: str, points: int, seed: int, ends: list[int]
) -> None:
    made = designs(kind, points, seed)
    start, stop = sorted(min(end, made.size) for end in ends)
    found = made.values(start, stop)
    assert found.tobytes() == made.values(0, made.size)[start:stop].tobytes()
    assert found.shape == (stop - start, len(made.names))


@settings(max_examples=50)
@given(st.integers(1, 5), st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_shares_are_those_of_scipy(axes: int, points: int, seed: int) -> None:
    """The bytes of designs that were made as a whole."""
    source = np.random.default_rng(seed)
    sobol = sampling.shares("sobol", seed, points, axes, 0, points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        np.testing.assert_array_equal(sobol, qmc.Sobol(axes, rng=source).random(points))
    cube = sampling.shares("latin-hypercube", seed, points, axes, 0, points)
    expected = qmc.LatinHypercube(axes, rng=np.random.default_rng(seed)).random(points)
    np.testing.assert_array_equal(cube, expected)


def test_the_end_of_a_large_sobol_design() -> None:
    source = qmc.Sobol(3, rng=np.random.default_rng(7))
    source.fast_forward(99_999_990)
    found = sampling.shares("sobol", 7, 100_000_000, 3, 99_999_990, 100_000_000)
    np.testing.assert_array_equal(found, source.random(10))


@pytest.mark.parametrize("points", [1, 2, 3, 1000, 4097])
def test_a_large_hypercube_has_one_point_in_each_slice(
    points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "WHOLE", 0)
    found = sampling.shares("latin-hypercube", 3, points, 2, 0, points)
    for column in found.T:
        np.testing.assert_array_equal(np.sort(np.floor(column * points)), np.arange(points))
    if points >= 1000:
        # Independent axes, in no order: correlations of so many points are below 5 / sqrt(points).
        columns = [*found.T, np.arange(points) / points]
        correlations = np.corrcoef(columns)[np.triu_indices(3, 1)]
        assert np.abs(correlations).max() < 5 / np.sqrt(points)
        inside = found[:, 0] * points % 1.0
        assert abs(inside.mean() - 0.5) < 5 * np.sqrt(1 / 12 / points)
    part = sampling.shares("latin-hypercube", 3, points, 2, points // 3, points)
    np.testing.assert_array_equal(part, found[points // 3 :])
    other = sampling.shares("latin-hypercube", 4, points, 2, 0, points)
    assert not np.array_equal(other, found)


def test_an_axis_too_long_to_be_listed_is_refused() -> None:
    with pytest.raises(InputError, match=r"an axis has 6,000,000 values, .*a table of points"):
        design_of({"k_deg_p53": pn.uniform(0.1, 1.0)}, 6_000_000, "grid", 1)


def test_a_manifest_does_not_list_random_points(tmp_path: Path) -> None:
    sizes = []
    for points in (8, 64):
        run(points=points, store=tmp_path / str(points))
        sizes.append((tmp_path / str(points) / "manifest.json").stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 8  # digits of the number


# Results that are opened


@pytest.fixture(scope="module")
def model() -> pn.Model:
    return pn.load("milademetan")


def run(model: pn.Model | None = None, **options: Any) -> xr.Dataset:
    usual = {
        "points": 40, "design": "sobol", "times": TIMES, "measures": ["peak:p53_active"],
        "engine": "batch", "workers": 0, "chunk": 7,
    }  # fmt: skip
    axes = options.pop("axes", AXES)
    return pn.sweep(model or pn.load("milademetan"), axes, **(usual | options))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(result, "LARGEST_WHOLE", 0)


SHAPES: dict[str, dict[str, Any]] = {
    "points": {},
    "a grid": {"axes": {"k_deg_p53": [0.1, 0.2, 0.3], "milademetan": [1.0, 5.0, 9.0, 10.0]},
               "design": "grid", "points": None},
    "both": {"axes": {"K_MDM2": [50.0, 100.0], **AXES}, "points": 11},
    "curves": {"observables": ["p53_active"], "keep_trajectories": True},
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("block", [250_000, 10])
def test_an_opened_result_is_the_whole(
    case: str, block: int, tmp_path: Path, model: pn.Model, opened: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("p53net.sweeps.lazily._BLOCK", block)
    whole = run(model, store=tmp_path / "s", **SHAPES[case])
    opened()
    lazy = pn.read_sweep(tmp_path / "s")
    assert all(lazy[name].chunks is not None for name in lazy.data_vars)
    assert all(whole[name].chunks is None for name in whole.data_vars)
    assert lazy.compute().identical(whole)
    again = run(model, store=tmp_path / "s", resume=True, **SHAPES[case])
    assert again["status"].chunks is not None
    assert again.compute().identical(whole)
    for name, along in whole.sizes.items():
        for where in (0, -1, slice(1, None, 2), slice(along, None)):
            chosen = {name: where}
            assert lazy.isel(chosen).compute().identical(whole.isel(chosen)), chosen


def test_a_chunk_is_read_when_its_points_are(
    tmp_path: Path, model: pn.Model, opened: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(model, store=tmp_path / "s")
    opened()
    read: list[str] = []
    real = stores._content

    def counted(path: Path, most: int) -> bytes:
        read.append(path.name[:12])
        return real(path, most)

    monkeypatch.setattr(stores, "_content", counted)
    lazy = pn.read_sweep(tmp_path / "s")
    assert read == ["manifest.jso"]
    read.clear()
    assert lazy["peak_p53_active"][8:15].values.shape == (7,)
    assert read == ["000000000007", "000000000014"]


def test_an_opened_result_that_is_not_finished(
    tmp_path: Path, model: pn.Model, opened: Callable[[], None]
) -> None:
    run(model, store=tmp_path / "s")
    paths = sorted((tmp_path / "s" / "chunks").iterdir())
    paths[0].unlink()
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    whole = pn.read_sweep(tmp_path / "s")
    assert (whole["status"] == "not run").sum() == 14
    opened()
    assert pn.read_sweep(tmp_path / "s").compute().identical(whole)
    run(model, store=tmp_path / "other", times=TIMES * 2)
    (tmp_path / "other" / "chunks").joinpath(
        sorted((tmp_path / "other" / "chunks").iterdir())[0].name
    ).rename(paths[0].with_name(sorted((tmp_path / "other" / "chunks").iterdir())[0].name))
    with pytest.raises(StoreError, match="another sweep"):
        pn.read_sweep(tmp_path / "s").compute()


def test_a_large_result_needs_a_store(
    tmp_path: Path, model: pn.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result, "LARGEST_RESULT", 1000)
    monkeypatch.setattr(result, "LARGEST_WHOLE", 1000)
    with pytest.raises(InputError, match=r"the result would take .* GiB, .* give it a store"):
        run(model)
    assert run(model, store=tmp_path / "s")["status"].chunks is not None


def test_a_resumed_result_is_the_first(tmp_path: Path, model: pn.Model) -> None:
    """With its record, which says what was run, and not where."""
    first = run(model, store=tmp_path / "s")
    for path in list((tmp_path / "s" / "chunks").iterdir())[:3]:
        path.unlink()
    again = run(model, store=tmp_path / "s", resume=True, workers=None, chunk=None)
    assert again.identical(first)
    assert pn.read_sweep(tmp_path / "s").identical(first)
    assert run(model).identical(first)
