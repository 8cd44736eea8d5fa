"""What drugs share: MDM2 whose pocket holds a drug, and what it still does."""

from tests.referee.law import Cell, Law


def shown(v: Cell) -> None:
    v.MDM2_drugged = 0.0  # each drug adds its own
    v.drugged_turnover = v.MDM2_turnover / v.stabilisation


def after(v: Cell) -> None:
    v.MDM2_total += v.MDM2_drugged


def change(v: Cell, d: Cell) -> None:
    paired = vars(v).get("MDM2_MDMX_drugged", 0.0)
    alone = v.MDM2_drugged - paired
    still_lost = v.residual * (alone * v.ligase + paired * v.ligase_with_MDMX)
    d.p53 -= still_lost / v.Kd_p53 * v.p53
    d.p53_phospho -= still_lost / v.Kd_p53_phospho * v.p53_phospho


SHARED = Law(shown=shown, change=change)
SUMS = Law(shown=after)
"""Behind the drugs, which have said what they hold."""
