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
        raise UnsupportedError(
            f"{definition.id} has events, or rates that jump, which the lab does not run; use "
            "pn.read_sbml and simulate"
        )
    kernel, text = kernel_and_text(system)
    never = {*definition.counters, TIME}
    about = {
        "id": definition.id,
        "states": list(kernel.states),
        "parameters": list(kernel.parameters),
        "values": [_value(definition, system, name) for name in kernel.parameters],
        "space": kernel.space.size,
        "slopes": [list(at) for at in kernel.jacobian.entries],
        "resting": [int(name not in never) for name in kernel.states],
        "volumes": [_volume(definition, system, name) for name in system.states],
        "starts": dict(definition.starts),
        "begins": {n: v for n, v in definition.rate_variables.items() if not math.isnan(v)},
        "dosed": {definition.drugs[drug]: name for drug, name in definition.dosed.items()},
        "computed": {name: tree_of(inner.formula(of)) for name, of in definition.computed.items()},
        "readouts": _read_outs(definition, system),
        "inputs": [
            name for name, row in definition.parameters.items() if row.kind in ("input", "computed")
        ],
        "scale": definition.scale,
        "begin": _begin(system) if definition.external else [],
    }
    return Made(about, compiled(text))


def _value(definition: Definition, system: System, name: str) -> float | None:
    """Of a parameter in the file; None of one that start values decide."""
    value = system.parameters[name]
    if math.isfinite(value):
        return value
    if name in system.starts:
        return None
    raise UnsupportedError(f"{definition.id}: {name} is {value:g} in the file; give it a number")


def _volume(definition: Definition, system: System, state: str) -> str:
    """The parameter by which the absolute tolerance of a state is divided; none of an amount, or
    where the volume moves."""
    where = definition.compartment_of.get(state, "")
    return "" if state in definition.amounts or where not in system.parameters else where


def _begin(system: System) -> list[object]:
    """Start values as formulas of parameters, those that others need first."""
    return [[name, tree_of(node)] for name, node in system.starts.items()]


def _read_outs(definition: Definition, system: System) -> dict[str, Mapping[str, object]]:
    """What runs return, with unit and meaning: sums of multiples of states, or formulas of them."""
    found: dict[str, Mapping[str, object]] = {}
    names = {name: definition.names.get(name, name) for name in definition.variables}
    for name, meaning in (names if definition.external else definition.read_outs).items():
        about = {"unit": shown_unit(definition.units[name]), "meaning": meaning}
        formula = system.formula(name)
        terms = multiples_of(system.expressions, formula, system.states)
        if terms:
            found[name] = {"terms": terms, **about}
            continue
        moving = system.expressions.symbols(formula) & frozenset(system.states)
        found[name] = {"tree": tree_of(formula), "states": sorted(moving), **about}
    return found
