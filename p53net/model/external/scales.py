"""How fast a stranger's model moves at its start: the times of its slopes."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from p53net.errors import P53NetError
from p53net.model.definition import Definition
from p53net.model.expressions import Node
from p53net.model.external.findings import NOTE, Finding
from p53net.model.external.initial import Starts
from p53net.model.rates import System, system_of
from p53net.model.symbols import TIME

STIFF = 1e4
"""Slowest over fastest time, from which on a model is called stiff."""

_STEP = 1e-7  # of a state, or of the largest
_NOTHING = 1e-9  # of the fastest rate: rounding


def scales_of(definition: Definition) -> Iterator[Finding]:
    """Whether the model is stiff at its start; nothing where it has no formulas. What
    fast reactions do is no matter of the model's own."""
    if definition.equilibrium is not None:
        return
    times = times_of(definition)
    if times is None:
        return
    fastest, slowest = times
    unit = definition.time_unit or "units of time"
    ratio = slowest / fastest
    text = f"at its start it moves in {fastest:.2g} to {slowest:.2g} {unit}"
    if ratio >= STIFF:
        text += f": it is stiff, by a factor of {ratio:.1g}, so that explicit methods take long"
    yield Finding(NOTE, "stiffness", definition.id, 0, text)


def times_of(definition: Definition) -> tuple[float, float] | None:
    """Fastest and slowest time at the start, by the eigenvalues of the slopes; None where they
    have no formulas, or nothing moves."""
    try:
        system = system_of(definition.sbml)
        values = Starts(definition).of({})
    except (P53NetError, RecursionError):
        return None
    if values is None or not system.states:
        return None
    known = {**system.parameters, **values, TIME: 0.0}
    with np.errstate(all="ignore"):
        slopes = slopes_of(system, system.rates, known)
    if not np.isfinite(slopes).all():
        return None
    rates = np.abs(np.linalg.eigvals(slopes).real)
    rates = rates[rates > _NOTHING * rates.max(initial=0.0)]
    return (float(1.0 / rates.max()), float(1.0 / rates.min())) if len(rates) else None


def slopes_of(
    system: System, nodes: Sequence[Node], known: Mapping[str, float]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Slopes of formulas by states (formula, state), by central differences."""
    start = np.array([known[name] for name in system.states])
    steps = _STEP * np.maximum(np.abs(start), np.abs(start).max(initial=0.0) or 1.0)
    moved = np.concatenate([start + np.diag(steps), start - np.diag(steps)])
    table = {**known, **dict(zip(system.states, moved.T, strict=True))}
    found = [np.broadcast_to(rate, len(moved)) for rate in system.values(list(nodes), table)]
    size = len(start)
    slopes = [(rate[:size] - rate[size:]) / (2.0 * steps) for rate in found]
    return np.array(slopes).reshape(len(nodes), size)
