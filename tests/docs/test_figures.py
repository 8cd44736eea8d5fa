"""Figures as they are printed: no wider than two columns, no text too small to read, all inside."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

import p53net as pn
from p53net.evidence.published import observations
from p53net.figures import names
from p53net.figures.style import SMALL, STYLE, WIDE, save
from tests.support import ROOT

TIMES = np.linspace(0.0, 48.0, 25)


def of_a_sweep() -> object:
    axes = {"milademetan": [1.0, 10.0, 100.0], "k_deg_p53": [0.1, 0.2, 0.4]}
    return pn.sweep(pn.load("milademetan"), axes, times=TIMES, measures=["peak:p53_active"])


RESULTS: dict[str, Callable[[], object]] = {
    "run": lambda: pn.load("KT-253").simulate(TIMES, {"KT-253": 1.0}),
    "rest": lambda: pn.load("KT-253").steady_state({"KT-253": 1.0}),
    "sweep": of_a_sweep,
    "viability": lambda: pn.viability(["milademetan", "KT-253"], "RS4;11"),
    "degradation": lambda: pn.degradation(["KT-253", "MD-224"], "RS4;11"),
    "caspase": lambda: pn.caspase("KT-253", "RS4;11"),
    "synergy": lambda: pn.synergy("milademetan", "KT-253", "RS4;11"),
    "pk": lambda: pn.pk("milademetan", [pn.regimen(d, "mg", "once") for d in (60, 120, 260)]),
    "xenograft": lambda: pn.xenograft("KT-253", pn.regimen(1, "mg/kg", "once"), "RS4;11"),
    "patient": lambda: pn.patient("milademetan", pn.regimen(260, "mg", "3/14", days=28)),
    "schedules": lambda: pn.schedules("milademetan", population=8, days=28),
    "escape": pn.escape,
}


def ledger(structures: int = 0) -> xr.Dataset:
    """Rows of the ledger as if they were predicted, some of them missed."""
    names = ["kt253_ic50_rs411", "rg7112_p21", "rg7112_p21_matched", "platelet_nadir",
             "neutrophil_nadir", "tgi_milademetan_25", "kt253_regression"]  # fmt: skip
    rows = [observations()[name] for name in names]
    columns = ("quantity", "subject", "line", "protocol", "unit", "low", "high")
    texts = {one: ("observation", [getattr(row, one) for row in rows]) for one in columns}
    verdicts = np.array(["inside", "outside", "outside", "inside", "inside", "outside", "inside"])
    each = {"verdict": verdicts, "use": ["fit", "predict", "set", "predict", "fit", "predict",
            "set"], "predicted": np.linspace(1.0, 7.0, 7), "beyond": np.geomspace(0.05, 50.0, 7),
            "place": [0.0, 1.5, -2.0, 0.5, 9.0, 0.0, np.nan]}  # fmt: skip
    dims = ("structure", "observation") if structures else ("observation",)
    found = {one: (dims, np.array([values] * structures) if structures else np.array(values))
             for one, values in each.items()}  # fmt: skip
    about = {"study": "matrix" if structures else "validate", "counts": "of 7 rows 4 are inside"}
    coords = {"observation": names, **({"structure": ["default", "MDMX"]} if structures else {})}
    return xr.Dataset({**texts, **found}, coords, about)


def profiles() -> xr.Dataset:
    rise, value = np.array([[9.0, 1.0, 0.0, 2.0, 12.0]] * 2), np.geomspace(1.0, 16.0, 5)
    names = ["milademetan: fu_medium_inhibitor", "model: k_death"]
    one = {"chi_squared": (("parameter", "point"), rise), "estimate": ("parameter", [4.0, 4.0]),
           "value": (("parameter", "point"), np.array([value, value])),
           "unit": ("parameter", ["dimensionless", "per_hour"])}  # fmt: skip
    return xr.Dataset(one, {"parameter": names}, {"study": "calibrate"})


def shares() -> xr.Dataset:
    """Sobol indices from too few points, of which one is above 1."""
    values = {"ST": [0.9, 0.2], "S1": [1.2, -0.1], "ST_conf": [0.3, 0.1], "S1_conf": [0.4, 0.1]}
    about = {"study": "sobol", "runs": 64, "measure": "escape_index", "drugs": "milademetan",
             "cell_line": "generic", "doses": "{}", "parameters": "{}"}  # fmt: skip
    names = {"parameter": ["k_deg_p53", "k_ub_p53"]}
    return xr.Dataset({one: ("parameter", row) for one, row in values.items()}, names, about)


def regression() -> Figure:
    example = runpy.run_path(str(ROOT / "examples" / "kt253_regression.py"))
    table = pd.read_csv(ROOT / "docs" / "kt253_regression.csv")
    days = table.set_index(["exposure", "half_life"]).to_xarray()
    return example["drawn"](days.assign_attrs(terminal_half_life=7.6))


def maps() -> Figure:
    doses, other = [1.0, 10.0, 100.0], [0.1, 0.2, 0.3]
    found = {}
    for drug in ("milademetan", "KT-253"):
        pair = [xr.Dataset({name: ((drug, axis), np.eye(3))}, {drug: doses, axis: other})
                for name, axis in (("escape_index", "k_deg_p53"), ("p53_active_fold", "residual"))
                ]  # fmt: skip
        found[drug] = tuple(pair)
    return runpy.run_path(str(ROOT / "examples" / "escape_maps.py"))["drawn"](found)


BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def work_over_precision() -> Figure:
    script = runpy.run_path(str(ROOT / "benchmarks" / "work_precision.py"))
    figure: Figure = script["diagram"](script["points_of"](BENCHMARKS))
    return figure


DRAWN: dict[str, Callable[[], Figure]] = {
    "validate": lambda: pn.plot(ledger()),
    "matrix": lambda: pn.plot(ledger(2)),
    "calibrate": lambda: pn.plot(profiles()),
    "sobol": lambda: pn.plot(shares()),
    "kt253_regression": regression,
    "escape_maps": maps,
    "work_precision": work_over_precision,
}


@pytest.mark.parametrize("name", [*RESULTS, *DRAWN])
@pytest.mark.slow
def test_a_figure_can_be_read_at_the_size_it_is_printed(name: str, tmp_path: Path) -> None:
    with mpl.rc_context(STYLE):
        figure = DRAWN[name]() if name in DRAWN else pn.plot(RESULTS[name]())
    sizes = sizes_of(figure, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    (width,) = re.findall(r'<svg [^>]*width="([\d.]+)pt"', svg)
    assert float(width) / 72.0 <= WIDE + 0.01
    assert len(sizes) > 5 and min(sizes) >= SMALL
    assert outside(figure) == []
    letters = [found[1] for panel in figure.axes
               if (found := re.match(r"\(([a-z])\)", panel.get_title("left")))]  # fmt: skip
    assert len(letters) == len(set(letters))


def texts_of(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [one.get_text() for one in figure.findobj(Text)]


def test_rows_of_the_ledger_have_names_that_tell_them_apart() -> None:
    for result in (ledger(), ledger(2)):
        texts = texts_of(pn.plot(result))
        assert "IC50 of viability, KT-253, RS4;11" in texts
        assert "p21 fold, RG7112, LPS-amplified, p53 as observed" in texts
        assert not any("_" in text for text in texts)
        rows = next(axes for axes in pn.plot(result).axes).get_yticklabels()
        assert len({one.get_text() for one in rows}) == len(rows)
    shown = names.of_observations(
        [names.Row(one.id, one.quantity, one.subject, one.line, one.protocol)
         for one in observations().values()]
    )  # fmt: skip
    assert set(shown) == set(observations()) and len(set(shown.values())) == len(shown)
    lines = [name.splitlines() for name in shown.values()]
    assert max(map(len, lines)) == 2 and max(len(one) for name in lines for one in name) <= 64


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.svg")), ids=lambda one: one.name)
def test_no_text_of_a_committed_figure_is_cut(path: Path) -> None:
    texts = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"), re.DOTALL)
    assert len(texts) > 10 and [one for one in texts if "…" in one] == []


def test_work_over_precision_is_what_the_page_says() -> None:
    figure = work_over_precision()
    lines = {str(one.get_label()): one for one in figure.axes[0].lines}
    (row,) = re.findall(r"^\| RoadRunner, loop by hand \| (\d+) \(\d+\) \| (\d+) \(\d+\) \| "
                        r"(\d+) \(\d+\) \| - ", BENCHMARKS, re.MULTILINE)  # fmt: skip
    times = [1e3 / float(rate) for rate in row]
    np.testing.assert_allclose(lines["RoadRunner, loop by hand"].get_ydata(), times)
    assert list(lines["COPASI, task"].get_xdata()) == [1e-5, 1e-6, 1e-7, 1e-8]
    assert "p53net, sweep, batch" in lines


def test_shares_of_variance_end_at_1() -> None:
    figure = pn.plot(shares())
    assert figure.axes[0].get_xlim()[1] == 1.0
    assert "beyond 1 are errors of sampling" in figure.get_suptitle()
    good = shares().assign(S1=("parameter", [0.5, 0.1]), ST=("parameter", [0.6, 0.1]))
    assert "beyond 1" not in pn.plot(good).get_suptitle()


def arms() -> xr.Dataset:
    """Two schedules of which patients have much and little."""
    ends = {"tgi": [200.0, 190.0], "tgi_low": [150.0, 30.0], "tgi_high": [210.0, 230.0]}
    rates = {"rate": 20.0, "rate_low": 15.0, "rate_high": 26.0}
    about = {"study": "schedules", "drug": "milademetan", "tumour": "LPS-amplified", "grade": 3,
             "days": 56.0, "population": 500}  # fmt: skip
    found = {one: ("regimen", values) for one, values in ends.items()}
    both = ("regimen", "toxicity")
    named = {"regimen": ["260 mg 3/14", "90 mg daily"], "toxicity": ["thrombocytopenia"]}
    each = {one: (both, np.full((2, 1), value)) for one, value in rates.items()}
    return xr.Dataset({**found, **each}, named, about)


def test_what_patients_have_is_drawn_beside_the_median_of_schedules() -> None:
    figure = pn.plot(arms(), published=True)
    (panel,) = figure.axes
    spans = [part[:, 1].tolist() for lines in panel.collections
             if isinstance(lines, LineCollection) for part in lines.get_segments()]  # fmt: skip
    assert [150.0, 210.0] in spans and [30.0, 230.0] in spans
    assert panel.get_ylim()[0] == 0.0
    stars = sorted(float(one.get_xdata()[0]) for one in panel.lines if one.get_marker() == "*")
    rows = ("thrombocytopenia_grade3plus_intermittent", "thrombocytopenia_grade34_mantra")
    assert stars == [observations()[row].middle for row in rows]
    assert "Stars: published numbers" in figure.get_suptitle()
    with pytest.raises(pn.InputError, match="the ledger has no number"):
        pn.plot(arms().assign_attrs(grade=4), published=True)


def outside(figure: Figure) -> list[str]:
    """Texts that reach over the edge, by more than a letter. Ticks that are not shown are there,
    too, and are left out."""
    figure.draw_without_rendering()
    edge, letter = figure.bbox, figure.dpi * SMALL / 72.0
    ticks = {id(label) for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)
             for label in axis.get_ticklabels(which="both")}  # fmt: skip
    found = []
    for text in figure.findobj(Text):
        if not (text.get_visible() and text.get_text().strip()) or id(text) in ticks:
            continue
        box = text.get_window_extent()
        if box.x0 < edge.x0 - letter or box.x1 > edge.x1 + letter:
            found.append(text.get_text())
    return found


def sizes_of(figure: Figure, path: Path) -> list[float]:
    """Of all texts in an SVG [pt]."""
    with mpl.rc_context({**STYLE, "svg.fonttype": "none"}):  # texts as texts
        svg = save(figure, path).read_text(encoding="utf-8")
    return [float(size) for size in re.findall(r"font(?:-size)?: (?:[a-z0-9]+ )*([\d.]+)px", svg)]


def test_text_is_larger_on_a_slide(tmp_path: Path) -> None:
    curves = {name: ("time", TIMES, {"units": "nM"}) for name in ("p53_active", "MDM2_mRNA")}
    about = {"cell_line": "RS4;11", "drugs": "KT-253", "doses": "{}", "feedback": "closed"}
    run = xr.Dataset(curves, {"time": TIMES}, about)
    print_, slide = (pn.plot(run, size=size) for size in ("print", "slide"))
    small, large = (sorted(sizes_of(one, tmp_path / "f.svg")) for one in (print_, slide))
    grown = slide.get_figwidth() / print_.get_figwidth()
    assert grown > 1.5
    assert min(large) > 1.1 * grown * min(small) and max(large) > 1.1 * grown * max(small)
    assert outside(slide) == []
    with pytest.raises(pn.InputError, match="size is 'large', but must be one of print, slide"):
        pn.plot(run, size="large")


def test_a_text_that_reaches_over_the_edge_is_seen() -> None:
    figure = Figure(figsize=(2.0, 1.0))
    figure.text(0.9, 0.5, "far too long for what is left")
    assert outside(figure) == ["far too long for what is left"]
