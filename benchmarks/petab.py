"""Log-likelihoods and gradients of PEtab problems a second, beside pyPESTO with RoadRunner.

    python -m benchmarks.petab FOLDER [NAME ...]

FOLDER has a problem in each of its folders, such as `Boehm_JProteomeRes2014`. Seconds are those of
the processor, after a first call that compiles; vectors lie around the nominal one (normal, 0.05 on
the parameters' scales). pyPESTO is measured where `pypesto` and `petab` are installed. A ratio
stands only where both give the same log-likelihood (to 1e-3, its tolerances are its own).
"""

import argparse
import importlib.util
import logging
import math
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import p53net as pn
from p53net.petab.problem import PetabProblem

VECTORS, FEW = 1000, 20
SECONDS = 5.0
HEADER = """\
| problem | free | log-likelihood | evaluations/s | gradients/s | pyPESTO | evaluations/s | ratio |
|---|---|---|---|---|---|---|---|"""


class Speed(NamedTuple):
    """What a tool gives, and how often a second."""

    value: float
    evaluations: float
    gradients: float = math.nan


def main() -> None:
    """Measure problems one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.petab")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    names = given.names or sorted(one.name for one in given.folder.iterdir() if one.is_dir())
    print(HEADER)
    for name in names:
        path = given.folder / name / f"{name}.yaml"
        problem = pn.read_petab(path)
        own, other = _own(problem), _pypesto(path)
        same = math.isclose(own.value, other.value, abs_tol=1e-3, rel_tol=1e-5)
        ratio = f"{own.evaluations / other.evaluations:,.0f}" if same else ""
        print(f"| {name} | {len(problem.names)} | {own.value:.6f} | {own.evaluations:,.0f} | "
              f"{own.gradients:,.0f} | {other.value:.6f} | {other.evaluations:,.3g} | {ratio} |",
              flush=True)  # fmt: skip


def _around(nominal: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return nominal + np.random.default_rng(1).normal(0.0, 0.05, (count, len(nominal)))


def _own(problem: PetabProblem) -> Speed:
    value = float(problem.log_likelihood(problem.nominal))
    many = _around(problem.nominal, VECTORS)
    speeds = []
    for function, count in ((problem.log_likelihood, VECTORS), (problem.gradient, FEW)):
        function(many[:2])
        speeds.append(count / _seconds(partial(function, many[:count])))
    return Speed(value, *speeds)


def _pypesto(path: Path) -> Speed:
    """One vector after the other, for some seconds; NaN where it is not installed or fails."""
    nothing = Speed(math.nan, math.nan)
    if not (importlib.util.find_spec("pypesto") and importlib.util.find_spec("petab")):
        return nothing
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    import petab.v1
    from pypesto.petab import PetabImporter

    try:
        problem = petab.v1.Problem.from_yaml(str(path))
        petab.v1.flatten_timepoint_specific_output_overrides(problem)
        objective = PetabImporter(problem, simulator_type="roadrunner").create_problem().objective
        nominal = np.array(problem.x_nominal_free_scaled)
        value = -float(objective(nominal))
        many, done, spent = _around(nominal, FEW), 0, 0.0
        while spent < SECONDS:
            spent += _seconds(partial(objective, many[done % FEW]))
            done += 1
    except Exception as error:  # whatever pyPESTO ends in is what is reported of it
        print(f"{path.stem}: pyPESTO: {type(error).__name__}: {str(error)[:100]}")
        return nothing
    return Speed(value, done / spent)


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
