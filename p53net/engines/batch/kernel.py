"""The formulas of one model as functions of generated code, over one workspace of vectors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from p53net.engines.batch.elimination import Elimination, Entry, eliminated
from p53net.engines.batch.llvm import Code, Value
from p53net.engines.batch.rodas import STAGES
from p53net.model.expressions import Evaluation, Expressions, Node
from p53net.model.rates import System
from p53net.model.symbols import TIME


@dataclass
class Workspace:
    """Where everything is, counted in vectors. States come first and parameters after them, so
    that a dose can set either by one number."""

    states: int
    parameters: int
    factors: int
    more: Mapping[str, int] = field(default_factory=dict)
    """Further regions and their sizes."""
    fixed: dict[Node, int] = field(default_factory=dict)
    """Formulas of parameters only: worked out when a parameter set is taken up."""

    def __post_init__(self) -> None:
        sizes = {
            "y": self.states,
            "parameters": self.parameters,
            "absolute": self.states,
            "stage": self.states,
            "rates": self.states,
            "memory": self.states,
            "nothing": self.states,
            "u": self.states * STAGES,
            "factors": self.factors,
            "shift": 1,
            "sound": 1,
            **self.more,
        }
        self._starts: dict[str, int] = {}
        end = 0
        for name, size in sizes.items():
            self._starts[name] = end
            end += size
        self._end = end

    def __getitem__(self, name: str) -> int:
        return self._starts[name]

    @property
    def size(self) -> int:
        """In vectors."""
        return self._end + len(self.fixed)

    def place_of(self, node: Node) -> int:
        """Where the value of a formula of parameters is kept."""
        return self._end + self.fixed.setdefault(node, len(self.fixed))


@dataclass(frozen=True)
class Jacobian:
    """Entries that are not zero, and the order in which they are eliminated."""

    entries: dict[tuple[int, int], Node]
    order: Elimination


def jacobian(system: System, states: tuple[str, ...], rates: tuple[Node, ...]) -> Jacobian:
    """d rate / d state, as formulas."""
    known, found = system.expressions, dict[tuple[int, int], Node]()
    for row, rate in enumerate(rates):
        for column, name in enumerate(states):
            if name in known.symbols(rate):
                entry = known.derivative(rate, known.symbol(name))
                if not (entry.kind == "number" and entry.value == 0.0):
                    found[row, column] = entry
    return Jacobian(found, eliminated(len(rates), found))


class _Matrix:
    """Entries of shift*I - J, each worked out where it is used."""

    def __init__(
        self,
        slopes: Mapping[Entry, Node],
        value: Callable[[Node], Value],
        shift: Value,
        known: Expressions,
    ) -> None:
        self._slopes = {at: known.negative(slope) for at, slope in slopes.items()}
        self._value, self._shift = value, shift

    def __contains__(self, at: object) -> bool:
        return at in self._slopes or (isinstance(at, tuple) and at[0] == at[1])

    def __getitem__(self, at: Entry) -> Value:
        if at not in self._slopes:
            return self._shift
        slope = self._value(self._slopes[at])
        return self._shift + slope if at[0] == at[1] else slope


class _Loads:
    """Factors, each read where it is used."""

    def __init__(self, code: Code, base: Value, places: Mapping[Entry, int]) -> None:
        self._code, self._base, self._places = code, base, places
        self._read: dict[Entry, Value] = {}

    def __contains__(self, at: object) -> bool:
        return at in self._places

    def __getitem__(self, at: Entry) -> Value:
        if at not in self._read:
            self._read[at] = self._code.load(self._base, self._places[at])
        return self._read[at]


class Kernel:
    """Functions of one model: `fixed`, `rates`, `factorise` and `solve`."""

    def __init__(
        self, code: Code, system: System, burnt: dict[str, float], *, floored: bool = False
    ) -> None:
        """`burnt` are parameters, such as exponents, whose values become part of the code. With
        `floored`, a state that is below zero by less than its absolute tolerance counts as zero,
        and so does a slope that is no number."""
        known = system.expressions
        numbers = {name: known.number(value) for name, value in burnt.items()}
        self.code, self.system, self._floored = code, system, floored
        clock = (TIME,) if self._needs_clock(system) else ()
        self.states = (*system.states, *clock)
        self.parameters = tuple(system.parameters)
        rates = tuple(known.with_nodes(rate, numbers) for rate in system.rates)
        self._rates = (*rates, *(known.number(1.0) for _ in clock))
        self.jacobian = jacobian(system, self.states, self._rates)
        entries = sorted(self.jacobian.order.entries)
        self._factor_places = {entry: place for place, entry in enumerate(entries)}
        self.space = self._workspace(len(entries))
        self._touched = {(i, i) for i, column in entries if i != column}
        """Pivots that elimination may have changed."""
        self._moving = frozenset(self.states)

    def _needs_clock(self, system: System) -> bool:
        return system.uses_time

    def _workspace(self, factors: int) -> Workspace:
        return Workspace(len(self.states), len(self.parameters), factors)

    def write(self) -> None:
        """Add the functions to the code."""
        self._write_rates()
        self._write_slopes()
        self._write_factorise()
        self._write_solve()
        self._write_more()
        self._write_fixed()

    def _write_more(self) -> None:
        """Functions of kinds of models that need more."""

    def _write_rates(self) -> None:
        """rates(workspace, states, to): the rate of change of each state."""
        with self.code.function("rates", 3) as (space, states, to):
            value = self._evaluation(space, states)
            for place, rate in enumerate(self._rates):
                self.code.store(value(rate), to, place)

    def _write_slopes(self) -> None:
        """slopes(workspace, states, to): the entries of the Jacobian."""
        with self.code.function("slopes", 3) as (space, states, to):
            value = self._evaluation(space, states)
            for place, entry in enumerate(self.jacobian.entries.values()):
                self.code.store(value(entry), to, place)

    def _write_factorise(self) -> None:
        """factorise(workspace): L and U of shift*I - J at `y`, and whether pivots are sound."""
        code, place = self.code, self.space
        with code.function("factorise", 1) as (space,):
            value = self._evaluation(space, code.place(space, place["y"]))
            shift = code.load(space, place["shift"])
            slope = self._without_nan(value) if self._floored else value
            matrix = _Matrix(self.jacobian.entries, slope, shift, self.system.expressions)
            worst = code.constant(0.0)
            for at, factor in self.jacobian.order.factors(matrix, code.constant(1.0)):
                code.store(factor, space, place["factors"] + self._factor_places[at])
                # A pivot that is a tiny rest of what was on the diagonal has lost its digits.
                if at in self._touched:
                    worst = code.larger(code.absolute(matrix[at] * factor), worst)
            code.store(worst, space, place["sound"])

    def _without_nan(self, value: Evaluation) -> Callable[[Node], Value]:
        """Values of slopes: 0 for one that has none, such as that of 1/(1 + (k/x)^4) at 0. Steps
        need slopes that are about right, and are judged by their error."""

        def slope(node: Node) -> Value:
            found: Value = value(node)
            return self.code.select(found.same(found), found, 0.0)

        return slope

    def _write_solve(self) -> None:
        """solve(workspace, right, more, to): (shift*I - J) to = right + more."""
        code = self.code
        with code.function("solve", 4) as (space, right, more, to):
            base = code.place(space, self.space["factors"])
            factors = _Loads(code, base, self._factor_places)
            vector = [code.load(right, i) + code.load(more, i) for i in range(len(self.states))]
            for place, x in enumerate(self.jacobian.order.solution(factors, vector)):
                code.store(x, to, place)

    def _write_fixed(self) -> None:
        """fixed(workspace): formulas of parameters only. Written last, when all are known."""
        with self.code.function("fixed", 1) as (space,):
            value = self._evaluation(space, space, hoist=False)
            done = 0
            while done < len(self.space.fixed):
                node = list(self.space.fixed)[done]
                self.code.store(value(node), space, self.space.place_of(node))
                done += 1

    def _evaluation(self, space: Value, states: Value, hoist: bool = True) -> Evaluation:
        code, start = self.code, self.space["parameters"]
        rows = {name: i for i, name in enumerate(self.states)}
        places = {name: start + i for i, name in enumerate(self.parameters)}

        def read(name: str) -> Value:
            if name not in rows:
                return code.load(space, places[name])
            value = code.load(states, rows[name])
            if not self._floored:
                return value
            least = code.load(space, self.space["absolute"] + rows[name]) * -1.0
            return code.select((value < 0.0) & (value > least), 0.0, value)

        return Evaluation(
            self.system.expressions,
            self.code,
            read,
            self._is_fixed if hoist else lambda _node: False,
            lambda node: self.code.load(space, self.space.place_of(node)),
        )

    def _is_fixed(self, node: Node) -> bool:
        return not self.system.expressions.symbols(node) & self._moving
