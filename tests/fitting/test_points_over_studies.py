"""Points of a table over the figures of studies: where they stand, and what is said of others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import p53net as pn
from p53net.fitting.points import same_until
from p53net.model.own import as_tables
from tests.support.commands import Command
from tests.support.draws import drawn

CELLS = {"line": "RS4;11", "unit": "%", "drug": "KT-253"}
HUMAN = {"drug": "milademetan", "host": "human", "regimen": "260 mg 3/14"}
MOUSE = {"host": "mouse", "line": "RS4;11"}
ROWS = [
    {**CELLS, "observable": "viability", "dose": 0.3, "time": 72, "value": 60, "error": 6},
    {**CELLS, "observable": "viability", "dose": 1.0, "time": 48, "value": 30, "error": 6},
    {**CELLS, "observable": "viability", "dose": 0.0, "time": 72, "value": 99, "error": 6},
    {**CELLS, "observable": "MDM2", "dose": 1.0, "time": 24, "value": 0.4, "error": 0.1,
     "unit": "fold"},
    {**CELLS, "observable": "caspase", "dose": 3.0, "time": 24, "value": 900, "error": 90},
    {**HUMAN, "observable": "plasma", "time": 26, "value": 2, "error": 0.1, "unit": "uM"},
    {**HUMAN, "observable": "plasma", "time": 2, "value": 9, "error": 1, "unit": "ng/mL",
     "regimen": "60 mg daily"},
    {**HUMAN, "observable": "platelets", "time": "7 d", "value": 50, "error": 5, "unit": "%"},
    {**HUMAN, "observable": "GDF15", "time": 24, "value": 5, "error": 1, "unit": "fold"},
    {**MOUSE, "observable": "volume", "time": "3 d", "value": 40, "error": 2, "unit": "fold"},
    {**MOUSE, "observable": "volume", "time": "2 d", "value": 1.5, "error": 0.1, "unit": "fold",
     "drug": "KT-253", "regimen": "1 mg/kg once"},
]  # fmt: skip


def table(*observables: str) -> pd.DataFrame:
    rows = [row for row in ROWS if row["observable"] in observables]
    return pd.DataFrame(rows).astype(object)


def marked(figure: Figure, marker: str) -> list[tuple[Axes, float, float]]:
    """Points of one look, with their axes."""
    return [(axes, float(line.get_xdata()[0]), float(line.get_ydata()[0]))
            for axes in figure.axes for line in axes.lines if line.get_marker() == marker
            and line.get_markerfacecolor() in ("white", "#ffd24d")]  # fmt: skip


def viability() -> xr.Dataset:
    return pn.viability("KT-253", ["TP53-null", "RS4;11"], replicates=1)


def mouse() -> xr.Dataset:
    return pn.xenograft("KT-253", pn.regimen(1, "mg/kg", "once"), "RS4;11", days=4)


def patient() -> xr.Dataset:
    return pn.patient("milademetan", pn.regimen(260, "mg", "3/14", days=14), days=14)


def pk() -> xr.Dataset:
    arms = [pn.regimen(amount, "mg", "3/14", days=14) for amount in (60, 260)]
    return pn.pk("milademetan", arms)


def caspase() -> xr.Dataset:
    return pn.caspase("KT-253", "RS4;11", hours=[6, 24])


PER_UM = 618.5  # ng/mL of milademetan, by its molar mass
CASES: dict[str, tuple[Callable[[], xr.Dataset], Callable[[xr.Dataset], list[object]]]] = {
    "viability": (viability, lambda _: [(0, 0.3, 60.0)]),
    "degradation": (
        lambda: pn.degradation("KT-253", "RS4;11", hours=24.0), lambda _: [(0, 1.0, 40.0)]
    ),
    "caspase": (
        caspase,
        lambda r: [(0, 3.0, 9.0 * float(r["active"].sel(hours=24).isel(dose=0, drug=0)
                                        / r["caspase"].sel(hours=24).isel(dose=0, drug=0)))],
    ),
    "pk": (  # on the first day 60 mg daily is 60 mg 3/14
        pk,
        lambda _: [(panel, x, y) for panel in (0, 1)
                   for x, y in ((26.0, 2 * PER_UM), (2.0, 9.0))],
    ),
    "patient": (
        patient,
        lambda r: [(0, 26 / 24, 2 * PER_UM), (5, 7.0, 0.5 * float(r["platelets"][0])),
                   (4, 1.0, 5 * float(r["GDF15_serum"][0]))],
    ),
    "xenograft": (
        mouse,
        lambda r: [(0, 3.0, 40 * float(r["tumour_volume"][0, 0])),
                   (0, 2.0, 1.5 * float(r["tumour_volume"][1, 0]))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("study", CASES)
@pytest.mark.slow
def test_rows_stand_where_the_curve_shows_what_they_measured(study: str) -> None:
    run, expected = CASES[study]
    result = run()
    figure = pn.plot(result, data=table(*{str(row["observable"]) for row in ROWS}))
    found = sorted((figure.axes.index(axes), x, y) for axes, x, y in marked(figure, "D"))
    np.testing.assert_allclose(found, sorted(expected(result)), rtol=1e-9)
    for axes, x, y in marked(figure, "D"):
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        assert left <= x <= right
        assert low <= y <= high
    words = f"{figure.get_suptitle()} {figure.get_supxlabel()}".replace("\n", " ")
    shown = int(words.partition("data (")[2].split()[0])
    assert shown == {"pk": 2}.get(study, len(expected(result)))  # in two panels each
    lost = sum(int(part.split()[0]) for part in words.partition("Not shown: ")[2].split("; "))
    assert shown + lost == len(ROWS)


@pytest.fixture(scope="module")
def plate() -> xr.Dataset:
    return pn.viability("KT-253", "RS4;11", replicates=1)


def test_what_has_no_place_is_said_by_reason(plate: xr.Dataset) -> None:
    words = pn.plot(plate, data=table("viability", "MDM2")).get_supxlabel().replace("\n", " ")
    assert "White diamonds: data (1 row)." in words
    assert "1 row at 48 h; 1 row of controls; 1 row of MDM2." in words
    with pytest.raises(pn.InputError, match="no row of the data has a place in this figure: 1 row"):
        pn.plot(plate, data=table("MDM2"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"drug": "MD-224"}, "of MD-224"),
        ({"line": "SJSA-1"}, "in SJSA-1"),
        ({"exposure": 4}, "with drug that was washed out"),
        ({"value": "<5"}, "below a limit of quantification"),
        ({"unit": "RLU"}, "in AU, which has no scale here"),
    ],
)
def test_a_row_of_something_else_has_no_place(
    plate: xr.Dataset, change: dict[str, object], reason: str
) -> None:
    one = pd.DataFrame([{**ROWS[0], **change}])
    with pytest.raises(pn.InputError, match=f"1 row {reason}"):
        pn.plot(plate, data=one)


def test_published_numbers_are_stars(plate: xr.Dataset) -> None:
    figure = pn.plot(plate, data=table("viability"), published=True)
    ((axes, x, y),) = marked(figure, "*")
    assert (x, y) == (0.3, 50.0)  # the row kt253_ic50_rs411
    assert axes is figure.axes[0]
    assert len(marked(figure, "D")) == 1
    days = pn.regimen(260, "mg", "3/14", days=3)
    (one, other) = marked(pn.plot(pn.pk("milademetan", days), published=True), "*")
    assert one[1:] == other[1:] == (48.0 + 3.1, 1503.0)
    with pytest.raises(pn.InputError, match="the ledger has no number"):
        pn.plot(pn.pk("milademetan", pn.regimen(60, "mg", "3/14", days=3)), published=True)


@pytest.mark.slow
def test_published_inhibition_is_a_volume_beside_the_untreated_tumour() -> None:
    """100 per cent is a tumour that stays as it began; the row is 67 per cent at 25 mg/kg."""
    arms = [pn.regimen(dose, "mg/kg", "daily", days=28) for dose in (25, 30, 50, 100)]
    found = pn.xenograft("milademetan", arms, "ST-02-0075")
    (_, day, volume), (_, day_50, volume_50), (_, day_100, volume_100) = marked(
        pn.plot(found, published=True), "*"
    )
    untreated = found["tumour_volume"].isel(arm=0)
    start, end = float(untreated[0]), float(untreated[-1])
    assert day == 28.0 and volume == pytest.approx(start + 0.33 * (end - start), rel=1e-9)
    assert volume_50 - volume_100 == pytest.approx(0.004 * (end - start), rel=1e-9)  # 130.4, 130.8
    assert (day_50, day_100) == (28.0, 27.5)  # or one would cover the other
    with pytest.raises(pn.InputError, match="the ledger has no number"):
        pn.plot(found.assign_attrs(days=21.0), published=True)


def test_studies_without_such_curves_refuse_data(plate: xr.Dataset) -> None:
    with pytest.raises(pn.InputError, match="not over synergy"):
        pn.plot(plate.assign_attrs(study="synergy"), data=table("viability"))
    with pytest.raises(pn.InputError, match="this has another beside it"):
        pn.plot(plate.assign_attrs(beside="nutlin-3a"), data=table("viability"))
    run = pn.load("KT-253").simulate([0, 1], {"KT-253": 1.0})
    with pytest.raises(pn.InputError, match="published numbers are drawn over studies"):
        pn.plot(run, published=True)


def test_regimens_are_compared_as_far_as_they_were_given() -> None:
    one, other = pn.regimen(260, "mg", "3/14", days=14), pn.regimen(260, "mg", "daily", days=28)
    assert same_until(one, other, 72.0)
    assert not same_until(one, other, 73.0)
    assert not same_until(one, pn.regimen(260, "mg/kg", "3/14", days=14), 1.0)
    assert not same_until(one, pn.regimen(260, "mg", "3/14", days=14, over=2), 1.0)
    assert same_until(one.later(5), pn.regimen(1, "mg", "once", start=6), 5.0)


@pytest.mark.slow
def test_rows_of_a_drug_of_ones_own_are_read_with_its_tables() -> None:
    """Which the record of the result has; over bands of a fit, and over a run."""
    tables = {"drugs": {"mine": {
        "mechanism": "degrader", "molar_mass": "900 g/mol", "Kd_MDM2_degrader": "0.3 nM",
        "Kd_CRBN_degrader": "180 nM", "cooperativity": 3, "fu_medium_degrader": 0.03,
        "k_perm_degrader": "2 per_hour",
    }}}  # fmt: skip
    data = pd.DataFrame([{**ROWS[3], "drug": "mine"}])
    some = drawn(2)
    known = {name: one.sha256 for name, one in as_tables(tables)}
    ensemble = replace(some, about={**some.about, "own": known})
    result = pn.degradation("mine", "RS4;11", hours=24.0, tables=tables, ensemble=ensemble)
    assert [spot[1:] for spot in marked(pn.plot(result, data=data), "D")] == [(1.0, 40.0)]
    model = pn.load("mine", cell_line="RS4;11", tables=tables)
    run = model.simulate([0, 24], {"mine": 1.0})
    seen = [line for axes in pn.plot(run, data=data).axes for line in axes.lines
            if line.get_marker() == "o"]  # fmt: skip
    assert [float(line.get_xdata()[0]) for line in seen] == [24.0]
    with pytest.raises(pn.UnknownNameError, match="row 1: unknown drug 'mine'"):
        pn.plot(pn.load("KT-253").simulate([0, 24], {"KT-253": 1.0}), data=data)


def test_rows_over_a_run_in_a_body_count_until_their_time() -> None:
    run = pn.load("milademetan", system="plasma", host="human").simulate(
        [0, 2, 30, 400], {"milademetan": pn.regimen(260, "mg", "3/14", days=17)}
    )
    figure = pn.plot(run, data=table("plasma", "viability"))
    ((x, y),) = [(float(line.get_xdata()[0]), float(line.get_ydata()[0]))
                 for line in figure.axes[0].lines if line.get_marker() == "o"]  # fmt: skip
    assert (x, y) == (26.0, pytest.approx(2000.0))
    words = figure.get_supxlabel().replace("\n", " ")
    assert "Not shown: 3 rows of viability" in words
    assert "1 row of other drugs, doses, lines or hosts" in words


@pytest.mark.slow
def test_the_command_line_draws_them(tmp_path: Path, command: Command) -> None:
    table("viability").to_csv(tmp_path / "plate.csv", index=False)
    words = ["assay", "viability", "KT-253", "--cell-line", "RS4;11", "--out", str(tmp_path / "a")]
    done = command(*words, "--data", str(tmp_path / "plate.csv"), "--published")
    assert done.returncode == 0, done.stderr
    over = (tmp_path / "a" / "viability.png").read_bytes()
    assert command(*words).returncode == 0
    assert (tmp_path / "a" / "viability.png").read_bytes() != over
    wrong = command(*words, "--data", str(tmp_path / "plate.csv"), "--no-plot")
    assert wrong.returncode != 0
    assert "leave --no-plot out" in wrong.stderr
