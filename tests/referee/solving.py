"""Runs of equations by SciPy's LSODA, stopped and started again at every dose."""

from collections.abc import Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.integrate import odeint

from tests.referee.composing import Equations

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""Curves are the same to 5e-9 of their maximum at a hundredth of these."""
MOST_STEPS = 100_000
"""Between two times."""


class Step(NamedTuple):
    """A change of one state from outside."""

    time: float
    state: str
    value: float
    added: bool = False
    """To what is there, instead of in its place."""


def solution(
    equations: Equations, times: np.ndarray, steps: Sequence[Step] = ()
) -> dict[str, np.ndarray]:
    """Every state and every derived quantity at `times` [h]; at a step, what it left."""
    y, rows = equations.start.copy(), np.empty((len(times), len(equations.states)))
    edges = sorted({0.0, float(times[-1]), *(step.time for step in steps)})
    for begin, end in zip(edges, [*edges[1:], np.inf], strict=True):
        for step in steps:
            if step.time == begin:
                place = equations.states.index(step.state)
                y[place] = step.value + (y[place] if step.added else 0.0)
        inside = (times >= begin) & (times < end)
        if end == np.inf:
            rows[inside] = y
            break
        stops = np.unique([begin, *times[inside], end])
        found, told = odeint(
            equations.change, y, stops, tfirst=True, full_output=True,
            rtol=RELATIVE, atol=ABSOLUTE, mxstep=MOST_STEPS,
        )  # fmt: skip
        assert told["message"] == "Integration successful.", told["message"]
        rows[inside] = found[np.isin(stops, times[inside])]
        y = found[-1]
    cells = [vars(equations.cell(row.tolist())) for row in rows]
    return {
        name: np.array([cell[name] for cell in cells])
        for name, value in cells[0].items()
        if isinstance(value, Real) and not isinstance(value, bool)
    }
