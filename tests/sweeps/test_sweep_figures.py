"""Figures of sweeps: what is drawn, on which scales, and what is refused."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.patches import PathPatch

import p53net as pn
from p53net.figures import style
from p53net.figures.style import COLOURS

DOSES = np.geomspace(1.0, 1000.0, 7)
RATES = [0.1, 0.2, 0.3]


@pytest.fixture(scope="module")
def grid(inhibitor: pn.Model) -> xr.Dataset:
    return pn.sweep(
        inhibitor,
        {"milademetan": DOSES, "k_deg_p53": RATES},
        times=np.linspace(0.0, 24.0, 13),
        measures=["peak:p53_active", "escape_index"],
    )


@pytest.fixture(scope="module")
def random(inhibitor: pn.Model) -> xr.Dataset:
    return pn.sweep(
        inhibitor,
        {"milademetan": pn.log_uniform(1, 1e3), "k_deg_p53": pn.uniform(0.1, 0.5)},
        design="sobol",
        points=16,
        times=np.linspace(0.0, 24.0, 13),
        measures=["peak:p53_active"],
    )


def made(axes: dict[str, object], values: object, **more: object) -> xr.Dataset:
    """A sweep as `pn.sweep` returns it, with these values."""
    values = np.asarray(values, dtype=float)
    status = np.where(np.isfinite(values), "ok", "steady state failed").astype(object)
    about = {"units": "nM", "long_name": "highest p53_active"}
    coords = {name: (name, along, {"units": "nM"}) for name, along in axes.items()}
    attrs = {"study": "sweep", "drugs": "milademetan", "cell_line": "generic", **more}
    data = {"peak": (tuple(axes), values, about), "status": (tuple(axes), status)}
    return xr.Dataset(data, coords, attrs)


def lossy(result: xr.Dataset, *places: tuple[int, ...], status: str = "time limit") -> xr.Dataset:
    result = result.copy(deep=True)
    for place in places:
        result["peak_p53_active"].values[place] = np.nan
        result["status"].values[place] = status
    return result


def of_kind(panel, kind):
    return [one for one in panel.collections if isinstance(one, kind)]


def notes(figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def ticks(axis) -> list[str]:
    axis.get_figure().draw_without_rendering()
    return [text.get_text() for text in axis.get_ticklabels()]


# --- heat maps


def test_heat_map_is_the_default_of_two_axes(grid: xr.Dataset) -> None:
    figure = pn.plot(grid)
    panel, bar = figure.axes
    (mesh,) = of_kind(panel, QuadMesh)
    np.testing.assert_array_equal(mesh.get_array(), grid["peak_p53_active"].T)
    assert mesh.get_cmap().name == "viridis"
    assert panel.get_xlabel() == "milademetan in the medium [nM]"
    assert panel.get_ylabel() == "k_deg_p53 [1/h]"
    assert bar.get_ylabel() == "highest p53_active [nM]"
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "linear")
    assert figure.get_suptitle() == "milademetan, generic line: 21 points, all with a value"
    assert notes(figure) == []


def test_cells_reach_halfway(grid: xr.Dataset) -> None:
    (mesh,) = of_kind(pn.plot(grid).axes[0], QuadMesh)
    right, up = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
    half = 10**0.25
    np.testing.assert_allclose(right, [DOSES[0] / half, *(DOSES * half)], rtol=1e-12)
    np.testing.assert_allclose(up, [0.05, 0.15, 0.25, 0.35], rtol=1e-12)


def test_axes_and_measure_as_asked(grid: xr.Dataset) -> None:
    figure = pn.plot(grid, x="k_deg_p53", y="milademetan", colour="escape_index")
    panel, bar = figure.axes
    (mesh,) = of_kind(panel, QuadMesh)
    np.testing.assert_array_equal(mesh.get_array(), grid["escape_index"])
    assert panel.get_xlabel() == "k_deg_p53 [1/h]"
    assert bar.get_ylabel().replace("\n", " ").endswith("0 none, 1 all [1]")
    assert pn.plot(grid, x="k_deg_p53").axes[0].get_ylabel() == "milademetan in the medium [nM]"


def test_failed_cells_are_hatched_and_counted(grid: xr.Dataset) -> None:
    partly = lossy(lossy(grid, (0, 0), (0, 1)), (6, 2), status="steady state failed")
    figure = pn.plot(partly)
    panel = figure.axes[0]
    (hatched,) = (patch for patch in panel.patches if isinstance(patch, PathPatch))
    assert hatched.get_hatch() == "////"
    across, up = partly["milademetan"].values, partly["k_deg_p53"].values
    inside = [
        (i, j)
        for i, j in np.ndindex(len(across), len(up))
        if hatched.get_path().contains_point((across[i], up[j]))
    ]
    assert inside == [(0, 0), (0, 1), (6, 2)]
    assert notes(figure) == ["no value: 2 time limit, 1 steady state failed"]
    assert "21 points, 3 without a value" in figure.get_suptitle()


def test_a_value_beside_an_undefined_measure_is_drawn(grid: xr.Dataset) -> None:
    partly = grid.copy(deep=True)
    partly["escape_index"].values[0, 0] = np.nan
    partly["status"].values[0, 0] = "measure undefined"
    assert notes(pn.plot(partly)) == []
    assert notes(pn.plot(partly, colour="escape_index")) == ["no value: 1 measure undefined"]


def test_nothing_but_failures(grid: xr.Dataset) -> None:
    nothing = lossy(grid, (slice(None), slice(None)), status="not run")
    figure = pn.plot(nothing)
    assert len(figure.axes) == 1  # no colour bar
    assert notes(figure) == ["no value: 21 not run"]
    lines = pn.plot(nothing, y="peak_p53_active")
    assert lines.axes[0].get_xlim()[1] > 1000.0
    assert notes(lines)[-1] == "no value: 21 not run"


@pytest.mark.parametrize("sizes", [(1, 1), (1, 3), (7, 1)])
def test_one_cell_and_one_row(grid: xr.Dataset, sizes: tuple[int, int], tmp_path) -> None:
    small = grid.isel(milademetan=slice(sizes[0]), k_deg_p53=slice(sizes[1]))
    figure = pn.plot(small, x="milademetan", y="k_deg_p53")
    (mesh,) = of_kind(figure.axes[0], QuadMesh)
    assert mesh.get_array().shape == sizes[::-1]
    style.save(figure, tmp_path / "f.png")
    style.save(pn.plot(small), tmp_path / "f.png")


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 2, 3, 4], "linear"),
        ([1, 2, 4, 8], "log"),  # even in the logarithm
        ([1, 5, 20], "log"),  # wide
        ([1, 5, 19], "linear"),
        ([0, 1, 10, 100], "symlog"),  # an untreated cell beside a wide span
        ([0, 10, 20, 300], "symlog"),
        (np.linspace(0, 72, 145), "linear"),
        ([0, 1, 5], "linear"),
        ([0], "linear"),
        ([7], "linear"),
    ],
)
def test_scale_of_an_axis(values: list[float], scale: str) -> None:
    result = made({"a": values, "b": [1, 2]}, np.ones((len(values), 2)))
    panel = pn.plot(result, x="a", y="b").axes[0]
    (mesh,) = of_kind(panel, QuadMesh)
    edges = mesh.get_coordinates()[0, :, 0]
    assert panel.get_xscale() == scale
    assert (np.diff(edges) > 0).all()
    assert ((edges[:-1] < values) & (values < edges[1:])).all()


def test_values_in_any_order_are_sorted() -> None:
    figure = pn.plot(made({"a": [100, 1, 10], "b": [2, 1]}, [[1, 2], [3, 4], [5, 6]]))
    (mesh,) = of_kind(figure.axes[0], QuadMesh)
    np.testing.assert_array_equal(mesh.get_array(), [[4, 6, 2], [3, 5, 1]])


@pytest.mark.parametrize(("top", "logarithmic"), [(99.0, False), (101.0, True)])
def test_wide_values_have_logarithmic_colours(top: float, logarithmic: bool) -> None:
    figure = pn.plot(made({"a": [1, 2], "b": [1, 2]}, [[1, 2], [3, top]]))
    (mesh,) = of_kind(figure.axes[0], QuadMesh)
    assert isinstance(mesh.norm, LogNorm) is logarithmic
    lines = pn.plot(made({"a": [1, 2], "b": [1, 2]}, [[1, 2], [3, top]]), y="peak")
    assert (lines.axes[0].get_yscale() == "log") is logarithmic


def test_ticks_are_plain_numbers(grid: xr.Dataset) -> None:
    panel = pn.plot(grid).axes[0]
    assert ticks(panel.xaxis) == ["1", "3.16", "10", "31.6", "100", "316", "1000"]
    assert ticks(panel.yaxis) == ["0.1", "0.2", "0.3"]
    many = made({"a": [0, *np.geomspace(1, 1e4, 20)], "b": [1, 2]}, np.ones((21, 2)))
    assert ticks(pn.plot(many).axes[0].xaxis) == ["0", "1", "10", "100", "1000", "10000"]


def test_random_points_are_scattered(random: xr.Dataset) -> None:
    partly = lossy(random, (3,), status="integration failed")
    figure = pn.plot(partly)
    panel, bar = figure.axes
    dots, crosses = of_kind(panel, PathCollection)
    assert len(dots.get_offsets()) == 15
    np.testing.assert_array_equal(crosses.get_offsets()[0, 0], random["milademetan"][3])
    assert notes(figure) == ["no value: 1 integration failed"]
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "linear")
    assert bar.get_ylabel() == "highest p53_active [nM]"


def mixed() -> xr.Dataset:
    """A grid over a random design: a, 2 values, and k along 9 points."""
    result = made({"a": [1, 2], "point": np.arange(9)}, np.arange(1.0, 19.0).reshape(2, 9))
    return result.drop_vars("point").assign_coords(
        k=("point", np.linspace(0.1, 1.0, 9), {"units": "1/h", "long_name": "k"})
    )


def test_grid_over_random_points() -> None:
    panel = pn.plot(mixed(), x="a", y="k").axes[0]
    (dots,) = of_kind(panel, PathCollection)
    assert len(dots.get_offsets()) == 18
    place = dots.get_offsets().tolist().index([2.0, 0.1])
    assert dots.get_array()[place] == 10.0


# --- lines


def test_one_axis_is_a_line(grid: xr.Dataset) -> None:
    figure = pn.plot(grid.sel(k_deg_p53=0.2))
    (panel,) = figure.axes
    (line,) = panel.lines
    np.testing.assert_array_equal(line.get_xdata(), DOSES)
    np.testing.assert_array_equal(line.get_ydata(), grid["peak_p53_active"].sel(k_deg_p53=0.2))
    assert panel.get_xscale() == "log"
    assert panel.get_ylabel() == "highest p53_active [nM]"
    assert "7 points, all with a value\nk_deg_p53 = 0.2 per h" in figure.get_suptitle()


def test_a_line_for_each_value(grid: xr.Dataset) -> None:
    figure = pn.plot(grid, x="milademetan", y="peak_p53_active", colour="k_deg_p53")
    lines = figure.axes[0].lines
    assert [to_rgba(line.get_color()) for line in lines] == [to_rgba(c) for c in COLOURS[:3]]
    np.testing.assert_array_equal(lines[1].get_ydata(), grid["peak_p53_active"][:, 1])
    assert notes(figure) == ["0.1", "0.2", "0.3"]
    assert figure.legends[0].get_title().get_text() == "k_deg_p53 [1/h]"
    assert len(pn.plot(grid, y="peak_p53_active").axes[0].lines) == 3  # the axis that is left
    other_way = pn.plot(grid, y="peak_p53_active", colour="milademetan")
    assert (len(other_way.axes[0].lines), len(other_way.axes)) == (7, 1)


@pytest.mark.parametrize(
    ("values", "scale"),
    [(np.arange(1, 10), "linear"), (np.geomspace(1, 1e3, 9), "log"),
     ([0, *np.geomspace(1, 1e3, 9)], "symlog")],
)  # fmt: skip
def test_many_lines_have_a_colour_bar(values: np.ndarray, scale: str) -> None:
    result = made({"a": [1, 2, 3], "b": values}, np.ones((3, len(values))))
    panel, bar = pn.plot(result, x="a", y="peak").axes
    assert len(panel.lines) == len(values)
    assert bar.get_ylabel() == "b [nM]"
    assert bar.get_yscale() == scale
    assert len({tuple(line.get_color()) for line in panel.lines}) == len(values)


def test_failures_leave_a_gap_and_a_cross(grid: xr.Dataset) -> None:
    figure = pn.plot(lossy(grid, (6, 0), (6, 1)), y="peak_p53_active")
    panel = figure.axes[0]
    assert np.isnan(panel.lines[0].get_ydata()[6])
    (crosses,) = of_kind(panel, PathCollection)
    np.testing.assert_allclose(crosses.get_offsets(), [[1000.0, 0.02]])
    assert notes(figure)[-1] == "no value: 2 time limit"
    whole = lossy(grid, (6, slice(None)))
    assert pn.plot(whole, y="peak_p53_active").axes[0].get_xlim()[1] > 1000.0


def test_points_of_a_random_design(random: xr.Dataset) -> None:
    figure = pn.plot(random, x="milademetan", y="peak_p53_active", colour="k_deg_p53")
    panel, bar = figure.axes
    (dots,) = of_kind(panel, PathCollection)
    order = np.argsort(random["milademetan"].values)
    np.testing.assert_array_equal(dots.get_offsets()[:, 1], random["peak_p53_active"][order])
    assert bar.get_ylabel() == "k_deg_p53 [1/h]"
    assert not panel.lines
    plain = pn.plot(random, x="milademetan", y="peak_p53_active")
    assert len(plain.axes) == 1


def test_lines_through_random_points() -> None:
    panel, _bar = pn.plot(mixed(), x="a", y="peak", colour="k").axes
    assert [line.get_ydata().tolist() for line in panel.lines][:2] == [[1, 10], [2, 11]]
    (crowd,) = pn.plot(mixed(), x="a", y="peak").axes
    assert len(crowd.lines) == 9
    figure = pn.plot(mixed(), x="k", y="peak")
    assert notes(figure) == ["1", "2"]
    assert len(of_kind(figure.axes[0], PathCollection)) == 2


def test_curves_over_time(inhibitor: pn.Model) -> None:
    curves = pn.sweep(
        inhibitor,
        {"milademetan": [10, 100]},
        times=np.linspace(0.0, 24.0, 13),
        observables=["p53_active"],
        keep_trajectories=True,
    )
    figure = pn.plot(curves, y="p53_active")
    panel = figure.axes[0]
    assert panel.get_xlabel() == "time [h]"
    assert len(panel.lines) == 2
    assert "2 points, all with a value" in figure.get_suptitle()
    at_end = pn.plot(curves.sel(time=24.0), y="p53_active")
    assert at_end.axes[0].get_xlabel() == "milademetan in the medium [nM]"
    assert "time = 24 h" in at_end.get_suptitle()


def test_the_title_says_what_all_points_share(inhibitor: pn.Model) -> None:
    result = pn.sweep(
        inhibitor,
        {"k_deg_p53": RATES},
        doses={"milademetan": 100},
        parameters={"k_ub_p53": 5},
        feedback=False,
        times=[0.0, 6.0],
        measures=["peak:p53_active"],
    )
    title = pn.plot(result).get_suptitle()
    assert title.endswith("\nmilademetan 100 nM from 0 h; k_ub_p53 = 5; loop opened")


# --- sensitivity


def tornado(values: object, **more: object) -> xr.Dataset:
    values = np.asarray(values, dtype=float)
    about = {"units": "nM", "long_name": "highest p53_active"}
    status = np.where(np.isfinite(values), "ok", "time limit").astype(object)
    return xr.Dataset(
        {
            "value": (("parameter", "side"), values, about),
            "status": (("parameter", "side"), status),
            "baseline": ((), 50.0, about),
        },
        {"parameter": [f"k_{i}" for i in range(len(values))], "side": ["down", "up"]},
        {"study": "tornado", "drugs": "KT-253", "cell_line": "generic", "factor": 2.0,
         "measure": "peak_p53_active", **more},
    )  # fmt: skip


def test_tornado() -> None:
    figure = pn.plot(tornado([[20, 100], [60, 45], [55, np.nan]]))
    (panel,) = figure.axes
    down, up = panel.containers
    assert [bar.get_width() for bar in down] == [-30.0, 10.0, 5.0]
    assert [bar.get_width() for bar in up] == [50.0, -5.0]
    assert {bar.get_x() for bar in (*down, *up)} == {50.0}
    assert down[0].get_facecolor() != up[0].get_facecolor()
    assert [text.get_text() for text in panel.get_yticklabels()] == ["k_0", "k_1", "k_2"]
    assert panel.get_ylim()[0] > panel.get_ylim()[1]  # the strongest on top
    assert panel.get_xlabel() == "highest p53_active [nM]"
    assert panel.get_xscale() == "linear"
    (failed,) = panel.texts
    assert (failed.get_text(), failed.xy) == ("time limit", (50.0, 2.2))
    assert notes(figure) == ["baseline 50 nM", "divided by 2", "multiplied by 2"]
    assert figure.get_suptitle() == "KT-253, generic line: 7 points, 1 without a value"


def test_tornado_over_a_wide_span_is_logarithmic() -> None:
    panel = pn.plot(tornado([[4, 130]])).axes[0]
    assert panel.get_xscale() == "log"
    assert pn.plot(tornado([[5, 140]])).axes[0].get_xscale() == "linear"
    assert pn.plot(tornado([[-4, 1300]])).axes[0].get_xscale() == "linear"


def test_long_tornado_says_what_is_left_out() -> None:
    figure = pn.plot(tornado([[20, 100]] * 23))
    assert len(figure.axes[0].get_yticklabels()) == 20
    assert figure.get_suptitle().endswith("\n3 weaker parameters not shown")


def sobol() -> xr.Dataset:
    numbers = {"S1": [0.1, 0.5], "ST": [0.2, 0.7], "S1_conf": [0.02, 0.1], "ST_conf": [0.03, 0.2]}
    return xr.Dataset(
        {name: ("parameter", values, {"units": "1"}) for name, values in numbers.items()},
        {"parameter": ["weak", "strong"]},
        {"study": "sobol", "drugs": "KT-253", "cell_line": "generic", "measure": "rebound",
         "runs": 1024},
    )  # fmt: skip


def test_sobol_indices_are_ranked_by_total() -> None:
    figure = pn.plot(sobol())
    (panel,) = figure.axes
    assert [text.get_text() for text in panel.get_yticklabels()] == ["strong", "weak"]
    bars = [c for c in panel.containers if hasattr(c, "patches")]
    assert [[bar.get_width() for bar in one] for one in bars] == [[0.7, 0.2], [0.5, 0.1]]
    spans = [
        segment[:, 0].tolist()
        for one in bars
        for segment in one.errorbar.lines[2][0].get_segments()
    ]
    np.testing.assert_allclose(spans, [[0.5, 0.9], [0.17, 0.23], [0.4, 0.6], [0.08, 0.12]])
    assert panel.get_xlabel() == "share of the variance of rebound [1], with 95 % intervals"
    assert figure.get_suptitle() == "KT-253, generic line: 1,024 points, all with a value"


def test_studies_as_they_come(inhibitor: pn.Model) -> None:
    common = {"doses": {"milademetan": 100}, "times": np.linspace(0.0, 24.0, 13), "workers": 0}
    names = ["k_deg_p53", "k_ub_p53"]
    figure = pn.plot(pn.tornado(inhibitor, "peak:p53_active", moved=names, **common))
    assert len(figure.axes[0].get_yticklabels()) == 2
    axes = {"k_deg_p53": pn.log_uniform(0.1, 1), "k_ub_p53": pn.log_uniform(1, 10)}
    figure = pn.plot(pn.sobol_indices(inhibitor, axes, "peak:p53_active", points=4, **common))
    assert "peak_p53_active [1]" in figure.axes[0].get_xlabel()


# --- errors and files


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": "milademetn"}, "did you mean 'milademetan'"),
        ({"colour": "peak"}, "axis or measure 'peak'"),
        ({"x": "status"}, "axis or measure 'status'"),
        ({"x": 5}, "axis or measure '5'"),
    ],
)
def test_unknown_names(grid: xr.Dataset, given: dict[str, str], said: str) -> None:
    with pytest.raises(pn.UnknownNameError, match=said):
        pn.plot(grid, **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": "peak_p53_active"}, "must be an axis"),
        ({"x": "k_deg_p53", "y": "k_deg_p53"}, "given twice"),
        ({"y": "peak_p53_active", "colour": "escape_index"}, "both measures"),
    ],
)
def test_names_that_do_not_fit(grid: xr.Dataset, given: dict[str, str], said: str) -> None:
    with pytest.raises(pn.InputError, match=said):
        pn.plot(grid, **given)


def test_one_axis_makes_no_map(grid: xr.Dataset) -> None:
    line = grid.isel(k_deg_p53=0)
    with pytest.raises(pn.InputError, match=r"a map needs two axes.*for a line give y='escape_ind"):
        pn.plot(line, colour="escape_index")
    with pytest.raises(pn.InputError, match="only the axis milademetan; name it as x"):
        pn.plot(line, colour="milademetan")
    with pytest.raises(pn.InputError, match="a point alone has no figure"):
        pn.plot(line.isel(milademetan=0))


def test_further_axes_are_named() -> None:
    cube = made({"a": [1, 2], "b": [1, 2], "c": [1, 2, 3], "d": [1]}, np.ones((2, 2, 3, 1)))
    with pytest.raises(pn.InputError, match=r"c \(3 values\); .*\.sel or \.isel\(c=0\)"):
        pn.plot(cube)
    with pytest.raises(pn.InputError, match=r"a \(2 values\) and b \(2 values\)"):
        pn.plot(cube, x="c", y="peak")
    assert "c = 2 nM; d = 1 nM" in pn.plot(cube.isel(c=1)).get_suptitle()
    with pytest.raises(pn.InputError, match=r"point \(9 values\); .*isel\(point=0\)"):
        pn.plot(mixed().expand_dims(b=[1, 2]), x="a", y="b")


def test_a_measure_without_the_axis(grid: xr.Dataset) -> None:
    both = grid.assign(curve=grid["escape_index"].expand_dims(time=[0.0, 1.0]))
    with pytest.raises(pn.InputError, match="peak_p53_active has no axis time; it has milademetan"):
        pn.plot(both, x="time", y="peak_p53_active")


def test_names_are_for_sweeps_only(inhibitor: pn.Model) -> None:
    run = inhibitor.simulate([0.0, 1.0])
    for given in ({"x": "time"}, {"y": "p53_active"}, {"colour": "k"}):
        with pytest.raises(pn.InputError, match="for the figure of a sweep"):
            pn.plot(run, **given)
    with pytest.raises(pn.InputError, match="for the figure of a sweep"):
        pn.plot(tornado([[1, 2]]), x="k_0")


@pytest.mark.slow
def test_the_same_result_gives_the_same_bytes(grid: xr.Dataset, random, tmp_path) -> None:
    wide = made({"a": np.arange(100), "b": np.arange(100)}, np.ones((100, 100)))
    cases = [
        (lossy(grid, (0, 0)), {}), (grid, {"y": "escape_index"}), (random, {}), (wide, {}),
        (tornado([[20, 100], [60, np.nan]]), {}), (sobol(), {}),
    ]  # fmt: skip
    for result, given in cases:
        before = result.copy(deep=True)
        one, two = (
            style.save(pn.plot(result, **given), tmp_path / name).read_bytes()
            for name in ("one.svg", "two.svg")
        )
        assert one == two
        xr.testing.assert_identical(result, before)
    assert len(style.save(pn.plot(wide), tmp_path / "w.svg").read_bytes()) < 200_000


def test_a_state_at_rest_is_drawn_as_dots(inhibitor: pn.Model) -> None:
    rest = inhibitor.steady_state({"milademetan": 100.0})
    (panel,) = pn.plot(rest).axes
    names = [label.get_text() for label in panel.get_yticklabels()]
    values = list(panel.lines[0].get_xdata())
    assert values == sorted(values) and "total MDM2" in names
    assert values[names.index("active p53")] == float(rest["p53_active"])
    assert panel.get_xlabel() == "concentration at rest [nM]"
