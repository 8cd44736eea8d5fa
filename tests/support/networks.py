"""Networks with fast reactions, and what they are once these have been taken out by hand."""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from tests.support.sbml_texts import VOLUME, sbml, species

NAMES = "ABCDEP"


def fastened(text: str, *names: str) -> str:
    """The model with some of its reactions marked as fast."""
    for name in names:
        mark = f'<reaction id="{name}" reversible="false" fast="'
        assert f'{mark}false"' in text
        text = text.replace(f'{mark}false"', f'{mark}true"')
    return text


class Network:
    """A + B = C and C + D = E, fast; E to P, and A from nothing, slow. Constants by a seed."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.slow = 10.0 ** random.uniform(-1, 1)
        self.speeds = 10.0 ** random.uniform(-1, 2, 2)
        self.constants = 10.0 ** random.uniform(-3, 1, 2)
        self.inflow = 10.0 ** random.uniform(-2, 0)
        self.starts = 10.0 ** random.uniform(-0.5, 1, 3)  # of A, B and D
        self.times = np.r_[0.0, np.geomspace(2e-3, 20.0, 30) / self.slow]

    def sbml(self) -> str:
        """The model, in which the fast reactions are marked."""
        a, b, d = self.starts
        pools = zip(NAMES, (a, b, 0, d, 0, 0), strict=True)
        (first, last), (k1, k2) = self.speeds, self.constants
        text = sbml(
            *(species(*pool) for pool in pools),
            reactions=(
                ("J0", "A B", "C", f"{VOLUME} * {first} * (A * B - {k1} * C)"),
                ("J1", "C D", "E", f"{VOLUME} * {last} * (C * D - {k2} * E)"),
                ("J2", "E", "P", f"{VOLUME} * {self.slow} * E"),
                ("J3", "", "A", f"{VOLUME} * {self.inflow}"),
            ),
        )
        return fastened(text, "J0", "J1")

    def exact(self) -> dict[str, np.ndarray]:
        """Curves: three sums and P follow slow equations, and the sums say where the rest is."""

        def rates(_: float, slow: np.ndarray) -> list[float]:
            lost = self.slow * self._parts(*slow[:3])[4]
            return [self.inflow - lost, -lost, -lost, lost]

        run = solve_ivp(rates, (0.0, self.times[-1]), [*self.starts, 0.0], "LSODA", self.times,
                        rtol=1e-10, atol=1e-13)  # fmt: skip
        rows = [[*self._parts(*slow[:3]), slow[3]] for slow in run.y.T]
        return dict(zip(NAMES, np.array(rows).T, strict=True))

    def _parts(self, a: float, b: float, d: float) -> tuple[float, ...]:
        """A to E at equilibrium, where A + C + E = a, B + C + E = b and D + E = d."""
        k1, k2 = self.constants

        def given(free: float) -> tuple[float, float, float]:
            other = b - a + free
            bound = free * other / k1
            return other, bound, a - free - bound

        def excess(free: float) -> float:
            _, bound, last = given(free)
            return bound * (d - last) - k2 * last

        free = float(brentq(excess, max(0.0, a - b), a, xtol=1e-300, rtol=1e-15, maxiter=500))
        other, bound, last = given(free)
        return free, other, bound, d - last, last
