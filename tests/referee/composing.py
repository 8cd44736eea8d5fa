"""Which laws make a system, and the equations of all of them together."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace

import numpy as np

from tests.referee.law import Cell, Law
from tests.referee.laws.blood import BLOOD
from tests.referee.laws.capacity import CAPACITY, LIMITED
from tests.referee.laws.core import CORE
from tests.referee.laws.culture import CULTURE
from tests.referee.laws.degrader import DEGRADER
from tests.referee.laws.dish import dish_of
from tests.referee.laws.drugs import SHARED, SUMS
from tests.referee.laws.fate import FATE
from tests.referee.laws.inhibitor import INHIBITOR
from tests.referee.laws.plasma import plasma_of
from tests.referee.laws.serum import SERUM
from tests.referee.laws.tumour import TUMOUR

MECHANISMS = {"inhibitor": INHIBITOR, "degrader": DEGRADER}
PARTNERS: Mapping[str, tuple[Law, tuple[Law, ...]]] = {
    "none": (CORE, ()),
    "capacity": (LIMITED, (CAPACITY,)),
}
"""Of the switch `partner`: the core, and what comes behind the drugs."""
IN_CELL = {"culture": (FATE,), "tumour": (FATE,)}
AROUND = {"culture": (CULTURE,), "tumour": (TUMOUR,), "marrow": (BLOOD, SERUM)}
DISHES = ("dish", "culture")


class Equations:
    """The equations of a system with drugs, some of them `oral`, at some parameters."""

    def __init__(
        self,
        system: str,
        roles: Sequence[str],
        parameters: Mapping[str, float],
        *,
        oral: Sequence[str] = (),
        closed_loop: bool = True,
        closed_dish: bool = False,
        structure: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        outside = [
            dish_of(role) if system in DISHES else plasma_of(role, oral=role in oral)
            for role in roles
        ]
        inside = [] if system == "plasma" else cell_of(system, roles, structure)
        self.laws = (*outside, *inside, *AROUND.get(system, ()))
        self.states = tuple(name for law in self.laws for name in law.states)
        rest = untreated(inside, parameters)
        self._fixed = {
            **parameters, "closed": closed_loop, "closed_dish": closed_dish, "rest": rest
        }  # fmt: skip
        begun = SimpleNamespace(**self._fixed, **dict.fromkeys(self.states, 0.0))
        for law in inside:
            law.rest(begun)
        for law in self.laws:
            law.start(begun)
        self.start = np.array([vars(begun)[name] for name in self.states])

    def cell(self, values: Sequence[float]) -> Cell:
        """Everything that is known at these states."""
        v = SimpleNamespace()
        vars(v).update(self._fixed)
        vars(v).update(zip(self.states, values, strict=True))
        for law in self.laws:
            law.shown(v)
        return v

    def change(self, _time: float, values: np.ndarray) -> list[float]:
        """Of each state, in an hour."""
        v, d = self.cell(values.tolist()), SimpleNamespace()
        vars(d).update(dict.fromkeys(self.states, 0.0))
        for law in self.laws:
            law.change(v, d)
        return list(vars(d).values())


def cell_of(
    system: str, roles: Sequence[str], structure: Mapping[str, str] = MappingProxyType({})
) -> list[Law]:
    """The laws in a cell, in the order in which they build on each other."""
    drugs = [MECHANISMS[role] for role in roles]
    core, partner = PARTNERS[structure.get("partner", "none")]
    shared = (SHARED, *drugs, SUMS) if drugs else ()
    return [core, *shared, *partner, *IN_CELL.get(system, ())]


def untreated(inside: Sequence[Law], parameters: Mapping[str, float]) -> Cell:
    """The cell at rest, without drug and damage and with its loop closed."""
    v = SimpleNamespace(**parameters, closed=True)
    v.DSB = 0.0
    vars(v).update({name: 0.0 for law in inside for name in law.states})
    for law in inside:
        law.rest(v)
    for law in inside:
        law.shown(v)
    return v
