"""GDF-15 in serum, in multiples of its untreated level."""

from tests.referee.law import Cell, Law


def change(v: Cell, d: Cell) -> None:
    d.GDF15_serum += v.k_out_GDF15 * (v.GDF15 / v.rest.GDF15 - v.GDF15_serum)


def start(v: Cell) -> None:
    v.GDF15_serum = 1.0


SERUM = Law(("GDF15_serum",), change=change, start=start)
