"""Machine code of the batch engine: its arithmetic, the functions of a model, and kept code."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import p53net as pn
from p53net.engines.batch import machine as machines
from p53net.engines.batch.elimination import eliminated
from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.llvm import Code
from p53net.engines.batch.machine import Processor, compiled, memory, processor
from tests.support.processors import computed, processors
from tests.support.sbml_texts import DECAY, sbml, species
from tests.support.truth import MODELS, REFERENCE, TIGHT, model_of, random_sets, some_states

NAMES = list(MODELS)


# --- equations of the models


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_roadrunners(name: str) -> None:
    model = model_of(name, REFERENCE)
    system, reference = model.runner("batch").engine.system, model.runner().engine._compiled
    order = [system.states.index(species) for species in reference.species]
    sets = random_sets(model, 6, 3)
    for one, state in zip(sets, some_states(model, 6, 4), strict=True):
        setting = {**one.parameters, "feedback": 0.3, "P2_activity_held": 0.2}
        if model.definition.drugs:
            setting["closed_dish"] = 1.0
        reference.prepare(setting, state[order])
        expected = reference.rates(state[order])
        (activity,) = reference.values(["P2_activity_closed"])
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
    order = eliminated(size, there)
    assert sorted(order.order) == list(range(size))
    assert order.entries >= set(there)
    factors = dict(order.factors({at: matrix[at] for at in there}, 1.0))
    assert factors.keys() == order.entries
    np.testing.assert_allclose(order.solution(factors, right), np.linalg.solve(matrix, right))


def test_elimination_takes_the_pivot_that_fills_least() -> None:
    arrow = [(0, i) for i in range(1, 6)] + [(i, 0) for i in range(1, 6)]
    order = eliminated(6, arrow)
    assert len(order.entries) == 16  # no fill: the head comes late


# --- machine code


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
    run = compiled(str(code), ("counted",), target)
    given, to = memory(target.lanes), np.zeros(1, dtype=np.int64)
    for positive in range(target.lanes + 1):
        given[:] = np.where(np.arange(target.lanes) < positive, 1.0, -1.0)
        run.functions["counted"](given.ctypes.data, to.ctypes.data)
        assert to[0] == 2 * positive + 100 * (positive > 0)


# --- the functions of a model


def kernel_of(model: pn.Model, burnt: bool, lanes: int) -> Kernel:
    system = model.runner("batch").engine.system
    names = [name for name in system.parameters if name.startswith("n_")] if burnt else []
    return Kernel(Code(lanes), system, {name: system.parameters[name] for name in names})


def known_of(model: pn.Model, size: int, seed: int) -> dict[str, np.ndarray]:
    """States and parameters, an array for each."""
    system, random = model.runner("batch").engine.system, np.random.default_rng(seed)
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
    run = compiled(str(code), ("all",), processor())
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


# --- kept code


SCRIPT = """
import sys
import numpy as np
from p53net.engines.base import DosingEvents, Problem, Tolerances
from p53net.engines.batch import Batch, machine
from p53net.model.external import read_definition
keep = machine.keep
machine.keep = lambda path, code: (print("compiled"), keep(path, code))
engine = Batch(read_definition(sys.argv[1]), Tolerances())
found = engine.integrate(
    Problem({}, np.array([[3.0]]), np.linspace(0, 4, 5), ("S",), DosingEvents.none())
)
print(found.values.tobytes().hex())
"""


@pytest.mark.slow
def test_the_next_process_reads_what_was_compiled(tmp_path: Path) -> None:
    model, folder = tmp_path / "model.xml", tmp_path / "cache"
    model.write_text(sbml(species("S", 3), reactions=(DECAY,)), encoding="utf-8")
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
    assert machines.kept(path) is not None
    path.write_bytes(harm(whole))
    assert machines.kept(path) is None
    assert doubled(tmp_path) == (42.0, path)
    assert path.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="there are no such permissions here")
@pytest.mark.parametrize("who", ["group", "others"])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_code_that_others_may_write_is_not_trusted(who: str, what: str, tmp_path: Path) -> None:
    _, path = doubled(tmp_path)
    assert path is not None and machines.kept(path) is not None
    chosen = tmp_path if what == "folder" else path
    chosen.chmod(chosen.stat().st_mode | {"group": 0o020, "others": 0o002}[who])
    assert machines.kept(path) is None
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
