"""A model in DiffSL, the language of diffsol, from the formulas of its SBML."""

from collections.abc import Iterable, Sequence

from p53net.model.expressions import Evaluation, Node
from p53net.model.rates import System


class _Text:
    """A formula as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _with(self, sign: str, other: "_Text") -> "_Text":
        return _Text(f"({self.text} {sign} {other.text})")

    def __add__(self, other: "_Text") -> "_Text":
        return self._with("+", other)

    def __sub__(self, other: "_Text") -> "_Text":
        return self._with("-", other)

    def __mul__(self, other: "_Text") -> "_Text":
        return self._with("*", other)

    def __truediv__(self, other: "_Text") -> "_Text":
        return self._with("/", other)


class _Writer:
    """The functions that formulas use."""

    def constant(self, value: float) -> _Text:
        """A number."""
        return _Text(f"({value!r})" if value < 0 else repr(value))

    def exp(self, x: _Text) -> _Text:
        """e to the x."""
        return _Text(f"exp({x.text})")

    def ln(self, x: _Text) -> _Text:
        """Natural logarithm."""
        return _Text(f"log({x.text})")

    def power(self, x: _Text, n: _Text) -> _Text:
        """x to the n."""
        return _Text(f"pow({x.text}, {n.text})")


def diffsl(system: System, inputs: Sequence[str], read_outs: Sequence[str]) -> str:
    """Its inputs are these parameters, then the start value of each state; it gives these
    read-outs. Other parameters are numbers in it. What depends on inputs only is a tensor of its
    own, worked out once for a run."""
    known, moving = system.expressions, frozenset(system.states)
    names = {name: f"p{i}" for i, name in enumerate(inputs)}
    names |= {name: f"s{i}" for i, name in enumerate(system.states)}
    numbers = {n: known.number(x) for n, x in system.parameters.items() if n not in names}
    fixed: dict[Node, str] = {}

    def symbol(name: str) -> _Text:
        return _Text(names[name])

    def is_fixed(node: Node) -> bool:
        return not known.symbols(node) & moving

    def look_up(node: Node) -> _Text:
        return _Text(fixed.setdefault(node, f"c{len(fixed)}"))

    once = Evaluation(known, _Writer(), symbol)
    value = Evaluation(known, _Writer(), symbol, is_fixed, look_up)

    def written(nodes: Iterable[Node]) -> list[str]:
        return [value(known.with_nodes(node, numbers)).text for node in nodes]

    rates = written(system.rates)
    found = written(system.derived.get(name, known.symbol(name)) for name in read_outs)
    starts = [f"y{i}" for i in range(len(system.states))]
    blocks = [
        ("in_i", [f"{name} = 1" for name in (*(names[name] for name in inputs), *starts)]),
        *((name, [once(node).text]) for node, name in fixed.items()),
        ("u_i", [f"{names[state]} = {y}" for state, y in zip(system.states, starts, strict=True)]),
        ("F_i", rates),
        ("out_i", found),
    ]
    return "\n".join(f"{name} {{ {', '.join(lines)} }}" for name, lines in blocks)
