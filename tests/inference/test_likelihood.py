"""Families of rows against other people's distributions, and what a likelihood refuses."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from p53net.errors import InputError, UnknownNameError
from p53net.evidence.published import observations
from p53net.evidence.trials import COUNTED, SPREAD
from p53net.inference import likelihood as room
from p53net.inference.likelihood import ALREADY, STANDS_IN, STEPS, UNDEFINED, Likelihood, family
from p53net.inference.target import Target

ROWS = observations()
NUMBERS = [
    name for name, row in ROWS.items()
    if math.isfinite(row.low) and math.isfinite(row.high) and not row.statement
    and name not in STEPS and name not in COUNTED and name not in room._MORE_COUNTED
]  # fmt: skip


def deviation(name: str) -> float:
    """Of the logarithm, by the definition of its interval."""
    row = ROWS[name]
    inside = 0.5 if row.interval_origin == "quartiles" else 0.95
    own = math.log(row.high / row.low) / (2 * stats.norm.ppf(0.5 + inside / 2))
    return math.hypot(own, STANDS_IN[name][0] if name in STANDS_IN else 0.0)


def test_numbers_are_log_normal_with_the_width_of_their_interval() -> None:
    checked = 0
    for name in NUMBERS:
        row = ROWS[name]
        if row.low <= 0:
            continue
        values = row.middle * np.array([0.2, 0.9, 1.0, 1.7, 30.0])
        expected = stats.norm.logpdf(math.log(row.middle), np.log(values), deviation(name))
        np.testing.assert_allclose(family(row)(values), expected, rtol=1e-5, atol=1e-5)
        checked += 1
    assert checked > 40


def test_numbers_that_may_be_zero_are_normal() -> None:
    row = replace(ROWS["p53_half_life"], id="mine", value=3.0, low=-1.0, high=7.0)
    values = np.array([-4.0, 0.0, 3.0, 20.0])
    expected = stats.norm.logpdf(3.0, values, 8.0 / (2 * stats.norm.ppf(0.975)))
    np.testing.assert_allclose(family(row)(values), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["thrombocytopenia_grade34_mantra", "platelets_japan_any",
                                  "anaemia_grade3plus_intermittent"])  # fmt: skip
def test_rates_are_binomial_with_odds_that_differ_between_trials(name: str) -> None:
    """Integrated by quadrature. Between rates half a per cent apart a residual is straight, which
    is right to a hundredth of a standard deviation, up to five of them away."""
    events, number = COUNTED[name]
    best = events / number

    def chance(percent: float) -> float:
        odds = math.log(percent / (100.0 - percent))

        def at(u: float) -> float:
            rate = 1.0 / (1.0 + math.exp(-odds - SPREAD * u))
            return float(stats.binom.pmf(events, number, rate) * stats.norm.pdf(u))

        return float(integrate.quad(at, -8.0, 8.0, epsabs=1e-14, limit=200)[0])

    rates = np.array([4.2, 11.0, 38.2, 61.1, 80.2])
    one, expected = family(ROWS[name]), np.log([chance(rate) for rate in rates])
    away = np.sqrt(2.0 * (one.highest - expected).clip(0.0))
    # between 199 rates the table is read along straight lines
    np.testing.assert_allclose(np.abs(one.residual(rates)), away, atol=0.01)
    np.testing.assert_array_equal(np.sign(one.residual(rates)), np.sign(rates - 100.0 * best))


@pytest.mark.parametrize("name", STEPS)
def test_bounds_and_statements_are_steps(name: str) -> None:
    """The chance that a value with this error is on the right side."""
    step = STEPS[name]
    width = math.hypot(step.width, STANDS_IN[name][0] if name in STANDS_IN else 0.0)
    values = step.limit * np.array([0.5, 0.97, 1.0, 1.02, 1.6])
    scale = np.log if step.logarithm else np.asarray
    away = (scale(values) - scale(step.limit)) / width
    expected = stats.norm.logcdf(away if step.above else -away)
    np.testing.assert_allclose(family(ROWS[name])(values), expected, rtol=1e-6, atol=1e-12)


def test_a_step_is_where_the_ledger_has_its_bound() -> None:
    """Of a bound; a statement has none, and a lethal dose is read as live cells at that dose."""
    checked = 0
    for name, step in STEPS.items():
        row = ROWS[name]
        if not row.statement and name != "nutlin_lethal_sjsa1":
            expected = (row.low, math.inf) if step.above else (-math.inf, row.high)
            assert (row.low, row.high) == expected and step.limit in expected, name
            checked += 1
    assert checked > 5


def test_no_end_of_what_a_step_asks_for_is_no_miss() -> None:
    above, below = (family(ROWS[name]) for name in ("sar405838_over_nutlin", "md224_dc"))
    ends = np.array([np.inf, 0.0, np.nan])
    missed = stats.norm.logcdf(-UNDEFINED)
    np.testing.assert_allclose(above(ends), [0.0, missed, missed], atol=1e-12)
    np.testing.assert_allclose(below(ends), [missed, 0.0, missed], atol=1e-12)


def test_a_row_that_a_parameter_set_lacks_counts_as_far_but_not_endlessly() -> None:
    one = family(ROWS["p53_pulse_period"])
    np.testing.assert_allclose(one(np.array([np.nan, 0.0])), one.highest - UNDEFINED**2 / 2)


def test_rows_of_other_lines_are_wider_than_their_interval() -> None:
    for name, (more, why) in STANDS_IN.items():
        assert name in ROWS and more > 0 and why
        if name in NUMBERS:
            bare = family(replace(ROWS[name], id="mine")).highest
            assert family(ROWS[name]).highest < bare - 0.1


@pytest.mark.slow
def test_what_says_the_same_counts_once() -> None:
    target = Target("default")
    assert ALREADY.keys() <= ROWS.keys()
    assert not set(target.rows) & ALREADY.keys()
    assert len(target.rows) > 30 and len(set(target.rows)) == len(target.rows)


def test_the_whole_is_the_sum_of_its_rows() -> None:
    rows = ("p53_half_life", "kt253_dc50", "md224_dc")
    given = np.array([[20.0, 0.4, 0.5], [11.0, 3.0, 2.0]])
    one = Likelihood(lambda v: dict(zip(rows, v.T, strict=True)), rows, ROWS)
    parts = [family(ROWS[name])(given[:, i]) for i, name in enumerate(rows)]
    np.testing.assert_allclose(one.each(given).T, parts, rtol=1e-12)
    np.testing.assert_allclose(one(given), np.sum(parts, axis=0), rtol=1e-12)
    squares = one.highest - 0.5 * (one.residuals(given) ** 2).sum(axis=1)
    np.testing.assert_allclose(one(given), squares, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": -math.inf}, "without an interval"),
        ({"high": math.inf}, "without an interval"),
        ({"low": 5.0, "high": 5.0}, "is empty"),
        ({"low": 6.0, "high": 5.0}, "is empty"),
        ({"value": -3.0}, "outside its interval"),
        ({"value": 90.0}, "outside its interval"),
    ],
)
def test_a_row_that_says_nothing_is_refused(change: dict[str, float], words: str) -> None:
    row = replace(ROWS["p53_half_life"], id="mine", **change)
    with pytest.raises(InputError, match=words):
        Likelihood(lambda v: {}, ["mine"], {"mine": row})


def test_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="p53_half_live"):
        Likelihood(lambda v: {}, ["p53_half_live"], ROWS)
