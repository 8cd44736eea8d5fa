"""The published cores with both drugs, in our names and units, as docs/cores.md writes them.

Every parameter is looked up by name, so that a run may have each off its value.
"""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
from scipy.integrate import solve_ivp

Array = np.ndarray

DRUGS = ("inhibitor", "MDM2_inhibitor", "degrader", "CRBN", "MDM2_degrader", "CRBN_degrader",
         "MDM2_degrader_CRBN", "MDM2_degrader_CRBN_ubiquitinated", "MDM2_destroyed",
         "inhibitor_medium", "degrader_medium")  # fmt: skip
STATES = {
    "Hunziker2010": ("p53", "MDM2_p53", "MDM2", "MDM2_mRNA"),
    "Proctor2008": ("p53", "MDM2_p53", "MDM2", "MDM2_mRNA", "p53_phospho", "MDM2_phospho",
                    "DNA_breaks", "ATM"),
}  # fmt: skip


def promoter(core: str, p: SimpleNamespace) -> float:
    """`P2_activity_closed`."""
    return p.p53**2 if core == "Hunziker2010" else p.p53 + p.p53_phospho


def of_loop(core: str, p: SimpleNamespace, d: SimpleNamespace, active: float) -> None:
    """Adds the changes of the loop, whose promoter is so active."""
    b = p.k_on_p53 * (p.MDM2 * p.p53 - p.Kd_p53 * p.MDM2_p53)
    d.p53 += p.k_syn_p53 - b
    d.MDM2_p53 += b - p.k_ub_p53 * p.MDM2_p53
    d.MDM2 += p.k_transl_MDM2 * p.MDM2_mRNA - b + p.k_ub_p53 * p.MDM2_p53 - p.k_deg_MDM2 * p.MDM2
    d.MDM2_mRNA += p.MDM2_gene_dose * p.k_transcr_MDM2_P2 * active
    d.MDM2_mRNA -= p.k_deg_MDM2_mRNA * p.MDM2_mRNA
    if core == "Hunziker2010":
        d.p53 += p.k_deg_MDM2 * p.MDM2_p53 - p.k_deg_p53 * p.p53
        d.MDM2_p53 -= p.k_deg_MDM2 * p.MDM2_p53
        return
    phosphates = p.k_phos_p53 * p.ATM * p.p53 - p.k_dephos_p53 * p.p53_phospho
    d.p53 -= phosphates
    d.p53_phospho += phosphates
    phosphates = p.k_phos_MDM2 * p.ATM * p.MDM2 - p.k_dephos_MDM2 * p.MDM2_phospho
    d.MDM2 -= phosphates
    d.MDM2_phospho += phosphates - p.k_deg_MDM2_phospho * p.MDM2_phospho
    d.DNA_breaks += p.k_break_DNA * p.DSB - p.k_repair_DNA * p.DNA_breaks
    d.ATM += p.k_on_ATM * p.DNA_breaks * (p.ATM_total - p.ATM) - p.k_off_ATM * p.ATM


def of_drugs(p: SimpleNamespace, d: SimpleNamespace) -> None:
    """Adds the changes by both drugs."""
    tau, free = p.k_deg_MDM2 / p.stabilisation, p.MDM2
    outside = p.fu_medium_inhibitor * p.inhibitor_medium
    u = p.k_on_inhibitor * (free * p.inhibitor - p.Ki_inhibitor * p.MDM2_inhibitor)
    d.inhibitor += p.k_perm_inhibitor * (outside - p.inhibitor) - u + tau * p.MDM2_inhibitor
    d.MDM2_inhibitor += u - tau * p.MDM2_inhibitor
    share = p.closed_dish * p.cell / p.medium
    d.inhibitor_medium -= share * p.k_perm_inhibitor * (outside - p.inhibitor)

    outside = p.uptake_of_line * p.fu_medium_degrader * p.degrader_medium
    k, own_k, crbn_k, c = (p.k_on_degrader, p.Kd_MDM2_degrader, p.Kd_CRBN_degrader, p.cooperativity)
    binary, other = p.MDM2_degrader, p.CRBN_degrader
    ternary, tagged = p.MDM2_degrader_CRBN, p.MDM2_degrader_CRBN_ubiquitinated
    u1 = k * (free * p.degrader - own_k * binary)
    u2 = k * (p.CRBN * p.degrader - crbn_k * other)
    u3 = k * (binary * p.CRBN - crbn_k / c * ternary)
    u4 = k * (other * free - own_k / c * ternary)
    v = p.k_ub_MDM2 * ternary - p.k_deub_MDM2 * tagged
    w = p.k_deg_MDM2_ubiquitinated * tagged
    d.degrader += p.k_perm_degrader * (outside - p.degrader) - u1 - u2 + w + tau * binary
    d.degrader_medium -= share * p.k_perm_degrader * (outside - p.degrader)
    d.CRBN += w - u2 - u3
    d.MDM2_degrader += u1 - u3 - tau * binary
    d.CRBN_degrader += u2 - u4 + tau * (ternary + tagged)
    d.MDM2_degrader_CRBN += u3 + u4 - v - tau * ternary
    d.MDM2_degrader_CRBN_ubiquitinated += v - w - tau * tagged
    d.MDM2_destroyed += w

    d.MDM2 -= u + u1 + u4
    drugged = p.MDM2_inhibitor + binary + ternary + tagged
    captured = p.k_on_p53 * p.k_ub_p53 / (p.k_on_p53 * p.Kd_p53 + p.k_ub_p53)
    d.p53 -= p.residual * captured * drugged * p.p53


def curves(
    core: str,
    values: Mapping[str, float],
    doses: Mapping[str, float],
    hours: Array,
    *,
    closed: bool,
) -> dict[str, Array]:
    """Curves from the untreated rest under doses [nM] by mechanism."""
    names = (*STATES[core], *DRUGS)

    def cell(y: Array, **more: float) -> SimpleNamespace:
        return SimpleNamespace(**{**values, **dict(zip(names, y, strict=True)), **more})

    def change(_t: float, y: Array, held: float | None, **more: float) -> list[float]:
        p = cell(y, **more)
        d = SimpleNamespace(**dict.fromkeys(names, 0.0))
        of_loop(core, p, d, promoter(core, p) if held is None else held)
        of_drugs(p, d)
        return list(vars(d).values())

    def solved(begin: Array, times: Array, held: float | None, **more: float) -> Array:
        return solve_ivp(
            lambda t, y: change(t, y, held, **more), (0.0, times[-1]), begin, "LSODA", times,
            rtol=1e-11, atol=1e-12,
        ).y  # fmt: skip

    empty = np.zeros(len(names))
    empty[names.index("CRBN")] = values["CRBN_of_line"]
    rest = solved(empty, np.array([0.0, 3000.0]), None, DSB=0.0)[:, -1]
    held = None if closed else promoter(core, cell(rest))
    for role, dose in doses.items():
        rest[names.index(f"{role}_medium")] = dose
    return dict(zip(names, solved(rest, hours, held), strict=True))
