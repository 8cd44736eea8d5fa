"""The dose of half of the largest effect on a quantity, from simulated responses without noise."""

from collections.abc import Sequence

import numpy as np

from p53net.engines.base import FloatArray
from p53net.measures.candidate import alone
from p53net.measures.searching import Found, Places, effective_doses
from p53net.simulation.choice import AUTO
from p53net.simulation.model import Model

_DOSES = np.geomspace(1e-4, 1e6, 41)


def half_effects(
    model: Model,
    drug: str,
    names: Sequence[str],
    hours: float,
    *,
    feedback: bool = True,
    engine: str = AUTO,
) -> dict[str, tuple[float, float]]:
    """Dose [nM] of half the largest change of each quantity at a time, and that change over
    untreated.

    The largest change is looked for between 0.1 pM and 1 mM, a quarter decade apart. Raises
    MeasureError where half of it is not reached.
    """
    one, ends = alone(model, drug, engine), np.array([0.0, hours])

    def changes(doses: FloatArray) -> Found:
        many = one.of(np.zeros(len(doses), dtype=np.intp))
        values, errors = many.run(ends, many.constant(doses), names, feedback)
        return Found(np.abs(values[:, :, -1] / values[:, :, 0] - 1.0), errors)

    ladder = changes(_DOSES)
    for error in ladder.errors.values():
        raise error.with_traceback(None)
    most, largest = _DOSES[ladder.values.argmax(axis=0)], ladder.values.max(axis=0)

    def up_to_the_largest(rows: Places, doses: FloatArray) -> Found:
        found = changes(doses)
        own = found.values[np.arange(len(rows)), rows]
        return found._replace(values=np.where(doses < most[rows], own, largest[rows]))

    what = [f"the change of {name}" for name in names]
    found = effective_doses(up_to_the_largest, largest / 2.0, what)
    return {name: (found.row(i).only(), float(largest[i])) for i, name in enumerate(names)}
