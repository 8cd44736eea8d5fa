"""Two independent engines to check exported SBML files against: SciPy and COPASI.

Both read the SBML by themselves; neither shares code with p53net, Antimony or RoadRunner.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

import libsbml as sb
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Array = NDArray[np.float64]
Generated = Callable[[float, Sequence[float], Sequence[float]], list[float]]

_FLOOR = 1e-10  # of the largest state: states that never get beyond this count as zero
_COMPARISONS = {
    sb.AST_RELATIONAL_LT: "<",
    sb.AST_RELATIONAL_LEQ: "<=",
    sb.AST_RELATIONAL_GT: ">",
    sb.AST_RELATIONAL_GEQ: ">=",
    sb.AST_RELATIONAL_EQ: "==",
    sb.AST_RELATIONAL_NEQ: "!=",
}
_JOINED = {  # MathML operators of any number of arguments
    sb.AST_PLUS: (" + ", "0.0"),
    sb.AST_TIMES: (" * ", "1.0"),
    sb.AST_LOGICAL_AND: (" and ", "True"),
    sb.AST_LOGICAL_OR: (" or ", "False"),
}
_CALLS = {
    sb.AST_POWER: "power({})",
    sb.AST_FUNCTION_POWER: "power({})",
    sb.AST_FUNCTION_EXP: "exp({})",
    sb.AST_FUNCTION_LN: "log({})",
    sb.AST_FUNCTION_ABS: "abs({})",
    sb.AST_FUNCTION_MIN: "min([{}])",
    sb.AST_FUNCTION_MAX: "max([{}])",
    sb.AST_LOGICAL_NOT: "(not {})",
}
_CONSTANTS = {
    sb.AST_NAME_TIME: "t",
    sb.AST_CONSTANT_PI: repr(math.pi),
    sb.AST_CONSTANT_E: repr(math.e),
    sb.AST_CONSTANT_TRUE: "True",
    sb.AST_CONSTANT_FALSE: "False",
}


def scipy_solution(
    sbml: str, times: Array, *, rtol: float = 1e-11, method: str = "LSODA"
) -> dict[str, Array]:
    """Concentrations of all species and values of all assignment rules, one value a time.

    `times` increase and start at 0 or later; the model itself starts at time 0. The integration
    stops at each event and at each `piecewise` switch in time; a row at an event shows the value
    after it. What the oracle does not know raises NotImplementedError with the element's id.
    """
    times = np.asarray(times, dtype=float)
    if times.size == 0 or times[0] < 0 or np.any(np.diff(times) <= 0):
        raise ValueError("times must be at least 0 and increase")
    system = _System(sbml)
    y = np.array(system.amounts)
    slope = np.array(system.rates(0.0, system.amounts, system.held))
    scale = max(np.abs(y).max(initial=0.0), np.abs(slope).max(initial=0.0) * times[-1], 1e-300)
    # A first coarse run finds the size of each state, which sets its absolute tolerance.
    _, peaks = _integrate(system, times, 1e-6, np.full(y.shape, 1e-12 * scale), method)
    atol = 1e-14 * np.maximum(peaks, max(_FLOOR * peaks.max(initial=0.0), 1e-280))
    rows, _ = _integrate(system, times, rtol, atol, method)
    if not np.isfinite(rows).all():
        raise ArithmeticError("the solution is not finite")
    return dict(zip(system.outputs, rows.T, strict=True))


def copasi_solution(path: Path, times: Array) -> dict[str, Array]:
    """The same from COPASI, which reads the .xml or .cps file itself (LSODA, rtol 1e-10).

    `times` increase and start at 0. COPASI may show the value before or after an event that
    falls exactly on a row: do not compare there.
    """
    import basico

    model = basico.load_model(str(path))
    if model is None:
        raise ValueError(f"COPASI cannot read {path}")
    try:
        table = basico.run_time_course(
            model=model,
            values=[float(time) for time in times],
            method="deterministic",
            use_initial_values=True,
            output_event=False,
            r_tol=1e-10,
            a_tol=1e-18,
            max_steps=1_000_000,
            use_sbml_id=True,
        )
        wanted = [item.getSBMLId() or item.getObjectName() for item in model.getModel().getMetabolites()]
        for item in model.getModel().getModelValues():
            if item.getStatus() == 1:  # an assignment
                wanted.append(item.getSBMLId() or item.getObjectName())
    finally:
        basico.remove_datamodel(model)
    return {name: table[name].to_numpy(dtype=float) for name in wanted}


def _integrate(
    system: "_System", times: Array, rtol: float, atol: Array, method: str
) -> tuple[Array, Array]:
    """Outputs, one row a time, and the largest absolute amount of each state on the way."""
    y, held, now = np.array(system.amounts), list(system.held), 0.0
    rows: list[list[float]] = []
    peaks = np.abs(y)
    y, held = system.fire(0.0, y, held)
    stops = [stop for stop in system.stops if 0 < stop <= times[-1]]
    for end in dict.fromkeys([*stops, float(times[-1])]):
        if times[0] <= now and now in times:
            rows.append(system.show(now, y.tolist(), held))
        if end > now:
            # Within a segment all comparisons with time keep the value they have inside it.
            first, last = np.nextafter(now, end), np.nextafter(end, now)

            def slope(t: float, y: Array, first=first, last=last, held=held) -> list[float]:
                return system.rates(min(max(t, first), last), y.tolist(), held)

            inner = times[(times > now) & (times < end)]
            run = solve_ivp(
                slope, (now, end), y, method, np.append(inner, end), rtol=rtol, atol=atol
            )
            if not run.success:
                raise ArithmeticError(f"{method} failed at {run.t[-1]}: {run.message}")
            for t, state in zip(inner, run.y.T, strict=False):
                rows.append(system.show(float(t), state.tolist(), held))
            y = run.y[:, -1]
            peaks = np.maximum(peaks, np.abs(run.y).max(axis=1))
        y, held = system.fire(end, y, held)
        peaks, now = np.maximum(peaks, np.abs(y)), end
    if now in times and len(rows) < len(times):
        rows.append(system.show(now, y.tolist(), held))
    return np.array(rows), peaks
