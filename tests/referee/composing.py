"""Which laws make a system, and the equations of all of them together."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace

import numpy as np
from scipy.integrate import odeint
from scipy.optimize import root

from tests.referee.law import Cell, Law
from tests.referee.laws.blood import BLOOD
from tests.referee.laws.capacity import CAPACITY, LIMITED
from tests.referee.laws.clone import MUTANTS
from tests.referee.laws.core import CORE
from tests.referee.laws.cores import CORES, DRUGGED
from tests.referee.laws.culture import CULTURE
from tests.referee.laws.deaths import DELAYED, RISING, SHARES, SPREAD
from tests.referee.laws.degrader import DEGRADER
from tests.referee.laws.dish import dish_of
from tests.referee.laws.drugs import SHARED, SUMS
from tests.referee.laws.fate import FATE
from tests.referee.laws.inhibitor import INHIBITOR
from tests.referee.laws.marrows import POOL, STAGED
from tests.referee.laws.mdmx import HETERODIMERS, LOOP, MDMX, WITH
from tests.referee.laws.p73 import P73
from tests.referee.laws.plasma import plasma_of
from tests.referee.laws.serum import SERUM
from tests.referee.laws.tumour import TUMOUR

Structure = Mapping[str, str]
"""Switches and their options, those that are not usual."""
USUAL: Structure = MappingProxyType({})
MECHANISMS = {"inhibitor": INHIBITOR, "degrader": DEGRADER}
FATES = {"threshold": FATE, "delayed": DELAYED, "rising": RISING, "spread": SPREAD}
MARROWS = {"friberg": BLOOD, "staged": STAGED, "pool": POOL}
DEFAULT_MARROW = "friberg"
HAVE_FATE = ("culture", "tumour")
AROUND = {"culture": (CULTURE,), "tumour": (TUMOUR,), "marrow": (SERUM,)}
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
        structure: Structure = USUAL,
    ) -> None:
        outside = [
            dish_of(role) if system in DISHES else plasma_of(role, oral=role in oral)
            for role in roles
        ]
        inside = [] if system == "plasma" else cell_of(system, roles, structure)
        self.laws = (*outside, *inside, *around_of(system, structure))
        self.states = tuple(name for law in self.laws for name in law.states)
        rest = untreated(inside, parameters)
        self._fixed = {
            "uptake_of_line": 1.0,
            **parameters,
            "death_rate_untreated": vars(rest).get("death_rate", 0.0),
            "closed": closed_loop,
            "closed_dish": closed_dish,
            "rest": rest,
        }
        begun = SimpleNamespace(**self._fixed, **dict.fromkeys(self.states, 0.0))
        vars(begun).update({name: vars(rest)[name] for law in inside for name in law.states})
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


def cell_of(system: str, roles: Sequence[str], structure: Structure = USUAL) -> list[Law]:
    """The laws in a cell, in the order in which they build on each other."""
    drugs = [MECHANISMS[role] for role in roles]
    partner = structure.get("partner", "none")
    if (core := structure.get("core", "p53net")) != "p53net":
        return [CORES[core], *((DRUGGED, *drugs, SUMS) if drugs else ())]
    found = {"none": [CORE], "capacity": [LIMITED], "MDMX": [LOOP, MDMX]}[partner]
    if drugs:
        found += [SHARED, *drugs]
        if partner == "MDMX":
            found += [*(WITH[role] for role in roles), HETERODIMERS]
        found.append(SUMS)
    found += [CAPACITY] if partner == "capacity" else []
    found += [P73] if structure.get("p73") == "readout" else []
    found += [FATES[structure.get("death", "threshold")]] if system in HAVE_FATE else []
    return found


def around_of(system: str, structure: Structure) -> list[Law]:
    """The laws of what follows the cell, in that order too."""
    found: list[Law] = []
    if structure.get("death") == "spread" and system in HAVE_FATE:
        found.append(SHARES)
    if system == "marrow":
        found.append(MARROWS[structure.get("marrow", DEFAULT_MARROW)])
    found += AROUND.get(system, ())
    if structure.get("clone") == "mutant" and system in HAVE_FATE:
        found.append(MUTANTS[system])
    return found


def untreated(inside: Sequence[Law], parameters: Mapping[str, float]) -> Cell:
    """The cell at rest, without drug and damage and with its loop closed."""
    v = SimpleNamespace(**{"uptake_of_line": 1.0, **parameters}, closed=True)
    v.DSB = 0.0
    vars(v).update({name: 0.0 for law in inside for name in law.states})
    for law in inside:
        law.rest(v)
    if searched := [law for law in inside if law.searched]:
        _search(v, searched)
    for law in inside:
        law.shown(v)
    return v


def _search(v: Cell, laws: Sequence[Law]) -> None:
    """Write the state at rest of these laws, which have no closed form, from where they are."""
    names = [name for law in laws for name in law.states]

    def rates(_time: float, values: np.ndarray) -> list[float]:
        d = SimpleNamespace(**dict.fromkeys(names, 0.0))
        vars(v).update(zip(names, values.tolist(), strict=True))
        for law in laws:
            law.shown(v)
        for law in laws:
            law.change(v, d)
        return list(vars(d).values())

    first = [vars(v)[name] for name in names]
    near = odeint(rates, first, [0.0, 3000.0], tfirst=True, rtol=1e-10, atol=1e-12, mxstep=100_000)
    found = root(lambda y: rates(0.0, y), near[-1], options={"xtol": 1e-14})
    assert np.allclose(found.x, near[-1], rtol=1e-4, atol=1e-6), "it does not rest there"
    rates(0.0, found.x)  # which writes the state
