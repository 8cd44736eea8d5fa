"""Two published loops by hand, in their own units, and their balances at rest under our drugs.

Written from docs/cores.md; nothing here reads a model of the package.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

Array = np.ndarray


def hunziker(_t: float, y: Array, k_f: float = 5000.0) -> list[float]:
    """p, mm, m, pm in nM, per hour."""
    p, mm, m, pm = y
    return [
        1000.0 - k_f * p * m - 0.1 * p + (7200.0 + 0.2) * pm,
        0.03 * p**2 - 0.6 * mm,
        1.4 * mm - k_f * p * m + (7200.0 + 11.0) * pm - 0.2 * m,
        k_f * p * m - (7200.0 + 11.0) * pm - 0.2 * pm,
    ]


def proctor(_t: float, y: Array) -> list[float]:
    """Molecules, per second: Mdm2, p53, Mdm2_p53, Mdm2_mRNA, p53_mRNA, ATMA, p53_P, Mdm2_P and
    damDNA, without irradiation."""
    mdm2, p53, bound, mdm2_mrna, p53_mrna, atm, p53_p, mdm2_p, damage = y
    binding = 0.001155 * p53 * mdm2 - 1.155e-5 * bound
    phos_p53 = 0.0005 * p53 * atm - 0.5 * p53_p
    phos_mdm2 = 2.0 * mdm2 * atm - 0.5 * mdm2_p
    return [
        0.000495 * mdm2_mrna - 0.000433 * mdm2 - binding + 0.000825 * bound - phos_mdm2,
        0.006 * p53_mrna - binding - phos_p53,
        binding - 0.000825 * bound,
        0.0001 * (p53 + p53_p) - 0.0001 * mdm2_mrna,
        0.001 - 0.0001 * p53_mrna,
        0.0001 * damage * (200.0 - atm) - 0.0005 * atm,
        phos_p53,
        phos_mdm2 - 0.0004 * mdm2_p,
        -2e-5 * damage,
    ]


class Published(NamedTuple):
    """One of them: its equations, where they start, and what is what in our core."""

    file: str
    slope: Callable[..., list[float]]
    begin: dict[str, float]
    """As deposited; of Proctor with the breaks of its irradiation."""
    names: dict[str, str]
    """Theirs to ours."""
    hour: float
    """In their unit of time."""
    untouched: dict[str, float]
    """Parameters with which the file comes to rest."""


CORES = {
    "Hunziker2010": Published(
        "BIOMD0000000252.xml",
        hunziker,
        {"p": 1.0, "mm": 1.0, "m": 1.0, "pm": 1.0},
        {"p": "p53", "mm": "MDM2_mRNA", "m": "MDM2", "pm": "MDM2_p53"},
        1.0,
        {},
    ),
    "Proctor2008": Published(
        "BIOMD0000000188.xml",
        proctor,
        {"Mdm2": 5.0, "p53": 5.0, "Mdm2_p53": 95.0, "Mdm2_mRNA": 10.0, "p53_mRNA": 10.0,
         "ATMA": 0.0, "p53_P": 0.0, "Mdm2_P": 0.0, "damDNA": 120.0},
        {"Mdm2": "MDM2", "p53": "p53", "Mdm2_p53": "MDM2_p53", "Mdm2_mRNA": "MDM2_mRNA",
         "ATMA": "ATM", "p53_P": "p53_phospho", "Mdm2_P": "MDM2_phospho",
         "damDNA": "DNA_breaks"},
        3600.0,
        {"kdam": 0.0},
    ),
}  # fmt: skip


def by_hand(core: str, hours: Array) -> dict[str, Array]:
    """Curves under our names; 1 molecule is 1 nM."""
    one = CORES[core]
    begin, times = list(one.begin.values()), hours * one.hour
    found = solve_ivp(one.slope, (0.0, times[-1]), begin, "LSODA", times, rtol=1e-11, atol=1e-13)
    return {one.names[n]: y for n, y in zip(one.begin, found.y, strict=True) if n in one.names}


class Balance(NamedTuple):
    """What rests of a core: p53 is made, bound, and lost; MDM2 is made of p53. In nM and h."""

    synthesis: float
    loss: float
    """Of free p53."""
    on: float
    off: float
    ubiquitination: float
    turnover: float
    """Of MDM2 that is free, or bound to drug."""
    bound_turnover: float
    """Of MDM2 that is bound to p53."""
    made: Callable[[float], float]
    """MDM2 [nM/h] at an active p53."""


BALANCES = {
    "Hunziker2010": Balance(
        1000.0, 0.1, 5000.0, 7200.0, 11.0, 0.2, 0.2, lambda p: 1.4 * 0.03 * p**2 / 0.6
    ),
    "Proctor2008": Balance(
        216.0, 0.0, 4.158, 0.04158, 2.97, 1.5588, 0.0, lambda p: 1.782 * 0.36 * p / 0.36
    ),
}


def of_p53(core: Balance, p: float, extra: float = 0.0) -> tuple[float, float]:
    """Complex and free MDM2 at a free p53, where `extra` of it [1/h] is lost for each free MDM2
    [nM]."""
    per_complex = (core.off + core.ubiquitination + core.bound_turnover) / (core.on * p)
    bound = (core.synthesis - core.loss * p) / (core.ubiquitination + extra * p * per_complex)
    return bound, per_complex * bound


Taken = Callable[[float, float, Balance], float]
"""MDM2 [nM/h] that a drug takes: of free MDM2, free drug, and the core."""


def by_inhibitor(k_on: float, ki: float) -> Taken:
    return lambda free, drug, core: core.turnover * free * drug / (ki + core.turnover / k_on)


def by_degrader(of: dict[str, float]) -> Taken:
    """Binary and ternary complexes and their ubiquitinated form are linear where free MDM2, drug
    and CRBN are known; CRBN is what its total leaves."""
    on, k_m, k_c = of["k_on_degrader"], of["Kd_MDM2_degrader"], of["Kd_CRBN_degrader"]
    alpha, total = of["cooperativity"], of["CRBN_of_line"]
    tag, untag, end = of["k_ub_MDM2"], of["k_deub_MDM2"], of["k_deg_MDM2_ubiquitinated"]

    def forms(crbn: float, free: float, drug: float, turnover: float) -> Array:
        back_c, back_m = on * k_c / alpha, on * k_m / alpha
        rows = [  # MDM2.D, CRBN.D, ternary, ubiquitinated
            [-on * k_m - on * crbn - turnover, 0.0, back_c, 0.0],
            [0.0, -on * k_c - on * free, back_m + turnover, turnover],
            [on * crbn, on * free, -back_c - back_m - tag - turnover, untag],
            [0.0, 0.0, tag, -untag - end - turnover],
        ]
        return np.linalg.solve(rows, [-on * free * drug, -on * crbn * drug, 0.0, 0.0])

    def taken(free: float, drug: float, core: Balance) -> float:
        def over(crbn: float) -> float:
            return crbn + forms(crbn, free, drug, core.turnover)[1:].sum() - total

        crbn = brentq(over, 0.0, total, xtol=1e-14, rtol=1e-14)
        binary, _, ternary, tagged = forms(crbn, free, drug, core.turnover)
        return core.turnover * (binary + ternary + tagged) + end * tagged

    return taken


def surplus(core: Balance, taken: Taken, p: float, drug: float, active: float) -> float:
    """MDM2 made at `active` p53 beyond what is lost at a free p53 `p`: nothing, at rest."""
    bound, free = of_p53(core, p)
    lost = core.turnover * free + core.bound_turnover * bound + taken(free, drug, core)
    return core.made(active) - lost


def untreated(core: Balance) -> float:
    """Active p53 without drug."""
    return resting(core, lambda *_: 0.0, 0.0)


def resting(core: Balance, taken: Taken, drug: float, held: float | None = None) -> float:
    """Active p53 at rest under free drug; with the promoter held at an active p53, if given."""
    most = 0.999999 * core.synthesis / core.loss if core.loss else 1e7
    return brentq(
        lambda p: surplus(core, taken, p, drug, p if held is None else held),
        1e-3, most, xtol=1e-13, rtol=1e-13,
    )  # fmt: skip


def dose_ratio(core: Balance, taken: Taken, fold: float) -> float:
    """Free drug that rests active p53 at `fold` times untreated, loop closed over opened."""
    begin = untreated(core)
    p = fold * begin

    def needed(made: float) -> float:
        return brentq(lambda drug: surplus(core, taken, p, drug, made), 1e-9, 1e7, rtol=1e-13)

    return needed(p) / needed(begin)
