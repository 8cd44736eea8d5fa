"""Cells of a dish in number."""

from tests.referee.law import Cell, Law


def shown(v: Cell) -> None:
    divide = v.k_growth * v.proliferation / v.rest.proliferation
    v.net_growth = divide - (v.death_rate - v.death_rate_untreated)


def change(v: Cell, d: Cell) -> None:
    d.live_cells += v.net_growth * v.live_cells


def start(v: Cell) -> None:
    v.live_cells = 1.0


CULTURE = Law(("live_cells",), shown, change, start=start)
