"""A drug in plasma: two compartments, and the gut before them for a drug by mouth."""

from tests.referee.law import Cell, Law


def plasma_of(role: str, *, oral: bool) -> Law:
    """The plasma of one drug, by its mechanism."""
    gut, central = f"{role}_gut", f"{role}_plasma"
    tissue, gone = f"{role}_peripheral", f"{role}_eliminated"

    def shown(v: Cell) -> None:
        p = vars(v)
        p[f"{role}_outside"] = p[f"Kp_uu_{role}"] * p[f"fu_plasma_{role}"] * p[central]

    def change(v: Cell, d: Cell) -> None:
        p, changes = vars(v), vars(d)
        cleared = p[f"CL_{role}"] * p[central] / p[f"V_central_{role}"]
        inwards = p[tissue] / p[f"V_peripheral_{role}"]
        across = p[f"Q_{role}"] * (p[central] / p[f"V_central_{role}"] - inwards)
        changes[central] -= cleared + across
        changes[tissue] += across
        changes[gone] += cleared
        if oral:
            absorbed = p[f"ka_{role}"] * p[gut]
            changes[gut] -= absorbed
            changes[central] += absorbed

    return Law(((gut,) if oral else ()) + (central, tissue, gone), shown, change)
