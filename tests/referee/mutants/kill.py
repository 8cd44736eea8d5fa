"""Whether a mutant is seen, and by what: in processes that take a copy of the texts for `models/`.

Only the referee looks: no golden number, and no byte of the committed SBML.
"""

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import NamedTuple

from p53net.errors import P53NetError
from p53net.model import library
from tests.referee.compare import (
    LIMIT,
    Curves,
    Point,
    curves_of,
    difference,
    own_curves,
    single,
    values_of,
)
from tests.referee.mutants.changes import Mutant
from tests.referee.mutants.texts import copied
from tests.referee.scenarios import Scenario
from tests.referee.table import SCENARIOS, WIDE

REFUSED, STUCK, ALIVE = "refused", "does not run", "nothing"
"""What is said of a mutant that p53net does not load, that does not run, that nothing sees."""
_SECONDS = 30.0  # of one run: a mutant that takes longer does not run
_EACH_CHILD = 60  # mutants: what they compile stays in memory

SEEN_IN = {
    "core": ("damage", "damage, loop opened", "closed dish"),
    "drug": ("closed dish",),
    "inhibitor": ("closed dish",),
    "degrader": ("closed dish",),
    "dish": ("closed dish",),
    "cell_fate": ("culture", "tumour"),
    "culture": ("culture",),
    "pk_oral": ("plasma",),
    "pk_intravenous": ("plasma",),
    "tumour": ("tumour",),
    "haematology": ("marrow",),
    "biomarker": ("marrow",),
    "partner_capacity": ("damage, capacity", "capacity"),
    "partner_capacity_drug": ("capacity",),
}
"""Scenarios that have a fragment, those that are the fastest to look at first."""


class Pristine(NamedTuple):
    """What the texts as they are say of a scenario."""

    values: dict[str, float]
    points: list[Point]


@cache
def scenario_of(name: str) -> Scenario:
    return next(one for one in SCENARIOS if one.name == name)


@cache
def pristine(name: str) -> Pristine:
    scenario = scenario_of(name)
    values = values_of(scenario.model())
    return Pristine(values, list(scenario.points(values)))


@cache
def own_of(name: str, number: int) -> Curves:
    values, points = pristine(name)
    return own_curves(scenario_of(name), values, points[number])


def begin() -> None:
    """Once in each process, while the texts are as they are."""
    for names in SEEN_IN.values():
        for name in names:
            own_of(name, 0)


def verdict(mutant: Mutant) -> str:
    """The scenario that sees it; or that it is refused, or that nothing sees it."""
    usual = library._PACKAGE
    with tempfile.TemporaryDirectory() as folder:
        library._PACKAGE = copied(Path(folder), {mutant.fragment: mutant.text})
        try:
            return next(_seen(SEEN_IN[mutant.fragment]), ALIVE)
        finally:
            library._PACKAGE = usual


def _seen(names: Sequence[str]) -> Iterator[str]:
    """First one run of each scenario, then one for each parameter moved alone."""
    for name in names:
        scenario = scenario_of(name)
        try:
            model = scenario.model()
        except P53NetError:
            yield REFUSED
            continue
        model.set_deadline(_SECONDS)
        try:
            found = single(scenario, model, pristine(name).points[0])
        except P53NetError:
            yield STUCK
            continue
        if not difference(own_of(name, 0), found) < (LIMIT,):
            yield name
    for name in names:
        scenario = scenario_of(name)
        if scenario not in WIDE:
            continue
        for number, found in enumerate(
            curves_of(scenario, scenario.model(), pristine(name).points)
        ):
            if not difference(own_of(name, number), found) < (LIMIT,):
                yield f"{name}, {scenario.moved[number - 1]} moved"


def verdicts(mutants: Sequence[Mutant], processes: int) -> Iterator[tuple[Mutant, str]]:
    """Of each mutant, in the order in which they are done."""
    context, group = multiprocessing.get_context("spawn"), _EACH_CHILD * processes
    for first in range(0, len(mutants), group):
        with ProcessPoolExecutor(processes, context, initializer=begin) as pool:
            some = mutants[first : first + group]
            waiting = {pool.submit(verdict, one): one for one in some}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
