"""Figures as they are printed: no wider than two columns, no text too small to read, all inside."""

import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

import p53net as pn
from p53net.figures.style import SMALL, STYLE, WIDE, save

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


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.slow
def test_a_figure_can_be_read_at_the_size_it_is_printed(name: str, tmp_path: Path) -> None:
    figure = pn.plot(RESULTS[name]())
    sizes = sizes_of(figure, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    (width,) = re.findall(r'<svg [^>]*width="([\d.]+)pt"', svg)
    assert float(width) / 72.0 <= WIDE + 0.01
    assert len(sizes) > 5 and min(sizes) >= SMALL
    assert outside(figure) == []


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
