"""Other marrows: maturing cells are killed and blood has its own life; and one with a reserve."""

from tests.referee.law import Cell, Law
from tests.referee.laws import blood

KILLED = ("platelets", "neutrophils")
"""Red cells stay as in blood.py."""


def staged_shown(v: Cell) -> None:
    blood.shown(v)
    p = vars(v)
    for one in KILLED:
        p[f"k_tr_{one}"] = v.marrow_steps / p[f"MTT_{one}"]
        p[f"kill_{one}"] = p[f"slope_{one}"] * v.PUMA_rise**2 / v.PUMA_kill
        seen = (p[f"{one}_circulating"] + v.least_circulating) / (1.0 + v.least_circulating)
        p[f"division_{one}"] = p[f"{one}_progenitors"] * seen ** -p[f"feedback_{one}"]


def staged_change(v: Cell, d: Cell) -> None:
    p, changes = vars(v), vars(d)
    for one in KILLED:
        rate, kill = p[f"k_tr_{one}"], p[f"kill_{one}"]
        counts = [p[f"{one}_{step}"] for step in blood.STEPS]
        killed = p[f"progenitors_hit_{one}"] * kill * counts[0]
        changes[f"{one}_progenitors"] += rate * (p[f"division_{one}"] - counts[0] - killed)
        for place in (1, 2, 3):
            left = (1.0 + kill) * counts[place]
            changes[f"{one}_{blood.STEPS[place]}"] += rate * (counts[place - 1] - left)
        changes[f"{one}_circulating"] += (counts[3] - counts[4]) / p[f"life_{one}"]
    blood.chain(v, d, "red_cells")


STAGED = Law(blood.STATES, staged_shown, staged_change, start=blood.start)


def pool_shown(v: Cell) -> None:
    staged_shown(v)
    v.stimulus_platelets = v.thrombopoietin**v.feedback_platelets
    own = v.renewal_platelets * v.platelets_progenitors
    filled = (1.0 - v.renewal_platelets) * v.platelets_reserve
    v.division_platelets = v.stimulus_platelets * (own + filled)


def pool_change(v: Cell, d: Cell) -> None:
    staged_change(v, d)
    cleared = v.thrombopoietin * v.platelets_circulating
    d.thrombopoietin += v.k_thrombopoietin * (1.0 - cleared)
    d.platelets_reserve += (v.stimulus_platelets - v.platelets_reserve) / v.life_reserve


def pool_start(v: Cell) -> None:
    blood.start(v)
    v.thrombopoietin = v.platelets_reserve = 1.0


POOL = Law(
    ("thrombopoietin", "platelets_reserve", *blood.STATES),
    pool_shown,
    pool_change,
    start=pool_start,
)
