"""A reversible inhibitor of the pocket of MDM2."""

from tests.referee.law import Cell, Law


def shown(v: Cell) -> None:
    v.MDM2_drugged += v.MDM2_inhibitor
    v.inhibitor_in_cell = v.inhibitor + v.MDM2_inhibitor


def change(v: Cell, d: Cell) -> None:
    taken = v.k_on_inhibitor * (v.MDM2 * v.inhibitor - v.Ki_inhibitor * v.MDM2_inhibitor)
    given_back = v.drugged_turnover * v.MDM2_inhibitor
    d.MDM2 -= taken
    d.MDM2_inhibitor += taken - given_back
    d.inhibitor += given_back - taken
    d.inhibitor += v.k_perm_inhibitor * (v.inhibitor_outside - v.inhibitor)


INHIBITOR = Law(("inhibitor", "MDM2_inhibitor"), shown, change)
