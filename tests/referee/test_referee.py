"""Every rate law beside equations that were written by hand from docs/model.md."""

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import p53net as pn
from tests.referee.compare import (
    LIMIT,
    Curves,
    Point,
    curves_of,
    difference,
    names_of,
    own_curves,
    single,
    values_of,
)
from tests.referee.composing import Equations, cell_of, untreated
from tests.referee.scenarios import ROLES, Scenario, scatter
from tests.referee.table import NARROW, NOT_MOVED, SCENARIOS, VARIED, WIDE, WITHOUT_EFFECT

named = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
FAST = ("damage", "closed dish", "plasma")
MOVING = (*WIDE, *VARIED)
wide = pytest.mark.parametrize(
    "scenario",
    [pytest.param(s, marks=[pytest.mark.slow] * (s.name not in FAST), id=s.name) for s in MOVING],
)


@cache
def model_of(name: str) -> pn.Model:
    return next(one for one in SCENARIOS if one.name == name).model()


@cache
def points_of(name: str) -> tuple[Point, ...]:
    scenario = next(one for one in SCENARIOS if one.name == name)
    return tuple(scenario.points(values_of(model_of(name))))


@cache
def own_of(name: str, number: int) -> Curves:
    """Curves of one point by the referee."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    return own_curves(scenario, values_of(model_of(name)), points_of(name)[number])


@wide
def test_all_laws_of_a_model_at_once(scenario: Scenario) -> None:
    """With every parameter off its value, so that one in the place of another is seen."""
    model, name = model_of(scenario.name), scenario.name
    assert names_of(own_of(name, 0), values_of(model)) == set(model.definition.variables)
    assert difference(own_of(name, 0), single(scenario, model, points_of(name)[0])) < (LIMIT,)


@named
@pytest.mark.slow
def test_each_parameter_moved_alone(scenario: Scenario) -> None:
    found = curves_of(scenario, model_of(scenario.name), points_of(scenario.name))
    for number, curves in enumerate(found):
        moved = ("none", *scenario.moved)[number]
        assert difference(own_of(scenario.name, number), curves) < (LIMIT,), moved


@pytest.mark.parametrize("scenario", NARROW, ids=lambda one: one.name)
@pytest.mark.slow
def test_roadrunner_agrees_too(scenario: Scenario) -> None:
    curves = single(scenario, model_of(scenario.name), points_of(scenario.name)[0])
    assert difference(own_of(scenario.name, 0), curves) < (LIMIT,)


@pytest.mark.slow
def test_each_parameter_changes_something() -> None:
    quiet = {(one.name, name) for one in MOVING for name in one.moved}
    for scenario in MOVING:
        shown = model_of(scenario.name).definition.variables
        base = {name: own_of(scenario.name, 0)[name] for name in shown}
        for number, name in enumerate(scenario.moved, start=1):
            if difference(own_of(scenario.name, number), base) > (100 * LIMIT,):
                quiet.discard((scenario.name, name))
    assert quiet == {("plasma", name) for name in WITHOUT_EFFECT}


@pytest.mark.slow
def test_each_parameter_of_each_model_is_moved() -> None:
    moved = {name for one in MOVING for name in one.moved}
    moves = {
        name: row.kind
        for one in MOVING
        for name, row in model_of(one.name).definition.parameters.items()
        if row.kind != "computed" and name not in ("feedback", "closed_dish")
    }
    assert moves.keys() - moved == set(NOT_MOVED)
    assert {one.closed_loop for one in SCENARIOS} == {True, False}
    assert len({one.medium_volume for one in SCENARIOS}) > 3


def test_the_untreated_cell_of_the_referee_rests() -> None:
    """Its closed forms beside its own rates."""
    values = values_of(model_of("tumour"))
    values |= scatter(values)
    equations = Equations("tumour", list(ROLES.values()), values)
    changes = dict(zip(equations.states, equations.change(0.0, equations.start), strict=True))
    rest = vars(untreated(cell_of("tumour", list(ROLES.values())), values))
    for name in equations.states:
        if name in rest:
            assert abs(changes[name]) <= 1e-11 * max(rest[name], 1.0) * 600, name


def test_the_referee_knows_nothing_of_the_package_but_names_and_values() -> None:
    """Equations import no more than mathematics, and nothing reads a model text."""
    folder = Path(__file__).parent
    laws = [folder / "law.py", folder / "composing.py", folder / "solving.py"]
    for path in [*laws, *(folder / "laws").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots = {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots = {str(node.module).partition(".")[0]}
                assert "tests.referee" in str(node.module) or roots != {"tests"}
            else:
                continue
            assert roots <= {
                "collections", "dataclasses", "math", "numbers", "numpy", "scipy", "tests",
                "types", "typing",
            }, path  # fmt: skip


def test_a_curve_that_is_no_number_differs() -> None:
    one, other = {"x": np.array([1.0, 2.0])}, {"x": np.array([1.0, np.nan])}
    assert difference(one, other) == (np.inf, "x")
    assert difference(one, {"x": np.array([1.0, 2.002])})[0] == pytest.approx(1e-3)
