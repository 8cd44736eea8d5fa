"""Settings of the lab's page at random, and the same runs in Python."""

from typing import Any

import numpy as np
import xarray as xr

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.lab.pieces import Contents
from p53net.simulation.model import Model

NOMINAL = 1e-10
"""Relative tolerance of Python's runs, that of the page; the absolute one is 1e-7 of it."""

Setting = dict[str, Any]


def setting(contents: Contents, random: np.random.Generator) -> Setting:
    """One: any drugs, line, structure, doses over decades, changed parameters."""
    data: Any = contents.data
    drugs = [str(random.choice([one["name"] for one in data["drugs"]]))]
    role = {one["name"]: one["mechanism"] for one in data["drugs"]}
    others = [name for name in role if role[name] != role[drugs[0]]]
    if random.random() < 0.4:
        drugs.append(str(random.choice(others)))
    hours = float(random.integers(12, 121))
    closed = float(random.random() < 0.15) * 10.0 ** random.uniform(0.5, 3)
    structure = str(random.choice([one["name"] for one in data["structures"]]))
    key = f"{structure}|{'+'.join(sorted(role[name] for name in drugs))}"
    rows = data["kinds"][key]["rows"]
    free = [
        name
        for name, (value, _, _, kind) in rows.items()
        if kind not in ("input", "computed") and value > 0 and name not in ("medium", "cell")
    ]
    changed = {str(name): float(rows[name][0] * 2.0 ** random.uniform(-1, 1))
               for name in random.choice(free, random.integers(0, 4), replace=False)}  # fmt: skip
    if "DSB" in rows and random.random() < 0.3:
        changed["DSB"] = float(random.uniform(0, 1))
    return {
        "drugs": [_dose(name, role[name], hours, closed, random) for name in drugs],
        "line": str(random.choice([one["name"] for one in data["lines"]])),
        "structure": structure,
        "parameters": changed,
        "hours": hours,
        "points": 145,
        "closed": closed,
    }


def _dose(
    name: str, role: str, hours: float, closed: float, random: np.random.Generator
) -> dict[str, object]:
    low, high = (-2, 2) if role == "degrader" else (0.5, 4)
    begin = float(random.integers(0, 10)) if random.random() < 0.3 and not closed else 0.0
    long = random.random() < 0.4 or closed
    length = 1e9 if long else float(random.uniform(1, hours - begin - 1))
    return {"name": name, "dose": float(10 ** random.uniform(low, high)), "from": begin,
            "hours": length}  # fmt: skip


def in_python(one: Setting, *, feedback: bool) -> xr.Dataset:
    """The run of a setting by the batch engine."""
    doses: dict[str, object] = {}
    for drug in one["drugs"]:
        name, level, begin, hours = drug["name"], drug["dose"], drug["from"], drug["hours"]
        steps = [(begin, level)]
        if begin + hours < one["hours"]:
            steps.append((begin + hours, 0.0))
        closed = one["closed"]
        doses[name] = pn.closed_dish(level, closed) if closed else pn.course(steps)
    return _model(one).simulate(
        np.linspace(0.0, one["hours"], one["points"]), doses, one["parameters"],
        feedback=feedback, engine="batch",
    )  # fmt: skip


def _model(one: Setting) -> Model:
    loaded = pn.load(*(drug["name"] for drug in one["drugs"]), cell_line=one["line"],
                     structure=one["structure"])  # fmt: skip
    return Model(loaded.definition, Tolerances(NOMINAL, NOMINAL * 1e-7))


def apart(curve: object, run: xr.Dataset, name: str) -> float:
    """Largest difference over the peak."""
    own, other = np.array(curve, dtype=float), run[name].values
    peak = np.abs(other).max()
    return float(np.abs(own - other).max() / peak) if peak > 0 else float(np.abs(own).max())
