"""One system of equations for the page: its module, and what a caller of it has to know."""

from collections.abc import Mapping
from typing import NamedTuple

from p53net.engines.batch.driver import JOB
from p53net.engines.batch.steady import REST
from p53net.errors import UnsupportedError
from p53net.lab.formulas import multiples_of, tree_of
from p53net.lab.webassembly import LANES, compiled, kernel_and_text
from p53net.model import Definition, shown_unit
from p53net.model.rates import System, system_of
from p53net.model.symbols import TIME

LAYOUTS = {"integrate": list(JOB), "rest": list(REST), "lanes": LANES}
"""What calls are given, of every module."""


class Made(NamedTuple):
    """A system for the page."""

    about: Mapping[str, object]
    """JSON."""
    module: bytes
    """WebAssembly."""


def system_for_page(definition: Definition) -> Made:
    """A system of a cell in a dish. Raises UnsupportedError where runs have events of their own."""
    system = system_of(definition.sbml)
    if system.events or system.watched or system.switches or system.stops:
        raise UnsupportedError(f"{definition.id} has events or jumps; the lab takes neither")
    kernel, text = kernel_and_text(system)
    never = {*definition.counters, TIME}
    about = {
        "id": definition.id,
        "states": list(kernel.states),
        "parameters": list(kernel.parameters),
        "values": list(system.parameters.values()),
        "space": kernel.space.size,
        "slopes": [list(at) for at in kernel.jacobian.entries],
        "resting": [int(name not in never) for name in kernel.states],
        "volumes": [definition.compartment_of.get(name, "") for name in system.states],
        "starts": dict(definition.starts),
        "dosed": {definition.drugs[drug]: name for drug, name in definition.dosed.items()},
        "computed": {name: tree_of(system.formula(of)) for name, of in definition.computed.items()},
        "readouts": _read_outs(definition, system),
        "inputs": [
            name for name, row in definition.parameters.items() if row.kind in ("input", "computed")
        ],
    }
    return Made(about, compiled(text))


def _read_outs(definition: Definition, system: System) -> dict[str, Mapping[str, object]]:
    """What runs return: sums of multiples of states, with unit and meaning."""
    found: dict[str, Mapping[str, object]] = {}
    for name, meaning in definition.read_outs.items():
        terms = multiples_of(system.expressions, system.formula(name), system.states)
        if terms:
            unit = shown_unit(definition.units[name])
            found[name] = {"terms": terms, "unit": unit, "meaning": meaning}
    return found
