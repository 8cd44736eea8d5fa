"""Fast reactions: at equilibrium always, as models that were reduced by hand say; and reactions
without a rate, which stand still."""

import warnings

import numpy as np
import pytest
import roadrunner
from scipy.integrate import solve_ivp

import p53net as pn
from p53net.simulation.model import Model
from tests.support.networks import Network, fastened
from tests.support.sbml_texts import TIMES, sbml, species

SAME = 1e-6  # of each peak


def read(text: str) -> Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pn.ModelWarning)
        return pn.read_sbml(text)


def without_rate(text: str, formula: str) -> str:
    """The model without the kinetic law that holds a formula."""
    before, law, after = text.partition(formula)
    assert law
    return before.rpartition("<kineticLaw>")[0] + after.partition("</kineticLaw>")[2]


PAIRS = fastened(
    sbml(
        *(species(name, start) for name, start in zip("ABCD", (5, 1, 0, 0), strict=True)),
        reactions=(
            ("J0", "A", "B", "cell * (k1 * A - k2 * B)"),
            ("J1", "C", "D", "cell * (k3 * C - k4 * D)"),
            ("J2", "B", "C", "cell * k * B"),
        ),
        constants={"k1": 1, "k2": 2, "k3": 3, "k4": 1, "k": 0.7},
    ),
    "J0",
    "J1",
)
"""A and B, C and D at equilibrium, and a slow reaction from one pair to the other."""


def pairs(
    times: np.ndarray, k1: float = 1, k2: float = 2, k3: float = 3, k4: float = 1, k: float = 0.7
) -> dict[str, np.ndarray]:
    """Their sums follow one linear equation; each sum is split as its equilibrium says."""
    first = 6.0 * np.exp(-k * k1 / (k1 + k2) * times)
    last = 6.0 - first
    split = (first * k2, first * k1, last * k4, last * k3)
    sums = (k1 + k2, k1 + k2, k3 + k4, k3 + k4)
    return dict(zip("ABCD", (a / b for a, b in zip(split, sums, strict=True)), strict=True))


def compare(run: object, exact: dict[str, np.ndarray], within: float = SAME) -> None:
    for name, values in exact.items():
        found = run[name].values  # type: ignore[index]
        np.testing.assert_allclose(found, values, rtol=0, atol=within * np.abs(values).max())


@pytest.mark.parametrize("engine", ["batch", "roadrunner", "copasi"])
def test_two_pairs_at_equilibrium_are_as_their_sums_say(engine: str) -> None:
    if engine == "copasi":
        pytest.importorskip("COPASI")
    run = read(PAIRS).simulate(TIMES, engine=engine)
    assert run.attrs["engine"].startswith(engine)
    compare(run, pairs(TIMES))
    assert float(run["A"][0]) == pytest.approx(4.0, rel=1e-9)  # where the file says 5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
@pytest.mark.parametrize("values", [
    {"k1": 1e-2, "k2": 2e-2}, {"k1": 1e6, "k2": 2e6, "k3": 3e3, "k4": 1e3},
    {"k": 700.0}, {"k": 7e-6}, {"k1": 1e3, "k2": 3e3},
])  # fmt: skip
def test_written_speeds_do_not_matter(values: dict[str, float], engine: str) -> None:
    """Neither how fast the fast ones are written, nor how slow the slow one is."""
    text = PAIRS
    for name, value in values.items():
        before = text.partition(f'id="{name}" value="')
        text = f"{before[0]}{before[1]}{value}{before[2][before[2].index(chr(34)) :]}"
    times = np.r_[0.0, np.geomspace(1e-3, 1.0, 20) * 20.0 / values.get("k", 0.7)]
    compare(read(text).simulate(times, engine=engine), pairs(times, **values))


@pytest.mark.parametrize("accuracy", [1e-2, 1e-3, 1e-8])
def test_a_loose_accuracy_is_no_looser_than_fast_reactions_allow(accuracy: float) -> None:
    """CVODE's own error times the speed of the fast ones was once as large as the states."""
    run = read(PAIRS).simulate(TIMES, engine="roadrunner", accuracy=accuracy)
    compare(run, pairs(TIMES))


def test_runs_of_other_parameters_begin_at_their_own_equilibrium() -> None:
    model = read(PAIRS)
    for k2 in (0.5, 5.0):
        run = model.simulate(TIMES, parameters={"k2": k2}, engine="roadrunner")
        compare(run, pairs(TIMES, k2=k2))


@pytest.mark.slow
def test_binding_at_equilibrium_beside_an_influx() -> None:
    """The quadratic of its equilibrium, and SciPy for the two sums."""
    text = fastened(
        sbml(
            *(species(name, start) for name, start in zip("ABC", (3, 2, 0), strict=True)),
            reactions=(
                ("J0", "A B", "C", "cell * 5 * (A * B - Kd * C)"),
                ("J1", "C", "", "cell * k * C"),
                ("J2", "", "A", "cell * 0.3"),
            ),
            constants={"Kd": 0.4, "k": 0.6},
        ),
        "J0",
    )

    def bound(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total = a + b + 0.4
        return np.asarray(total - np.sqrt(total**2 - 4 * a * b)) / 2

    def rates(_: float, sums: np.ndarray) -> list[float]:
        lost = 0.6 * float(bound(sums[0], sums[1]))
        return [0.3 - lost, -lost]

    a, b = solve_ivp(rates, (0, TIMES[-1]), [3.0, 2.0], "Radau", TIMES, rtol=1e-11, atol=1e-13).y
    c = bound(a, b)
    compare(read(text).simulate(TIMES, engine="batch"), {"A": a - c, "B": b - c, "C": c})


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["batch", "roadrunner"])
@pytest.mark.parametrize("seed", range(6))
def test_networks_at_random_are_as_reduced_by_hand(seed: int, engine: str) -> None:
    network = Network(seed)
    compare(read(network.sbml()).simulate(network.times, engine=engine), network.exact())


@pytest.mark.parametrize("engine", [pytest.param("batch", marks=pytest.mark.slow), "roadrunner"])
def test_an_event_that_moves_the_equilibrium(engine: str) -> None:
    """It is there again at once; the row of the event itself is before that."""
    text = fastened(
        sbml(
            species("A", 1), species("B", 0),
            reactions=(("J0", "A", "B", "cell * (k1 * A - 2 * B)"), ("J1", "B", "", "cell*0.2*B")),
            constants={}, variables={"k1": 1},
            events=(("e", "time >= 4", "k1", "6"),),
        ),
        "J0",
    )  # fmt: skip
    times = TIMES[TIMES != 4.0]
    after = np.maximum(times - 4.0, 0.0)
    share = np.where(times < 4.0, 1 / 3, 3 / 4)
    total = np.exp(-0.2 / 3 * np.minimum(times, 4.0) - 0.15 * after)
    run = read(text).simulate(times, engine=engine)
    compare(run, {"A": total * (1 - share), "B": total * share})


def test_a_fast_reaction_whose_law_is_zero_stands_still() -> None:
    run = read(PAIRS).simulate(TIMES, parameters={"k1": 0, "k2": 0}, engine="roadrunner")
    total = np.exp(-0.7 * TIMES)
    compare(run, {"A": 0 * TIMES + 5.0, "B": total, "C": (1.0 - total) / 4})


def test_the_ratio_of_two_fast_reactions_decides_what_they_share() -> None:
    """A is made slowly and gone at once, to B and C as 1 to 3."""
    text = sbml(
        species("A", 2), species("B", 0), species("C", 0),
        reactions=(("J0", "A", "B", "A"), ("J1", "A", "C", "3 * A"), ("J2", "", "A", "cell")),
    )  # fmt: skip
    model, made = read(fastened(text, "J0", "J1")), 2.0 + TIMES
    compare(model.simulate(TIMES, engine="roadrunner"), {"B": made / 4, "C": 3 * made / 4})
    rates = model.simulate([0.0, 1.0, 2.0], observables=["J0", "J1"], engine="roadrunner")
    assert rates["J0"].values[1:] == pytest.approx(0.5, rel=1e-6)  # of 2 that are made in all
    assert rates["J1"].values[1:] == pytest.approx(1.5, rel=1e-6)


def test_a_row_between_an_event_and_the_new_equilibrium_is_an_error() -> None:
    text = fastened(
        sbml(
            species("A", 1), species("B", 0),
            reactions=(("J0", "A", "B", "cell * (k1 * A - B)"),),
            constants={}, variables={"k1": 1}, events=(("e", "time >= 4", "k1", "4"),),
        ),
        "J0",
    )  # fmt: skip
    model = read(text)
    run = model.simulate([0.0, 4.0, 4.0 + 1e-4], engine="roadrunner")
    np.testing.assert_allclose(run["A"], [0.5, 0.5, 0.2], rtol=1e-6)  # that of the event: before
    with pytest.raises(pn.SimulationError, match=r"A is not at the equilibrium .* at 4.00000001"):
        model.simulate([0.0, 4.0 + 1e-8, 5.0], engine="roadrunner")


@pytest.mark.parametrize("law", ["cell * k", "cell * k * A", "cell * k * (1 + A ^ 2)"])
def test_without_an_equilibrium_a_run_says_so(law: str) -> None:
    text = sbml(species("A", 1), reactions=(("J0", "", "A", law), ("J1", "A", "", "cell*1e-3")))
    with pytest.raises(pn.SimulationError, match="small: its fast reactions do not come to rest"):
        read(fastened(text, "J0")).simulate([0.0, 1.0], engine="roadrunner")


@pytest.mark.parametrize(("values", "said"), [
    ({"k": 1e7}, "J0 are called fast, but others are up to"),
    ({"k1": 1e8}, "the fast reactions J0, J1 differ in speed by a factor of"),
])  # fmt: skip
def test_speeds_that_no_equilibrium_can_be_made_of_are_refused(
    values: dict[str, float], said: str
) -> None:
    text = PAIRS
    for name, value in values.items():
        text = text.replace(f'id="{name}" value="', f'id="{name}" value="{value}" name="')
    with pytest.raises(pn.ModelError, match=said):
        pn.read_sbml(text)


def test_reading_and_results_name_the_fast_reactions() -> None:
    with pytest.warns(pn.ModelWarning, match="small: fast reactions J0, J1 run at equilibrium"):
        model = pn.read_sbml(PAIRS)
    run = model.simulate([0.0, 1.0], engine="roadrunner")
    assert "; fast reactions J0, J1 run at equilibrium" in run.attrs["engine"]


STILL = sbml(
    species("A", 2), species("B", 1),
    reactions=(("J0", "A", "B", "0.125 * A"), ("J1", "B", "", "cell * k * B")),
)  # fmt: skip


@pytest.mark.parametrize("engine", ["batch", "roadrunner", "copasi"])
def test_a_reaction_without_a_rate_stands_still(engine: str) -> None:
    """As plain RoadRunner runs the file."""
    if engine == "copasi":
        pytest.importorskip("COPASI")
    text = without_rate(STILL, "0.125")
    with pytest.warns(pn.ModelWarning, match="small: reaction J0 has no kinetic law"):
        model = pn.read_sbml(text)
    run = model.simulate(TIMES, engine=engine)
    assert "; reaction J0 has no kinetic law, and stands still" in run.attrs["engine"]
    compare(run, {"A": np.full_like(TIMES, 2.0), "B": np.exp(-0.5 * TIMES)})
    plain = roadrunner.RoadRunner(text)
    plain.integrator.relative_tolerance = 1e-10
    table = np.array(plain.simulate(times=TIMES, selections=["time", "[A]", "[B]"]))
    compare(run, dict(zip("AB", table.T[1:], strict=True)))


def test_a_model_of_nothing_but_such_reactions_is_one_for_flux_balance() -> None:
    only = sbml(species("A", 2), reactions=(("J0", "A", "", "0.125"), ("J1", "", "A", "0.25")))
    text = without_rate(without_rate(only, "0.125"), "0.25")
    with pytest.raises(pn.ModelError, match=r"J0, .*and 1 more have no rate, .* flux balance"):
        pn.read_sbml(text)
