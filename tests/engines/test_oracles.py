"""The oracles themselves: small models with known solutions, and COPASI on the same files."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.support.oracles import Method, copasi_solution, scipy_solution
from tests.support.sbml_texts import (
    AFTER,
    DECAY,
    INFUSION,
    TIMES,
    VOLUME,
    K,
    event,
    infusion,
    mathml,
    sbml,
    species,
)


def close(found: np.ndarray, expected: np.ndarray | float, tolerance: float = 1e-9) -> None:
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("method", ["LSODA", "Radau"])
def test_a_rate_is_amount_per_time(method: Method) -> None:
    model = sbml(species("S", 3), reactions=(DECAY,))  # d(2 S)/dt = -k S
    close(scipy_solution(model, TIMES, method=method)["S"], 3 * np.exp(-K / VOLUME * TIMES))


def test_infusion_ends_exactly_at_its_event() -> None:
    close(scipy_solution(INFUSION, TIMES)["S"], infusion(TIMES))


def test_an_event_shows_from_its_own_row_on() -> None:
    events = (("add", "time >= 4", "S", "S + 10"), ("end", "time >= 12", "S", "7"))
    model = sbml(species("S", 3), reactions=(DECAY,), events=events)
    expected = 3 * np.exp(-K / 2 * TIMES) + 10 * np.exp(-K / 2 * AFTER) * (TIMES >= 4)
    expected[-1] = 7
    close(scipy_solution(model, TIMES)["S"], expected)
    close(scipy_solution(model, TIMES[[16, 44]])["S"], expected[[16, 44]])


def test_events_at_one_time_see_the_state_before() -> None:
    swap = (("a", "time >= 4", "S", "T"), ("b", "4 <= time", "T", "S"))
    found = scipy_solution(sbml(species("S", 3), species("T", 5), events=swap), TIMES)
    assert (found["S"][-1], found["T"][-1]) == pytest.approx((5, 3))


def test_an_event_at_the_start_needs_a_false_initial_trigger() -> None:
    model = sbml(species("S", 3), events=(("early", "time >= 0", "S", "8"),))
    close(scipy_solution(model, TIMES)["S"], 3.0)
    close(scipy_solution(model.replace('lValue="true"', 'lValue="false"'), TIMES)["S"], 8.0)


def test_hill_law_settles_where_it_should() -> None:
    fixed = species("U", 7).replace('boundaryCondition="false"', 'boundaryCondition="true"')
    made = ("made", "U", "S", "cell * v * U^n / (h^n + U^n)")
    model = sbml(
        species("S", 0),
        fixed,
        reactions=(made, ("gone", "S", "", "cell * k * S")),
        constants={"k": K, "v": 4, "h": 5, "n": 2.5},
    )
    found = scipy_solution(model, np.array([0.0, 100.0]))
    close(found["S"][-1:], 4 / K * 7**2.5 / (5**2.5 + 7**2.5))
    close(found["U"], 7.0)


def test_stoichiometry_counts() -> None:
    pairing = ("pairing", "2S", "P", "cell * k * S^2")
    found = scipy_solution(sbml(species("S", 3), species("P", 0), reactions=(pairing,)), TIMES)
    left = 3 / (1 + 2 * K * 3 * TIMES)
    close(found["S"], left)
    close(found["P"], (3 - left) / 2)


def test_initial_assignments_may_build_on_each_other() -> None:
    starts = {"S": "10 * k", "k": "ln(2) / half"}
    model = sbml(
        species("S", 99), reactions=(DECAY,), constants={"k": 99, "half": 4}, starts=starts
    )
    k = math.log(2) / 4
    close(scipy_solution(model, TIMES)["S"], 10 * k * np.exp(-k / 2 * TIMES))


def test_rules_in_any_order_are_followed_and_returned() -> None:
    rules = {"shown": "flux + 1", "flux": "k * S"}
    model = sbml(species("S", 3), reactions=(("decay", "S", "", "flux"),), rules=rules)
    found = scipy_solution(model, TIMES)
    close(found["S"], 3 * np.exp(-K / 2 * TIMES))
    close(found["shown"], 1.5 * np.exp(-K / 2 * TIMES) + 1)
    assert set(found) == {"S", "shown", "flux"}


AMOUNTS = sbml(
    species("S", 6, "Amount", only="true"),
    reactions=(DECAY,),
    events=(("dose", "time >= 4", "S", "8"),),
)


def test_amount_species_count_as_amounts_and_are_returned_as_concentrations() -> None:
    found = scipy_solution(AMOUNTS, TIMES)["S"]
    close(found, np.where(TIMES < 4, 3 * np.exp(-K * TIMES), 4 * np.exp(-K * AFTER)))
    close(scipy_solution(sbml(species("S", 3, only="true")), TIMES)["S"], 3.0)


def test_a_concentration_species_may_start_from_an_amount() -> None:
    model = sbml(species("S", 6, "Amount"), reactions=(DECAY,))
    close(scipy_solution(model, TIMES)["S"], 3 * np.exp(-K / 2 * TIMES))


def test_functions_and_local_parameters() -> None:
    loss = f'<functionDefinition id="loss">{mathml("lambda(x, y, x * y)")}</functionDefinition>'
    model = sbml(
        species("S", 3),
        reactions=(("decay", "S", "", "loss(S, k)"),),
        constants={"k": 99},
        functions=loss,
    )
    local = '<listOfLocalParameters><localParameter id="k" value="0.5"/></listOfLocalParameters>'
    model = model.replace("</kineticLaw>", f"{local}</kineticLaw>")
    close(scipy_solution(model, TIMES)["S"], 3 * np.exp(-K / 2 * TIMES))


def test_a_short_pulse_in_time_is_not_stepped_over() -> None:
    rate = "cell * piecewise(1000, (time >= on) && (time < on + 0.001), 0)"
    model = sbml(species("S", 0), reactions=(("in", "", "S", rate),), constants={"on": 7.0001})
    close(scipy_solution(model, TIMES)["S"], np.where(TIMES > 7.1, 1.0, 0.0))


def test_time_in_a_rate() -> None:
    model = sbml(species("S", 0), reactions=(("made", "", "S", "x"),), rules={"x": "time^2"})
    found = scipy_solution(model, TIMES)
    close(found["x"], TIMES**2)
    close(found["S"], TIMES**3 / 6)


def test_amounts_of_very_different_size_are_each_accurate() -> None:
    pools = (species("S", 1e6), species("T", 1e-3))
    model = sbml(*pools, reactions=(DECAY, ("decay_T", "T", "", "20 * k * T")))
    found = scipy_solution(model, TIMES)
    close(found["S"], 1e6 * np.exp(-K / 2 * TIMES))
    close(found["T"], 1e-3 * np.exp(-20 * K / 2 * TIMES), 1e-8)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("2 + 3 * 4 - 6 / 4", 12.5),
        ("k - (1 - 2) - 3", -1.5),
        ("8 / (4 / 2) / 2", 2.0),
        ("-2^2 + 2^-1", -3.5),
        ("1e-3 + 0.1", 0.101),
        ("exp(1) + ln(exponentiale) + pi", math.e + 1 + math.pi),
        ("log10(1000) + log(2, 32)", 8.0),
        ("sqrt(16) + root(3, 27)", 7.0),
        ("abs(-3) + min(4, 2, 3) + max(4, 5, 1)", 10.0),
        ("piecewise(1, k > 1, 2, k == 0.5, 3)", 2.0),
        ("piecewise(1, k > 1, 2, k != 0.5, 3)", 3.0),
        ("piecewise(1, !(k <= 0.4) && true, 3)", 1.0),
        ("piecewise(1, 0 < k < 0.5 || k >= 1, 3)", 3.0),
    ],
)
def test_mathml(formula: str, value: float) -> None:
    model = sbml(species("S", 1), rules={"x": formula})
    model = model.replace("/version1/", "/version2/").replace('version="1"', 'version="2"')
    found = scipy_solution(model, TIMES)
    assert found["x"] == pytest.approx(value, rel=1e-14)


GOOD = sbml(
    species("S", 3),
    reactions=(DECAY,),
    variables={"x": 0.0},
    events=(("dose", "time >= 4", "x", "1"),),
)
_AFTER_TRIGGER = "</trigger>"


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (mathml("time >= 4"), mathml("S >= 4"), "dose"),
        (mathml("time >= 4"), mathml("time >= x"), "dose"),
        (mathml("time >= 4"), mathml("time > 4"), "dose"),
        (_AFTER_TRIGGER, f"{_AFTER_TRIGGER}<delay>{mathml('1')}</delay>", "dose"),
        ('FromTriggerTime="true"', 'FromTriggerTime="false"', "dose"),
        ("</event>", "</event>" + event("other", "time >= 4", "x", "2"), "other"),
        (mathml("k * S"), mathml("k * delay(S, 1)"), "decay"),
        (mathml("k * S"), mathml("k * sin(S)"), "decay"),
        (mathml("k * S"), mathml("k * missing"), "missing"),
        (mathml("k * S"), mathml("piecewise(k, time == 3, S)"), "decay"),
        (mathml("k * S"), mathml("piecewise(k, 2 * time > 3, S)"), "decay"),
        ('fast="false"', 'fast="true"', "decay"),
        ('ometry="1" constant="true"', 'ometry="1" constant="false"', "decay"),
        (
            "<listOfReactions>",
            f'<listOfRules><rateRule variable="S">{mathml("1")}</rateRule></listOfRules>'
            "<listOfReactions>",
            "rule S",
        ),
    ],
)
def test_what_is_not_understood_is_refused(before: str, after: str, named: str) -> None:
    close(scipy_solution(GOOD, TIMES)["S"], 3 * np.exp(-K / 2 * TIMES))
    assert GOOD.count(before) >= 1
    with pytest.raises(NotImplementedError, match=named):
        scipy_solution(GOOD.replace(before, after), TIMES)


@pytest.mark.parametrize("method", ["LSODA", "Radau"])
def test_a_parameter_can_have_a_rate_of_its_own(method: Method) -> None:
    """x' = -k x + S, with S a species that decays and an event that adds to x."""
    model = sbml(
        species("S", 3),
        reactions=(DECAY,),
        variables={"x": 2.0},
        events=(("add", "time >= 4", "x", "x + 5"),),
    ).replace(
        "<listOfReactions>",
        f'<listOfRules><rateRule variable="x">{mathml("S - k * x")}</rateRule></listOfRules>'
        "<listOfReactions>",
    )
    slow = K / VOLUME  # of S, by its volume
    expected = 2 * np.exp(-K * TIMES) + 3 * (np.exp(-slow * TIMES) - np.exp(-K * TIMES)) / (
        K - slow
    )
    expected += 5 * np.exp(-K * AFTER) * (TIMES >= 4)
    close(scipy_solution(model, TIMES, method=method)["x"], expected)


@pytest.mark.parametrize("times", [[], [1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]])
def test_times_must_increase(times: list[float]) -> None:
    with pytest.raises(ValueError, match="times"):
        scipy_solution(GOOD, np.array(times))


EVERYTHING = sbml(
    species("S", 0),
    species("A", 6, "Amount", only="true"),
    species("Z", 4).replace(
        'Condition="false" constant="false"', 'Condition="true" constant="true"'
    ),
    reactions=(
        ("infusion", "", "S", "cell * input * Z"),
        ("loss", "S", "A", "cell * k * S"),
        ("gone", "A", "", "k * A^n / (1 + A^n)"),
    ),
    constants={"k": K, "n": 2.5},
    variables={"input": 3},
    rules={"total": "S + A / cell", "double": "2 * total"},
    starts={"A": "4 * k"},
    events=(("stop", "time >= 4", "input", "0"), ("dose", "time >= 7.3", "S", "S + 5")),
)


@pytest.mark.parametrize("ending", ["xml", "cps"])
def test_copasi_agrees(ending: str, tmp_path: Path) -> None:
    basico = pytest.importorskip("basico")
    path = tmp_path / "small.xml"
    path.write_text(EVERYTHING, encoding="utf-8")
    if ending == "cps":
        loaded = basico.load_model(str(path))
        path.unlink()
        path = path.with_suffix(".cps")
        basico.save_model(str(path), model=loaded)
        basico.remove_datamodel(loaded)
    times = np.array([0.0, 0.1, 1 / 3, 3.9, 4.1, 7.0, 7.5, 60.0])
    expected = scipy_solution(EVERYTHING, times)
    found = copasi_solution(path, times)
    assert set(found) == {"S", "A", "Z", "total", "double"} == set(expected)
    for name, values in expected.items():
        close(found[name], values, 1e-8)
    assert list(tmp_path.iterdir()) == [path]
    assert basico.get_num_loaded_models() == 0


def test_copasi_follows_the_infusion(tmp_path: Path) -> None:
    pytest.importorskip("basico")
    path = tmp_path / "infusion.xml"
    path.write_text(INFUSION, encoding="utf-8")
    away = TIMES[TIMES != 4]
    close(copasi_solution(path, away)["S"], infusion(away))
