"""The batch engine from the ground up: formulas, machine code, solver, doses, and its failures."""

import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from p53net.many import ManyRuns

import p53net as pn
from benchmarks.truth import (
    LIMIT,
    MODELS,
    REFERENCE,
    TIGHT,
    Set,
    batch_runs,
    by_roadrunner,
    columns_of,
    conserved,
    courses_of,
    drift_of,
    errors_of,
    ladder,
    model_of,
    order_of,
    random_sets,
    verdict,
)
from p53net.dosing import same_courses
from p53net.engines.batch import BatchEngine, Stops, engine, steady
from p53net.engines.batch import machine as machines
from p53net.engines.batch.elimination import elimination
from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.llvm import Code, Value
from p53net.engines.batch.machine import Processor, machine, memory, processor
from p53net.engines.batch.rodas import GAMMA, STAGES, A, C, H
from p53net.errors import SimulationError, SteadyStateError, UnsupportedError
from p53net.model.expressions import Evaluation, Expressions, Node
from p53net.model.rates import Arrays, system_of
from tests.test_oracles import AFTER, DECAY, INFUSION, TIMES, infusion, mathml, sbml, species

NAMES = list(MODELS)
HOURS = np.linspace(0.0, 72.0, 97)  # those of benchmarks.truth
PULSING = {"k_syn_p53": 150.0, "n_MDM2": 8.5, "k_deg_MDM2_mRNA": 1.6}
EPSILON = float(np.finfo(float).eps)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read that an earlier test run has compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("P53NET_CACHE", str(tmp_path_factory.mktemp("code")))
        yield


# --- formulas


def value_of(known: Expressions, node: Node, **symbols: Any) -> Any:
    return Evaluation(known, Arrays(), symbols.__getitem__)(node)


def test_equal_formulas_are_one_node() -> None:
    known = Expressions()
    x, y, cell = (known.symbol(name) for name in ("x", "y", "cell"))
    per_cell = known.power(cell, known.number(-1.0))
    assert known.product(cell, x, per_cell) is x
    assert known.product(x, y) is known.product(y, x)
    assert known.sum([(x, 2.0), (y, 1.0), (x, -1.0)]) is known.sum([(y, 1.0), (x, 1.0)])
    assert known.sum([(x, 1.0), (x, -1.0)]) is known.number(0.0)
    assert known.sum([(known.product(known.number(2.0), x), 3.0)]) is known.product(
        x, known.number(6.0)
    )
    square = known.power(known.product(x, y), known.number(2.0))
    assert known.product(square, known.power(x, known.number(-1.0))) is known.product(x, y, y)
    assert known.power(x, known.number(1.0)) is x
    assert known.symbols(square) == {"x", "y"}


def test_numbers_without_a_value_are_no_crash() -> None:
    known, zero = Expressions(), Expressions.number
    assert known.power(zero(known, 0.0), zero(known, -1.0)).value == math.inf
    assert math.isnan(float(known.power(zero(known, -1.0), zero(known, 0.5)).value))
    assert known.call("ln", zero(known, 0.0)).value == -math.inf
    assert known.call("exp", zero(known, 1e4)).value == math.inf
    large = known.product(zero(known, 1e200), known.symbol("x"))
    assert value_of(known, known.power(large, zero(known, 4.0)), x=1.0) == math.inf


Tree = tuple[Any, ...]
LEAVES = st.one_of(
    st.sampled_from(["x", "y", "p"]).map(lambda name: ("symbol", name)),
    st.floats(0.1, 4.0).map(lambda number: ("number", number)),
)


def branches(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(["+", "*", "/"]), inner, inner),
        st.tuples(st.just("^"), inner, st.sampled_from([-2.0, -1.0, 0.5, 1.0, 2.0, 2.7, 3.0])),
        st.tuples(st.just("hill"), inner, inner),
        st.tuples(st.sampled_from(["exp", "ln"]), inner),
    )


FORMULAS = st.recursive(LEAVES, branches, max_leaves=8)
SYMBOLS = st.fixed_dictionaries({name: st.floats(0.2, 3.0) for name in ("x", "y", "p")})


def node_of(known: Expressions, tree: Tree) -> Node:
    """The formula in the words of the engine."""
    kind, *parts = tree
    if kind in ("symbol", "number"):
        return getattr(known, kind)(parts[0])
    inner = [node_of(known, part) for part in parts if isinstance(part, tuple)]
    if kind == "+":
        return known.sum((part, 1.0) for part in inner)
    if kind == "*":
        return known.product(*inner)
    if kind == "/":
        return known.product(inner[0], known.power(inner[1], known.number(-1.0)))
    if kind == "^":
        return known.power(inner[0], known.number(parts[1]))
    if kind == "hill":  # with an exponent that is a symbol
        return known.power(inner[0], known.sum([(inner[1], 0.1), (known.symbol("p"), 1.0)]))
    if kind == "exp":
        return known.call("exp", known.product(inner[0], known.number(-0.5)))
    return known.call("ln", known.sum([(inner[0], 1.0)], 1.5))


def direct(tree: Tree, symbols: dict[str, complex]) -> Any:
    """The same, straight in Python. All terms are positive, so no digits are lost."""
    kind, *parts = tree
    if kind == "symbol":
        return symbols[parts[0]]
    if kind == "number":
        return parts[0]
    inner = [direct(part, symbols) for part in parts if isinstance(part, tuple)]
    if kind == "+":
        return inner[0] + inner[1]
    if kind == "*":
        return inner[0] * inner[1]
    if kind == "/":
        return inner[0] / inner[1]
    if kind == "^":
        return inner[0] ** parts[1]
    if kind == "hill":
        return inner[0] ** (0.1 * inner[1] + symbols["p"])
    return np.exp(-0.5 * inner[0]) if kind == "exp" else np.log(1.5 + inner[0])


@settings(max_examples=150)
@given(FORMULAS, SYMBOLS)
def test_values_and_derivatives_of_random_formulas(tree: Tree, symbols: dict[str, float]) -> None:
    known = Expressions()
    with np.errstate(all="ignore"):
        expected = np.float64(direct(tree, {n: np.float64(x) for n, x in symbols.items()}))
        assume(1e-50 < expected < 1e50)
        node = node_of(known, tree)
        assert value_of(known, node, **symbols) == pytest.approx(expected, rel=1e-11)
        for name, x in symbols.items():
            nudged = direct(tree, {**symbols, name: np.complex128(x + 1e-40j)})
            slope = np.imag(nudged) / 1e-40
            found = value_of(known, known.derivative(node, known.symbol(name)), **symbols)
            assert found == pytest.approx(slope, rel=1e-8, abs=1e-8 * float(expected))


@settings(max_examples=60)
@given(FORMULAS, SYMBOLS)
def test_numbers_for_symbols_leave_the_value(tree: Tree, symbols: dict[str, float]) -> None:
    known = Expressions()
    node = node_of(known, tree)
    with np.errstate(all="ignore"):
        expected = value_of(known, node, **symbols)
        assume(1e-50 < expected < 1e50)
        burnt = known.with_nodes(node, {"p": known.number(symbols["p"])})
        assert "p" not in known.symbols(burnt)
        found = value_of(known, burnt, x=symbols["x"], y=symbols["y"])
        assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("n", [0.3, 0.5, 1.0, 1.5, 2.0, 2.7, 3.0, 4.0, 9.5])
@pytest.mark.parametrize("x", [0.0, 1e-200, 0.5, 2.0])
def test_powers(x: float, n: float) -> None:
    """Exponents in the formula, known later, or known when it runs; also at 0."""
    known = Expressions()
    base, exponent = known.symbol("x"), known.symbol("n")
    at_run_time = known.power(base, exponent)
    burnt = known.with_nodes(at_run_time, {"n": known.number(n)})
    for node in (known.power(base, known.number(n)), burnt, at_run_time):
        assert value_of(known, node, x=x, n=n) == pytest.approx(x**n, rel=1e-13, abs=1e-300)
        slope = value_of(known, known.derivative(node, base), x=x, n=n)
        assert np.isfinite(slope)
        if x > 0.0:
            assert slope == pytest.approx(n * x ** (n - 1.0), rel=1e-12)
        elif n > 1.0:
            assert slope == pytest.approx(0.0, abs=1e-90)
    if n in (2.0, 3.0):
        assert burnt is known.power(base, known.number(n))
        assert burnt.kind == "product"


# --- equations of the models


def some_states(model: pn.Model, size: int, seed: int) -> np.ndarray:
    """Concentrations over many orders of magnitude, a row for each."""
    random = np.random.default_rng(seed)
    return 10.0 ** random.uniform(-3.0, 3.0, (size, len(model.many.engine.states)))


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_roadrunners(name: str) -> None:
    model = model_of(name, REFERENCE)
    system, reference = model.many.engine.system, model._engine
    order = [system.states.index(species) for species in reference.species]
    sets = random_sets(model, 6, 3)
    for one, state in zip(sets, some_states(model, 6, 4), strict=True):
        setting = {**one.parameters, "feedback": 0.3, "P2_activity_held": 0.2}
        if model.definition.drugs:
            setting["closed_dish"] = 1.0
        expected, activity = reference.look(setting, state[order], ["P2_activity_closed"])
        known = {**system.parameters, **setting, **dict(zip(system.states, state, strict=True))}
        nodes = [*system.rates, system.derived["P2_activity_closed"]]
        *found, active = system.values(nodes, known)
        scale = np.abs(expected) + 1e-12 * np.abs(expected).max()
        assert (np.abs(np.array(found)[order] - expected) < 1e-11 * scale).all()
        assert active == pytest.approx(activity, rel=1e-13)


@pytest.mark.parametrize("burnt", [True, False])
@pytest.mark.parametrize("name", ["alone", "both"])
def test_jacobian(name: str, burnt: bool) -> None:
    """Against the imaginary part of the rates at a state with a tiny imaginary part."""
    model = model_of(name, TIGHT)
    kernel, known = kernel_of(model, burnt, 1), known_of(model, 1, 5)
    entries = kernel.jacobian.entries
    found = np.zeros((len(kernel.states),) * 2)
    for (row, column), value in zip(
        entries, kernel.system.values(list(entries.values()), known), strict=True
    ):
        found[row, column] = np.ravel(value)[0]
    for column, state in enumerate(kernel.states):
        rates = kernel.system.values(list(kernel._rates), {**known, state: known[state] + 1e-40j})
        slopes = np.array([np.imag(np.ravel(rate)[0]) for rate in rates]) / 1e-40
        assert np.abs(found[:, column] - slopes).max() <= 1e-11 * np.abs(slopes).max()


@settings(max_examples=80)
@given(st.integers(1, 9), st.floats(0.0, 0.6), st.integers(0, 2**31))
def test_elimination(size: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = np.where(random.random((size, size)) < share, random.normal(size=(size, size)), 0.0)
    matrix += np.diag(3.0 * size * random.choice([-1.0, 1.0], size))
    right = random.normal(size=size)
    there = [(int(i), int(j)) for i, j in np.argwhere(matrix)]
    order = elimination(size, there)
    assert sorted(order.order) == list(range(size))
    assert order.entries >= set(there)
    factors = dict(order.factors({at: matrix[at] for at in there}, 1.0))
    assert factors.keys() == order.entries
    np.testing.assert_allclose(order.solution(factors, right), np.linalg.solve(matrix, right))


def test_elimination_takes_the_pivot_that_fills_least() -> None:
    arrow = [(0, i) for i in range(1, 6)] + [(i, 0) for i in range(1, 6)]
    order = elimination(6, arrow)
    assert len(order.entries) == 16  # no fill: the head comes late


# --- machine code


def processors() -> list[Any]:
    """This processor with every width, and older ones, where their code runs here."""
    here, features = processor(), llvm.get_host_cpu_features()
    found = [pytest.param(replace(here, lanes=n), id=f"{n} lanes") for n in (1, 2, 4, 8)]
    intel = platform.machine().lower() in ("x86_64", "amd64")
    for name, needed, lanes in (("x86-64", "", 2), ("x86-64", "", 8), ("x86-64-v3", "avx2", 4)):
        able = intel and (not needed or features.get(needed, False))
        why = pytest.mark.skipif(not able, reason=f"this processor is not {name}")
        found.append(pytest.param(Processor(name, "", lanes), id=f"{name}, {lanes}", marks=why))
    return found


def computed(target: Processor, formula: Callable[..., Value], *columns: Any) -> np.ndarray:
    """A formula of vectors by machine code, for each row of its arguments."""
    code = Code(target.lanes)
    with code.function("formula", 2, public=True) as (given, to):
        values = [code.load(given, i) for i in range(len(columns))]
        code.store(formula(code, *values), to)
    run = machine(str(code), ("formula",), target)
    table = np.array(np.broadcast_arrays(*columns), dtype=float)
    size, found = table.shape[1], []
    given, to = memory(len(columns) * target.lanes), memory(target.lanes)
    for start in range(0, size, target.lanes):
        block = table[:, np.minimum(np.arange(start, start + target.lanes), size - 1)]
        given[:] = block.ravel()
        run.functions["formula"](given.ctypes.data, to.ctypes.data)
        found.append(to.copy())
    return np.concatenate(found)[:size]


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float((np.abs(found - expected) / np.abs(expected)).max())


@pytest.mark.parametrize("target", processors())
def test_exp(target: Processor) -> None:
    x = np.concatenate([np.linspace(-707.9, 708.9, 20_001), np.linspace(-1.0, 1.0, 5001)])
    expected = np.exp(x.astype(np.longdouble))
    assert relative(computed(target, Code.exp, x), expected) < 4e-16
    special = np.array([0.0, -0.0, 1e-320, math.inf, -math.inf, math.nan, 800.0, -800.0, 1e308])
    found = computed(target, Code.exp, special)
    np.testing.assert_array_equal(found, [1, 1, 1, math.inf, 0, math.nan, math.inf, 0, math.inf])


@pytest.mark.parametrize("target", processors())
def test_ln(target: Processor) -> None:
    x = np.concatenate([10.0 ** np.linspace(-323, 308, 20_001), np.linspace(0.5, 2.0, 5000)])
    expected = np.log(x.astype(np.longdouble))
    assert relative(computed(target, Code.ln, x), expected) < 4e-16
    special = np.array([0.0, -0.0, 1.0, -1.0, -math.inf, math.inf, math.nan, 5e-324])
    found = computed(target, Code.ln, special)
    expected = [-math.inf, -math.inf, 0, math.nan, math.nan, math.inf, math.nan, math.log(5e-324)]
    np.testing.assert_allclose(found, expected, rtol=4e-16)


@pytest.mark.parametrize("target", processors())
def test_power(target: Processor) -> None:
    random = np.random.default_rng(1)
    x, n = 10.0 ** random.uniform(-30, 30, 20_000), random.uniform(-10, 10, 20_000)
    exponent = n * np.log(x)
    error = np.abs(computed(target, Code.power, x, n) / np.power(x.astype(np.longdouble), n) - 1)
    assert float((error / (1.0 + np.abs(exponent))).max()) < 4e-16
    table = [  # base, exponent, power
        (-2.0, 3.0, -8.0), (-2.0, 2.0, 4.0), (-2.0, -1.0, -0.5), (-2.0, 0.5, math.nan),
        (0.0, 0.0, 1.0), (1.0, 7.3, 1.0), (math.nan, 2.0, math.nan), (2.0, math.nan, math.nan),
        (math.inf, 2.0, math.inf), (math.inf, -2.0, 0.0), (1e200, 2.0, math.inf),
    ]  # fmt: skip
    base, exponents, expected = (np.array(column) for column in zip(*table, strict=True))
    found = computed(target, Code.power, base, exponents)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    at_zero = computed(target, Code.power, 0.0, np.array([2.0, 0.5, -0.5]))
    assert at_zero[0] == 0.0 and at_zero[1] < 1e-150 and 1e150 < at_zero[2] < math.inf


@pytest.mark.parametrize("target", processors())
def test_arithmetic(target: Processor) -> None:
    x, y = np.array([1.5, -2.0, math.nan, 3.0, 0.0]), np.array([2.0, -3.0, 1.0, math.nan, 0.0])
    for formula, expected in (
        (lambda c, a, b: a * b - a / (b + 2.5), x * y - x / (y + 2.5)),
        (lambda c, a, b: c.larger(a, b), [2.0, -2.0, 1.0, math.nan, 0.0]),
        (lambda c, a, b: c.smaller(a, b), [1.5, -3.0, 1.0, math.nan, 0.0]),
        (lambda c, a, b: c.absolute(a), np.abs(x)),
        (lambda c, a, b: c.select(a < b, 1.0, 0.0), [1, 0, 0, 0, 0]),
        (lambda c, a, b: c.select((a < b) | a.same(b), 1.0, 0.0), [1, 0, 0, 0, 1]),
        (lambda c, a, b: c.select((a < b).inverted() & (b <= 2.0), 1.0, 0.0), [0, 1, 1, 0, 1]),
        (lambda c, a, b: c.square_root(c.absolute(a)), np.sqrt(np.abs(x))),
    ):
        np.testing.assert_allclose(computed(target, formula, x, y), expected, rtol=1e-15)


@pytest.mark.parametrize("target", processors()[:4])
def test_lanes_are_counted(target: Processor) -> None:
    code = Code(target.lanes)
    with code.function("counted", 2, public=True) as (given, to):
        positive = code.load(given) > 0.0
        total = code.variable("i64", 0)
        with code.loop(code.count(positive)):
            code.store(code.load(total, 0, "i64") + 2, total)
        with code.when(code.any(positive)):
            code.store(code.load(total, 0, "i64") + 100, total)
        code.store(code.load(total, 0, "i64"), to)
    run = machine(str(code), ("counted",), target)
    given, to = memory(target.lanes), np.zeros(1, dtype=np.int64)
    for positive in range(target.lanes + 1):
        given[:] = np.where(np.arange(target.lanes) < positive, 1.0, -1.0)
        run.functions["counted"](given.ctypes.data, to.ctypes.data)
        assert to[0] == 2 * positive + 100 * (positive > 0)


# --- the functions of a model


def kernel_of(model: pn.Model, burnt: bool, lanes: int) -> Kernel:
    system = model.many.engine.system
    names = [name for name in system.parameters if name.startswith("n_")] if burnt else []
    return Kernel(Code(lanes), system, {name: system.parameters[name] for name in names})


def known_of(model: pn.Model, size: int, seed: int) -> dict[str, np.ndarray]:
    """States and parameters, an array for each."""
    system, random = model.many.engine.system, np.random.default_rng(seed)
    known = {n: np.full(size, v) * random.uniform(0.5, 2.0, size)
             for n, v in system.parameters.items() if not n.startswith("n_")}  # fmt: skip
    known |= {n: np.full(size, v) for n, v in system.parameters.items() if n.startswith("n_")}
    known |= {"DSB": random.uniform(0.1, 1.0, size), "feedback": np.ones(size)}
    states = some_states(model, size, seed)
    return known | {name: states[:, i].copy() for i, name in enumerate(system.states)}


@pytest.mark.parametrize("burnt", [True, False])
@pytest.mark.parametrize("name", ["alone", "both"])
def test_compiled_functions_do_what_the_formulas_say(name: str, burnt: bool) -> None:
    """NumPy runs the same statements, by the same elimination, one number at a time."""
    model, lanes = model_of(name, TIGHT), processor().lanes
    kernel, known = kernel_of(model, burnt, lanes), known_of(model, lanes, 8)
    kernel.write()
    code, place, n = kernel.code, kernel.space, len(kernel.states)
    with code.function("all", 2, public=True) as (space, out):
        y = code.place(space, place["y"])
        code.call("fixed", space)
        code.call("rates", space, y, out)
        code.call("factorise", space)
        nothing = code.place(space, place["nothing"])
        code.call("solve", space, out, nothing, code.place(out, n))
        code.call("slopes", space, y, code.place(out, 2 * n))
    run = machine(str(code), ("all",), processor())
    shift = np.linspace(0.5, 50.0, lanes)
    space = memory(kernel.space.size * lanes)
    table = space.reshape(-1, lanes)
    for i, state in enumerate(kernel.states):
        table[place["y"] + i] = known[state]
    for i, parameter in enumerate(kernel.parameters):
        table[place["parameters"] + i] = known[parameter]
    table[place["shift"]] = shift
    entries = kernel.jacobian.entries
    out = memory((2 * n + len(entries)) * lanes)
    run.functions["all"](space.ctypes.data, out.ctypes.data)
    found = out.reshape(-1, lanes)

    rates = np.array(
        [np.broadcast_to(v, lanes) for v in kernel.system.values(list(kernel._rates), known)]
    )
    slopes = kernel.system.values(list(entries.values()), known)
    matrix = {at: -np.broadcast_to(value, lanes) for at, value in zip(entries, slopes, strict=True)}
    for i in range(n):
        matrix[i, i] = matrix.get((i, i), 0.0) + shift
    factors = dict(kernel.jacobian.order.factors(matrix, np.float64(1.0)))
    solution = np.array(kernel.jacobian.order.solution(factors, rates))
    full = np.zeros((lanes, n, n))
    for (row, column), value in matrix.items():
        full[:, row, column] = value
    close_to(found[:n], rates, 1e-12)
    close_to(found[2 * n :], np.array([np.broadcast_to(v, lanes) for v in slopes]), 1e-12)
    close_to(found[n : 2 * n], solution, 1e-9)
    close_to(solution, np.linalg.solve(full, rates.T[..., None])[..., 0].T, 1e-9)


def close_to(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Each lane to a fraction of its largest value."""
    assert np.isfinite(found).all()
    assert (np.abs(found - expected).max(axis=0) <= tolerance * np.abs(expected).max(axis=0)).all()


# --- the method


Rates = Callable[[np.ndarray], np.ndarray]


def rodas_step(
    rates: Rates, slopes: Rates, y: np.ndarray, h: float
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """One step as the docstring of rodas.py has it: new state, error, d_1 to d_3."""
    matrix, u, at = np.eye(len(y)) / (h * GAMMA) - slopes(y), list[np.ndarray](), y
    for i in range(STAGES):
        if i < len(A):
            at = y + sum((a * one for a, one in zip(A[i], u, strict=True)), np.zeros(len(y)))
        else:
            at = at + u[-1]
        before = sum((c * one for c, one in zip(C[i], u, strict=True)), np.zeros(len(y)))
        u.append(np.linalg.solve(matrix, rates(at) + before / h))
    dense = [sum(a * one for a, one in zip(row, u, strict=True)) for row in H]
    return at + u[-1], u[-1], dense


def rodas_errors(
    rates: Rates, slopes: Rates, exact: Callable[[float], np.ndarray], end: float, steps: int
) -> tuple[float, float]:
    """Of the first state at the end; the largest inside steps."""
    y, h, inside = exact(0.0), end / steps, 0.0
    for number in range(steps):
        new, _, (d1, d2, d3) = rodas_step(rates, slopes, y, h)
        for s in (0.25, 0.5, 0.75):
            middle = (1 - s) * y + s * (new + (1 - s) * (d1 + s * (d2 + s * d3)))
            inside = max(inside, abs(middle[0] - exact((number + s) * h)[0]))
        y = new
    return abs(y[0] - exact(end)[0]), inside


def orders(errors: Sequence[float]) -> float:
    """From errors at steps that halve."""
    return float(np.log2(errors[0] / errors[-1]) / (len(errors) - 1))


def test_order_of_the_method() -> None:
    """A logistic curve: dense output has order 4 in the state, and adds to errors of order 5."""

    def exact(t: float) -> np.ndarray:
        return np.array([1.0 / (1.0 + 9.0 * np.exp(-2.0 * t))])

    found = [
        rodas_errors(
            lambda y: 2.0 * y * (1.0 - y), lambda y: np.diag(2.0 - 4.0 * y), exact, 2.0, steps
        )
        for steps in (6, 12, 24, 48)
    ]
    assert orders([end for end, _ in found]) > 4.8
    assert orders([inside for _, inside in found]) > 3.8
    assert found[-1][0] < 1e-10


def test_order_of_the_method_on_a_stiff_linear_system() -> None:
    """A fast decay towards a slow one, with eigenvalues -1 and -1e6."""
    fast, slow = 1e6, 1.0
    matrix = np.array([[-fast, fast - slow], [0.0, -slow]])  # (1, 1) decays slowly

    def exact(t: float) -> np.ndarray:
        return np.exp(-slow * t) * np.ones(2)

    found = [
        rodas_errors(lambda y: matrix @ y, lambda y: matrix, exact, 2.0, steps)
        for steps in (2, 4, 8, 16)
    ]
    assert orders([end for end, _ in found]) > 4.8
    assert orders([inside for _, inside in found]) > 3.8


@pytest.mark.parametrize("stiffness", [1e5, 1e6, 1e7])
def test_the_method_on_prothero_robinson(stiffness: float) -> None:
    """A fast decay onto a given curve: methods lose order here, this one keeps at least 3."""

    def rates(y: np.ndarray) -> np.ndarray:
        return np.array([stiffness * (np.sin(y[1]) - y[0]) + np.cos(y[1]), 1.0])

    def slopes(y: np.ndarray) -> np.ndarray:
        return np.array([[-stiffness, stiffness * np.cos(y[1]) - np.sin(y[1])], [0.0, 0.0]])

    found = [
        rodas_errors(rates, slopes, lambda t: np.array([np.sin(t), t]), 2.0, steps)[0]
        for steps in (10, 20, 40)
    ]
    assert orders(found) > 2.9
    assert found[0] < 1e-6 / math.sqrt(stiffness)


def test_coefficients_fit_together() -> None:
    """Rows have as many as there are stages before; a state at rest stays; a ramp is exact."""
    assert [len(row) for row in A] == list(range(6))
    assert [len(row) for row in C] == list(range(STAGES))
    assert [len(row) for row in H] == [STAGES] * 3
    still, error, dense = rodas_step(lambda y: y * 0.0, lambda y: np.zeros((1, 1)), np.ones(1), 0.3)
    assert still[0] == 1.0 and error[0] == 0.0 and not np.any(dense)
    ramp, error, dense = rodas_step(
        lambda y: y * 0 + 2.0, lambda y: np.zeros((1, 1)), np.ones(1), 0.3
    )
    assert ramp[0] == pytest.approx(1.6, rel=1e-14)
    assert abs(error[0]) < 1e-13 and np.abs(dense).max() < 1e-12


def test_errors_fall_with_the_tolerance() -> None:
    rows = ladder("inhibitor", 8, 2)
    assert rows[-1][0] == pytest.approx(1e-10)
    assert all(worst < 3.0 * tolerance for tolerance, worst, _, _ in rows)
    medians = [median for _, _, median, _ in rows]
    assert all(later < earlier / 3.0 for earlier, later in pairwise(medians))
    assert order_of(rows) > 2.9  # stiff: see Prothero and Robinson above


# --- the truth


@pytest.mark.parametrize("name", NAMES)
def test_random_sets_and_doses(name: str) -> None:
    """As `benchmarks.truth`, whose own errors this would find too."""
    found = verdict(name, 20, 1, 7)
    assert found.good, found
    assert np.isfinite(found.errors).any(axis=1).sum() >= 18
    assert np.nanmax(found.errors) < LIMIT / 10
    assert np.isfinite(found.radau).any()


def test_usual_tolerances_are_right_to_a_millionth() -> None:
    model = pn.Model(model_of("both", TIGHT).definition)
    sets = random_sets(model, 16, 9)
    states = model.many.engine.states
    runs = batch_runs(model, sets, states)
    for one, values in zip(sets, runs.values, strict=True):
        reference = by_roadrunner("both", one, states).curves
        assert reference is not None
        assert np.nanmax(errors_of(values, reference)) < LIMIT


def test_a_false_rate_would_be_found() -> None:
    """The comparison itself: one parameter, a thousandth off, is far outside of the limit."""
    model = model_of("inhibitor", TIGHT)
    (one,) = random_sets(model, 1, 7)
    states = model.many.engine.states
    false = replace(
        one, parameters={**one.parameters, "k_deg_p53": one.parameters["k_deg_p53"] * 1.001}
    )
    reference = by_roadrunner("inhibitor", one, states).curves
    assert reference is not None
    assert np.nanmax(errors_of(batch_runs(model, [one], states).values[0], reference)) < LIMIT
    assert np.nanmax(errors_of(batch_runs(model, [false], states).values[0], reference)) > LIMIT


# --- independence


@cache
def mixed() -> tuple[list[Set], np.ndarray]:
    model = model_of("both", TIGHT)
    sets = [one for one in random_sets(model, 30, 11) if one.feedback][:20]
    return sets, run_of(model.many, sets)


def run_of(many: ManyRuns, sets: Sequence[Set], *, feedback: bool = True) -> np.ndarray:
    """All sets in one call: states, and quantities that are worked out from them."""
    model = many._model
    variables = (*many.engine.states, "MDM2_total", "P2_activity_closed", "P2_activity")
    courses, columns = courses_of(sets, model), columns_of(sets, model)
    found = many.run(HOURS, courses, columns, variables, feedback=feedback)
    assert not found.errors and not found.unfinished
    return found.values


def test_a_set_gives_the_same_bytes_alone_and_anywhere() -> None:
    many, (sets, expected) = model_of("both", TIGHT).many, mixed()
    opened = run_of(many, sets, feedback=False)  # here the untreated activity matters
    for i in (0, 7, 19):
        assert run_of(many, [sets[i]])[0].tobytes() == expected[i].tobytes()
        assert run_of(many, [sets[i]], feedback=False)[0].tobytes() == opened[i].tobytes()
    order = np.random.default_rng(2).permutation(len(sets))
    shuffled = run_of(many, [sets[i] for i in order])
    for place, i in enumerate(order):
        assert shuffled[place].tobytes() == expected[i].tobytes()
    chunks = [run_of(many, sets[a:b]) for a, b in ((0, 7), (7, 8), (8, 20))]
    assert np.concatenate(chunks).tobytes() == expected.tobytes()


def test_every_lane_gives_the_same_bytes() -> None:
    many, (sets, expected) = model_of("both", TIGHT).many, mixed()
    for place in range(processor().lanes):
        found = run_of(many, [*sets[1 : place + 1], sets[0], *sets[place + 1 : 10]])
        assert found[place].tobytes() == expected[0].tobytes()


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_every_width_gives_the_same_bytes(lanes: int) -> None:
    model, (sets, expected) = model_of("both", TIGHT), mixed()
    many = ManyRuns(model)
    many.engine = BatchEngine(
        model.definition.sbml, model.tolerances, replace(processor(), lanes=lanes)
    )
    assert run_of(many, sets[:9]).tobytes() == expected[:9].tobytes()


def test_threads_give_the_same_bytes() -> None:
    many, (sets, expected) = ManyRuns(model_of("both", TIGHT)), mixed()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: run_of(many, sets), range(8)))
    assert all(one.tobytes() == expected.tobytes() for one in found)


def test_a_common_parameter_may_be_given_or_not() -> None:
    """What a set gives does not depend on what others vary."""
    model = model_of("inhibitor", TIGHT)
    rows = model.definition.parameters
    plain = Set({"k_deg_p53": 0.3}, {"milademetan": pn.constant(100.0)}, False)
    exponents = {n: rows[n].value for n in rows if n.startswith("n_")}
    given = replace(plain, parameters={**plain.parameters, **exponents})
    other = replace(plain, parameters={"k_deg_p53": 0.3, "n_MDM2": 2.2, "cell": 1.0})
    alone = run_of(model.many, [plain], feedback=False)[0].tobytes()
    assert run_of(model.many, [given], feedback=False)[0].tobytes() == alone
    assert run_of(model.many, [other, plain, other], feedback=False)[1].tobytes() == alone


def direct_run(one: BatchEngine, starts: np.ndarray, hours: float = 24.0) -> Any:
    """Runs without doses from given states, with the parameters of the file."""
    size = len(starts)
    stops = Stops(np.full((size, 1), hours), (), np.empty((size, 0, 0)))
    return one.integrate(
        {}, starts, np.ones_like(starts), stops, np.linspace(0.0, hours, 9), one.states
    )


def test_broken_neighbours_change_nothing() -> None:
    one = model_of("both", TIGHT).many.engine
    good = some_states(model_of("both", TIGHT), 12, 6)
    expected = direct_run(one, good)
    assert not expected.failures
    broken = good.copy()
    broken[1], broken[4, 0], broken[5], broken[9] = math.nan, math.inf, 1e300, -1e6
    found = direct_run(one, broken)
    assert {1, 4, 5} <= found.failures.keys() <= {1, 4, 5, 9}
    assert np.isnan(found.values[[1, 4, 5]]).all()
    for i in (0, 2, 3, 6, 7, 8, 10, 11):
        assert found.values[i].tobytes() == expected.values[i].tobytes()
        assert found.steps[i] == expected.steps[i]


# --- doses


def free_drug(
    times: np.ndarray, steps: Sequence[tuple[float, float]], model: pn.Model
) -> np.ndarray:
    """In a cell without MDM2, by the formula between doses."""
    p = {name: row.value for name, row in model.definition.parameters.items()}
    k, fu = p["k_perm_inhibitor"], p["fu_medium_inhibitor"]
    found, inside = np.zeros(len(times)), 0.0
    ends = [time for time, _ in steps[1:]] + [math.inf]
    for (start, level), end in zip(steps, ends, strict=True):
        mine = (times >= start) & (times <= end)
        course = fu * level + (inside - fu * level) * np.exp(-k * (times[mine] - start))
        found[mine] = course
        inside = fu * level + (inside - fu * level) * math.exp(-k * (end - start))
    return found


@pytest.mark.parametrize(
    "steps",
    [
        ((0.0, 100.0),),
        ((0.0, 0.0), (3.3, 50.0), (3.31, 0.0)),  # between two output times
        ((0.0, 10.0), (6.0, 0.0)),  # exactly at an output time
        tuple((6.1 * i, 100.0 * (i % 2)) for i in range(11)),
    ],
)
def test_doses_stop_and_restart_exactly(steps: tuple[tuple[float, float], ...]) -> None:
    model = model_of("inhibitor", TIGHT)
    run = model.simulate(
        HOURS, {"milademetan": pn.schedule(steps)}, {"k_transl_MDM2": 0.0}, engine="batch"
    )
    assert run.attrs["engine"].startswith("batch, llvmlite")
    expected = free_drug(HOURS, steps, model)
    assert np.abs(run["inhibitor"].values - expected).max() < 1e-8 * expected.max()
    medium = [dict(steps)[max(t for t, _ in steps if t <= hour)] for hour in HOURS]
    np.testing.assert_allclose(run["inhibitor_medium"].values, medium, rtol=1e-14)


def test_two_drugs_at_the_same_times() -> None:
    course = {"milademetan": [(0, 0), (6, 300), (30, 0)], "KT-253": [(0, 0), (6, 5), (12, 0)]}
    found = model_of("both", TIGHT).simulate(HOURS, course, engine="batch")
    expected = model_of("both", REFERENCE).simulate(HOURS, course)
    states = model_of("both", TIGHT).many.engine.states
    curves = [np.array([run[name].values for name in states]) for run in (found, expected)]
    assert np.nanmax(errors_of(*curves)) < 1e-7


def test_a_dose_at_the_very_end_shows_in_the_last_row() -> None:
    model = model_of("inhibitor", TIGHT)
    before = model.simulate(HOURS, {"milademetan": 10.0}, engine="batch")
    for course in ([(0, 10), (72, 99)], [(0, 10), (72, 0)]):
        run = model.simulate(HOURS, {"milademetan": course}, engine="batch")
        medium = run["inhibitor_medium"].values
        assert medium[-1] == pytest.approx(course[-1][1], abs=1e-12)
        np.testing.assert_allclose(medium[:-1], 10.0, rtol=1e-14)
        for name in ("p53", "MDM2_total", "inhibitor"):
            np.testing.assert_allclose(run[name].values, before[name].values, rtol=1e-8)


@pytest.mark.parametrize("name", ["alone", "both"])
def test_without_a_dose_nothing_moves(name: str) -> None:
    model = model_of(name, TIGHT)
    doses = dict.fromkeys(model.definition.drugs, 0.0)
    run = model.simulate(HOURS, doses, engine="batch")
    for observable in pn.OBSERVABLES:
        assert float(np.ptp(run[observable].values)) < 1e-8 * float(run[observable].max())


def test_each_run_has_its_own_output_times() -> None:
    many = model_of("inhibitor", TIGHT).many
    rows = np.array([np.linspace(0.0, end, 13) for end in (5.0, 24.0, 60.0)])
    courses = same_courses({"milademetan": pn.pulse(100.0, 4.0, 1.0)}, 3)
    found = many.run(rows, courses, {}, ["p53", "MDM2_total", "P2_activity"])
    for times, curves in zip(rows, found.values, strict=True):
        one = same_courses({"milademetan": pn.pulse(100.0, 4.0, 1.0)})
        alone = many.run(times, one, {}, ["p53", "MDM2_total", "P2_activity"])
        assert alone.values[0].tobytes() == curves.tobytes()


def test_output_times_do_not_change_the_run() -> None:
    """A row is an interpolation: the same time gives the same bytes on any grid of one end."""
    model = model_of("inhibitor", TIGHT)
    fine = np.union1d(HOURS, np.random.default_rng(3).uniform(0.0, 72.0, 501))
    few = model.simulate(HOURS, {"milademetan": 100.0}, engine="batch")
    many = model.simulate(fine, {"milademetan": 100.0}, engine="batch").sel(time=HOURS)
    for name in pn.OBSERVABLES:
        assert few[name].values.tobytes() == many[name].values.tobytes()


# --- rest


def rest_of(model: pn.Model, sets: Sequence[Set]) -> Any:
    kinds = model.definition.parameters
    moving = {
        name: values
        for name, values in columns_of(sets, model).items()
        if kinds[name].kind not in ("input", "computed")
    }
    many = model.many
    near = many._usual + (many._seeds(moving, len(sets)) - many._seeds({}, 1))
    return moving, many.engine.rest(moving, near, model.definition.counters)


@pytest.mark.parametrize("name", NAMES)
def test_untreated_states_are_roadrunners(name: str) -> None:
    model, reference = model_of(name, TIGHT), model_of(name, REFERENCE)
    moving, found = rest_of(model, random_sets(model, 40, 13))
    assert len(found.failures) <= 2, found.failures
    compared = 0
    for i, state in enumerate(found.states):
        changed = {n: float(values[i]) for n, values in moving.items()}
        if i in found.failures:
            continue
        expected, _ = reference.untreated_state(changed, model.many.engine.states, ())
        assert (np.abs(state - expected) <= 1e-9 * (np.abs(expected) + 1e-3)).all()
        compared += 1
    assert compared >= 38


def test_a_pulsing_cell_has_no_rest() -> None:
    model = model_of("alone", TIGHT)
    pulsing = Set(PULSING, {}, True)
    _, found = rest_of(model, [Set({}, {}, True), pulsing, Set({"k_syn_p53": 60.0}, {}, True)])
    assert found.failures == {1: "the cell moves away from its rest"}
    with pytest.raises(SteadyStateError, match="pulses"):
        model.simulate(HOURS, parameters=PULSING, engine="batch")
    runs = batch_runs(model, [pulsing, Set({}, {}, True)], ["p53"])
    assert isinstance(runs.errors[0], SteadyStateError) and len(runs.errors) == 1
    assert np.isnan(runs.values[0]).all() and np.isfinite(runs.values[1]).all()


def test_steps_to_rest_keep_totals() -> None:
    model = model_of("inhibitor", TIGHT)
    one, near = model.many.engine, some_states(model, 9, 14)
    closed = {"closed_dish": np.ones(9), "medium": np.full(9, 50.0)}
    found = one.rest(closed, near)
    assert len(found.failures) < 5  # far from rest; they too keep what there is
    volumes = np.where(np.array(one.states) == "inhibitor_medium", 50.0, 2.0)
    weights = conserved(model.definition.sbml, one.states, closed=True)
    assert len(weights) == 1
    before, after = ((states * volumes) @ weights.T for states in (near, found.states))
    np.testing.assert_allclose(after, before, rtol=1e-9)


def test_steps_that_do_not_settle_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "STEPS", 3)
    model = pn.Model(model_of("alone", TIGHT).definition)
    _, found = rest_of(model, [Set({"k_deg_p53": 0.6}, {}, True)])
    assert found.failures == {0: "no rest was found"}
    runs = batch_runs(model, [Set({"k_deg_p53": 0.6}, {}, True)], ["p53"])  # RoadRunner finds it
    expected = model.steady_state(parameters={"k_deg_p53": 0.6})["p53"]
    assert runs.values[0, 0, 0] == pytest.approx(float(expected), rel=1e-9)


def test_a_state_that_never_moved_is_not_at_rest() -> None:
    """With a rate of NaN no step is taken, so nothing shows that there is a rest."""
    one, near = model_of("alone", TIGHT).many.engine, some_states(model_of("alone", TIGHT), 3, 1)
    rate = one.system.parameters["k_deg_p53"]
    found = one.rest({"k_deg_p53": np.array([rate, math.nan, rate])}, np.abs(near))
    assert found.failures[1] == "no rest was found"


# --- failures


def test_too_many_steps_go_to_roadrunner(monkeypatch: pytest.MonkeyPatch) -> None:
    model = pn.Model(model_of("inhibitor", TIGHT).definition)
    model.many._usual  # noqa: B018 - found before steps are few
    monkeypatch.setattr(engine, "MOST_STEPS", 20)
    found = model.simulate(HOURS, {"milademetan": 100.0}, engine="batch")
    expected = model.simulate(HOURS, {"milademetan": 100.0})
    assert "gave up, it takes more than" in found.attrs["engine"]
    assert "roadrunner" in found.attrs["engine"]
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name].values, expected[name].values)


def test_rates_that_are_not_finite() -> None:
    one = model_of("inhibitor", TIGHT).many.engine
    starts = some_states(model_of("inhibitor", TIGHT), 3, 15)
    starts[1, 2] = math.inf
    found = direct_run(one, starts)
    assert found.failures == {1: "its rates are not finite"}
    assert np.isnan(found.values[1]).all() and np.isfinite(found.values[[0, 2]]).all()
    with pytest.raises(SimulationError):  # RoadRunner is asked, and cannot do it either
        model_of("both", TIGHT).simulate(HOURS, {"KT-253": 1e300}, engine="batch")


def small(**more: Any) -> str:
    return sbml(species("S", 3), reactions=(DECAY,), **more)


ALGEBRAIC = f"<listOfRules><algebraicRule>{mathml('S + k')}</algebraicRule></listOfRules>"
UNSUPPORTED = [
    (sbml(species("S", 3), reactions=(("decay", "S", "", "piecewise(k, S > 1, 0)"),)), "decay"),
    (sbml(species("S", 3), reactions=(("late", "S", "", "k * delay(S, 1)"),)), "reaction late"),
    (small(rules={"x": "abs(S)"}), "rule of x"),
    (small(variables={"x": 0.0}, events=(("dose", "S < 1", "x", "1"),)), "event dose"),
    (small(variables={"x": 0.0}, events=(("dose", "time > 1", "x", "S"),)), "event dose"),
    (small().replace("<listOfReactions>", f"{ALGEBRAIC}<listOfReactions>"), "an algebraic rule"),
    (small().replace('fast="false"', 'fast="true"'), "fast reaction decay"),
]


@pytest.mark.parametrize(("text", "named"), UNSUPPORTED)
def test_what_has_no_formula_is_named(text: str, named: str) -> None:
    assert system_of(small()).states == ("S",)
    with pytest.raises(UnsupportedError, match=named):
        system_of(text)


@pytest.mark.parametrize(("text", "named"), [UNSUPPORTED[0], UNSUPPORTED[2], UNSUPPORTED[3]])
def test_a_model_without_formulas_goes_to_roadrunner(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text(text, encoding="utf-8")
    model = pn.read_sbml(path)
    found = model.simulate(TIMES, engine="batch")
    assert found.attrs["engine"].startswith("roadrunner")
    assert f"instead of batch, which cannot run {named}" in found.attrs["engine"].replace(
        "reaction ", ""
    )
    np.testing.assert_array_equal(found["S"].values, model.simulate(TIMES)["S"].values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (small(), 3 * np.exp(-0.25 * TIMES)),
        (INFUSION, infusion(TIMES)),
        (
            sbml(
                species("S", 1),
                reactions=(("made", "", "S", "cell * time"),),
                variables={"x": 0.0},
                events=(("one", "time >= 4", "S", "5"),),
            ),
            np.where(TIMES >= 4, 5 + 4 * AFTER + AFTER**2 / 2, 1 + TIMES**2 / 2),
        ),
        (
            sbml(
                species("S", 1), reactions=(("made", "", "S", "cell * f(k)"),),
                functions='<functionDefinition id="f"><math xmlns="http://www.w3.org/1998/Math/MathML">'
                "<lambda><bvar><ci> a </ci></bvar><apply><times/><ci> a </ci><ci> a </ci></apply>"
                "</lambda></math></functionDefinition>",
            ),
            1 + 0.25 * TIMES,
        ),
    ],
)  # fmt: skip
def test_small_models_with_known_solutions(text: str, expected: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text(text, encoding="utf-8")
    run = pn.read_sbml(path).simulate(TIMES, engine="batch")
    assert run.attrs["engine"].startswith("batch")
    np.testing.assert_allclose(run["S"].values, expected, rtol=1e-6)


def test_totals_are_kept_in_a_closed_dish() -> None:
    model = model_of("both", TIGHT)
    states = model.many.engine.states
    weights = conserved(model.definition.sbml, states, closed=True)
    totals = [{states[i] for i in np.flatnonzero(row)} for row in weights]
    for own in ("inhibitor_medium", "degrader_medium", "CRBN"):
        assert any(own in total for total in totals)
    opened = conserved(model.definition.sbml, states, closed=False)
    assert [np.count_nonzero(row) for row in opened].count(1) == 2  # the medium keeps its drug
    doses = {"milademetan": pn.closed(300.0, 40.0), "KT-253": pn.closed(20.0, 40.0)}
    one = Set({"medium": 40.0}, doses, True)
    curves = batch_runs(model, [one], states).values[0]
    assert drift_of(model, one, curves, states) < 1e-9
    medium = curves[states.index("inhibitor_medium")]
    assert medium[-1] < 0.99 * medium[0]  # some of it moved
    assert drift_of(model, one, curves * np.linspace(1.0, 1.0 + 1e-7, len(HOURS)), states) > 1e-9


# --- kept code


SCRIPT = """
import sys
import numpy as np
from p53net.engines.base import Tolerances
from p53net.engines.batch import BatchEngine, Stops, machine
keep = machine._keep
machine._keep = lambda path, code: (print("compiled"), keep(path, code))
engine = BatchEngine(open(sys.argv[1]).read(), Tolerances())
stops = Stops(np.array([[4.0]]), (), np.empty((1, 0, 0)))
found = engine.integrate(
    {}, np.array([[3.0]]), np.ones((1, 1)), stops, np.linspace(0, 4, 5), ("S",)
)
print(found.values.tobytes().hex())
"""


def test_the_next_process_reads_what_was_compiled(tmp_path: Path) -> None:
    model, folder = tmp_path / "model.xml", tmp_path / "cache"
    model.write_text(small(), encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, str(model)]
    space = {**os.environ, "P53NET_CACHE": str(folder)}
    first, second = (
        subprocess.run(command, env=space, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == f"compiled\n{second}"
    assert len(list(folder.iterdir())) == 1


def doubled(folder: Path) -> tuple[float, Path | None]:
    """Compile and run 2 x, or take it from the folder; the file that is kept there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("P53NET_CACHE", str(folder))
        found = computed(processor(), lambda code, x: x * 2.0, np.array([21.0]))
    files = list(folder.iterdir()) if folder.is_dir() else []
    assert len(files) <= 1
    return float(found[0]), files[0] if files else None


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text[: len(text) // 2],
        lambda text: b"",
        lambda text: text[:-1] + bytes([text[-1] ^ 1]),
        lambda text: bytes([text[0] ^ 1]) + text[1:],
    ],
)
def test_a_damaged_file_is_compiled_anew(harm: Callable[[bytes], bytes], tmp_path: Path) -> None:
    value, path = doubled(tmp_path)
    assert value == 42.0 and path is not None
    whole = path.read_bytes()
    assert machines._kept(path) is not None
    path.write_bytes(harm(whole))
    assert machines._kept(path) is None
    assert doubled(tmp_path) == (42.0, path)
    assert path.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="there are no such permissions here")
@pytest.mark.parametrize("who", ["group", "others"])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_code_that_others_may_write_is_not_trusted(who: str, what: str, tmp_path: Path) -> None:
    _, path = doubled(tmp_path)
    assert path is not None and machines._kept(path) is not None
    chosen = tmp_path if what == "folder" else path
    chosen.chmod(chosen.stat().st_mode | {"group": 0o020, "others": 0o002}[who])
    assert machines._kept(path) is None
    assert doubled(tmp_path)[0] == 42.0


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Below a file there are no folders."""
    (tmp_path / "file").write_text("")
    assert doubled(tmp_path / "file" / "cache") == (42.0, None)


def test_the_kept_code_depends_on_all_that_it_is_made_of(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("P53NET_CACHE", str(tmp_path))
        for lanes in (2, 4):
            computed(replace(processor(), lanes=lanes), lambda code, x: x * 2.0, np.array([1.0]))
        computed(processor(), lambda code, x: x * 3.0, np.array([1.0]))
        patch.setattr(machines, "VERSION", "0")
        computed(processor(), lambda code, x: x * 3.0, np.array([1.0]))
    assert len(list(tmp_path.iterdir())) == 4


def test_vectors_are_aligned() -> None:
    for size in (1, 7, 64, 1001):
        room = memory(size)
        assert room.ctypes.data % machines.ALIGNMENT == 0
        assert len(room) == size and not room.any()
