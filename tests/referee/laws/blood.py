"""Counts of blood, in one chain a lineage: progenitors divide, mature in three steps, circulate."""

from tests.referee.law import Cell, Law

LINEAGES = ("platelets", "neutrophils", "red_cells")
STEPS = ("progenitors", "maturing_1", "maturing_2", "maturing_3", "circulating")


def shown(v: Cell) -> None:
    p = vars(v)
    v.PUMA_rise = v.PUMA - v.rest.PUMA
    v.platelets = v.platelets_circulating * v.platelets_baseline
    v.neutrophils = v.neutrophils_circulating * v.neutrophils_baseline
    v.haemoglobin = v.red_cells_circulating * v.haemoglobin_baseline
    for one in LINEAGES:
        p[f"k_tr_{one}"] = v.maturation_steps / p[f"MTT_{one}"]
        hurried = p[f"{one}_circulating"] ** -p[f"feedback_{one}"]
        p[f"division_{one}"] = p[f"{one}_progenitors"] * hurried


def chain(v: Cell, d: Cell, one: str) -> None:
    """One lineage."""
    p, changes = vars(v), vars(d)
    rate = p[f"k_tr_{one}"]
    counts = [p[f"{one}_{step}"] for step in STEPS]
    killed = p[f"slope_{one}"] * v.PUMA_rise * counts[0]
    changes[f"{one}_progenitors"] += rate * (p[f"division_{one}"] - killed - counts[0])
    for place in (1, 2, 3):
        changes[f"{one}_{STEPS[place]}"] += rate * (counts[place - 1] - counts[place])
    lost = 1.0 / v.life_red_cells if one == "red_cells" else rate
    changes[f"{one}_circulating"] += lost * (counts[3] - counts[4])


def change(v: Cell, d: Cell) -> None:
    for one in LINEAGES:
        chain(v, d, one)


STATES = tuple(f"{one}_{step}" for one in LINEAGES for step in STEPS)


def start(v: Cell) -> None:
    vars(v).update(dict.fromkeys(STATES, 1.0))


BLOOD = Law(STATES, shown, change, start=start)
