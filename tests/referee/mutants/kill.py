"""Whether a mutant is seen, and by what: in processes that take a copy of the texts for `models/`.

Only the referee looks: no golden number, and no byte of the committed SBML.
"""

import multiprocessing
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import NamedTuple

from p53net.model import library
from tests.referee.compare import (
    LIMIT,
    Curves,
    Point,
    curves_of,
    difference,
    names_of,
    own_curves,
    single,
    values_of,
)
from tests.referee.mutants.changes import Mutant
from tests.referee.mutants.texts import copied
from tests.referee.scenarios import Scenario
from tests.referee.table import SCENARIOS

REFUSED, STUCK, ALIVE = "refused", "does not run", "nothing"
"""What is said of a mutant that p53net does not load, that does not run, that nothing sees."""
_SECONDS = 200.0  # of one run, which takes less than one: a mutant that takes longer hangs
_EACH_CHILD = 60  # mutants: what they compile stays in memory

SEEN_IN = {
    "core": ("damage", "damage, loop opened", "closed dish"),
    **dict.fromkeys(("drug", "inhibitor", "degrader", "dish"), ("closed dish",)),
    "cell_fate": ("culture", "tumour"),
    "culture": ("culture",),
    **dict.fromkeys(("pk_oral", "pk_intravenous"), ("plasma",)),
    "tumour": ("tumour",),
    **dict.fromkeys(("haematology", "biomarker"), ("marrow",)),
    "partner_capacity": ("damage, capacity", "capacity"),
    "partner_capacity_drug": ("capacity",),
    "partner_MDMX": ("damage, MDMX", "MDMX"),
    **dict.fromkeys(
        ("partner_MDMX_drug", "partner_MDMX_inhibitor", "partner_MDMX_degrader"), ("MDMX",)
    ),
    "crbn_line": ("CRBN of the line",),
    **dict.fromkeys(("p73_readout", "p73_readout_drug"), ("p73",)),
    "core_Hunziker2010": ("Hunziker", "Hunziker, loop opened"),
    "core_Hunziker2010_drug": ("Hunziker",),
    "core_Proctor2008": ("Proctor, damage", "Proctor"),
    "core_Proctor2008_drug": ("Proctor",),
    "cell_fate_delayed": ("delayed",),
    "cell_fate_rising": ("rising",),
    **dict.fromkeys(("cell_fate_spread", "cell_fate_shares"), ("spread",)),
    **dict.fromkeys(("cell_fate_mutant", "culture_mutant"), ("clone",)),
    "tumour_mutant": ("clone in a tumour",),
    "haematology_staged": ("staged",),
    "haematology_pool": ("pool",),
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


def begin(names: Iterable[str]) -> None:
    """Once in each process, while the texts are as they are."""
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
        except Exception:  # a text that cannot be read is refused, in whatever way
            yield REFUSED
            continue
        model.set_deadline(_SECONDS)
        try:
            found = single(scenario, model, pristine(name).points[0])
        except Exception as error:  # which only an unsound text can raise
            yield f"{STUCK}: {type(error).__name__}"
            continue
        own = own_of(name, 0)
        lost = names_of(own, pristine(name).values) - found.keys()
        if lost or not difference(own, found) < (LIMIT,):
            yield name
    for name in names:
        scenario = scenario_of(name)
        if not scenario.moved:
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
        some = mutants[first : first + group]
        names = dict.fromkeys(name for one in some for name in SEEN_IN[one.fragment])
        with ProcessPoolExecutor(
            processes, context, initializer=begin, initargs=(list(names),)
        ) as pool:
            waiting = {pool.submit(verdict, one): one for one in some}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
