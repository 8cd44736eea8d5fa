"""What a cell does with p53: p21 holds its division, PUMA activates caspase, which kills it."""

from math import sqrt

from tests.referee.law import Cell, Law, hill


def shown(v: Cell) -> None:
    v.proliferation = 1.0 - hill(v.p21, v.K_arrest, v.n_arrest)
    v.death_rate = v.k_death * v.caspase / v.caspase_total


def activation(v: Cell, caspase: float, threshold: float) -> float:
    """Net of caspase [nM/h] in a cell with that threshold."""
    by_puma = v.k_act_caspase * hill(v.PUMA, threshold, v.n_PUMA_caspase)
    by_itself = 1.0 + v.feedback_caspase * caspase / v.caspase_total
    return by_puma * by_itself * (v.caspase_total - caspase) - v.k_deact_caspase * caspase


def resting(v: Cell, threshold: float) -> float:
    """Caspase at rest. The share c that is active: a (1 + f c) (1 - c) = k c has one root between 0
    and 1."""
    a = v.k_act_caspase * hill(v.PUMA, threshold, v.n_PUMA_caspase)
    b = v.k_deact_caspase + a * (1.0 - v.feedback_caspase)
    root = sqrt(b * b + 4.0 * a * a * v.feedback_caspase)
    return float(v.caspase_total * (2.0 * a / (b + root) if a else 0.0))


def change(v: Cell, d: Cell) -> None:
    d.caspase += activation(v, v.caspase, v.K_PUMA_caspase)


def rest(v: Cell) -> None:
    v.caspase = resting(v, v.K_PUMA_caspase)


FATE = Law(("caspase",), shown, change, rest)
