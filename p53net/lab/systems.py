"""One system of equations for the page: its module, and what a caller of it has to know."""

import math
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
    """The system of a definition. What a run computes from the untreated cell is in terms of the
    cell alone, where that is less. Raises UnsupportedError where runs have events of their own."""
    system = system_of(definition.sbml)
    inner = system if definition.cell is None else system_of(definition.cell.sbml)
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
        "begins": {n: v for n, v in definition.rate_variables.items() if not math.isnan(v)},
        "dosed": {definition.drugs[drug]: name for drug, name in definition.dosed.items()},
        "computed": {name: tree_of(inner.formula(of)) for name, of in definition.computed.items()},
        "readouts": _read_outs(definition, system),
        "inputs": [
            name for name, row in definition.parameters.items() if row.kind in ("input", "computed")
        ],
    }
    return Made(about, compiled(text))


def _read_outs(definition: Definition, system: System) -> dict[str, Mapping[str, object]]:
    """What runs return, with unit and meaning: sums of multiples of states, or formulas of them."""
    found: dict[str, Mapping[str, object]] = {}
    for name, meaning in definition.read_outs.items():
        about = {"unit": shown_unit(definition.units[name]), "meaning": meaning}
        formula = system.formula(name)
        terms = multiples_of(system.expressions, formula, system.states)
        if terms:
            found[name] = {"terms": terms, **about}
            continue
        moving = system.expressions.symbols(formula) & frozenset(system.states)
        found[name] = {"tree": tree_of(formula), "states": sorted(moving), **about}
    return found
