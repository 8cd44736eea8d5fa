"""A tumour: cells that live grow, cells that a drug kills shrink away in three steps."""

from tests.referee.law import Cell, Law


def shown(v: Cell) -> None:
    v.tumour_volume = v.tumour_viable + v.tumour_dying_1 + v.tumour_dying_2 + v.tumour_dying_3
    slowed = 1.0 + v.tumour_volume * v.k_growth_tumour / v.growth_limit_tumour
    arrested = v.proliferation / v.rest.proliferation
    v.tumour_growth = v.k_growth_tumour * v.tumour_viable * arrested / slowed
    v.tumour_death = v.tumour_viable * (v.death_rate - v.death_rate_untreated)


def change(v: Cell, d: Cell) -> None:
    first, second, third = (
        v.k_clear_tumour * volume
        for volume in (v.tumour_dying_1, v.tumour_dying_2, v.tumour_dying_3)
    )
    d.tumour_viable += v.tumour_growth - v.tumour_death
    d.tumour_dying_1 += v.tumour_death - first
    d.tumour_dying_2 += first - second
    d.tumour_dying_3 += second - third


def start(v: Cell) -> None:
    v.tumour_viable = v.tumour_start


TUMOUR = Law(
    ("tumour_viable", "tumour_dying_1", "tumour_dying_2", "tumour_dying_3"),
    shown,
    change,
    start=start,
)
