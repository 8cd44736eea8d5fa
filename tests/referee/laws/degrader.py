"""A degrader: it holds MDM2 and CRBN, alone and together, and gives MDM2 to the proteasome."""

from tests.referee.law import Cell, Law

STATES = (
    *("degrader", "CRBN", "MDM2_degrader", "CRBN_degrader", "MDM2_degrader_CRBN"),
    *("MDM2_degrader_CRBN_ubiquitinated", "MDM2_destroyed"),
)


def shown(v: Cell) -> None:
    v.ternaries = v.MDM2_degrader_CRBN + v.MDM2_degrader_CRBN_ubiquitinated
    v.MDM2_drugged += v.MDM2_degrader + v.ternaries
    v.degrader_in_cell = v.degrader + v.MDM2_degrader + v.CRBN_degrader + v.ternaries


def change(v: Cell, d: Cell) -> None:
    free, ternary, tagged = v.degrader, v.MDM2_degrader_CRBN, v.MDM2_degrader_CRBN_ubiquitinated
    on, to_mdm2, to_crbn = v.k_on_degrader, v.Kd_MDM2_degrader, v.Kd_CRBN_degrader

    # four ways into complexes; in the ternary one both parts hold tighter
    first = on * (v.MDM2 * free - to_mdm2 * v.MDM2_degrader)
    second = on * (v.CRBN * free - to_crbn * v.CRBN_degrader)
    by_crbn = on * (v.MDM2_degrader * v.CRBN - to_crbn / v.cooperativity * ternary)
    by_mdm2 = on * (v.CRBN_degrader * v.MDM2 - to_mdm2 / v.cooperativity * ternary)
    d.MDM2 -= first + by_mdm2
    d.CRBN -= second + by_crbn
    d.degrader -= first + second
    d.MDM2_degrader += first - by_crbn
    d.CRBN_degrader += second - by_mdm2
    d.MDM2_degrader_CRBN += by_crbn + by_mdm2

    # the tag, and the proteasome, which sets drug and CRBN free
    tag = v.k_ub_MDM2 * ternary - v.k_deub_MDM2 * tagged
    gone = v.k_deg_MDM2_ubiquitinated * tagged
    d.MDM2_degrader_CRBN -= tag
    d.MDM2_degrader_CRBN_ubiquitinated += tag - gone
    d.degrader += gone
    d.CRBN += gone
    d.MDM2_destroyed += gone

    # MDM2's own turnover, which leaves the rest of a complex as it is
    d.MDM2_degrader -= v.drugged_turnover * v.MDM2_degrader
    d.degrader += v.drugged_turnover * v.MDM2_degrader
    d.MDM2_degrader_CRBN -= v.drugged_turnover * ternary
    d.MDM2_degrader_CRBN_ubiquitinated -= v.drugged_turnover * tagged
    d.CRBN_degrader += v.drugged_turnover * (ternary + tagged)

    d.degrader += v.k_perm_degrader * (v.uptake_of_line * v.degrader_outside - free)


def rest(v: Cell) -> None:
    v.CRBN = vars(v).get("CRBN_of_line", v.CRBN_total)


DEGRADER = Law(STATES, shown, change, rest)
