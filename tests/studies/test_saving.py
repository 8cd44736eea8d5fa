"""Figures are laid out once for all the forms in which they are written."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

import p53net as pn
from p53net.figures import style
from p53net.figures.powers import powers_of_ten


def drawing() -> Figure:
    figure = Figure(figsize=(4.0, 3.0), layout="constrained")
    panel = figure.subplots()
    panel.set(xscale="log", xlim=(2e-3, 5e4), xlabel="dose [nM]", ylabel="response [%]")
    shown = panel.scatter(*np.geomspace(1e-2, 1e3, 10).reshape(2, 5), c=range(5))
    figure.colorbar(shown, ax=panel)
    powers_of_ten(panel.xaxis)
    return figure


def test_a_figure_is_laid_out_once_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    execute = ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        ConstrainedLayoutEngine, "execute", lambda *a: (calls.append(a), execute(*a))[1]
    )
    figure = drawing()
    engine, dpi = figure.get_layout_engine(), figure.dpi
    paths = [tmp_path / f"one.{kind}" for kind in ("png", "svg", "pdf")]
    assert style.save_all(figure, paths) == paths
    assert len(calls) == 1
    assert figure.get_layout_engine() is engine and figure.dpi == dpi
    for path in paths:
        alone = style.save(drawing(), tmp_path / f"other{path.suffix}")
        assert alone.read_bytes() == path.read_bytes()


def test_labels_stay_inside_of_a_figure_that_was_written(tmp_path: Path) -> None:
    figure = drawing()
    style.save_all(figure, [tmp_path / "one.png"])
    box, whole = figure.get_tightbbox(), figure.bbox_inches
    assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1


def test_a_name_without_a_form_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match=r"end the name in \.png"):
        style.save_all(drawing(), [tmp_path / "one.png", tmp_path / "one.gif"])
    assert not list(tmp_path.iterdir())


def test_powers_of_ten_are_plain_text() -> None:
    (panel, _) = drawing().axes
    places, shown = panel.get_xticks(), panel.get_xticklabels()
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    read = [10.0 ** int(label.get_text().removeprefix("10").translate(raised)) for label in shown]
    assert len(read) > 2 and read == pytest.approx(places)
    assert not panel.xaxis.get_minorticklocs().size
