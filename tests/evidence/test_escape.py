"""Measures of feedback escape: closed forms of each, and the study as users run it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import p53net as pn
from p53net.measures import curves as measures
from p53net.measures.candidate import TWIN, UNTREATED, Candidate, candidates
from p53net.measures.equieffective import loop_factors, resting_doses
from p53net.measures.searching import effective_dose
from p53net.studies.escape import report as escape_report
from tests.support import loop_law

TIMES = np.linspace(0.0, 10.0, 1001)
ALONE = "v0.1"


@pytest.fixture(scope="module")
def result():
    return pn.escape(["milademetan", "KT-253"])


@pytest.fixture(scope="module")
def alone():
    """Of MDM2 without a partner, with the numbers of version 0.1.0."""
    return pn.escape(["milademetan", "KT-253"], structure=ALONE)


# --- closed forms


@given(st.floats(0.0, 1.0), st.floats(0.1, 50.0))
def test_escape_index_is_the_share_lost(kept: float, height: float) -> None:
    opened = 10.0 + height * TIMES
    closed = 10.0 + kept * height * TIMES
    assert measures.escape_index(TIMES, closed, opened, 10.0) == pytest.approx(1 - kept, abs=1e-9)


@given(st.floats(0.1, 10.0), st.floats(0.01, 1.0))
def test_abundance_and_occupancy_add_up(rise: float, share: float) -> None:
    whole, abundance, occupancy = measures.abundance_occupancy(
        20.0 * rise, 20.0 * rise * share, 20.0
    )
    assert abundance == pytest.approx(math.log(rise), abs=1e-12)
    assert occupancy == pytest.approx(math.log(share), abs=1e-12)
    assert whole == pytest.approx(math.log(rise * share), abs=1e-12)


@given(st.floats(0.3, 3.0), st.floats(0.0, 5.0))
def test_half_time_of_an_exponential(rate: float, floor: float) -> None:
    values = floor + 7.0 * np.exp(-rate * TIMES)
    # Linear interpolation over a step of 0.01 h is late by at most rate * step**2 / 8.
    late = rate * 0.01**2 / 8.0
    assert measures.half_time(TIMES + 3.0, values, floor) == pytest.approx(
        math.log(2.0) / rate, abs=late + 1e-9
    )


def test_half_time_counts_the_last_crossing() -> None:
    values = np.interp(TIMES, [0, 1, 2, 3, 10], [1.0, 0.2, 0.8, 0.0, 0.0])
    assert measures.half_time(TIMES, values, 0.0) == pytest.approx(2.375, abs=1e-9)


def test_rebound() -> None:
    assert measures.rebound(np.array([3.0, 0.4, 1.0]), 1.0) == pytest.approx(0.6)
    assert measures.rebound(np.array([3.0, 1.5]), 1.0) == 0.0


@given(st.lists(st.tuples(st.floats(0.05, 3.0), st.integers(0, 900)), min_size=1, max_size=5))
def test_after_washout_a_row_has_what_it_has_alone(rows: list[tuple[float, int]]) -> None:
    """Also where a curve does not come down in time, which then has no number."""
    curves = np.array([1.0 + np.exp(-rate * (TIMES - TIMES[k])) for rate, k in rows])
    for curve, (_, k) in zip(curves, rows, strict=True):
        curve[:k] = np.nan
    times = np.broadcast_to(TIMES, curves.shape)
    with np.errstate(all="ignore"):  # of what has no number
        halves = measures.half_time(times, curves, np.ones(len(rows)))
    falls = measures.rebound(curves, np.full(len(rows), 1.5))
    for i, (rate, k) in enumerate(rows):
        assert falls[i] == measures.rebound(curves[i, k:], 1.5)
        if np.exp(-rate * (TIMES[-1] - TIMES[k])) < 0.49:
            assert halves[i] == measures.half_time(TIMES[k:], curves[i, k:], 1.0)
            assert halves[i] == pytest.approx(math.log(2.0) / rate, rel=1e-3)
        elif np.exp(-rate * (TIMES[-1] - TIMES[k])) > 0.51:
            assert np.isnan(halves[i])
            with pytest.raises(pn.MeasureError, match="run longer"):
                measures.half_time(TIMES[k:], curves[i, k:], 1.0)


@given(st.floats(-3.0, 3.0))
def test_log_sensitivity_of_a_power(power: float) -> None:
    assert measures.log_sensitivity(lambda x: 5.0 * x**power) == pytest.approx(power, abs=1e-9)


@given(st.floats(-3.0, 5.0))
def test_effective_dose_inverts_the_response(log_ec50: float) -> None:
    ec50 = 10.0**log_ec50
    dose = effective_dose(lambda d: 1.0 + 4.0 * d / (d + ec50), 3.0, "x")
    assert dose == pytest.approx(ec50, rel=1e-6)


# --- the study


@pytest.mark.slow
def test_all_drugs_are_equally_effective(result) -> None:
    np.testing.assert_allclose(result["p53_active_fold"], 3.0, rtol=1e-6)
    assert result["drug"].values.tolist() == ["milademetan", "KT-253", "KT-253" + TWIN]


@pytest.mark.slow
def test_a_measure_can_be_had_from_a_plain_simulation(result) -> None:
    """The study's numbers are those of `simulate` at its equal dose."""
    model = pn.load("milademetan")
    dose = float(result["equal_dose"].sel(drug="milademetan"))
    run = model.simulate([0.0, 24.0], {"milademetan": dose})
    rest = model.steady_state()
    fold = float(run["MDM2_total"][-1] / rest["MDM2_total"])
    assert fold == pytest.approx(float(result["MDM2_total_fold"].sel(drug="milademetan")), rel=1e-6)


@pytest.mark.slow
def test_what_does_not_differ_and_what_does(alone) -> None:
    """What follows where MDM2 alone limits ubiquitination, and not the slogan."""
    milademetan, degrader = (alone.sel(drug=name) for name in ("milademetan", "KT-253"))
    np.testing.assert_allclose(milademetan["dose_ratio"], degrader["dose_ratio"], rtol=0.005)
    np.testing.assert_allclose(milademetan["dose_ratio"], [2.44, 4.31, 8.0], rtol=0.005)
    assert float(degrader["escape_index"]) == pytest.approx(
        float(milademetan["escape_index"]), abs=0.01
    )
    assert float(milademetan["MDM2_total_fold"]) > 2.0 > 1.0 > float(degrader["MDM2_total_fold"])
    assert float(milademetan["log_abundance"]) > 0.0 > float(degrader["log_abundance"])
    long = {"exposure": 24.0}
    assert float(milademetan["rebound"].sel(long)) > 0.2
    assert float(degrader["rebound"].sel(long)) < 0.05
    little, much = {"medium_volume": 2.0}, {"medium_volume": 1000.0}
    load = alone["stoichiometric_load"]
    scarce = load.sel(drug="milademetan", **little) / load.sel(drug="KT-253", **little)
    ample = load.sel(drug="milademetan", **much) / load.sel(drug="KT-253", **much)
    assert float(scarce) > 1.2 * float(ample)
    potency = alone["equal_dose"].sel(drug="milademetan") / alone["equal_dose"].sel(drug="KT-253")
    assert float(ample) == pytest.approx(float(potency), rel=0.002)
    assert float(load.sel(drug="KT-253", **little)) < 1.0


@pytest.mark.slow
def test_with_a_capacity_the_dose_ratio_is_that_of_equations_by_hand(result) -> None:
    """The degrader pays more: it keeps MDM2 below the capacity, where more of it counts."""
    by_hand = {"milademetan": loop_law.inhibitor_dose, "KT-253": loop_law.degrader_dose}
    for drug, dose in by_hand.items():
        model = pn.load(drug)
        p = {name: row.value for name, row in model.definition.parameters.items()}
        p["CRBN_total"] = float(model.steady_state()["CRBN"]) if drug == "KT-253" else 0.0
        untreated = float(model.steady_state()["p53_active"])
        for fold in result["fold"].values:
            closed, opened = (
                dose(p, fold * untreated, loop_law.made(p, level))
                for level in (fold * untreated, untreated)
            )
            found = float(result["dose_ratio"].sel(drug=drug, fold=fold))
            assert found == pytest.approx(closed / opened, rel=1e-6)
    paid = result["dose_ratio"].sel(fold=3.0)
    assert float(paid.sel(drug="KT-253")) > 1.5 * float(paid.sel(drug="milademetan")) > 1.5


@pytest.mark.parametrize(
    ("drug", "low", "high"), [("milademetan", 30.0, 1e3), ("KT-253", 1.0, 100.0)]
)
def test_the_loop_factor_falls_at_saturating_doses(drug: str, low: float, high: float) -> None:
    """A saturated promoter feels less. By hand: states at rest of RoadRunner, another step."""
    model = pn.load(drug)
    usual, step = model.definition.parameters["k_ub_p53"].value, 0.02

    def rest(dose: float, factor: float, **held: float) -> float:
        changed = {"k_ub_p53": usual * math.exp(factor), **held}
        state = model.steady_state(
            {drug: dose}, changed, feedback=not held, stable=False, engine="roadrunner"
        )
        return math.log(float(state["p53_active"]))

    by_hand = []
    for dose in (low, high):
        state = model.steady_state({drug: dose}, stable=False, engine="roadrunner")
        held = {"P2_activity_held": float(state["P2_activity_closed"])}
        opened, closed = (
            rest(dose, step, **given) - rest(dose, -step, **given) for given in (held, {})
        )
        by_hand.append(opened / closed)
    one = candidates([drug])[0]
    found = [loop_factors(one, np.array([dose])).only() for dose in (low, high)]
    assert found == pytest.approx(by_hand, rel=1e-4)  # the square of the step
    assert 1.0 < found[1] < found[0]


def test_every_number_has_a_unit_and_a_meaning(result) -> None:
    for name in (*result.data_vars, *result.coords):
        assert result[name].attrs["units"]
        assert result[name].attrs["long_name"]


def test_table_has_every_measure_for_each_drug(result) -> None:
    table = escape_report.table(result)
    for measure in ("loop_factor", "escape_index", "dose_ratio", "log_undrugged", "log_abundance",
                    "log_occupancy", "rebound", "free_MDM2_rise", "persistence",
                    "washout_half_time", "stoichiometric_load"):  # fmt: skip
        assert set(table[table["measure"] == measure]["drug"]) == set(result["drug"].values)
    empty = table[table["value"].isna()]
    assert (empty["status"] != "ok").all()
    assert (table[table["value"].notna()]["status"] == "ok").all()


def test_a_fold_that_is_not_reached_is_a_status_and_not_a_number() -> None:
    """In a cell with slow MDM2-independent loss the plateau is low; nothing is made up above it."""
    import csv
    import io
    from pathlib import Path
    from tempfile import TemporaryDirectory

    row = {"cell_line": "low", "parameter": "k_deg_p53", "value": "0.7", "unit": "per_hour",
           "kind": "assumed", "source": "", "note": "test"}  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, row, delimiter="\t")
    writer.writeheader()
    writer.writerow(row)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lines.tsv"
        path.write_text(text.getvalue())
        result = pn.escape(["milademetan"], "low", fold=2.0, tables={"cell_lines": path})
    table = escape_report.table(result).set_index(["measure", "condition"])
    row5 = table.loc[("dose_ratio", "p53_active 5 x untreated")]
    assert math.isnan(float(row5["value"]))
    assert str(row5["status"]).startswith("not reached: active p53 at rest")
    assert "not reached" in escape_report.summary(result)


def test_summary_says_what_does_not_differ(alone) -> None:
    same, different = escape_report.summary(alone).split("What differs")
    assert "What does not differ" in same
    assert "catalysis by itself does not weaken the feedback" in same
    assert "Feedback costs dose" in same
    assert "Total MDM2 protein" in different


def test_summary_with_a_capacity_does_not_speak_of_one_price(result) -> None:
    same, different = escape_report.summary(result).split("What differs")
    assert "catalysis by itself" not in same
    assert "Feedback costs dose" in different and "has no capacity" in different
    assert "outgrows CRBN" not in different and "pays less" in different


def test_summary_follows_the_numbers_and_not_a_script(alone) -> None:
    changed = alone.copy(deep=True)
    changed["dose_ratio"].loc[{"drug": "KT-253"}] *= 1.5
    changed["MDM2_total_fold"].loc[{"drug": "KT-253"}] = changed["MDM2_total_fold"][0]
    same, different = escape_report.summary(changed).split("What differs")
    assert "They differ by up to" in different
    assert "Total MDM2 protein" in same


@pytest.mark.slow
def test_summary_of_two_inhibitors_claims_nothing_about_catalysis() -> None:
    text = escape_report.summary(pn.escape(["milademetan", "nutlin-3a"]))
    same, different = text.split("What differs")
    assert "catalysis by itself" not in text
    assert "Total MDM2 protein" in same
    assert "After washout" in different


def test_summary_of_one_drug_compares_nothing() -> None:
    text = escape_report.summary(pn.escape(["milademetan"]))
    assert "What milademetan does" in text
    assert "differ" not in text


@pytest.mark.slow
def test_a_dose_that_is_not_the_only_one_says_so() -> None:
    """Where the twin pulses, its response at 24 h crosses the level several times."""
    result = pn.escape(["KT-253"], "LPS-amplified", fold=25.0, structure=ALONE)
    status = result["equal_dose_status"].sel(drug="KT-253" + TWIN).item()
    assert status.startswith("the lowest of several")
    assert "the lowest of several" in escape_report.summary(result)
    assert result["equal_dose_status"].sel(drug="KT-253").item() == "ok"


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(result) -> None:
    again = pn.escape(["milademetan", "KT-253"])
    assert escape_report.table(again).to_csv() == escape_report.table(result).to_csv()


@pytest.mark.slow
def test_the_record_repeats_the_run(result) -> None:
    record = json.loads(json.dumps(pn.record(result)))
    again = pn.rerun(record)
    assert escape_report.table(again).equals(escape_report.table(result))
    assert again.attrs == result.attrs
    models = [pn.load(drug).definition for drug in ("milademetan", "KT-253")]
    assert record["models"] == {model.id: model.sha256 for model in models}
    assert record["software"]["libroadrunner"]


@pytest.mark.slow
def test_summary_of_an_amplified_line_does_not_speak_of_a_rise_that_is_not_there() -> None:
    text = escape_report.summary(pn.escape(["milademetan", "KT-253"], "SJSA-1", structure=ALONE))
    assert "MDM2 mRNA hardly moves" in text
    assert "Feedback costs hardly any dose in this line" in text
    assert "outgrows CRBN" not in text
    assert "nan" not in text
    assert "over 96 h" in text


@pytest.mark.parametrize("cell_line", ["SJSA-1", "LPS-amplified", "RS4;11"])
@pytest.mark.slow
def test_every_wild_type_line_gives_all_measures(cell_line: str) -> None:
    table = escape_report.table(pn.escape(["milademetan"], cell_line))
    assert table.loc[table["measure"] == "escape_index", "value"].between(0.0, 1.0).all()


@pytest.mark.parametrize(("crbn", "equal"), [(0.0, True), (50.0, False), (5000.0, True)])
@pytest.mark.slow
def test_the_twin_departs_only_while_crbn_is_limiting(crbn: float, equal: bool) -> None:
    """Without CRBN, or with plenty, the twin is one more occupier of the pocket."""
    inhibitor, _, twin = candidates(["milademetan", "KT-253"], structure=ALONE)
    ratios = [dose_ratio(inhibitor, 5.0, {}), dose_ratio(twin, 5.0, {"CRBN_total": crbn})]
    assert (abs(ratios[1] / ratios[0] - 1.0) < 0.05) is equal


def dose_ratio_by_hand(p: dict[str, float], untreated: float, active: float) -> float:
    """Closed over opened dose for this active p53, of a drug that takes MDM2 in proportion to dose.

    The dose is in proportion to what drug must take: MDM2 made less the turnover of undrugged MDM2,
    which the p53 balance fixes. No number of a drug is in it.
    """
    bound = (p["k_syn_p53"] - p["k_deg_p53"] * active) / p["k_ub_p53"]
    free = bound * (p["Kd_p53"] + (p["k_ub_p53"] + p["k_deg_MDM2"]) / p["k_on_p53"]) / active
    kept = p["k_deg_MDM2"] * (free + bound)

    def made(level: float) -> float:
        activity = level ** p["n_MDM2"] / (p["K_MDM2"] ** p["n_MDM2"] + level ** p["n_MDM2"])
        mrna = p["k_transcr_MDM2_P1"] + p["k_transcr_MDM2_P2"] * activity
        return p["MDM2_gene_dose"] * p["k_transl_MDM2"] * mrna / p["k_deg_MDM2_mRNA"]

    return (made(active) - kept) / (made(untreated) - kept)


def dose_ratio(one: Candidate, fold: float, changed: dict[str, float]) -> float:
    """In a cell with other parameters, which do not change it untreated."""
    columns = {**one.parameters, **{name: np.array([value]) for name, value in changed.items()}}
    cell = replace(one, parameters=columns, start=one.runner.start(columns, 1, UNTREATED))
    rows = np.zeros(2, dtype=np.intp)
    shut, opened = resting_doses(cell.of(rows), np.full(2, fold), np.array([True, False])).values
    return float(shut / opened)


@pytest.mark.parametrize("fold", [1.5, 2.0, 3.0, 5.0])
@pytest.mark.slow
def test_the_dose_ratio_is_that_of_the_loop_and_not_of_the_drug(fold: float) -> None:
    """As long as MDM2 alone limits ubiquitination, drug takes MDM2 in proportion to dose and
    drug-bound MDM2 is inactive: of every inhibitor to eight digits, of KT-253 but for the CRBN that
    it holds, and not of its twin."""
    milademetan, nutlin, degrader, twin = candidates(
        ["milademetan", "nutlin-3a", "KT-253"], structure=ALONE
    )
    p = {name: row.value for name, row in milademetan.model.definition.parameters.items()}
    untreated = float(milademetan.untreated["p53_active"][0])
    expected = dose_ratio_by_hand(p, untreated, fold * untreated)
    assert dose_ratio(milademetan, fold, {}) == pytest.approx(expected, rel=1e-7)
    assert dose_ratio(nutlin, fold, {}) == pytest.approx(expected, rel=1e-7)
    assert dose_ratio(degrader, fold, {}) == pytest.approx(expected, rel=0.004)
    plenty = {"CRBN_total": 5e3, "Kd_CRBN_degrader": 3e4}  # hardly any of it holds drug or MDM2
    assert dose_ratio(degrader, fold, plenty) == pytest.approx(expected, rel=1e-4)
    assert dose_ratio(twin, fold, {}) > 1.01 * expected


@pytest.mark.parametrize(
    ("residual", "blocked", "destroyed"),
    [(0.01, 4.82, 4.31), (0.03, 6.73, 4.31), (0.05, 13.35, 4.32)],
)
@pytest.mark.slow
def test_with_residual_activity_the_inhibitor_pays_more(
    residual: float, blocked: float, destroyed: float
) -> None:
    """The law is one of this structure: a few per cent of activity on drug-bound MDM2 break it."""
    inhibitor, degrader, _ = candidates(["milademetan", "KT-253"], structure=ALONE)
    left = {"residual": residual}
    assert dose_ratio(inhibitor, 3.0, left) == pytest.approx(blocked, abs=0.01)
    assert dose_ratio(degrader, 3.0, left) == pytest.approx(destroyed, abs=0.01)


@pytest.mark.parametrize("structure", [None, ALONE])
@pytest.mark.slow
def test_at_equal_exit_a_degrader_rebounds_no_less_than_an_inhibitor(
    structure: str | None,
) -> None:
    """The rebound follows how fast a drug leaves the cell: the contrast is an assumed rate. With a
    capacity the inhibitor's MDM2, beyond it, pulls p53 down less."""
    lowest = {}
    for drug, role in (("milademetan", "inhibitor"), ("KT-253", "degrader")):
        model = pn.load(drug, structure=structure)
        rest = float(model.steady_state()["p53_active"])
        for rate in (2.0, 10.0):
            parameters = {f"k_perm_{role}": rate}
            dose = effective_dose(
                lambda d, m=model, n=drug, p=parameters, r=rest: float(
                    m.simulate([0.0, 24.0], {n: d}, p)["p53_active"][-1] / r
                ),
                3.0,
                "active p53",
            )
            run = model.simulate(np.linspace(0, 72, 1441), {drug: pn.pulse(dose, 24.0)}, parameters)
            after = run["p53_active"].sel(time=slice(24.0, None))
            lowest[role, rate] = float(after.min()) / rest
    assert min(lowest["inhibitor", 2.0], lowest["degrader", 2.0]) > 0.95
    assert lowest["degrader", 10.0] < lowest["inhibitor", 10.0] < 0.95
    if structure == ALONE:
        assert lowest["inhibitor", 10.0] < 0.6
        assert lowest["inhibitor", 10.0] == pytest.approx(lowest["degrader", 10.0], abs=0.1)
