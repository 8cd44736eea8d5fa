"""Data of known truth, for fits."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from p53net.fitting.points import points_of
from p53net.fitting.scenes import Scenes
from p53net.fitting.table import rows_of
from p53net.model.own import Tables

Rows = list[dict[str, object]]


def plate(
    drug: str,
    line: str,
    doses: Iterable[float],
    wells: int = 3,
    observable: str = "viability",
    time: float = 72.0,
    unit: str = "%",
) -> Rows:
    """Wells of a dose series."""
    like = {"observable": observable, "drug": drug, "time": time, "unit": unit, "line": line}
    return [{**like, "dose": dose, "replicate": well} for dose in doses for well in range(wells)]


def course(
    observable: str, drug: str, line: str, dose: float, times: Iterable[float], lanes: int = 2
) -> Rows:
    """A blot over time at one dose."""
    like = {"observable": observable, "drug": drug, "dose": dose, "unit": "fold", "line": line}
    return [{**like, "time": time, "replicate": lane} for time in times for lane in range(lanes)]


def plasma(drug: str, host: str, regimen: str, times: Iterable[float], samples: int = 2) -> Rows:
    """A curve in plasma."""
    like = {"observable": "plasma", "drug": drug, "regimen": regimen, "host": host, "unit": "ng/mL"}
    return [{**like, "time": time, "replicate": n} for time in times for n in range(samples)]


def exact(rows: Sequence[Mapping[str, object]], truth: Mapping[str, float]) -> np.ndarray:
    """What the default structure says of rows."""
    table = pd.DataFrame(rows).assign(value=1.0)
    points = points_of(rows_of(table), None, Tables())
    values = np.array([list(truth.values())])
    return Scenes(points, list(truth), None, Tables()).predict(values)[0]


def simulated(
    rows: Sequence[Mapping[str, object]], truth: Mapping[str, float], seed: int,
    sd: float = 5.0, cv: float = 0.15,
) -> pd.DataFrame:  # fmt: skip
    """The same with noise: normal for viability [%], else of the logarithm."""
    table = pd.DataFrame(rows)
    middle = exact(rows, truth)
    noise = np.random.default_rng(seed).standard_normal(len(table))
    normal = (table["observable"] == "viability").to_numpy()
    table["value"] = np.where(normal, middle + sd * noise, middle * np.exp(cv * noise))
    return table
