"""The loop of p53 and MDM2 with damage, and its four target genes."""

from collections.abc import Callable

from scipy.optimize import brentq

from tests.referee.law import Cell, Law, hill

GENES = {
    "WIP1": "k_deg_WIP1",
    "p21": "k_deg_p21",
    "PUMA": "k_deg_PUMA",
    "GDF15": "k_secr_GDF15",
}
"""Each with what takes its protein away."""

STATES = (
    *("p53", "p53_phospho", "MDM2", "MDM2_p53", "MDM2_p53_phospho"),
    *("MDM2_mRNA_nuclear", "MDM2_mRNA_cytoplasmic", "ATM"),
    *(name for gene in GENES for name in (f"{gene}_mRNA", gene)),
)


def shown(v: Cell) -> None:
    v.p53_active = v.p53 + v.p53_phospho
    v.MDM2_turnover = v.k_deg_MDM2 + v.k_deg_MDM2_ATM * v.ATM
    v.P2_activity_closed = hill(v.p53_active, v.K_MDM2, v.n_MDM2)
    v.P2_activity = v.P2_activity_closed if v.closed else v.rest.P2_activity_closed
    v.MDM2_free = v.MDM2
    v.MDM2_undrugged = v.MDM2_total = v.MDM2 + v.MDM2_p53 + v.MDM2_p53_phospho
    v.p53_total = v.p53_active + v.MDM2_p53 + v.MDM2_p53_phospho
    v.MDM2_mRNA = v.MDM2_mRNA_nuclear + v.MDM2_mRNA_cytoplasmic
    v.ligase = v.k_ub_p53  # which a partner changes
    v.ligase_with_MDMX = 0.0


def change(v: Cell, d: Cell) -> None:
    # p53 is made, and each form is lost without MDM2
    d.p53 += v.k_syn_p53 - v.k_deg_p53 * v.p53
    d.p53_phospho -= v.k_deg_p53 * v.p53_phospho
    phosphates = v.k_phos_p53 * v.ATM * v.p53 - v.k_dephos_p53 * v.p53_phospho
    d.p53 -= phosphates
    d.p53_phospho += phosphates

    # MDM2 binds each form, and loses it whole or turns over itself
    net = v.k_on_p53 * (v.MDM2 * v.p53 - v.Kd_p53 * v.MDM2_p53)
    net_p = v.k_on_p53 * (v.MDM2 * v.p53_phospho - v.Kd_p53_phospho * v.MDM2_p53_phospho)
    d.p53 += v.MDM2_turnover * v.MDM2_p53 - net
    d.p53_phospho += v.MDM2_turnover * v.MDM2_p53_phospho - net_p
    d.MDM2_p53 += net - (v.ligase + v.MDM2_turnover) * v.MDM2_p53
    d.MDM2_p53_phospho += net_p - (v.ligase + v.MDM2_turnover) * v.MDM2_p53_phospho
    d.MDM2 += v.ligase * (v.MDM2_p53 + v.MDM2_p53_phospho) - net - net_p
    d.MDM2 += v.k_transl_MDM2 * v.MDM2_mRNA_cytoplasmic - v.MDM2_turnover * v.MDM2

    # both promoters of MDM2, and the way of its message
    promoters = v.k_transcr_MDM2_P1 + v.k_transcr_MDM2_P2 * v.P2_activity
    export = v.k_export_MDM2_mRNA * v.MDM2_mRNA_nuclear
    d.MDM2_mRNA_nuclear += v.MDM2_gene_dose * promoters - export
    d.MDM2_mRNA_cytoplasmic += export - v.k_deg_MDM2_mRNA * v.MDM2_mRNA_cytoplasmic

    # damage switches ATM on, WIP1 switches it off
    off = v.k_off_ATM + v.k_off_ATM_WIP1 * hill(v.WIP1, v.K_ATM, v.n_ATM)
    d.ATM += v.k_on_ATM * v.DSB * (v.ATM_total - v.ATM) - off * v.ATM

    cell, changes = vars(v), vars(d)
    for gene, loss in GENES.items():
        message = cell[f"{gene}_mRNA"]
        changes[f"{gene}_mRNA"] += made(v, gene) - cell[f"k_deg_{gene}_mRNA"] * message
        changes[gene] += cell[f"k_transl_{gene}"] * message - cell[loss] * cell[gene]


def made(v: Cell, gene: str) -> float:
    """Messages of a target gene in an hour."""
    p = vars(v)
    on = hill(v.p53_active, p[f"K_{gene}"], p[f"n_{gene}"])
    return p[f"k_transcr_{gene}"] + p[f"k_transcr_{gene}_p53"] * on


def all_of_it(_v: Cell, _whole: float) -> float:
    """The share of `k_ub_p53` that acts where nothing but MDM2 limits it."""
    return 1.0


def rest(v: Cell, share: Callable[[Cell, float], float] = all_of_it) -> None:
    """Without drug and damage all follows in closed form from p53, which is one root. `share` is
    what acts of `k_ub_p53` where there is so much MDM2."""

    def message(p53: float) -> float:
        on = hill(p53, v.K_MDM2, v.n_MDM2)
        made_now = v.MDM2_gene_dose * (v.k_transcr_MDM2_P1 + v.k_transcr_MDM2_P2 * on)
        return made_now / v.k_deg_MDM2_mRNA

    def whole(p53: float) -> float:
        return v.k_transl_MDM2 * message(p53) / v.k_deg_MDM2

    def ligase(p53: float) -> float:
        return v.k_ub_p53 * share(v, whole(p53))

    def bound(p53: float) -> float:
        lost = v.k_deg_MDM2 + ligase(p53)
        return whole(p53) * p53 / (v.Kd_p53 + lost / v.k_on_p53 + p53)

    def left(p53: float) -> float:
        return v.k_syn_p53 - v.k_deg_p53 * p53 - ligase(p53) * bound(p53)

    most = v.k_syn_p53 / v.k_deg_p53
    v.p53 = brentq(left, 0.0, most, xtol=1e-300, rtol=1e-15) if most > 0 else 0.0
    v.MDM2_p53 = bound(v.p53)
    v.MDM2_mRNA_cytoplasmic = message(v.p53)
    v.MDM2_mRNA_nuclear = v.k_deg_MDM2_mRNA * message(v.p53) / v.k_export_MDM2_mRNA
    v.MDM2 = whole(v.p53) - v.MDM2_p53
    v.p53_active = v.p53
    cell = vars(v)
    for gene, how in GENES.items():
        cell[f"{gene}_mRNA"] = made(v, gene) / cell[f"k_deg_{gene}_mRNA"]
        cell[gene] = cell[f"k_transl_{gene}"] * cell[f"{gene}_mRNA"] / cell[how]


CORE = Law(STATES, shown, change, rest)
