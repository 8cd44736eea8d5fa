"""MDMX: it holds MDM2 by the RING, whatever the pocket holds, and makes of it the better ligase.

The heterodimer binds p53 and drugs as MDM2 alone does. Its MDM2 turns over and leaves MDMX and what
the pocket held; its MDMX turns over and leaves MDM2 with what the pocket holds.
"""

from dataclasses import replace

from tests.referee.law import Cell, Law
from tests.referee.laws import core

PARTNERS = {
    "MDM2": ("MDM2_MDMX", ()),
    "MDM2_p53": ("MDM2_MDMX_p53", ("p53",)),
    "MDM2_p53_phospho": ("MDM2_MDMX_p53_phospho", ("p53_phospho",)),
}
"""Each form of MDM2 without MDMX, with MDMX, and what the pocket holds."""
INHIBITED = {"MDM2_inhibitor": ("MDM2_MDMX_inhibitor", ("inhibitor",))}
DEGRADED = {"MDM2_degrader": ("MDM2_MDMX_degrader", ("degrader",))}
TERNARY = {"MDM2_degrader_CRBN": ("MDM2_MDMX_degrader_CRBN", ("CRBN_degrader",))}


def shown(v: Cell) -> None:
    v.MDMX_turnover = v.k_deg_MDMX + v.k_deg_MDMX_ATM * v.ATM
    v.MDMX_turnover_bound = v.MDMX_turnover + v.k_deg_MDMX_MDM2
    v.ligase, v.ligase_with_MDMX = (
        v.k_ub_p53 * share for share in (v.activity_alone, v.activity_heterodimer)
    )
    with_p53 = v.MDM2_MDMX_p53 + v.MDM2_MDMX_p53_phospho
    v.MDM2_MDMX_total = v.MDM2_MDMX + with_p53
    v.MDMX_total = v.MDMX + v.MDM2_MDMX_total
    v.MDM2_undrugged += v.MDM2_MDMX_total
    v.MDM2_total += v.MDM2_MDMX_total
    v.p53_total += with_p53


def paired(v: Cell, d: Cell, forms: dict[str, tuple[str, tuple[str, ...]]], loss: float) -> None:
    """MDMX comes and goes, and each part of a heterodimer turns over, its MDM2 at `loss`."""
    p, changes = vars(v), vars(d)
    for alone, (both, pocket) in forms.items():
        own = v.MDMX_turnover_bound * p[both]
        back = loss * p[both]
        changes[both] -= own + back
        changes[alone] += own
        for name in ("MDMX", *pocket):
            changes[name] += back


def met(v: Cell, d: Cell, forms: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    """Forms of MDM2 that take up MDMX."""
    p, changes = vars(v), vars(d)
    for alone, (both, _) in forms.items():
        net = v.k_on_MDMX * (p[alone] * v.MDMX - v.Kd_MDMX * p[both])
        changes[alone] -= net
        d.MDMX -= net
        changes[both] += net


def change(v: Cell, d: Cell) -> None:
    d.MDMX += v.k_syn_MDMX - v.MDMX_turnover * v.MDMX
    met(v, d, PARTNERS)
    paired(v, d, PARTNERS, v.MDM2_turnover)
    p, changes = vars(v), vars(d)
    for form, affinity in (("p53", v.Kd_p53), ("p53_phospho", v.Kd_p53_phospho)):
        held = f"MDM2_MDMX_{form}"
        net = v.k_on_p53 * (v.MDM2_MDMX * p[form] - affinity * p[held])
        gone = v.ligase_with_MDMX * p[held]
        changes[form] -= net
        changes[held] += net - gone
        d.MDM2_MDMX += gone - net


def drugs_shown(v: Cell) -> None:
    v.MDM2_MDMX_drugged = 0.0  # each drug adds its own


def inhibitor_shown(v: Cell) -> None:
    v.MDM2_MDMX_drugged += v.MDM2_MDMX_inhibitor
    v.inhibitor_in_cell += v.MDM2_MDMX_inhibitor


def inhibitor_change(v: Cell, d: Cell) -> None:
    net = v.k_on_inhibitor * (v.MDM2_MDMX * v.inhibitor - v.Ki_inhibitor * v.MDM2_MDMX_inhibitor)
    d.MDM2_MDMX -= net
    d.inhibitor -= net
    d.MDM2_MDMX_inhibitor += net
    met(v, d, INHIBITED)
    paired(v, d, INHIBITED, v.drugged_turnover)


def degrader_shown(v: Cell) -> None:
    held = v.MDM2_MDMX_degrader + v.MDM2_MDMX_degrader_CRBN
    v.MDM2_MDMX_drugged += held
    v.degrader_in_cell += held


def degrader_change(v: Cell, d: Cell) -> None:
    on, ternary = v.k_on_degrader, v.MDM2_MDMX_degrader_CRBN
    first = on * (v.MDM2_MDMX * v.degrader - v.Kd_MDM2_degrader * v.MDM2_MDMX_degrader)
    tighter = v.Kd_CRBN_degrader / v.cooperativity
    second = on * (v.MDM2_MDMX_degrader * v.CRBN - tighter * ternary)
    d.MDM2_MDMX -= first
    d.degrader -= first
    d.MDM2_MDMX_degrader += first - second
    d.CRBN -= second
    tagged = v.k_ub_MDM2 * ternary  # which sets MDMX free
    d.MDM2_MDMX_degrader_CRBN += second - tagged
    d.MDM2_degrader_CRBN_ubiquitinated += tagged
    d.MDMX += tagged
    met(v, d, DEGRADED)
    paired(v, d, {**DEGRADED, **TERNARY}, v.drugged_turnover)


def sums(v: Cell) -> None:
    v.MDM2_drugged += v.MDM2_MDMX_drugged
    v.MDM2_MDMX_total += v.MDM2_MDMX_drugged
    v.MDMX_total += v.MDM2_MDMX_drugged


LOOP = replace(core.CORE, searched=True)
MDMX = Law(
    ("MDMX", *(both for both, _ in PARTNERS.values())), shown, change,
    rest=lambda v: vars(v).update(MDMX=60.0), searched=True,
)  # fmt: skip
WITH = {
    "inhibitor": Law(("MDM2_MDMX_inhibitor",), inhibitor_shown, inhibitor_change),
    "degrader": Law(
        ("MDM2_MDMX_degrader", "MDM2_MDMX_degrader_CRBN"), degrader_shown, degrader_change
    ),
}
"""Each behind the drug's own law."""
DRUGGED = Law(shown=drugs_shown)
"""Before all of them."""
HETERODIMERS = Law(shown=sums)
"""Behind all drugs."""
