"""What is compared: models, doses in words of p53net and again by hand, and which points."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

import p53net as pn
from p53net.simulation.inputs import Doses
from tests.referee.solving import Step

DAY = np.linspace(0.0, 72.0, 37)
WEEK = np.array([*np.linspace(0.0, 96.0, 33), 168.0, 240.0, 336.0])
ROLES = {"milademetan": "inhibitor", "KT-253": "degrader"}
BOTH = tuple(ROLES)
MOVE = 1.2
"""What a parameter is multiplied with when it is moved alone."""

Course = Sequence[tuple[float, float]]
"""Hours, and nM of the medium from then on, or mg that a body gets then."""


PLAIN = {
    **{"core": "p53net", "partner": "none", "residual": "off", "CRBN": "generic"},
    **{"marrow": "friberg", "death": "threshold", "clone": "none", "p73": "none"},
}
"""What docs/model.md defines, whichever options are the default."""


@dataclass(frozen=True)
class Scenario:
    """Runs of one model under the same doses."""

    name: str
    drugs: tuple[str, ...] = ()
    doses: Mapping[str, Doses] = field(default_factory=dict)
    """As p53net takes them."""
    given: Mapping[str, Course] = field(default_factory=dict)
    """The same by hand, by drug."""
    system: str = "dish"
    cell_line: str | None = None
    host: str | None = None
    medium_volume: float | None = None
    """Of a closed dish."""
    base: Mapping[str, float] = field(default_factory=dict)
    """Parameters that all runs change."""
    scattered: bool = False
    """Whether all parameters are off their values, so that no two are equal."""
    moved: tuple[str, ...] = ()
    """Each is moved alone, in a run of its own."""
    closed_loop: bool = True
    structure: Mapping[str, str] = field(default_factory=dict)
    """Switches that are not as in `PLAIN`."""
    times: np.ndarray = field(default_factory=lambda: DAY)

    def model(self) -> pn.Model:
        """As p53net makes it."""
        return pn.load(
            *self.drugs, cell_line=self.cell_line, system=self.system, host=self.host,
            structure={**PLAIN, **self.structure}, accuracy=1e-8,
        )  # fmt: skip

    def points(self, values: Mapping[str, float]) -> list[dict[str, float]]:
        """Changed parameters of each run; the first moves none alone. `values` are the model's."""
        first = {**(scatter(values) if self.scattered else {}), **self.base}
        if self.medium_volume is not None:
            first.pop("medium", None)
        return [first, *({**first, n: MOVE * first.get(n, values[n])} for n in self.moved)]

    def steps(self, values: Mapping[str, float]) -> list[Step]:
        """The doses by hand, into the states that they change."""
        return [
            self._step(drug, time, amount, values)
            for drug, course in self.given.items()
            for time, amount in course
        ]

    def _step(self, drug: str, time: float, amount: float, v: Mapping[str, float]) -> Step:
        role = ROLES[drug]
        if self.system in ("dish", "culture"):
            return Step(time, f"{role}_medium", amount)
        nanomoles = amount * 1e6 / MOLAR_MASS[drug]
        into = f"{role}_gut" if role in self.oral(v) else f"{role}_plasma"
        return Step(time, into, nanomoles / v[f"V_central_{role}"], added=True)

    def oral(self, values: Mapping[str, float]) -> list[str]:
        """Drugs by mouth, whose absorption has a rate."""
        return [role for role in ROLES.values() if f"ka_{role}" in values]


MOLAR_MASS = {"milademetan": 618.5, "KT-253": 912.9}
"""g/mol of the free base."""


OF_A_RUN = re.compile("^(?:feedback|closed_dish|DSB)$|_held$|_untreated")
"""Names of parameters that a run sets."""


def scatter(values: Mapping[str, float]) -> dict[str, float]:
    """Each value times a factor of its own, from 0.8 to 1.25, the same at every call."""
    told = {"CRBN_total"} if "CRBN_of_line" in values else set()  # that a line's CRBN sets
    names = sorted(name for name in values if not OF_A_RUN.search(name) and name not in told)
    factors = np.random.default_rng(15).permutation(np.geomspace(0.8, 1.25, len(names)))
    return {name: values[name] * float(one) for name, one in zip(names, factors, strict=True)}
