"""Two published loops, from docs/cores.md."""

from math import sqrt

from scipy.optimize import brentq

from tests.referee.law import Cell, Law


def loop(v: Cell, d: Cell) -> None:
    """What both share: p53 meets MDM2 and is lost with it, and p53 makes MDM2."""
    net = v.k_on_p53 * (v.MDM2 * v.p53 - v.Kd_p53 * v.MDM2_p53)
    gone = v.k_ub_p53 * v.MDM2_p53
    d.p53 += v.k_syn_p53 - net
    d.MDM2 += gone - net + v.k_transl_MDM2 * v.MDM2_mRNA - v.MDM2_turnover * v.MDM2
    d.MDM2_p53 += net - gone
    d.MDM2_mRNA += v.MDM2_gene_dose * v.k_transcr_MDM2_P2 * v.P2_activity
    d.MDM2_mRNA -= v.k_deg_MDM2_mRNA * v.MDM2_mRNA


def promoter(v: Cell, activity: float) -> None:
    v.P2_activity_closed = activity
    v.P2_activity = activity if v.closed else v.rest.P2_activity_closed
    v.MDM2_turnover, v.MDM2_free = v.k_deg_MDM2, v.MDM2


def hunziker_shown(v: Cell) -> None:
    v.p53_active = v.p53
    promoter(v, v.p53**2)
    v.p53_total = v.p53 + v.MDM2_p53
    v.MDM2_undrugged = v.MDM2_total = v.MDM2 + v.MDM2_p53


def hunziker_change(v: Cell, d: Cell) -> None:
    loop(v, d)
    back = v.MDM2_turnover * v.MDM2_p53
    d.p53 += back - v.k_deg_p53 * v.p53
    d.MDM2_p53 -= back


def proctor_shown(v: Cell) -> None:
    v.p53_active = v.p53 + v.p53_phospho
    promoter(v, v.p53_active)
    v.p53_total = v.p53_active + v.MDM2_p53
    v.MDM2_undrugged = v.MDM2_total = v.MDM2 + v.MDM2_phospho + v.MDM2_p53


def proctor_change(v: Cell, d: Cell) -> None:
    loop(v, d)
    marked = v.k_phos_p53 * v.ATM * v.p53 - v.k_dephos_p53 * v.p53_phospho
    d.p53 -= marked
    d.p53_phospho += marked
    turned = v.k_phos_MDM2 * v.ATM * v.MDM2 - v.k_dephos_MDM2 * v.MDM2_phospho
    d.MDM2 -= turned
    d.MDM2_phospho += turned - v.k_deg_MDM2_phospho * v.MDM2_phospho
    d.DNA_breaks += v.k_break_DNA * v.DSB - v.k_repair_DNA * v.DNA_breaks
    d.ATM += v.k_on_ATM * v.DNA_breaks * (v.ATM_total - v.ATM) - v.k_off_ATM * v.ATM


def hunziker_rest(v: Cell) -> None:
    """One root: p53 that is made and lost."""

    def message(p53: float) -> float:
        return float(v.MDM2_gene_dose * v.k_transcr_MDM2_P2 * p53**2 / v.k_deg_MDM2_mRNA)

    def bound(p53: float) -> float:
        away = v.Kd_p53 + (v.k_ub_p53 + v.k_deg_MDM2) / v.k_on_p53
        return float(v.k_transl_MDM2 * message(p53) / v.k_deg_MDM2 * p53 / (p53 + away))

    def left(p53: float) -> float:
        return float(v.k_syn_p53 - v.k_deg_p53 * p53 - v.k_ub_p53 * bound(p53))

    v.p53 = brentq(left, 0.0, v.k_syn_p53 / v.k_deg_p53, xtol=1e-300, rtol=1e-15)
    v.MDM2_p53, v.MDM2_mRNA = bound(v.p53), message(v.p53)
    v.MDM2 = v.k_transl_MDM2 * v.MDM2_mRNA / v.k_deg_MDM2 - v.MDM2_p53


def proctor_rest(v: Cell) -> None:
    """In closed form: all p53 that is made is lost in the complex."""
    v.MDM2_p53 = v.k_syn_p53 / v.k_ub_p53
    product = v.MDM2_p53 * (v.Kd_p53 + v.k_ub_p53 / v.k_on_p53)  # of free p53 and free MDM2
    per_p53 = v.MDM2_gene_dose * v.k_transcr_MDM2_P2 / v.k_deg_MDM2_mRNA  # of its message
    v.p53 = sqrt(product * v.k_deg_MDM2 / (v.k_transl_MDM2 * per_p53))
    v.MDM2_mRNA, v.MDM2 = per_p53 * v.p53, product / v.p53


SHARED = ("p53", "MDM2", "MDM2_p53", "MDM2_mRNA")
CORES = {
    "Hunziker2010": Law(SHARED, hunziker_shown, hunziker_change, hunziker_rest),
    "Proctor2008": Law(
        (*SHARED, "p53_phospho", "MDM2_phospho", "ATM", "DNA_breaks"),
        proctor_shown, proctor_change, proctor_rest,
    ),
}  # fmt: skip


def drugs_shown(v: Cell) -> None:
    v.MDM2_drugged = 0.0
    v.drugged_turnover = v.MDM2_turnover / v.stabilisation


def drugs_change(v: Cell, d: Cell) -> None:
    """Free MDM2 takes p53 at k_on, of which as much is lost as does not leave again."""
    captured = v.k_on_p53 * v.k_ub_p53 / (v.k_on_p53 * v.Kd_p53 + v.k_ub_p53)
    d.p53 -= v.residual * captured * v.MDM2_drugged * v.p53


DRUGGED = Law(shown=drugs_shown, change=drugs_change)
