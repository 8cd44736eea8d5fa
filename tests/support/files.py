"""Models that are not ours: published ones, and two by hand beside their right-hand sides."""

import os
from collections.abc import Callable
from pathlib import Path

import antimony
import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import p53net as pn

FOLDER = os.environ.get("P53NET_BIOMODELS", "")
PUBLISHED = {  # id: end, in the model's unit of time; of which events, if any
    "BIOMD0000000156": 48.0,
    "BIOMD0000000157": 48.0,
    "BIOMD0000000158": 48.0,
    "BIOMD0000000188": 86_400.0,
    "BIOMD0000000189": 86_400.0,
    "BIOMD0000000252": 48.0,
    "BIOMD0000000943": 2_592_000.0 + 3 * 86_400.0,
}
needs_published = pytest.mark.skipif(
    not FOLDER, reason="P53NET_BIOMODELS names no folder of published models"
)
GRID = np.linspace(0.0, 10.0, 41)


def compiled(text: str, folder: Path) -> Path:
    """Antimony as an SBML file, without anything of p53net."""
    antimony.clearPreviousLoads()
    function = "function hill(x, K, h)\n x^h/(K^h + x^h)\nend\n"
    loaded = antimony.loadAntimonyString(f"{function}model m\n{text}\nend")
    assert loaded >= 0, antimony.getLastError()
    path = folder / "m.xml"
    path.write_text(antimony.getSBMLString("m"), encoding="utf-8")
    return path


def read(text: str, folder: Path) -> pn.Model:
    return pn.read_sbml(compiled(text, folder))


def values(run: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): run[name].values for name in run.data_vars}


def assert_near(run: xr.Dataset, other: dict[str, np.ndarray], limit: float = 1e-6) -> None:
    assert other
    for name, curve in other.items():
        scale = float(np.abs(curve).max()) or 1.0
        assert float(np.abs(run[name].values - curve).max()) <= limit * scale, name


def grid_of(name: str) -> np.ndarray:
    """Away from the times of events."""
    end = PUBLISHED[name]
    if name == "BIOMD0000000943":
        return np.array([0.0, *np.linspace(2_592_000.0 - 5.0, end, 60)])
    return np.linspace(0.0, end, 98)


TRANSPORT = """
    compartment big = 5; compartment small = 0.5
    species A in big = 4; species B in small = 1; substanceOnly species N in small = 3
    species $E in big = 2
    k1 = 0.7; k2 = 0.3; k3 = 0.2
    T1: A -> B; k1*A*E - k2*B
    T2: B => N; k3*B*small
    T3: N => ; 0.4*N
    total := A*big + B*small + N
    share := N/total
"""


def transport(t: float, y: np.ndarray, k1: float = 0.7, small: float = 0.5) -> list[float]:
    a, b, n = y  # concentrations, and an amount
    there, on, away = k1 * a * 2.0 - 0.3 * b, 0.2 * b * small, 0.4 * n
    return [-there / 5.0, (there - on) / small, on - away]


HILL = """
    compartment c = 2; species x in c, y in c = 0.1
    base = 0.5; n = 2.5; K := base*(1 + 0.1*time); x0 = 2*base; x = 3*x0; start = base + 1
    p = 1; p' = -0.3*p*y; species $B in c = 2; B' = 0.1 - 0.05*B
    R1: => y; c*hill(x, K, n)*B*start
    R2: x => ; c*0.2*x
    R3: y => ; c*0.6*y*p
"""


JUMPS = "compartment v := floor(1 + time/4); species $odd in v = 1"
"""A volume that jumps around a concentration, for which there are no formulas."""


def hill(t: float, s: np.ndarray, base: float = 0.5, n: float = 2.5, start: float = 1.5):
    x, y, p, b = s
    k = base * (1.0 + 0.1 * t)
    made = x**n / (k**n + x**n) * b * start
    return [-0.2 * x, made - 0.6 * y * p, -0.3 * p * y, 0.1 - 0.05 * b]


def solved(slope: Callable[..., list[float]], begin: list[float], times=GRID, **given: float):
    return solve_ivp(
        lambda t, y: slope(t, y, **given), (times[0], times[-1]), begin, "LSODA", times,
        rtol=1e-11, atol=1e-13,
    ).y  # fmt: skip


CHANGES = [
    ({}, {}),
    ({"n": 4.0}, {"n": 4.0}),
    ({"base": 0.8}, {"base": 0.8, "start": 1.8}),
    ({"start": 0.4}, {"start": 0.4}),
    ({"x0": 1.7}, {}),
    ({"base": 0.8, "x0": 1.7}, {"base": 0.8, "start": 1.8}),
]
