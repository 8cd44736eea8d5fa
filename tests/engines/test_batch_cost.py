"""Models that are too large to compile go to RoadRunner, told from their size alone."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

import p53net as pn
from p53net.engines.batch import cost, driver, steady
from p53net.engines.batch.kernel import Kernel
from p53net.engines.batch.llvm import Code
from p53net.errors import UnsupportedError
from p53net.model.expressions import Expressions
from p53net.model.rates import System, system_of
from tests.support.files import read

TIMES = np.linspace(0.0, 4.0, 9)


def coupled(size: int, folder: Path) -> pn.Model:
    """Each species is made in proportion to the sum of all, and decays: the Jacobian is full."""
    lines = ["compartment c = 1", f"total := {' + '.join(f'S{i}' for i in range(size))}"]
    for i in range(size):
        lines += [f"species S{i} in c = {1 + i % 3}", f"J{i}: => S{i}; c*{made(i, size)!r}*total"]
        lines += [f"D{i}: S{i} => ; c*{decay(i)!r}*S{i}"]
    return read("\n".join(lines), folder)


def made(i: int, size: int) -> float:
    return (0.5 + i / size) / size


def decay(i: int) -> float:
    return 0.2 + 0.1 * (i % 7)


def truth(size: int) -> np.ndarray:
    """Species over times, by the matrix exponential."""
    matrix = np.array([[made(i, size)] * size for i in range(size)])
    matrix -= np.diag([decay(i) for i in range(size)])
    start = np.array([1.0 + i % 3 for i in range(size)])
    return np.array([expm(matrix * t) @ start for t in TIMES]).T


REFUSED = (
    r"roadrunner .* instead of batch, "
    r"which cannot run a model whose code would take about \d\d s to compile$"
)


@pytest.mark.parametrize(
    ("size", "engine"),
    [(8, "batch, llvmlite"), (60, REFUSED)],
)
def test_the_engine_and_its_numbers(size: int, engine: str, tmp_path: Path) -> None:
    run = coupled(size, tmp_path).simulate(TIMES, engine="batch")
    found = np.array([run[f"S{i}"].values for i in range(size)])
    np.testing.assert_allclose(found, truth(size), rtol=1e-6)
    assert re.match(engine, run.attrs["engine"])


def written(system: System) -> int:
    """Lines of the code, with exponents that are not burnt in."""
    code = Code(8)
    kernel = Kernel(code, system, {})
    kernel.write()
    driver.Driver(code, kernel).write()
    steady.Rest(code, kernel).write()
    return str(code).count("\n")


@pytest.mark.parametrize("drugs", [(), ("milademetan", "KT-253")], ids=str)
def test_the_estimate_follows_the_code_of_our_models(drugs: tuple[str, ...]) -> None:
    check_estimate(system_of(pn.load(*drugs).definition.sbml))


@pytest.mark.parametrize("size", [20, 50])
def test_the_estimate_follows_the_code_of_coupled_models(size: int, tmp_path: Path) -> None:
    check_estimate(system_of(coupled(size, tmp_path).definition.sbml))


def check_estimate(system: System) -> None:
    """A line costs LLVM 50 microseconds, and more in longer code: measured for both rules."""
    lines = written(system)
    by_lines = lines * (5.5e-5 + 1.35e-9 * lines)
    # Two rules of thumb, each within 1.4 of what was measured; the limit itself is no sharper.
    assert cost.compile_seconds(system) == pytest.approx(by_lines, rel=0.4)


@pytest.mark.slow
def test_far_too_large_models_are_not_counted_to_the_end() -> None:
    """Elimination of 1,500 coupled states alone would be a thousand million multiply-adds."""
    known, size = Expressions(), 1500
    states = tuple(f"S{i}" for i in range(size))
    total = known.sum((known.symbol(name), 1.0) for name in states)
    rates = tuple(known.product(total, known.number(1.0 + i)) for i in range(size))
    with pytest.raises(UnsupportedError, match="would take more than 10 min to compile"):
        cost.check(System(known, states, {}, rates, {}, {}, ()))
