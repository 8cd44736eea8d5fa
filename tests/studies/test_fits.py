"""The logistic fit against an optimiser that shares nothing with it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, least_squares
from scipy.stats import t as student

from p53net.measures.dose_response import Logistic, fit_logistic, logistic
from p53net.measures.projection import Bounds, Levels, nearest
from p53net.studies.dish import binding

PLATES = [np.geomspace(1e-3, 1e5, 25), np.geomspace(1.0, 1e4, 9), np.geomspace(1e-2, 1e5, 71)]
KINDS = ("logistic", "two sites", "one plateau", "anything")


def bounds_of(doses: np.ndarray) -> Bounds:
    low, high = math.log(doses[0]), math.log(doses[-1])
    return Bounds(2.0, (low - 5.0, high + 5.0), (-3.0, math.log(20.0)))


def curve(kind: str, doses: np.ndarray, random: np.random.Generator) -> np.ndarray:
    ends = 10 ** random.uniform(math.log10(doses[0]), math.log10(doses[-1]), 2)
    bottom, hill = random.uniform(0.0, 0.8), 10 ** random.uniform(-0.6, 0.8)
    first = logistic(doses, 1.0, bottom, ends[0], hill)
    if kind == "two sites":
        return np.asarray(first + logistic(doses, 1.0, bottom, ends[1], 1.0)) / 2
    if kind == "one plateau":
        return logistic(doses, 1.0, 0.1, doses[0] / 100.0, 1.0)
    return random.uniform(0.0, 1.0, len(doses)) if kind == "anything" else first


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(PLATES),
    st.sampled_from(KINDS),
    st.sampled_from([0.0, 1e-3, 0.05, 0.2]),
)
def test_no_other_optimum_is_lower(seed: int, doses: np.ndarray, kind: str, noise: float) -> None:
    random = np.random.default_rng(seed)
    responses = curve(kind, doses, random) * np.exp(random.normal(0.0, noise, len(doses)))
    responses /= np.abs(responses).max()
    bounds = bounds_of(doses)
    best = nearest(Levels(np.log(doses), responses, np.ones(len(doses))), bounds)

    def residuals(p: np.ndarray) -> np.ndarray:
        return np.asarray(logistic(doses, p[0], p[1], np.exp(p[2]), np.exp(p[3])) - responses)

    found = [best.top, best.bottom, best.middle, best.hill]
    low, high = np.array([[-2.0, 2.0], [-2.0, 2.0], bounds.middle, bounds.hill]).T
    assert (low <= found).all() and (found <= high).all()
    assert best.cost == pytest.approx(
        float((residuals(np.array(found)) ** 2).sum()), rel=1e-9, abs=1e-20
    )
    starts = [
        [responses[0], responses[-1], middle, 0.0]
        for middle in np.linspace(*np.log(doses[[0, -1]]), 5)
    ]
    others = [least_squares(residuals, one, bounds=(low, high), xtol=1e-12) for one in starts]
    assert best.cost <= 2.0 * min(one.cost for one in others) * (1 + 1e-6) + 1e-14


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]), st.sampled_from([7, 19]))
def test_intervals_are_those_of_the_curvature(seed: int, copies: int, levels: int) -> None:
    """From slopes by differences at an optimum that scipy refined, each replicate by itself; with
    seven wells Student's t is far from normal."""
    random = np.random.default_rng(seed)
    doses = np.repeat(np.geomspace(1e-2, 1e4, levels), copies)
    clean = logistic(doses, 100.0, random.uniform(0.0, 50.0), 10 ** random.uniform(0.0, 2.0), 1.3)
    noise = 0.05 if levels > 7 else 0.01  # so that seven wells still fix four numbers
    responses = clean * np.exp(random.normal(0.0, noise, len(doses)))
    fit = fit_logistic(doses, responses)
    assert fit.status == "ok"

    def residuals(p: np.ndarray) -> np.ndarray:
        return np.asarray(logistic(doses, p[0], p[1], np.exp(p[2]), np.exp(p[3])) - responses)

    start = [fit.top, fit.bottom, math.log(fit.middle), math.log(fit.hill)]
    end = least_squares(residuals, start, jac="3-point", xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert end.x == pytest.approx(start, rel=1e-5, abs=1e-5)
    freedom = len(doses) - 4
    errors = np.sqrt(np.diag(np.linalg.inv(end.jac.T @ end.jac)) * 2.0 * end.cost / freedom)
    reach = student.ppf(0.975, freedom) * errors
    middle, bottom = math.log(fit.middle), fit.bottom
    assert math.log(fit.high) - middle == pytest.approx(reach[2], rel=1e-5)
    assert middle - math.log(fit.low) == pytest.approx(reach[2], rel=1e-5)
    assert fit.bottom_high - bottom == pytest.approx(reach[1], rel=1e-5)


def test_replicates_count_as_often_as_they_are() -> None:
    doses, random = np.geomspace(1e-2, 1e4, 9), np.random.default_rng(4)
    responses = logistic(doses, 100.0, 10.0, 20.0, 1.0) + random.normal(0.0, 3.0, 9)
    extra = np.append(doses, [doses[2], doses[2]]), np.append(responses, [responses[2]] * 2)
    once, thrice = fit_logistic(doses, responses), fit_logistic(*extra)
    assert abs(thrice(doses)[2] - responses[2]) < abs(once(doses)[2] - responses[2])


def test_a_fit_does_not_depend_on_the_order_of_wells() -> None:
    doses, random = np.repeat(np.geomspace(1e-2, 1e4, 9), 2), np.random.default_rng(5)
    responses = logistic(doses, 100.0, 10.0, 20.0, 1.0) + random.normal(0.0, 3.0, 18)
    mixed = random.permutation(18)
    one, other = fit_logistic(doses, responses), fit_logistic(doses[mixed], responses[mixed])
    for name, value in zip(Logistic._fields, one, strict=True):
        assert getattr(other, name) == (value if isinstance(value, str) else pytest.approx(value))


@pytest.mark.parametrize("ki", [1e-4, 0.05, 36.0, 1e3])
@pytest.mark.parametrize(
    ("mdm2", "probe", "kd"), [(2.0, 2.0, 2.0), (10.0, 0.01, 1e3), (1e-4, 5.0, 5.0)]
)
def test_a_competition_is_at_the_root_of_its_mass_balance(
    ki: float, mdm2: float, probe: float, kd: float
) -> None:
    doses = np.append(0.0, binding._DOSES)
    found = binding._bound(doses, ki, mdm2, probe, kd)
    for dose, bound in zip(doses, found, strict=True):
        free = brentq(
            lambda x, dose=dose: x * (1 + probe / (kd + x) + dose / (ki + x)) - mdm2,
            0.0, mdm2, xtol=1e-300, rtol=1e-14,
        )  # fmt: skip
        assert bound == pytest.approx(probe * free / (kd + free), rel=1e-12)
