"""Which further measurement would tell parameters apart: candidates by their Fisher information.

Each is a small set of rows that a laboratory could add. What it would say of the unknowns is told
by slopes of its predictions at the optimum, over noise that such an assay has.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from p53net.dosing.medium import constant, pulse
from p53net.engines.base import FloatArray
from p53net.fitting.assays import DISH, LOG_NORMAL, NORMAL, PLASMA
from p53net.fitting.optimum import Optimum
from p53net.fitting.points import VEHICLE as BY_VEHICLE
from p53net.fitting.points import Point, Setting, dose_like
from p53net.fitting.target import STEP, Target
from p53net.model import drug_entries
from p53net.model.own import Tables

_REPLICATES = 2
_DOSES = 8
_HOURS = (1.0, 2.0, 4.0, 8.0, 24.0)
_SAMPLES = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0)
_WIDTH = {NORMAL: 5.0, LOG_NORMAL: 0.15}
"""Noise of a candidate: per cent of vehicle, or of a logarithm. Assumed."""

_CLOSED = 0.25  # of the way between the bounds, to either side: wider may be open


class Candidate(NamedTuple):
    """A measurement that was not made."""

    words: str
    points: list[Point]
    noise: str


@dataclass(frozen=True)
class Advice:
    """What a candidate would do."""

    words: str
    points: list[Point]
    """Its rows; values are what the fit predicts."""
    widths: dict[str, float]
    """Unknown to half of its 95 % interval then, on its scale."""
    cures: bool
    """Whether all that was asked for would be identified."""

    @property
    def table(self) -> pd.DataFrame:
        """Its rows in the form of data, with what the fit predicts as `value`: measure them, put
        the values in, and fit both tables together."""
        rows = []
        for point in self.points:
            own = point.setting
            row: dict[str, object] = {"observable": point.assay, "drug": " + ".join(own.drugs)}
            if own.host:
                row |= {"regimen": own.label, "host": own.host}
            else:
                row |= {"dose": point.dose, "line": own.line}
                if not math.isinf(point.exposure):
                    row["exposure"] = point.exposure
            row |= {"time": point.time, "value": point.value, "unit": point.unit}
            rows.append(row)
        return pd.DataFrame(rows)


def candidates_of(points: Sequence[Point], tables: Tables) -> list[Candidate]:
    """What could be measured besides, of the drugs, lines and hosts of the data."""
    found: list[Candidate] = []
    entries = drug_entries(tables)
    arbitrary = {point.assay for point in points if point.arbitrary}
    cells: dict[tuple[tuple[str, ...], str], list[Point]] = {}
    for point in points:
        if point.setting.system == DISH and not point.blank and point.dose > 0:
            cells.setdefault((point.setting.drugs, point.setting.line), []).append(point)
    for (drugs, line), own in cells.items():
        if len(drugs) > 1:
            continue
        levels = [point.dose for point in own]
        doses = np.geomspace(min(levels) / 3.0, max(levels) * 3.0, _DOSES)
        setting = own[0].setting._replace(doses=(constant(1.0),))
        where = f"{drugs[0]} in {line}"
        degrader = entries[drugs[0]].facts["mechanism"] == "degrader"
        plates = [("MDM2", "MDM2_total", 2.0, math.inf)] if degrader else []
        plates += [("p53", "p53_total", 24.0, math.inf), ("p53", "p53_total", 2.0, math.inf),
                   ("MDM2", "MDM2_total", 24.0, math.inf), ("caspase", "caspase", 24.0, math.inf),
                   ("viability", "live_cells", 72.0, math.inf),
                   ("viability", "live_cells", 24.0, math.inf),
                   ("viability", "live_cells", 72.0, 4.0)]  # fmt: skip
        for assay, quantity, hours, exposure in plates:
            measured = (point for point in own if point.assay == assay and point.time == hours)
            if any(point.exposure == exposure for point in measured):
                continue
            given = setting if math.isinf(exposure) else setting._replace(
                doses=(pulse(1.0, exposure),))  # fmt: skip
            settings = [(dose_like(given, dose), hours) for dose in doses]
            after = "" if math.isinf(exposure) else f" after {exposure:g} h of drug"
            what = f"{_HOUR_PLATE[assay].format(hours=hours)}{after} ({where})"
            name = quantity if assay in arbitrary else assay
            found.append(_plate(own[0], what, name, quantity, settings, exposure))
        middle = float(np.exp(np.median(np.log(levels))))
        series = [(dose_like(setting, middle), hours) for hours in _HOURS]
        if not any(point.assay == "p53" for point in own):
            what = f"a time course of p53 over 24 h at {middle:.3g} nM ({where})"
            found.append(_plate(own[0], what, "p53", "p53_total", series))
    return found + _plasma(points, tables)


_HOUR_PLATE = {
    "MDM2": "a {hours:g} h plate of MDM2",
    "p53": "a {hours:g} h plate of p53",
    "caspase": "a {hours:g} h plate of caspase-3/7",
    "viability": "a {hours:g} h viability plate",
}


def _plate(
    like: Point, words: str, assay: str, quantity: str, settings: Sequence[tuple[Setting, float]],
    exposure: float = math.inf,
) -> Candidate:  # fmt: skip
    kind = NORMAL if assay == "viability" else LOG_NORMAL
    unit, factor = ("%", 100.0) if kind == NORMAL else ("fold", 1.0)
    points = [
        replace(like, assay=assay, unit=unit, factor=factor, quantity=quantity, setting=setting,
                time=hours, relative=BY_VEHICLE, below=False, error=math.nan,
                exposure=exposure, dose=setting.doses[0].highest if setting.doses[0] else 0.0)
        for setting, hours in settings
    ]  # fmt: skip
    return Candidate(words, points, kind)


def _plasma(points: Sequence[Point], tables: Tables) -> list[Candidate]:
    """Plasma curves of regimens that have none."""
    found = []
    bodies: dict[tuple[str, str], Point] = {}
    for point in points:
        if point.setting.host and point.setting.doses[0] is not None:
            bodies.setdefault((point.setting.drugs[0], point.setting.host), point)
    entries = drug_entries(tables)
    for (drug, host), like in bodies.items():
        if any(point.setting.system == PLASMA and point.setting.drugs == (drug,)
               and point.setting.host == host for point in points):  # fmt: skip
            continue
        setting = like.setting._replace(system=PLASMA, line="")
        mechanism = entries[drug].facts["mechanism"]
        rows = [replace(like, assay="plasma", unit="nM", factor=1.0, relative="", below=False,
                        quantity=f"{mechanism}_plasma", setting=setting, time=time)
                for time in _SAMPLES]  # fmt: skip
        words = f"a plasma curve of {drug} in the {host} under {setting.label}"
        found.append(Candidate(words, rows, LOG_NORMAL))
    return found


def advised(
    target: Target,
    optimum: Optimum,
    wanted: Sequence[int],
    elsewhere: Sequence[FloatArray],
    tables: Tables,
) -> list[Advice]:
    """Candidates by how far they would narrow the unknowns at these places, the best first.

    What is not identified may be anywhere on its profile, so a candidate is judged at the optimum
    and `elsewhere`, on ends of profiles, by where it says least.
    """
    room = target.unknowns.high - target.unknowns.low
    places = [optimum.x, *elsewhere]
    known = []
    for x in places:
        slopes = target.slopes(x, target.rows(x[None])[0])
        known.append(slopes.T @ slopes + np.diag(1.0 / (2.0 * room) ** 2))
    found = []
    for one in candidates_of(target.points, tables):
        widths = np.zeros(len(wanted))
        values = None
        for x, information in zip(places, known, strict=True):
            told = _slopes(target, x, one)
            if told is None:
                widths[:] = np.inf
                break
            more = information + _REPLICATES * told[0].T @ told[0]
            half = 1.959964 * np.sqrt(np.diag(np.linalg.inv(more)))
            widths = np.maximum(widths, half[list(wanted)])
            values = told[1] if values is None else values
        if values is None or not np.isfinite(widths).all():
            continue
        cures = bool((widths < _CLOSED * room[list(wanted)]).all())
        points = [replace(point, value=float(value))
                  for point, value in zip(one.points, values, strict=True)]  # fmt: skip
        names = [target.unknowns.names[i] for i in wanted]
        found.append(Advice(one.words, points, dict(zip(names, widths.tolist(), strict=True)),
                            cures))  # fmt: skip
    return sorted(found, key=_order)


def _order(one: Advice) -> tuple[bool, float]:
    return not one.cures, sum(math.log(width) for width in one.widths.values())


def _slopes(target: Target, x: FloatArray, one: Candidate) -> tuple[FloatArray, FloatArray] | None:
    """(row, unknown) over the noise of the candidate, and what is predicted; None where it does
    not run."""
    size = len(target.unknowns.parameters)
    scenes = target.scenes.of(one.points)
    steps = np.zeros((2 * size + 1, len(x)))
    for i in range(size):
        steps[2 * i, i], steps[2 * i + 1, i] = STEP, -STEP
    found = scenes.predict(target.unknowns.values(x + steps)[:, :size])
    if not np.isfinite(found).all():
        return None
    here = found[-1]
    if one.noise == LOG_NORMAL:
        if not (found > 0).all():
            return None
        found = np.log(found)
    slopes = (found[:-1:2] - found[1:-1:2]) / (2.0 * STEP) / _WIDTH[one.noise]
    whole = np.zeros((len(here), len(x)))
    whole[:, :size] = slopes.T
    return whole, here
