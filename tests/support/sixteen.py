"""A run of each of the sixteen systems that the package models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import p53net as pn

MILADEMETAN, KT_253 = "milademetan", "KT-253"


@dataclass(frozen=True)
class Run:
    """What is simulated of a system."""

    load: Callable[[Path], pn.Model]
    times: np.ndarray
    doses: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    feedback: bool = True


def of(*drugs: str, **options: Any) -> Callable[[Path], pn.Model]:
    return lambda _: pn.load(*drugs, **options)


def exchanged(folder: Path) -> pn.Model:
    path = folder / "model.xml"
    path.write_text(pn.load(MILADEMETAN).sbml({MILADEMETAN: 100.0}), encoding="utf-8")
    return pn.read_sbml(path)


def hours(end: float, each: float) -> np.ndarray:
    return np.linspace(0.0, end, round(end / each) + 1)


SIXTEEN: Mapping[str, Run] = {
    "loop, damage": Run(of(), hours(72, 2), parameters={"DSB": 1.0}),
    "milademetan, washout": Run(of(MILADEMETAN), hours(48, 1), {MILADEMETAN: pn.pulse(300, 4)}),
    "KT-253": Run(of(KT_253), hours(72, 2), {KT_253: 1.0}),
    "escape": Run(
        of(MILADEMETAN, KT_253), hours(72, 2), {MILADEMETAN: 100.0, KT_253: pn.pulse(1, 24)}
    ),
    "targets": Run(
        of(MILADEMETAN, cell_line="SJSA-1"), hours(48, 1),
        {MILADEMETAN: [(0, 1000.0), (6, 0.0), (24, 1000.0)]},
    ),
    "caspase": Run(
        of(KT_253, system="culture", cell_line="RS4;11"), hours(48, 2), {KT_253: 3.0}
    ),
    "viability": Run(
        of(MILADEMETAN, system="culture", cell_line="SJSA-1"), hours(72, 2), {MILADEMETAN: 100.0}
    ),
    "degradation": Run(of(KT_253), hours(24, 1), {KT_253: pn.closed_dish(1.0, 40.0)}),
    "plasma": Run(
        of(MILADEMETAN, system="plasma"), hours(96, 1),
        {MILADEMETAN: pn.regimen(260, "mg", "daily", days=3)},
    ),
    "GDF-15": Run(
        of(MILADEMETAN, system="marrow"), hours(72, 1),
        {MILADEMETAN: pn.regimen(260, "mg", "once")},
    ),
    "milademetan xenograft": Run(
        of(MILADEMETAN, system="tumour", host="mouse", cell_line="SJSA-1"), hours(240, 3),
        {MILADEMETAN: pn.regimen(50, "mg/kg", "daily", days=10)},
    ),
    "KT-253 xenograft": Run(
        of(KT_253, system="tumour", host="mouse", cell_line="RS4;11"), hours(504, 8),
        {KT_253: pn.regimen(1, "mg/kg", "once")},
    ),
    "marrow": Run(
        of(MILADEMETAN, system="marrow"), hours(672, 8),
        {MILADEMETAN: pn.regimen(260, "mg", "3/14", cycles=2)},
    ),
    "schedules": Run(
        of(MILADEMETAN, system="tumour", host="human"), hours(672, 8),
        {MILADEMETAN: pn.regimen(120, "mg", "14/28", cycles=1)},
    ),
    "exchange": Run(exchanged, hours(72, 2)),
    "sweeps, opened loop": Run(
        of(MILADEMETAN, KT_253), hours(72, 2), {MILADEMETAN: 1000.0}, feedback=False
    ),
}  # fmt: skip
