"""The law of the loop by hand: states at rest from the balances of docs/law.md.

Nothing here reads a model text, only the values of its parameters. A dose is that of the medium.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, least_squares

Numbers = Mapping[str, float]

_MUCH = 1e4
"""MDM2 [nM] that no cell holds."""


class Ligase(NamedTuple):
    """How MDM2 ubiquitinates p53 where so much of it is there, as multiples of k_ub_p53."""

    share: Callable[[float], float]
    """Of all MDM2 [nM]."""
    residual: float


def made(p: Numbers, active: float) -> float:
    """MDM2 synthesis [nM/h] that the promoter gives at this active p53."""
    hill = active ** p["n_MDM2"] / (p["K_MDM2"] ** p["n_MDM2"] + active ** p["n_MDM2"])
    mrna = p["k_transcr_MDM2_P1"] + p["k_transcr_MDM2_P2"] * hill
    return p["MDM2_gene_dose"] * p["k_transl_MDM2"] * mrna / p["k_deg_MDM2_mRNA"]


def ligase(p: Numbers) -> Ligase:
    """MDM2 alone, or with a capacity that all MDM2 shares."""
    if "E3_capacity" not in p:
        return Ligase(lambda _: 1.0, p["residual"])
    capacity, reference = p["E3_capacity"], p["E3_reference"]
    return Ligase(lambda total: (capacity + reference) / (capacity + total), p["residual"])


def inhibitor_dose(p: Numbers, active: float, synthesis: float) -> float:
    """The dose [nM] of an inhibitor that rests free p53 at `active`, in closed form: all MDM2 is
    synthesis over turnover, so two linear equations give free and drugged MDM2.

    Not a number where drugged MDM2 alone degrades p53 faster than it is made.
    """
    total = synthesis / p["k_deg_MDM2"]
    rule = ligase(p)
    speed = rule.share(total) * p["k_ub_p53"]
    held = active / (p["Kd_p53"] + (speed + p["k_deg_MDM2"]) / p["k_on_p53"])
    left = rule.residual * active / p["Kd_p53"]
    asked = (p["k_syn_p53"] - p["k_deg_p53"] * active) / speed
    free = (asked - left * total) / (held - left * (1.0 + held))
    drugged = total - (1.0 + held) * free
    if free <= 0.0:
        return np.nan
    inside = (p["Ki_inhibitor"] + p["k_deg_MDM2"] / p["k_on_inhibitor"]) * drugged / free
    return float(inside / p["fu_medium_inhibitor"])


def degrader_dose(p: Numbers, active: float, synthesis: float) -> float:
    """The lowest dose [nM] of a degrader that does so, by roots: at each dose the binary complex,
    both ternary ones and CRBN are found, and the dose is where all MDM2 that is made is lost."""
    rule = ligase(p)
    turnover, on = p["k_deg_MDM2"], p["k_on_degrader"]
    to_mdm2, to_crbn = p["Kd_MDM2_degrader"], p["Kd_CRBN_degrader"]

    def bound(drug: float, free: float) -> tuple[float, float, float]:
        """MDM2 with drug, with drug and CRBN, and that with ubiquitin, at free drug and MDM2."""

        def of(crbn: float) -> tuple[float, float, float, float]:
            binary_out = on * (to_mdm2 + crbn) + turnover
            back = on * to_crbn / p["cooperativity"]
            apart = on * to_mdm2 / p["cooperativity"]
            ubiquitin_out = p["k_deub_MDM2"] + p["k_deg_MDM2_ubiquitinated"] + turnover
            kept = p["k_ub_MDM2"] * p["k_deub_MDM2"] / ubiquitin_out
            rows = [  # binary, ternary, CRBN with drug
                [binary_out, -back, 0.0],
                [-on * crbn, back + apart + p["k_ub_MDM2"] + turnover - kept, -on * free],
                [0.0, -apart - turnover * (1.0 + p["k_ub_MDM2"] / ubiquitin_out),
                 on * (to_crbn + free)],
            ]  # fmt: skip
            binary, ternary, held = np.linalg.solve(rows, [on * free * drug, 0.0, on * crbn * drug])
            return binary, ternary, p["k_ub_MDM2"] * ternary / ubiquitin_out, held

        def spare(crbn: float) -> float:
            _, ternary, ubiquitinated, held = of(crbn)
            return crbn + ternary + ubiquitinated + held - p["CRBN_total"]

        return of(brentq(spare, 0.0, p["CRBN_total"], xtol=1e-13, rtol=1e-14))[:3]

    def lost(log_dose: float) -> float:
        """MDM2 made, less what is lost where p53 rests."""
        drug = np.exp(log_dose) * p["fu_medium_degrader"]

        def too_much(free: float) -> float:
            """p53 ubiquitinated, less what must be."""
            drugged = sum(bound(drug, free))
            speed, complex_ = _complex(p, rule, active, free, drugged)
            left = rule.residual * active / p["Kd_p53"] * drugged
            return speed * (complex_ + left) - (p["k_syn_p53"] - p["k_deg_p53"] * active)

        if too_much(_MUCH) < 0.0:  # all the capacity is used, and MDM2 would pile up
            return -_MUCH
        free = brentq(too_much, 1e-9, _MUCH, xtol=1e-13, rtol=1e-14)
        drugged = bound(drug, free)
        _, complex_ = _complex(p, rule, active, free, sum(drugged))
        turned_over = turnover * (free + complex_ + sum(drugged))
        return synthesis - turned_over - p["k_deg_MDM2_ubiquitinated"] * drugged[2]

    grid = np.linspace(np.log(1e-3), np.log(1e4), 60)
    above = np.array([lost(point) for point in grid])
    first = int(np.argmax(above < 0.0))
    if first == 0:
        return np.nan
    return float(np.exp(brentq(lost, grid[first - 1], grid[first], xtol=1e-12)))


def _complex(
    p: Numbers, rule: Ligase, active: float, free: float, drugged: float
) -> tuple[float, float]:
    """Ubiquitination of the complex [1/h], and the complex of MDM2 with p53 [nM]."""

    def of(complex_: float) -> tuple[float, float]:
        speed = rule.share(free + complex_ + drugged) * p["k_ub_p53"]
        slow = p["Kd_p53"] + (speed + p["k_deg_MDM2"]) / p["k_on_p53"]
        return speed, free * active / slow

    complex_ = brentq(lambda c: c - of(c)[1], 0.0, 1e6, xtol=1e-13, rtol=1e-14)
    return of(complex_)


def partner_dose(p: Numbers, active: float, synthesis: float) -> float:
    """The dose [nM] that rests free p53 at `active` where MDMX is the partner, of an inhibitor or a
    degrader: the balances of every state of MDM2's pocket, alone and in the heterodimer, with those
    of MDMX, CRBN and p53, by a root of SciPy."""
    degrader = "CRBN_total" in p
    role, strength = ("degrader", "Kd_MDM2_degrader") if degrader else ("inhibitor", "Ki_inhibitor")
    out, mdmx_out = p["k_deg_MDM2"], p["k_deg_MDMX"] + p["k_deg_MDMX_MDM2"]
    activity = p["k_ub_p53"] * np.array([p["activity_alone"], p["activity_heterodimer"]])
    on = p[f"k_on_{role}"]

    def balances(logs: np.ndarray) -> np.ndarray:
        mdmx, drug, *crbn = np.exp(logs[:5] if degrader else logs[:2])
        states = np.exp(logs[len(crbn) + 2 :]).reshape(-1, 2)  # of the pocket; alone, with MDMX
        tagged, held, free = crbn if degrader else (0.0, 0.0, 0.0)
        empty, with_p53, binary = states[:3]
        ring = p["k_on_MDMX"] * (states[:3, 0] * mdmx - p["Kd_MDMX"] * states[:3, 1])
        rates = -out * states
        rates[:3] += np.stack([-ring, ring], axis=1)
        rates += mdmx_out * states[:, 1:] * np.array([1.0, -1.0])
        pocket = p["k_on_p53"] * (empty * active - p["Kd_p53"] * with_p53) - activity * with_p53
        blocked = on * (empty * drug - p[strength] * binary)
        rates[0] -= pocket + blocked
        rates[1] += pocket
        rates[2] += blocked
        rates[0, 0] += synthesis
        more: list[float] = []
        if degrader:
            ternary, loose = states[3], 1.0 / p["cooperativity"]
            by_crbn = on * (binary * free - p["Kd_CRBN_degrader"] * loose * ternary)
            by_mdm2 = on * (held * empty[0] - p["Kd_MDM2_degrader"] * loose * ternary[0])
            rates[2] -= by_crbn
            rates[3] += by_crbn - p["k_ub_MDM2"] * ternary
            rates[0, 0] -= by_mdm2
            rates[3, 0] += by_mdm2 + p["k_deub_MDM2"] * tagged
            untagged = p["k_deub_MDM2"] + p["k_deg_MDM2_ubiquitinated"] + out
            crbn_binds = on * (free * drug - p["Kd_CRBN_degrader"] * held)
            more = [
                p["k_ub_MDM2"] * ternary.sum() - untagged * tagged,
                crbn_binds - by_mdm2 + out * (ternary.sum() + tagged),
                free + held + ternary.sum() + tagged - p["CRBN_total"],
            ]
        drugged = states[2:].sum(axis=0) + np.array([tagged, 0.0])
        left = p["residual"] * active / p["Kd_p53"] * drugged
        gone = p["k_deg_p53"] * active + (activity * (with_p53 + left)).sum()
        mdmx_rate = p["k_syn_MDMX"] - p["k_deg_MDMX"] * mdmx - mdmx_out * states[:, 1].sum()
        return np.array([*rates.ravel(), mdmx_rate, p["k_syn_p53"] - gone, *more])

    start = np.zeros(5 + 8 if degrader else 2 + 6)
    start[0] = np.log(p["k_syn_MDMX"] / mdmx_out)
    found = least_squares(balances, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=5000)
    if np.abs(found.fun).max() > 1e-9:
        return np.nan
    return float(np.exp(found.x[1]) / p[f"fu_medium_{role}"])
