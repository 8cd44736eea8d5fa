"""Two independent engines to check exported SBML files against: SciPy and COPASI.

Both read the SBML by themselves; neither shares code with p53net, Antimony or RoadRunner.
"""

from pathlib import Path

import numpy as np

from tests.support.generated import Array
from tests.support.generated import Method as Method
from tests.support.generated import scipy_solution as scipy_solution


def copasi_solution(path: Path, times: Array) -> dict[str, Array]:
    """The same from COPASI, which reads the .xml or .cps file itself (LSODA, rtol 1e-10).

    `times` increase and start at 0. A row exactly at an event may show the value before or after
    it: do not compare there.
    """
    import basico
    from COPASI import CModelEntity

    if len(times) < 2 or times[0] != 0 or np.any(np.diff(times) <= 0):
        raise ValueError("times must start at 0 and increase")
    loaded = basico.load_model(str(path))
    if loaded is None:
        raise ValueError(f"COPASI cannot read {path}")
    try:
        basico.run_time_course(
            model=loaded,
            values=times.tolist(),
            method="deterministic",
            use_initial_values=True,
            automatic=False,
            output_event=False,
            r_tol=1e-10,
            a_tol=1e-18,
            max_steps=1_000_000,
        )
        series, model = loaded.getTask("Time-Course").getTimeSeries(), loaded.getModel()
        rows = range(series.getRecordedSteps())
        found = {
            series.getKey(i): np.array([series.getConcentrationData(row, i) for row in rows])
            for i in range(series.getNumVariables())
        }
        clock = np.array([series.getConcentrationData(row, 0) for row in rows])
        if not np.array_equal(clock, times):
            raise ArithmeticError(f"COPASI gave {len(rows)} rows for {len(times)} times")
        values = model.getModelValues()
        moving = (CModelEntity.Status_ASSIGNMENT, CModelEntity.Status_ODE)
        rules = [item for item in values if item.getStatus() in moving]
        for item in model.getMetabolites():  # the series leaves out those that cannot change
            found.setdefault(item.getKey(), np.full(len(rows), item.getInitialConcentration()))
        return {
            item.getSBMLId() or item.getObjectName(): found[item.getKey()]
            for item in [*model.getMetabolites(), *rules]
        }
    finally:
        basico.remove_datamodel(loaded)
