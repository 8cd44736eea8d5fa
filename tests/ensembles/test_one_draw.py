"""A draw as a model: its values, its text, its record, and files for other tools."""

from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.model.check import findings
from tests.support.commands import Command
from tests.support.draws import drawn


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    """Of a file, so that a record can name it."""
    path = drawn(3).save(tmp_path_factory.mktemp("drawn") / "mine.parquet")
    return pn.ensemble(path)


def test_a_draw_has_its_structure_and_values(saved: Ensemble) -> None:
    model = pn.load("milademetan", ensemble=saved, draw=1)
    rows = model.parameters.set_index("id")
    assert set(rows[rows["kind"] == "drawn"].index) >= {"k_syn_p53", "Ki_inhibitor", "Kd_MDMX"}
    for name in ("k_syn_p53", "Kd_MDMX"):
        assert rows.loc[name, "value"] == saved.table[f"model: {name}"][1]
    assert rows.loc["Ki_inhibitor", "source"].startswith("draw 1 of the ensemble")
    assert "k_syn_p53 = " + repr(float(rows.loc["k_syn_p53", "value"])) in model.definition.antimony
    assert rows.loc["k_deg_p53", "kind"] != "drawn"
    usual = pn.load("milademetan", structure="MDMX")
    assert model.definition.structure == usual.definition.structure
    assert model.definition.sha256 != usual.definition.sha256
    assert model.run_settings["draw"] == "1"
    assert not findings(model.sbml(), model.definition.parameters)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["xml", "ant", "cps"])
def test_a_draw_is_exported_like_any_other(saved: Ensemble, suffix: str, tmp_path: Path) -> None:
    if suffix == "cps":
        pytest.importorskip("COPASI")
    model = pn.load("milademetan", ensemble=saved, draw=0)
    path = pn.export(model, tmp_path / f"one.{suffix}", {"milademetan": 10.0})
    digits = repr(model.definition.parameters["k_syn_p53"].value)[:11]
    assert digits in path.read_text(encoding="utf-8")


def test_a_record_names_the_draw_and_makes_it_again(saved: Ensemble) -> None:
    model = pn.load("milademetan", ensemble=saved, draw=2)
    run = model.simulate(np.linspace(0, 12, 13), {"milademetan": 50.0})
    loaded = pn.record(run)["arguments"]["self"]["model"]["loaded"]["mapping"]
    assert dict(loaded)["draw"] == 2
    with pytest.raises(pn.InputError, match="files=True"):
        pn.rerun(run)
    assert pn.rerun(run, files=True).identical(run)


def test_a_record_of_a_study_names_the_ensemble_and_its_draws(saved: Ensemble) -> None:
    some = saved.thinned(2)
    found = pn.pk("milademetan", pn.regimen(260, "mg", "once"), ensemble=some)
    kept = pn.record(found)["arguments"]["ensemble"]["ensemble"]
    assert kept == {"source": some.source, "sha256": some.sha256, "draws": [0, 2]}
    assert pn.rerun(found, files=True).identical(found)
    by_hand = pn.pk("milademetan", pn.regimen(260, "mg", "once"), ensemble=drawn(1))
    with pytest.raises(pn.InputError, match="made by hand"):
        pn.rerun(by_hand, files=True)
    Path(some.source).rename(some.source + ".old")
    try:
        drawn(3, seed=9).save(some.source)
        with pytest.raises(pn.InputError, match="not what the record was made with"):
            pn.rerun(found, files=True)
    finally:
        Path(some.source + ".old").rename(some.source)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "which with draw="),
        ({"draw": 3}, "give 0 to 2"),
        ({"draw": -1}, "give 0 to 2"),
        ({"draw": 1.0}, "whole number"),
        ({"draw": 1, "structure": "MDMX"}, "structure and draw"),
        ({"draw": 1, "tables": {"drugs": "mine.tsv"}}, "tables and draw"),
        ({"draw": 1, "fragments": "mine.ant"}, "fragments and draw"),
        ({"draw": 1, "ensemble": 7}, "a int"),
    ],
)
def test_what_is_no_draw(
    saved: Ensemble, given: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.tsv").write_text("drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n")
    with pytest.raises(pn.InputError, match=message):
        pn.load("milademetan", **{"ensemble": saved, **given})


@pytest.mark.slow
def test_commands_show_medians_with_their_bands(command: Command, saved: Ensemble) -> None:
    done = command("assay", "viability", "milademetan", "--cell-line", "RS4;11", "--concentrations",
                   "0.1:1e4:6", "--ensemble", saved.source, "--draws", "2",
                   "--no-plot")  # fmt: skip
    assert done.returncode == 0, done.stderr
    header, row = done.stdout.splitlines()
    assert "(" in row.split(",")[header.split(",").index("ic50")] and " to " in row
    assert Path("viability/quantiles.csv").is_file()
    assert command("assay", "viability", "milademetan", "--cell-line", "RS4;11", "--no-plot",
                   "--concentrations", "0.1:1e4:6").returncode == 0  # fmt: skip
    assert not Path("viability/quantiles.csv").exists()
    done = command("pk", "milademetan", "--draws", "3")
    assert done.returncode == 1 and "give --ensemble" in done.stderr


@pytest.mark.slow
def test_commands_take_a_draw_and_all_draws(command: Command, saved: Ensemble) -> None:
    done = command("export", "milademetan", "one.xml", "--ensemble", saved.source, "--draw", "1")
    assert done.returncode == 0, done.stderr
    text = Path("one.xml").read_text(encoding="utf-8")
    assert repr(float(saved.table["model: Kd_MDMX"][1]))[:11] in text
    done = command("simulate", "milademetan", "--dose", "10", "--points", "3", "--ensemble",
                   saved.source)  # fmt: skip
    assert done.stdout.startswith("time,quantile,") and len(done.stdout.splitlines()) == 16
    done = command("escape", "milademetan", "--ensemble", saved.source, "--no-plot")
    assert done.returncode == 0, done.stderr
    assert "Of 3 draws" in done.stderr and "farthest from the median" in done.stderr
    assert "low,high,defined" in Path("escape/escape.csv").read_text(encoding="utf-8")


@pytest.mark.slow
def test_figures_have_bands(saved: Ensemble) -> None:
    times, dose = np.linspace(0, 12, 13), {"milademetan": 50.0}
    run = pn.load("milademetan").simulate(times, dose, ensemble=saved)
    figure = pn.plot(run)
    assert all(len(panel.collections) == 2 * len(panel.lines) for panel in figure.axes)
    kept = pn.load("milademetan").simulate(times, dose, ensemble=saved, draws=True)
    with pytest.raises(pn.InputError, match="leave draws=True out"):
        pn.plot(kept)
    plate = pn.viability("milademetan", ["RS4;11"], ensemble=saved,
                         concentrations=np.geomspace(0.1, 1e4, 6))  # fmt: skip
    assert len(pn.plot(plate).axes[0].collections) == 2
