"""The medium of a dish, which cells deplete where it is closed."""

from tests.referee.law import Cell, Law


def dish_of(role: str) -> Law:
    """The medium of one drug, by its mechanism."""

    def shown(v: Cell) -> None:
        p = vars(v)
        p[f"{role}_outside"] = p[f"fu_medium_{role}"] * p[f"{role}_medium"]

    def change(v: Cell, d: Cell) -> None:
        p = vars(v)
        taken_up = v.uptake_of_line if role == "degrader" else 1.0
        back = p[f"k_perm_{role}"] * (p[role] - taken_up * p[f"{role}_outside"])
        if v.closed_dish:
            vars(d)[f"{role}_medium"] += back * v.cell / v.medium

    return Law((f"{role}_medium",), shown, change)
