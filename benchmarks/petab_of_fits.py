"""Fits of ours, exported as PEtab and fitted again by pyPESTO on RoadRunner.

    python -m benchmarks.petab_of_fits

Needs `pypesto` and `petab`. Data are those of `benchmarks.coverage_of_fits`, with priors that are
flat, so that both look for the same optimum. pyPESTO goes from a point 0.2 off on all scales, by
Nelder-Mead, for RoadRunner has no gradients, with CVODE at 1e-9. Seconds are those of the
processor: of `fit` those of its optimum, from as many starts as usual, and profiles.
"""

import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

import p53net as pn
from benchmarks.coverage_of_fits import FREE, SCENARIOS, TRUTH
from p53net.engines.base import FloatArray
from p53net.fitting.result import Fit
from tests.support.fitting import simulated

FLAT = {FREE: ("log-uniform", 0.003, 0.3)}
CLEARANCE = {"milademetan in human: CL_inhibitor": ("log-uniform", 1.0, 100.0),
             "milademetan in human: V_central_inhibitor": ("log-uniform", 4.0, 400.0)}  # fmt: skip
_T = TypeVar("_T")
VECTORS, FEW = 1000, 20
HEADER = """\
| scenario | unknowns | evaluations/s | pyPESTO | ratio | fit [CPU-s] | pyPESTO | ratio | apart |
|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """Print the table."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    print(HEADER)
    for name, (rows, parameters) in SCENARIOS.items():
        table = simulated(rows, {one: TRUTH[one] for one in parameters}, 1)
        priors = {one: prior for one, prior in {**FLAT, **CLEARANCE}.items() if one in parameters}
        pn.fit(table, list(parameters), priors=priors, draws=0, starts=1)  # compiles
        found, own = timed(lambda t=table, p=parameters, q=priors: pn.fit(
            t, list(p), priors=q, draws=0))  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = pn.export(found, Path(folder) / "problem")
            print(f"| {name} {_row(found, own, path)}", flush=True)


def timed(call: Callable[[], _T]) -> tuple[_T, float]:
    """What a call gives, and its seconds."""
    began = time.process_time()
    return call(), time.process_time() - began


def _row(found: Fit, own: float, path: Path) -> str:
    import petab.v1
    import pypesto.optimize
    from pypesto.objective.roadrunner import SolverOptions
    from pypesto.petab import PetabImporter

    problem = pn.read_petab(path)
    many = problem.nominal + np.random.default_rng(1).normal(
        0.0, 0.02, (VECTORS, len(problem.nominal))
    )
    problem.log_likelihood(many[:2])
    _, spent = timed(lambda: problem.log_likelihood(many))
    other = petab.v1.Problem.from_yaml(str(path))
    petab.v1.flatten_timepoint_specific_output_overrides(other)
    importer = PetabImporter(other, simulator_type="roadrunner")
    objective = importer.create_objective_creator("roadrunner").create_objective()
    objective.solver_options = SolverOptions(relative_tolerance=1e-9, absolute_tolerance=1e-14)
    start: FloatArray = problem.nominal + 0.2
    wanted = importer.create_problem(objective=objective, x_guesses=[start])
    _, each = timed(lambda: [objective(one) for one in many[:FEW]])
    method = pypesto.optimize.ScipyOptimizer(
        "Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7, "maxiter": 3000, "maxfev": 3000}
    )
    again, refit = timed(lambda: pypesto.optimize.minimize(
        wanted, optimizer=method, n_starts=1, progress_bar=False, filename=None))  # fmt: skip
    assert found.target is not None and found.best is not None  # noqa: S101 - it was just made
    unknowns = found.target.unknowns
    both = unknowns.values(np.array([found.best, again.optimize_result[0].x]))
    apart = np.abs(both[1] / both[0] - 1.0).max()
    return (
        f"| {len(problem.names)} | {VECTORS / spent:,.0f} | {FEW / each:,.0f} | "
        f"{VECTORS / spent / (FEW / each):,.0f} | {own:.1f} | {refit:.0f} | {refit / own:.0f} | "
        f"{apart:.0e} |"
    )


if __name__ == "__main__":
    sys.exit(main())
