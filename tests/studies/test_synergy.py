"""Two drugs on a checkerboard: closed forms, a drug with itself, and other engines."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.measures import combined
from tests.support import ROOT
from tests.support.commands import Command
from tests.support.draws import drawn

A, B = "milademetan", "KT-253"
FEW = {
    "concentrations": [60.0, 120.0, 200.0, 300.0, 500.0],
    "other_concentrations": [0.1, 0.2, 0.4, 0.8, 1.5],
}
LADDER = np.geomspace(1e-3, 1e5, 257)
GRID = np.geomspace(1.0, 300.0, 6)
SHAM = "drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n" + "".join(
    f"sham\t{row}\n"
    for row in (
        "mechanism\tdegrader\t\t\t\t",
        "Kd_MDM2_degrader\t1.827\tnM\tassumed\t\tas milademetan",
        "Kd_CRBN_degrader\t1e12\tnM\tassumed\t\tnone is bound",
        "cooperativity\t1\tdimensionless\tassumed\t\tnone",
        "k_perm_degrader\t10\tper_hour\tassumed\t\tas milademetan",
        "fu_medium_degrader\t0.08605\tdimensionless\tassumed\t\tas milademetan",
    )
)
"""Milademetan in the place of a degrader: it binds the pocket, and nothing else."""
AS_INHIBITOR = {"k_ub_MDM2": 0.0, "uptake_of_line": 1.0}


def hill(dose: np.ndarray, middle: float, slope: float) -> np.ndarray:
    return dose**slope / (middle**slope + dose**slope)


def pair(middle: float, slope: float, ratio: float) -> tuple[combined.Alone, combined.Alone]:
    return (combined.alone(LADDER, hill(LADDER, middle, slope)),
            combined.alone(LADDER, hill(LADDER, middle * ratio, slope)))  # fmt: skip


@pytest.mark.parametrize("slope", [0.7, 1.0, 3.0])
def test_loewe_of_parallel_hill_curves_is_a_hill_curve_of_the_sum(slope: float) -> None:
    """E = h(a + b/r): the closed form of drugs that are dilutions of each other."""
    one, other = pair(20.0, slope, 4.0)
    a, b = GRID[:, None], GRID[None, :]
    expected = hill(a + b / 4.0, 20.0, slope)
    np.testing.assert_allclose(combined.loewe(a, b, one, other), expected, rtol=1e-9)
    index = combined.combination_index(a, b, expected, one, other)
    np.testing.assert_allclose(index, 1.0, rtol=1e-9)


def test_the_combination_index_is_that_of_the_median_effect_equation() -> None:
    """Of the combination index theorem: a/(D_a (E/(1 - E))^(1/m)) + the same of b."""
    one = combined.alone(LADDER, hill(LADDER, 20.0, 1.3))
    other = combined.alone(LADDER, hill(LADDER, 5.0, 0.8))
    a, b, effect = np.array([3.0, 10.0, 2.0]), np.array([2.0, 1.0, 4.0]), np.array([0.5, 0.8, 0.1])
    odds = effect / (1.0 - effect)
    expected = a / (20.0 * odds ** (1 / 1.3)) + b / (5.0 * odds ** (1 / 0.8))
    found = combined.combination_index(a, b, effect, one, other)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# Lee and Kong, Stat Biopharm Res 1:4 (2009), Table 2: UMSCC22B cells that survive SCH66336, 4-HPR,
# or the same dose [uM] of each; the median doses and slopes printed there, and the interaction
# indices of the combinations.
PUBLISHED = {
    "SCH66336": ([0.1, 0.5, 1, 2, 4], [0.6701, 0.6289, 0.5577, 0.4550, 0.3755], 1.326, 0.335),
    "4-HPR": ([0.1, 0.5, 1, 2], [0.7666, 0.5833, 0.5706, 0.4934], 1.726, 0.398),
    "both": ([0.2, 1, 2, 4], [0.6539, 0.4919, 0.3551, 0.2341], 0.686, 0.596),
}
PUBLISHED_INDEX = [0.791, 0.609, 0.256, 0.103]


def test_a_published_table_of_interaction_indices_is_met() -> None:
    fits = {}
    for name, (doses, left, middle, slope) in PUBLISHED.items():
        lost = 1.0 - np.array(left)
        found = np.polyfit(np.log(doses), combined.logit(lost), 1)
        fits[name] = float(np.exp(-found[1] / found[0])), float(found[0])
        # as printed, to three decimals
        assert fits[name] == pytest.approx((middle, slope), abs=6e-4)
    one, other = (combined.alone(LADDER, hill(LADDER, *fits[name])) for name in
                  ("SCH66336", "4-HPR"))  # fmt: skip
    total, left, _, _ = PUBLISHED["both"]
    each = np.array(total) / 2.0
    index = combined.combination_index(each, each, 1.0 - np.array(left), one, other)
    np.testing.assert_allclose(index, PUBLISHED_INDEX, atol=6e-4)
    alone = combined.loewe(each, each, one, other)  # less is lost where they only add up
    assert (alone < 1.0 - np.array(left)).all()


def test_the_published_example_of_the_fractional_product_is_met() -> None:
    """Chou and Talalay, Trends Pharmacol Sci 4:450 (1983): 20 and 40 % inhibition leave 48 %."""
    assert combined.bliss(np.array(0.2), np.array(0.4)) == pytest.approx(1.0 - 0.48, rel=1e-12)


def test_loewe_solves_its_equation_for_curves_that_are_not_parallel() -> None:
    one = combined.alone(LADDER, hill(LADDER, 20.0, 2.5))
    other = combined.alone(LADDER, hill(LADDER, 5.0, 0.8))
    a, b = GRID[:, None], GRID[None, :] / 10.0
    odds = combined.loewe(a, b, one, other)
    odds = odds / (1.0 - odds)
    np.testing.assert_allclose(a / (20.0 * odds**0.4) + b / (5.0 * odds**1.25), 1.0, rtol=1e-8)


def test_bliss_and_hsa_are_their_formulas() -> None:
    kept = np.array([0.9, 0.5]), np.array([0.8, 0.3])  # shares that survive, which multiply
    np.testing.assert_allclose(combined.bliss(1 - kept[0], 1 - kept[1]), 1 - kept[0] * kept[1])
    np.testing.assert_array_equal(combined.highest_alone(*kept), [0.9, 0.5])


def test_a_drug_counts_for_nothing_above_the_largest_effect_that_it_has() -> None:
    strong = combined.alone(LADDER, hill(LADDER, 20.0, 1.0))
    weak = combined.alone(LADDER, 0.3 * hill(LADDER, 5.0, 1.0))
    assert np.isinf(weak.dose(np.array([0.31]))).all()
    found = combined.loewe(np.array([80.0]), np.array([1e4]), strong, weak)
    np.testing.assert_allclose(found, 0.8, rtol=1e-9)
    index = combined.combination_index(
        np.array([1.0]), np.array([1.0]), np.array([0.5]), strong, weak
    )
    assert np.isnan(index).all()


@pytest.mark.filterwarnings("error")
def test_a_dose_alone_that_is_too_small_for_a_number_is_no_quotient() -> None:
    """A foot that is all but flat, carried on below what was seen, has doses that are 0."""
    doses = np.array([1e-3, 1e-2, 1.0, 1e3])
    flat = combined.alone(doses, np.array([1.2e-6, 1.2e-6 * (1.0 + 1e-8), 0.3, 0.9]))
    steep = combined.alone(LADDER, hill(LADDER, 20.0, 1.0))
    low = np.array([1.1e-6])
    assert flat.dose(low) == 0.0 and steep.dose(low) > 0.0
    for a in (0.0, 1.0):
        index = combined.combination_index(np.array([a]), np.array([1e-5]), low, flat, steep)
        assert np.isnan(index).all()
    # what is not given takes no part: the other drug has what it has alone
    none, other = np.zeros(1), np.array([20.0 * 1.1e-6])
    found = combined.loewe(none, other, flat, steep)
    np.testing.assert_allclose(found, 1.1e-6 / (1.0 + 1.1e-6), rtol=1e-9)  # deviates by 1e-11


def test_of_a_hook_only_the_part_that_rises_counts() -> None:
    effects = hill(LADDER, 20.0, 1.0) * (LADDER < 200.0)
    curve = combined.alone(LADDER, effects)
    assert np.exp(curve.doses[-1]) < 200.0
    np.testing.assert_allclose(curve.dose(np.array([0.5])), 20.0, rtol=1e-9)


def test_nothing_is_told_of_drugs_without_effect() -> None:
    none = combined.alone(LADDER, np.full_like(LADDER, -1e-8))
    assert np.isinf(none.dose(np.array([0.5]))).all()
    found = combined.loewe(np.array([[5.0]]), np.array([[7.0]]), none, none)
    np.testing.assert_allclose(found, 0.0, atol=2e-6)


@cache
def both() -> pn.Model:
    return pn.load("milademetan", "KT-253", cell_line="RS4;11", system="culture", accuracy=1e-8)


def lost(dose: object, other: object, engine: str = "auto") -> float:
    """The share of live cells that is lost, by single runs."""
    treated, free = (
        both().simulate([0.0, 72.0], doses, observables=["live_cells"], engine=engine)  # type: ignore[arg-type]
        for doses in ({"milademetan": dose, "KT-253": other}, None)
    )
    return 1.0 - float(treated["live_cells"][-1] / free["live_cells"][-1])


@pytest.fixture(scope="module")
def board() -> xr.Dataset:
    return pn.synergy("milademetan", "KT-253", accuracy=1e-8, **FEW)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def sham(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("sham")
    (folder / "drugs.tsv").write_text(SHAM, encoding="utf-8")
    doses = [25.0, 50.0, 100.0, 200.0, 400.0]
    return pn.synergy("milademetan", "sham", concentrations=doses, other_concentrations=doses,
                      tables=folder, parameters=AS_INHIBITOR)  # fmt: skip


@pytest.mark.slow
def test_a_drug_does_not_interact_with_itself(sham: xr.Dataset) -> None:
    """The sham combination: one drug in two places of the model is one drug of both doses."""
    np.testing.assert_allclose(sham["effect"], sham["effect"].values.T, atol=1e-6)
    alone = sham["effect"].sel(other_dose=0.0)
    for dose in (25.0, 50.0, 100.0, 200.0):
        half = sham["effect"].sel(dose=dose, other_dose=dose)
        assert float(half) == pytest.approx(float(alone.sel(dose=2 * dose)), abs=1e-6)
    assert float(abs(sham["loewe_excess"]).max()) < 1e-4
    np.testing.assert_allclose(sham["combination_index"].values.ravel()[1:], 1.0, atol=5e-4)
    np.testing.assert_allclose(sham["interaction_index"], 1.0, atol=5e-4)
    np.testing.assert_allclose(sham["dose_alone"], sham["other_alone"], rtol=1e-5)


@pytest.mark.slow
def test_bliss_calls_a_drug_with_itself_synergistic(sham: xr.Dataset) -> None:
    """As it does of every steep curve: why Loewe stands beside it."""
    assert float(sham["bliss_excess"].max()) > 0.05


@pytest.mark.slow
def test_order_of_the_drugs_does_not_matter(board: xr.Dataset) -> None:
    other = pn.synergy("KT-253", "milademetan", accuracy=1e-8,
                       concentrations=FEW["other_concentrations"],
                       other_concentrations=FEW["concentrations"])  # fmt: skip
    for name in ("effect", "bliss_excess", "loewe_excess", "combination_index"):
        np.testing.assert_allclose(other[name].values.T, board[name], atol=1e-6, err_msg=name)
    np.testing.assert_allclose(other["dose_alone"], board["other_alone"], rtol=1e-6)


@pytest.mark.slow
def test_without_one_drug_the_other_is_alone(board: xr.Dataset) -> None:
    for drug, line in (("milademetan", board["effect"][1:, 0]), ("KT-253", board["effect"][0, 1:])):
        doses = FEW["concentrations" if drug == "milademetan" else "other_concentrations"]
        plate = pn.viability(drug, concentrations=doses, replicates=1, accuracy=1e-8)  # type: ignore[arg-type]
        killed = 1.0 - plate["viability"].values.ravel() / 100.0
        np.testing.assert_allclose(line.values.ravel(), killed, atol=1e-9)
    assert float(board["effect"][0, 0]) == 0.0
    assert np.isnan(board["combination_index"][0, 0])


@pytest.mark.slow
def test_an_isobole_has_its_effect(board: xr.Dataset) -> None:
    """By another run: the doses of the isobole give the effect that it is of."""
    for level in (25.0, 75.0):
        line = board.sel(level=level).isel(share=[0, 3, 6, 8])
        for dose, other in zip(line["isobole"].values, line["isobole_other"].values, strict=True):
            assert lost(dose, other) == pytest.approx(level / 100.0, abs=2e-4)
    index = board["isobole"] / board["dose_alone"] + board["isobole_other"] / board["other_alone"]
    np.testing.assert_allclose(board["interaction_index"], index, rtol=1e-12)
    np.testing.assert_array_equal(board["interaction_index"][:, [0, -1]], 1.0)


@pytest.mark.parametrize("engine", ["roadrunner", pytest.param("copasi", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_other_engines_agree(board: xr.Dataset, engine: str) -> None:
    if engine == "copasi":
        pytest.importorskip("COPASI")
    for dose in (200.0, 500.0):
        for other in (0.0, 0.4):
            effect = float(board["effect"].sel(dose=dose, other_dose=other))
            assert lost(dose, other, engine) == pytest.approx(effect, abs=1e-6)


@pytest.mark.slow
def test_a_sequence_is_the_run_of_its_courses() -> None:
    found = pn.synergy("milademetan", "KT-253", switch=24.0, **FEW)  # type: ignore[arg-type]
    effect = float(found["effect"].sel(dose=200.0, other_dose=0.4))
    assert effect == pytest.approx(lost([(24, 200)], pn.pulse(0.4, 24)), abs=1e-5)
    assert found.attrs["switch"] == 24.0


@pytest.mark.slow
def test_what_a_drug_never_does_has_no_isobole() -> None:
    found = pn.synergy("milademetan", "KT-253", "TP53-null", levels=[50.0], **FEW)  # type: ignore[arg-type]
    assert found["status"].values[0].startswith("not reached: by milademetan and KT-253")
    assert np.isnan(found["isobole"]).all() and np.isfinite(found["effect"]).all()
    pn.plot(found)


@pytest.mark.slow
def test_an_ensemble_has_bands_and_a_draw_is_a_study_of_its_own() -> None:
    draws = drawn(4, structures=("default",))
    each = pn.synergy("milademetan", "KT-253", ensemble=draws, draws=True, **FEW)  # type: ignore[arg-type]
    bands = pn.synergy("milademetan", "KT-253", ensemble=draws, **FEW)  # type: ignore[arg-type]
    middle = bands["loewe_score"].sel(quantile=0.5)
    assert float(middle) == pytest.approx(np.median(each["loewe_score"]))
    assert each.sizes["draw"] == 4 and np.ptp(each["dose_alone"].values[:, 1]) > 0
    pn.plot(bands)
    same = drawn(2, spread=0.0, structures=("default",))
    flat = pn.synergy("milademetan", "KT-253", ensemble=same, draws=True, **FEW)  # type: ignore[arg-type]
    plain = pn.synergy("milademetan", "KT-253", **FEW)  # type: ignore[arg-type]
    np.testing.assert_allclose(flat["effect"].values[0], plain["effect"], atol=1e-6)


def rows_of_page() -> list[list[str]]:
    """Structure, and indices of the three orders, of the table of the page."""
    page = (ROOT / "docs" / "combinations.md").read_text(encoding="utf-8")
    table = page.partition("| structure | together")[2].partition("\n\n")[0]
    return [re.findall(r"[^|]+", line) for line in table.splitlines()[2:]]


@pytest.mark.slow
def test_the_answer_of_the_page() -> None:
    """Doses of KT-253 first and of milademetan then, added up, and milademetan alone [nM]."""
    page = (ROOT / "docs" / "combinations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) % \| (.*) \|$", page, re.MULTILINE)
    found = pn.synergy(A, B, switch=24.0, concentrations=[100.0], other_concentrations=[1.0])
    assert [float(level) for level, _ in rows] == found["level"].values.tolist()
    for level, words in rows:
        one = found.sel(level=float(level), share=0.25)
        alone = float(one["dose_alone"])
        values = [float(one["isobole_other"]), float(one["isobole"]), 0.75 * alone, alone]
        assert [float(word) for word in words.split("|")] == pytest.approx(values, rel=0.006)


@pytest.mark.parametrize("row", rows_of_page(), ids=lambda row: row[0].strip())
@pytest.mark.slow
def test_the_table_of_the_page(row: list[str]) -> None:
    name = row[0].strip().strip("`")
    option = dict([name.split("=")]) if "=" in name else name
    orders = ((A, B, None), (A, B, 24.0), (B, A, 24.0))
    for text, (drug, other, switch) in zip(row[1:], orders, strict=True):
        found = pn.synergy(drug, other, switch=switch, structure=option, concentrations=[100.0],
                           other_concentrations=[1.0])  # fmt: skip
        middle = found["interaction_index"].sel(share=0.5).values
        assert [float(one) for one in text.split(",")] == pytest.approx(middle, abs=0.006)


@pytest.mark.slow
def test_it_repeats_from_its_record_and_has_a_figure(board: xr.Dataset) -> None:
    assert pn.rerun(board).equals(board)
    figure = pn.plot(board)
    labels = [axis.get_xlabel() for axis in figure.axes]
    assert "milademetan [nM]" in labels and "KT-253, of its dose alone [1]" in labels


@pytest.mark.slow
def test_the_command_writes_its_tables(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    plates = ("--concentrations", "60,200,500", "--other-concentrations", "0.1:1.5:3")
    done = command("synergy", "milademetan", "KT-253", *plates, "--switch", "24", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("level,dose_alone,other_alone,status,bliss_score")
    names = {"synergy.csv", "isoboles.csv", "checkerboard.csv", "synergy.json", "synergy.png",
             "synergy.svg"}  # fmt: skip
    assert {path.name for path in out.iterdir()} == names


BAD = [
    ({"drug": "nutlin-3a", "other": "milademetan"}, pn.InputError, "both inhibitors"),
    ({"other": "milademetan"}, pn.InputError, "named twice"),
    ({"other": "KT-252"}, pn.UnknownNameError, "did you mean 'KT-253'"),
    ({"cell_line": "RS4"}, pn.UnknownNameError, "RS4"),
    ({"concentrations": []}, pn.InputError, "empty"),
    ({"concentrations": [0.0, 1.0]}, pn.InputError, "above 0"),
    ({"concentrations": [1.0, 1.0]}, pn.InputError, "given once"),
    ({"concentrations": np.geomspace(1, 10, 51)}, pn.InputError, "at most 50"),
    ({"other_concentrations": ["a"]}, pn.InputError, "must be a number"),
    ({"other_concentrations": [-1.0]}, pn.InputError, "at least 0"),
    ({"hours": 0}, pn.InputError, "hours is 0 h"),
    ({"hours": "3 days"}, pn.InputError, "hours must be a number"),
    ({"switch": 72}, pn.InputError, "before the plate is read at 72 h"),
    ({"switch": 0}, pn.InputError, "must be above 0"),
    ({"levels": []}, pn.InputError, "effects from 1 to 99 %"),
    ({"levels": [50, 50]}, pn.InputError, "each once"),
    ({"levels": [0.5]}, pn.InputError, "from 1 to 99 %"),
    ({"levels": "half"}, pn.InputError, "level must be a number"),
    ({"parameters": {"k_dead": 1}}, pn.UnknownNameError, "k_dead"),
    ({"cell_line": "TP53-null", "concentrations": None}, pn.InputError, "never halves"),
    ({"draws": True}, pn.InputError, "give ensemble= too"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "said"), BAD, ids=lambda one: str(one)[:40])
def test_bad_input_is_one_clear_error(
    change: dict[str, object], kind: type[Exception], said: str
) -> None:
    given = {"drug": "milademetan", "other": "KT-253", **FEW, **change}
    with pytest.raises(kind, match=said.replace("(", "\\(")):
        pn.synergy(**given)  # type: ignore[arg-type]
