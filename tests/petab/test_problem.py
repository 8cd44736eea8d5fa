"""Two small problems with closed forms: every number of them worked out by hand."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import p53net as pn
from p53net.petab.problem import PetabProblem
from p53net.simulation import choice
from tests.support.petab import FIRST, MODEL, SECOND, write

D = 0.5


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> PetabProblem:
    return pn.read_petab(write(tmp_path_factory.mktemp("first"), FIRST))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> PetabProblem:
    return pn.read_petab(write(tmp_path_factory.mktemp("second"), SECOND))


def _b(start: float, s: float, time: float) -> float:
    return s / D + (start - s / D) * math.exp(-D * time)


def _first(k: float, scale: float, offset: float, start: float, sd: float) -> list[float]:
    """Log-densities of the rows."""

    def log10_laplace(measured: float, b: float, width: float) -> float:
        value = math.log(b + 1.0)
        return float(
            stats.laplace(math.log10(value), width + 0.25 * value).logpdf(math.log10(measured))
        ) - math.log(measured * math.log(10.0))

    return [
        stats.norm(scale * start + offset, sd).logpdf(2.9),
        stats.norm(scale * start * math.exp(-k) + offset, 0.3).logpdf(1.7),
        stats.norm(1.25 * 3.5 * math.exp(-0.5 * k) + offset, sd).logpdf(4.9),
        log10_laplace(0.51, _b(0.5, 1.0, 1.0), 0.2),
        log10_laplace(1.1, _b(0.0, 2.0, 1.5), sd),
        log10_laplace(0.9, _b(2.0 / D, 0.0, 0.5), 0.4),
        log10_laplace(1.4, 2.0 / D, 0.2),
        stats.lognorm(sd, scale=2 * 3.5 * math.exp(-2 * k) / scale).logpdf(3.1),
    ]


def _second(k: float, dose: float, sd: float) -> list[float]:
    def a(time: float) -> float:
        first = 2 * dose * math.exp(-k * min(time, 2.0))
        return first if time < 2 else (first + dose / 2) * math.exp(-k / 2 * (time - 2.0))

    b = _b(2.0 / D, 0.0, 2.0)
    return [
        stats.lognorm(sd, scale=1.5 * a(1)).logpdf(2.5),
        stats.lognorm(sd, scale=1.5 * a(2)).logpdf(4.4),
        stats.lognorm(sd, scale=dose * a(4)).logpdf(2.5),
        stats.norm(2.0 / D, 0.2).logpdf(2.2),
        stats.norm(b, sd).logpdf(0.8),
        stats.norm(_b(0.5, 1.0, 1.0), sd).logpdf(1.4),
    ]


def _vectors(problem: PetabProblem) -> np.ndarray:
    spread = np.random.default_rng(7).normal(0.0, 0.05, (5, len(problem.names)))
    return np.vstack([problem.nominal, problem.nominal + spread])


CASES = [("first", _first), ("second", _second)]


@pytest.mark.parametrize(("name", "by_hand"), CASES)
def test_log_likelihood_is_that_by_hand(
    name: str, by_hand: Callable[..., list[float]], request: pytest.FixtureRequest
) -> None:
    problem = request.getfixturevalue(name)
    theta = _vectors(problem)
    found = problem.log_likelihood(theta)
    expected = [sum(by_hand(*row)) for row in problem.values(theta)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert problem.log_likelihood(theta[3]) == found[3]  # alone as among others


@pytest.mark.parametrize(("name", "by_hand"), CASES)
def test_gradient_is_that_by_hand(
    name: str, by_hand: Callable[..., list[float]], request: pytest.FixtureRequest
) -> None:
    problem = request.getfixturevalue(name)
    theta, step = _vectors(problem), 1e-5
    for vector, found in zip(theta, problem.gradient(theta), strict=True):
        ends = [problem.values(vector + s * step * np.eye(len(vector))) for s in (1, -1)]
        up, down = ([sum(by_hand(*row)) for row in end] for end in ends)
        slopes = (np.array(up) - np.array(down)) / (2 * step)
        np.testing.assert_allclose(found, slopes, atol=1e-6 * np.abs(slopes).max())


@pytest.mark.slow
@pytest.mark.parametrize("own", ["A = 1", "A = k + 0.7"])
def test_start_values_follow_those_that_conditions_set(own: str, tmp_path: Path) -> None:
    """B starts at half of A, and by the first condition alone A is set."""
    files = {
        **FIRST,
        "parameters.tsv": "parameterId|lowerBound|upperBound|nominalValue|estimate\n"
        "start|0|9|3|1\nk|0|9|0.3|1",
        "conditions.tsv": "conditionId|A\nset|start\nfile|",
        "observables.tsv": "observableId|observableFormula|noiseFormula\nb|B|1",
        "measurements.tsv": "observableId|simulationConditionId|measurement|time\n"
        "b|set|1|1\nb|file|1|1",
    }
    model = MODEL.replace("A = 1;", f"{own};").replace("B = 0.5", "B = A / 2")
    problem = pn.read_petab(write(tmp_path, files, model))
    found = problem.simulate()["simulation"]
    np.testing.assert_allclose(found, [_b(1.5, 1.0, 1.0), _b(0.5, 1.0, 1.0)], rtol=1e-6)
    slope = (1.0 - found[0]) * math.exp(-D) / 2
    assert problem.gradient(problem.nominal)[0] == pytest.approx(slope, rel=1e-6)


@pytest.mark.slow
def test_slopes_at_the_edge_of_solutions(tmp_path: Path) -> None:
    """dx/dt = k x^2 from 1 is 1 / (1 - k t), which ends at t = 1/k."""
    files = {
        **FIRST,
        "parameters.tsv": "parameterId|lowerBound|upperBound|nominalValue|estimate\n"
        "k|0|2|0.99999|1",
        "conditions.tsv": "conditionId\nonly",
        "observables.tsv": "observableId|observableFormula|observableTransformation|noiseFormula\n"
        "x|x|log|1",
        "measurements.tsv": "observableId|simulationConditionId|measurement|time\nx|only|3e5|1",
    }
    model = "species x; x = 1; k = 1; -> x; k*x^2"
    problem = pn.read_petab(write(tmp_path, files, model))
    assert problem.log_likelihood(np.array([1.0001])) == -np.inf
    expected = (math.log(3e5) - math.log(1e5)) * 1e5
    # An error of 1e-10 in x grows with 1/(1 - k t), which is 1e5 here.
    assert problem.gradient(problem.nominal)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("files", [FIRST, SECOND])
def test_an_engine_that_has_one_run_at_once_gives_the_same(
    files: dict[str, str], tmp_path: Path
) -> None:
    """What the batch engine cannot compile falls back to it."""
    path = write(tmp_path, files)
    many = pn.read_petab(path)
    with choice.preferring(choice.REFERENCE):
        alone = pn.read_petab(path)
    theta = many.nominal + 0.01
    assert alone.engine != many.engine
    assert alone.log_likelihood(theta) == pytest.approx(many.log_likelihood(theta), rel=1e-6)
    found = many.gradient(theta)
    np.testing.assert_allclose(alone.gradient(theta), found, atol=1e-6 * np.abs(found).max())


def test_vectors_are_on_the_scales_of_the_table(first: PetabProblem) -> None:
    assert first.names == ("k", "scale", "offset", "start", "sd")
    assert first.scales == ("log10", "lin", "log", "lin", "log10")
    np.testing.assert_allclose(
        first.nominal, [math.log10(0.3), 1.5, math.log(0.2), 2.0, -1.0], rtol=1e-15
    )
    lower, upper = first.bounds
    np.testing.assert_allclose(lower, [-3, 0.1, math.log(0.001), 0, -3], rtol=1e-15)
    np.testing.assert_allclose(upper, [2, 100, math.log(10), 10, 1], rtol=1e-15)
    np.testing.assert_allclose(first.values(first.nominal), [0.3, 1.5, 0.2, 2.0, 0.1], rtol=1e-15)


def test_priors_of_format_1_are_as_written(first: PetabProblem) -> None:
    k, scale, _, start, _ = first.nominal
    expected = (
        -0.5 * ((k + 0.5) / 0.2) ** 2 - math.log(0.2 * math.sqrt(2 * math.pi))
        - 0.5 * ((math.log(scale) - 0.2) / 0.7) ** 2
        - math.log(scale * 0.7 * math.sqrt(2 * math.pi))
        - abs(start - 1) / 2 - math.log(4)
    )  # fmt: skip
    outside = first.nominal.copy()
    outside[3] = 10.1
    found = first.log_prior(np.vstack([first.nominal, outside]))
    assert found[0] == pytest.approx(expected, rel=1e-12)
    assert found[1] == -np.inf


def test_priors_of_format_2_are_cut_off_at_the_bounds(second: PetabProblem) -> None:
    inside = stats.norm.cdf((100 - 0.4) / 0.2) - stats.norm.cdf((0.001 - 0.4) / 0.2)
    expected = -0.5 * ((0.3 - 0.4) / 0.2) ** 2 - math.log(0.2 * math.sqrt(2 * math.pi) * inside)
    assert float(second.log_prior(second.nominal)) == pytest.approx(expected, rel=1e-12)


def test_simulation_stands_beside_the_data(first: PetabProblem) -> None:
    table = first.simulate()
    assert list(table["measurement"]) == [2.9, 1.7, 4.9, 0.51, 1.1, 0.9, 1.4, 3.1]
    k, scale, offset, start, sd = first.values(first.nominal)
    assert table["simulation"][1] == pytest.approx(scale * start * math.exp(-k) + offset, rel=1e-7)
    assert table["sigma"][1] == 0.3
    assert table["residual"][1] == pytest.approx((1.7 - table["simulation"][1]) / 0.3, rel=1e-12)
    apart = math.log(3.1) - math.log(2 * 3.5 * math.exp(-2 * k) / scale)
    assert table["residual"][7] == pytest.approx(apart / sd, rel=1e-6)


def test_what_has_no_solution_has_no_likelihood(first: PetabProblem) -> None:
    theta = np.vstack([first.nominal, first.nominal])
    theta[1, 1] = 400.0
    theta[1, 0] = 400.0  # k is 1e400
    found = first.log_likelihood(theta)
    assert np.isfinite(found[0]) and found[1] == -np.inf
    assert np.isnan(first.gradient(theta)[1]).all() and np.isfinite(first.gradient(theta)[0]).all()


def test_a_model_that_does_not_rest_is_an_error_by_name(tmp_path: Path) -> None:
    growing = {
        "conditions.tsv": "conditionId|A|s|d\nlow|start||\nhigh|3.5|2|\noff||0|\ngrowing|||0\n",
        "measurements.tsv": FIRST["measurements.tsv"].replace("b||high|1.4|", "b||growing|1.4|"),
    }
    problem = pn.read_petab(write(tmp_path, {**FIRST, **growing}))
    assert problem.log_likelihood(problem.nominal) == -np.inf
    with pytest.raises(pn.SteadyStateError, match="growing: it does not come to rest"):
        problem.simulate()


def test_wrong_vectors_are_one_clear_error(first: PetabProblem) -> None:
    for theta in (np.zeros(4), np.zeros((2, 3)), np.zeros((2, 2, 5)), "much", None):
        with pytest.raises(pn.InputError, match="theta"):
            first.log_likelihood(theta)
    with pytest.raises(pn.InputError, match="simulate one"):
        first.simulate(_vectors(first))


def _with_mapping(folder: Path, rows: str) -> Path:
    named = SECOND["problem.yaml"].rstrip() + "\nmapping_files: [mapping.tsv]\n"
    table = f"petabEntityId|modelEntityId|name\n{rows}"
    return write(folder, {**SECOND, "problem.yaml": named, "mapping.tsv": table})


def test_a_mapping_may_name_quantities(second: PetabProblem, tmp_path: Path) -> None:
    found = pn.read_petab(_with_mapping(tmp_path, "A|A|what decays\ndose||what is given"))
    theta = second.nominal
    assert found.log_likelihood(theta) == second.log_likelihood(theta)


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        ("alpha|A|", pn.InputError, "row 1: A has an id that tables can use, so alpha must not"),
        ("rate|R1.k|", pn.UnsupportedError, "row 1: rate stands for 'R1.k', which is no id"),
        ("A|A|\nA|A|", pn.InputError, "row 2: petabEntityId 'A' is in"),
        ("a b||", pn.InputError, "row 1: petabEntityId is 'a b'"),
    ],
)
def test_a_mapping_stands_for_no_other_id(
    row: str, kind: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said):
        pn.read_petab(_with_mapping(tmp_path, row))
