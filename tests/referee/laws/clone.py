"""A subclone without working p53: it divides as untreated cells do and the drug spares it."""

from tests.referee.law import Cell, Law


def held(v: Cell) -> float:
    """The share of division that p21 takes from the others."""
    return float(1.0 - v.proliferation / v.rest.proliferation)


def in_dish(v: Cell) -> None:
    v.advantage_mutant = v.k_growth * held(v) + v.death_rate - v.death_rate_untreated
    v.net_growth += v.share_mutant * v.advantage_mutant


def in_tumour(v: Cell) -> None:
    slowed = 1.0 + v.tumour_volume * v.k_growth_tumour / v.growth_limit_tumour
    v.tumour_rate = v.k_growth_tumour / slowed
    killed = v.death_rate - v.death_rate_untreated
    v.advantage_mutant = v.tumour_rate * held(v) + killed
    v.tumour_growth += v.share_mutant * v.tumour_rate * held(v) * v.tumour_viable
    v.tumour_death -= v.share_mutant * killed * v.tumour_viable


def change(v: Cell, d: Cell) -> None:
    d.share_mutant += v.advantage_mutant * v.share_mutant * (1.0 - v.share_mutant)


def start(v: Cell) -> None:
    v.share_mutant = v.share_mutant_start


MUTANTS = {
    "culture": Law(("share_mutant",), in_dish, change, start=start),
    "tumour": Law(("share_mutant",), in_tumour, change, start=start),
}
"""By system, behind the law of what grows there."""
