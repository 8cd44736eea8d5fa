"""Fits of all parameters together: optima, intervals, and what is said of them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize

from p53net.errors import InputError, SimulationError
from p53net.evidence import joint
from p53net.evidence.blocks import Block, Fitted, all_blocks
from p53net.evidence.calibration import as_dataset, calibrate, table
from p53net.evidence.fit import fit_jointly
from p53net.evidence.joint import STEP, Joint
from p53net.evidence.profiles import add_profiles
from p53net.evidence.published import Observation, observation, observations
from p53net.evidence.residuals import residual
from p53net.model import tables
from p53net.simulation.trials import Trial
from p53net.studies.body import blood

ROWS = observations()
NAMED = {block.name: block for block in all_blocks()}
QUICK = [block for block in all_blocks() if block.rough is None]
"""All but blood, whose patients take seconds."""


def toy(name: str, low: float, high: float, value: float) -> Observation:
    return replace(ROWS["kt253_dc50"], id=name, value=value, low=low, high=high, unit="nM")


A, B = Fitted("toy", "a", 0.1, 100.0), Fitted("toy", "b", 0.1, 100.0)
VALUES = {"a": 4.0, "b": 1.0}


def sets(trials: Sequence[Trial]) -> list[tuple[float, float]]:
    return [(trial["toy"]["a"], trial["toy"]["b"]) for trial in trials]


@pytest.fixture
def problem(monkeypatch: pytest.MonkeyPatch) -> tuple[Block, Block]:
    """y1 = a b is of one block, y2 = a b^2 of another: a and b are known only from both."""
    rows = {"y1": toy("y1", 5.0, 20.0, 10.0), "y2": toy("y2", 10.0, 40.0, 20.0)}
    monkeypatch.setattr(joint, "observation", rows.__getitem__)
    monkeypatch.setattr(
        Fitted,
        "value",
        property(lambda self: tables.Value(VALUES[self.parameter], "nM", "fitted", "x")),
    )
    return (
        Block("one", "", (A,), lambda trials: [{"y1": a * b} for a, b in sets(trials)], ("y1",)),
        Block("two", "", (B,), lambda trials: [{"y2": a * b * b} for a, b in sets(trials)],
              ("y2",)),
    )  # fmt: skip


def test_a_fit_finds_a_known_optimum_interval_and_correlation(problem: tuple[Block, ...]) -> None:
    found = fit_jointly(problem, starts=8)
    assert tuple(found.estimates.values()) == pytest.approx((5.0, 2.0), rel=1e-3)
    assert [one.found_by for one in found.optima] == [8] and found.starts == 8
    add_profiles(found)
    # ln a = 2 y1 - y2, each with s = ln(4)/3.92: variance 5 s^2; ln b = y2 - y1: 2 s^2
    s = math.log(4.0) / (2 * 1.959964)
    for one, variance in ((A, 5.0), (B, 2.0)):
        low, high = found.interval(one)
        width = 1.959964 * s * math.sqrt(variance)
        assert math.log(high / found.estimates[one]) == pytest.approx(width, rel=0.01)
        assert math.log(found.estimates[one] / low) == pytest.approx(width, rel=0.01)
        assert found.identified(one)
    assert found.correlation[0, 1] == pytest.approx(-3 / math.sqrt(10), rel=1e-2)


@pytest.fixture
def twofold(problem: tuple[Block, ...]) -> Block:
    """a + 16/a is 10 at a = 2 and at a = 8."""
    return replace(
        problem[0], predict=lambda trials: [{"y1": t["toy"]["a"] + 16 / t["toy"]["a"]}
                                            for t in trials]
    )  # fmt: skip


def test_two_optima_are_told_and_take_identification_away(twofold: Block) -> None:
    found = fit_jointly([twofold], starts=20)
    ends = sorted(math.exp(one.logs[0]) for one in found.optima)
    assert ends == pytest.approx([2.0, 8.0], rel=1e-3)
    assert [one.chi_squared for one in found.optima] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert sum(one.found_by for one in found.optima) == 20
    add_profiles(found)
    low, high = found.interval(A)
    assert 0 < low < 2.0 and 8.0 < high < math.inf  # both, and still
    assert not found.identified(A)
    result = as_dataset(found)
    assert result["optimum_value"].values.ravel() == pytest.approx([2.0, 8.0], rel=1e-3) or (
        result["optimum_value"].values.ravel() == pytest.approx([8.0, 2.0], rel=1e-3)
    )
    assert result["elsewhere"].item() == 1 and result["identified"].item() == "False"


def test_a_profile_takes_the_better_of_two_optima(twofold: Block) -> None:
    found = fit_jointly([twofold], starts=20)
    add_profiles(found)
    rows, y1 = found.profiles[A], found.joint.observed[0]
    for value, chi in zip(rows["value"], rows["chi_squared"], strict=True):
        assert chi == pytest.approx(residual(y1, value + 16 / value) ** 2, rel=1e-5, abs=1e-6)
    assert (np.diff(rows["value"]) >= 0).all()


def test_a_profile_ends_at_the_bounds(problem: tuple[Block, ...]) -> None:
    near = replace(A, high=5.5)
    found = fit_jointly([replace(problem[0], parameters=(near,)), problem[1]], starts=4)
    add_profiles(found)
    assert found.profiles[near]["value"].max() == pytest.approx(5.5)
    assert found.interval(near)[1] == math.inf
    assert not found.identified(near)


def test_a_parameter_without_influence_is_called_not_identified(
    problem: tuple[Block, ...],
) -> None:
    blind = replace(problem[0], predict=lambda trials: [{"y1": 10.0}] * len(trials))
    found = fit_jointly([blind], starts=1)
    add_profiles(found)
    assert not found.identified(A)
    rows = table(as_dataset(found))
    assert (rows["high"] == math.inf).all() and (rows["low"] == 0.0).all()
    assert (rows["identified"] == "False").all()


def test_cheaper_predictions_end_where_the_whole_ones_are_least(
    problem: tuple[Block, ...],
) -> None:
    """They are off by a tenth, and curved otherwise; estimates and intervals are not."""

    def cheaper(trials: Sequence[Trial]) -> list[dict[str, float]]:
        return [{"y1": 1.1 * (a * b) ** 1.3} for a, b in sets(trials)]

    rough = [replace(problem[0], rough=cheaper, near=cheaper),
             problem[1]]  # fmt: skip
    whole, found = fit_jointly(problem, starts=2), fit_jointly(rough, starts=2)
    for one in (whole, found):
        add_profiles(one)
    spread = np.sqrt(np.diag(whole.best.covariance))  # fits end within 1e-6 of chi-squared
    assert (np.abs(found.best.logs - whole.best.logs) < 1e-3 * spread).all()
    for one in (A, B):
        assert found.interval(one) == pytest.approx(whole.interval(one), rel=5e-3)
    best = whole.best
    there = Joint(rough, rough=True).problem.corrected(best.logs, best.residuals, best.slopes)
    values = there.residuals(whole.best.logs[None])
    assert values[0] == pytest.approx(whole.best.residuals, abs=1e-9)
    assert there.slopes(whole.best.logs[None], values)[0] == pytest.approx(whole.best.slopes,
                                                                          abs=1e-6)  # fmt: skip


def test_starts_without_a_prediction_are_left_out(problem: tuple[Block, ...]) -> None:
    def often_fails(trials: Sequence[Trial]) -> list[dict[str, float]]:
        if any(a > 20.0 for a, _ in sets(trials)):
            raise SimulationError("too much")
        return [{"y1": a * b} for a, b in sets(trials)]

    found = fit_jointly([replace(problem[0], predict=often_fails), problem[1]], starts=8)
    assert tuple(found.estimates.values()) == pytest.approx((5.0, 2.0), rel=1e-3)
    assert found.starts == 8


def test_residuals_count_in_widths_of_the_interval() -> None:
    row = toy("y", 5.0, 20.0, 10.0)
    assert residual(row, 20.0) == pytest.approx(1.959964)
    assert residual(row, 10.0) == 0.0
    share = replace(row, unit="% of patients", value=0.0, low=0.0, high=16.1)
    assert residual(share, 0.0) == 0.0
    assert residual(share, 8.05) == pytest.approx(1.959964)
    assert math.isnan(residual(row, 0.0)) and math.isnan(residual(row, math.nan))
    quartiles = replace(row, interval_origin="quartiles")
    assert residual(quartiles, 20.0) == pytest.approx(0.67449)


# --- the shipped blocks


@pytest.mark.slow
def test_a_fit_of_two_blocks_is_what_another_method_finds() -> None:
    """Nelder and Mead's, without slopes, from a point of its own, and one trial after the other."""
    two = [NAMED["degradation"], NAMED["biopsies"]]
    parameters = [one for block in two for one in block.parameters]

    def chi_squared(logs: np.ndarray) -> float:
        trial: dict[str, dict[str, float]] = {}
        for one, value in zip(parameters, np.exp(logs), strict=True):
            trial.setdefault(one.entry, {})[one.parameter] = float(value)
        seen = {k: v for block in two for k, v in block.predict([trial])[0].items()}
        return sum(residual(observation(name), seen[name]) ** 2
                   for block in two for name in block.observed)  # fmt: skip

    begin = np.log([math.sqrt(one.low * one.high) for one in parameters])
    other = minimize(chi_squared, begin, method="Nelder-Mead",
                     options={"xatol": 1e-4, "fatol": 1e-7, "maxfev": 600})  # fmt: skip
    found = fit_jointly(two, starts=4)
    assert other.success and found.best.chi_squared == pytest.approx(other.fun, abs=1e-4)
    assert found.best.logs == pytest.approx(other.x, abs=2e-3)


@pytest.mark.slow
def test_pharmacokinetics_has_two_optima_and_is_not_identified() -> None:
    shares: list[float] = []
    result = calibrate(["pharmacokinetics"], progress=lambda _, share: shares.append(share))
    ka = result["optimum_value"].sel(parameter="milademetan in human: ka_inhibitor").values
    assert sorted(ka) == pytest.approx([0.217, 0.459], rel=5e-3)
    chi = result["optimum_chi_squared"].values
    assert chi[1] - chi[0] < 1e-4 and (result["optimum_found_by"] > 1).all()
    said = dict(zip(result["symbol"].values, result["identified"].values, strict=True))
    assert said == {"ka_inhibitor": "False", "CL_inhibitor": "True",
                    "V_central_inhibitor": "False", "V_peripheral_inhibitor": "False"}  # fmt: skip
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(set(shares)) > 20


@pytest.mark.slow
def test_a_fit_repeats_to_the_last_bit() -> None:
    one, again = (calibrate(["biomarker", "biopsies"], starts=3, profiles=False) for _ in range(2))
    assert one.drop_attrs().equals(again.drop_attrs())


@pytest.mark.slow
def test_what_a_block_is_said_to_depend_on_is_all_it_depends_on() -> None:
    whole = Joint(QUICK)
    problem = whole.problem
    here = np.log([[one.value.value for one in whole.parameters]])
    slopes = problem.slopes(here, problem.residuals(here))[0]
    assert (slopes[~whole.reach] == 0.0).all()
    assert (whole.reach.any(axis=0)).all() and not whole.reach.all()
    for block in QUICK:  # each of its own parameters moves something
        for one in block.parameters:
            rows = [i for i, row in enumerate(whole.observed) if row.id in block.observed]
            assert np.abs(slopes[rows, whole.parameters.index(one)]).max() > STEP


def test_patients_of_many_trials_are_those_of_each() -> None:
    model = blood.marrow("milademetan", blood.COUNTED)
    trials = [{}, {"slope_platelets": 0.01, "CL_inhibitor": 8.0}]
    arms = [blood.INTERMITTENT, blood.OTHERS[0]]
    found = blood.lowest_of_trials(model, "milademetan", arms, trials, 12, days=14.0)
    for i, changed in enumerate(trials):
        for j, arm in enumerate(arms):
            alone = blood.lowest_counts(model, "milademetan", arm, changed, 12, days=14.0)
            assert found[i, j] == pytest.approx(alone, rel=1e-5)


@pytest.mark.slow
def test_committed_values_are_an_optimum_of_all_blocks_together() -> None:
    """A step of Gauss and Newton within the bounds gains less than 0.02 of chi-squared: no estimate
    is further from the optimum than a seventh, the root of it, of its standard error."""
    whole = Joint(all_blocks())
    logs = np.log([[one.value.value for one in whole.parameters]])
    residuals = whole.problem.residuals(logs)
    slopes = whole.problem.slopes(logs, residuals)[0]
    assert np.isfinite(residuals).all()
    below, above = (
        np.log([getattr(one, end) for one in whole.parameters]) - logs[0] for end in ("low", "high")
    )
    nothing = 1e-9  # where a value is at its bound
    step = lsq_linear(
        slopes, -residuals[0], (np.minimum(below, -nothing), np.maximum(above, nothing))
    )
    assert (residuals**2).sum() - 2.0 * step.cost < 0.02


@pytest.mark.slow
def test_no_start_of_blocks_ends_below_the_optimum_that_is_told() -> None:
    """A search along directions around it, of all parameters of blocks in a dish that share a line,
    finds nothing better."""
    dishes = [NAMED[name] for name in ("biochemistry", "degradation", "viability", "potency")]
    found = fit_jointly(dishes, starts=3)
    whole = Joint(dishes)

    def chi_squared(logs: np.ndarray) -> float:
        return float(np.nan_to_num(whole.residuals(logs[None]) ** 2, nan=1e6).sum())

    ends = list(zip(whole.problem.low, whole.problem.high, strict=True))
    begin = np.clip(found.best.logs + 0.05, *np.transpose(ends))
    other = minimize(chi_squared, begin, method="Powell", bounds=ends, options={"maxfev": 200})
    assert other.fun > found.best.chi_squared - 1e-4


@pytest.mark.parametrize("starts", [0, -1, 2.5, True, "6"])
def test_a_number_of_starts_is_a_whole_one(starts: object) -> None:
    with pytest.raises(InputError, match="starts is"):
        calibrate(["biochemistry"], starts=starts)  # type: ignore[arg-type]


def test_no_block_is_refused() -> None:
    with pytest.raises(InputError, match="no block is named"):
        calibrate([])
