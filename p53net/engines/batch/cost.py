"""How long a model's code takes to compile, told from its size before anything is written.

Measured on chains, binding networks and networks of Hill functions with 16 to 600 states: within a
factor of 1.4, from 0.3 to 16 s of one core. The rule is of the model alone: the processor and
what the disk keeps do not move it.
"""

from p53net.engines.batch.elimination import Entry, pivots
from p53net.errors import UnsupportedError
from p53net.model.expressions import Node
from p53net.model.rates import System

MOST_SECONDS = 20.0
"""A model whose code would take longer is refused."""

_STARTING = 0.1
_PER_PART = 1.4e-4  # term, factor or argument of a formula
_PER_FACTOR = 1e-3  # entry of L and U, or state
_PER_PRODUCT = 1e-4  # multiply-add of the elimination
_CROWDING = 0.3  # per second: LLVM's passes take longer than in proportion
_PARTS_OF = {  # which become polynomials
    "power": 60, "exp": 25, "ln": 30, "sin": 35, "cos": 35, "atan": 40, "sinh": 50, "cosh": 30,
    "tanh": 90,
}  # fmt: skip
_FAR_TOO_LONG = 600.0


def check(system: System) -> None:
    """Raises UnsupportedError where the code of a model would take too long to compile."""
    seconds = compile_seconds(system)
    if seconds > MOST_SECONDS:
        about = f"about {seconds:.0f} s" if seconds < _FAR_TOO_LONG else "more than 10 min"
        raise UnsupportedError(f"a model whose code would take {about} to compile")


def compile_seconds(system: System) -> float:
    """Of one core; counted no further than ten minutes."""
    size, entries = len(system.states), _entries(system)
    linear = _STARTING + _PER_PART * _parts(system.rates) + _PER_FACTOR * size
    if _crowded(linear + _PER_FACTOR * len(entries)) > _FAR_TOO_LONG:
        return _FAR_TOO_LONG
    for _, (right, below) in pivots(size, entries):
        linear += _PER_FACTOR * (1 + len(right) + len(below))
        linear += _PER_PRODUCT * len(right) * len(below)
        if _crowded(linear) > _FAR_TOO_LONG:
            return _FAR_TOO_LONG
    return _crowded(linear)


def _crowded(linear: float) -> float:
    return linear * (1.0 + _CROWDING * linear)


def _parts(nodes: tuple[Node, ...]) -> int:
    """Terms, factors and arguments in formulas, those of shared formulas once."""
    total, seen, waiting = 0, set[Node](), [*nodes]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            total += len(node.parts) + _PARTS_OF.get(node.kind, 0)
            waiting += [part for part, _ in node.parts]
    return total


def _entries(system: System) -> set[Entry]:
    """Row and column of what depends on what."""
    places = {name: column for column, name in enumerate(system.states)}
    named = (system.expressions.symbols(rate) for rate in system.rates)
    return {
        (row, places[name]) for row, names in enumerate(named) for name in names if name in places
    }
