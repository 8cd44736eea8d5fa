"""Other ways to die: later, against a threshold that rises, or each class of cells at its own."""

from math import exp

from tests.referee.law import Cell, Law, hill
from tests.referee.laws import fate

STAGES = ("dismantled_1", "dismantled_2", "dismantled_3")


def later_shown(v: Cell) -> None:
    fate.shown(v)
    v.death_rate = v.k_death * v.dismantled_3 / v.caspase_total


def later_change(v: Cell, d: Cell) -> None:
    fate.change(v, d)
    before = v.caspase
    for stage in STAGES:
        here = vars(v)[stage]
        vars(d)[stage] += (before - here) / v.stage_death
        before = here


def later_rest(v: Cell) -> None:
    fate.rest(v)
    vars(v).update(dict.fromkeys(STAGES, v.caspase))


DELAYED = Law(("caspase", *STAGES), later_shown, later_change, later_rest)


def raised(v: Cell) -> float:
    return float(v.K_PUMA_caspase * (1.0 + v.IAP / v.IAP_doubling))


def rising_shown(v: Cell) -> None:
    fate.shown(v)
    v.K_PUMA_caspase_raised = raised(v)


def rising_change(v: Cell, d: Cell) -> None:
    induced = v.IAP_max * hill(v.p53_active, v.K_IAP, v.n_IAP)
    d.IAP += v.k_deg_IAP * (induced - v.IAP)
    d.caspase += fate.activation(v, v.caspase, raised(v))


def rising_rest(v: Cell) -> None:
    v.IAP = v.IAP_max * hill(v.p53_active, v.K_IAP, v.n_IAP)
    v.caspase = fate.resting(v, raised(v))


RISING = Law(("caspase", "IAP"), rising_shown, rising_change, rising_rest)

CLASSES = (1, 2, 3, 4, 5)
CASPASES = tuple(f"caspase_{i}" for i in CLASSES)
SHARES_OF = tuple(f"share_{i}" for i in CLASSES)


def thresholds(v: Cell) -> list[float]:
    """Of the classes, from the most sensitive on."""
    away = (-v.class_outer, -v.class_inner, 0.0, v.class_inner, v.class_outer)
    return [v.K_PUMA_caspase * exp(one * v.spread_K_PUMA) for one in away]


def spread_shown(v: Cell) -> None:
    p = vars(v)
    v.proliferation = 1.0 - hill(v.p21, v.K_arrest, v.n_arrest)
    for i, threshold in zip(CLASSES, thresholds(v), strict=True):
        p[f"K_PUMA_caspase_{i}"] = threshold
        p[f"death_rate_{i}"] = v.k_death * p[f"caspase_{i}"] / v.caspase_total


def spread_change(v: Cell, d: Cell) -> None:
    for name, threshold in zip(CASPASES, thresholds(v), strict=True):
        vars(d)[name] += fate.activation(v, vars(v)[name], threshold)


def spread_rest(v: Cell) -> None:
    for name, threshold in zip(CASPASES, thresholds(v), strict=True):
        vars(v)[name] = fate.resting(v, threshold)


SPREAD = Law(CASPASES, spread_shown, spread_change, spread_rest)


def shares_shown(v: Cell) -> None:
    p, before = vars(v), vars(v.rest)
    shares = [p[name] for name in SHARES_OF]
    v.shares = sum(shares)
    v.caspase = sum(s * p[name] for s, name in zip(shares, CASPASES, strict=True))
    names = [f"death_rate_{i}" for i in CLASSES]
    v.death_rate = sum(s * p[name] for s, name in zip(shares, names, strict=True))
    v.death_rate_untreated = sum(s * before[name] for s, name in zip(shares, names, strict=True))


def shares_change(v: Cell, d: Cell) -> None:
    p, before = vars(v), vars(v.rest)
    mean = (v.death_rate - v.death_rate_untreated) / v.shares
    for i in CLASSES:
        own, beyond = p[f"share_{i}"], p[f"death_rate_{i}"] - before[f"death_rate_{i}"]
        mixed = v.k_mix_classes * (v.shares - len(CLASSES) * own)
        vars(d)[f"share_{i}"] += own * (mean - beyond) + mixed


def shares_start(v: Cell) -> None:
    vars(v).update(dict.fromkeys(SHARES_OF, 0.2))


SHARES = Law(SHARES_OF, shares_shown, shares_change, start=shares_start)
