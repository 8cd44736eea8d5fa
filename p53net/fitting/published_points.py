"""Published numbers that are points of a study's curves.

An IC50 or DC50 is a dose with half of the effect, the largest concentration in plasma stands at its
time, an inhibition of growth is a volume beside the untreated tumour. Rows of the ledger that say
at which time, in which line and under which regimen have a place; areas, ratios and bounds are no
points of curves. Rates of toxicity stand at the foot of their panel.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import xarray as xr

from p53net.ensembles.banded import median
from p53net.errors import InputError
from p53net.evidence.published import Observation, observations
from p53net.figures.style import COLOURS
from p53net.fitting.spots import Spot
from p53net.simulation.recalled import arguments_of, regimens_of, tables_in

_HALF = 50.0  # %
_READ = re.compile(r"\b(\d+) h\b")
_DAILY = re.compile(r"(?P<amount>\d+) mg once daily, days 1-3 and 15-17 of 28")
_WHEN = "milademetan_tmax", "milademetan_cmax"
"""Median time of the largest concentration [h], and that [ng/mL], after the last dose of three."""

_TGI = "tumour growth inhibition"
_MOUSE = re.compile(r"\b(\d+) mg/kg orally once daily")
_INHIBITED = 28.0
"""Day at which inhibition in mice is taken, an assumption (docs/xenograft.md)."""
_BESIDE, _NEAR = 0.5, 0.1
"""Days between stars that would cover each other, and how near these are, of the growth of the
untreated tumour."""
_INTERMITTENT = re.compile(r"(?P<amount>\d+) mg days 1-3 and 15-17 of 28")
_SEVERE = 3
_GRADES = "grade 3 or more", "grade 3 or 4"

_INK = "#333333"


def published_in(result: xr.Dataset) -> list[Spot]:
    """Stars of a study. Raises InputError where the ledger has none."""
    study = str(result.attrs["study"])
    every = observations(tables_in(arguments_of(result)))
    find = _STUDIES.get(study)
    found = [] if find is None else list(find(result, every))
    if not found:
        raise InputError(
            f"the ledger has no number that is a point of this figure of {study}; leave published "
            "out, or see `p53net validate`"
        )
    return found


def _viability(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    lines = [str(one) for one in result["cell_line"].values]
    yield from _halves(result, every, "IC50 of viability", lines, [float(result.attrs["hours"])])


def _degradation(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    hours = [float(one) for one in result["hours"].values]
    yield from _halves(result, every, "DC50 of MDM2", [str(result.attrs["cell_line"])], hours)


def _halves(
    result: xr.Dataset, every: Mapping[str, Observation], quantity: str, lines: list[str],
    hours: list[float],
) -> Iterator[Spot]:  # fmt: skip
    """Doses of half the effect, in these lines at these times."""
    drugs = [str(one) for one in result["drug"].values]
    for row in every.values():
        read = _READ.search(row.protocol)
        at = read is not None and float(read[1]) in hours
        if row.quantity == quantity and row.subject in drugs and row.line in lines and at and (
            math.isfinite(row.middle)
        ):  # fmt: skip
            yield Spot(drugs.index(row.subject), row.middle, _HALF, _INK,
                       x_ends=(row.low, row.high), published=True)  # fmt: skip


def _pk(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    for spot in _highest(result, every):
        for panel in (0, 1):
            yield Spot(panel, spot.x, spot.y, spot.colour, spot.y_error, spot.x_ends, True)


def _patient(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    for spot in _highest(result, every):
        ends = None if spot.x_ends is None else (spot.x_ends[0] / 24.0, spot.x_ends[1] / 24.0)
        yield Spot(0, spot.x / 24.0, spot.y, spot.colour, spot.y_error, ends, True)


def _highest(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    """The largest concentration after the third dose [h, ng/mL], of an arm that was measured."""
    when, how = (every[name] for name in _WHEN)
    match = _DAILY.match(how.protocol)
    given = arguments_of(result)
    arms = regimens_of(given.get("regimens", given.get("regimen")))
    host = str(result.attrs.get("host", "human"))
    if match is None or (host, str(result.attrs["drug"])) != ("human", how.subject):
        return
    for arm in arms:
        first = [(dose.time, dose.amount) for dose in arm.doses if dose.time < 72.0]
        if arm.unit == "mg" and first == [(at, float(match["amount"])) for at in (0.0, 24.0, 48.0)]:
            start = first[-1][0]
            yield Spot(0, start + when.value, how.value, _INK, (how.high - how.low) / 2.0,
                       (start + when.low, start + when.high), published=True)  # fmt: skip
            return


def _xenograft(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    """Volumes that a published inhibition of growth means beside this untreated tumour."""
    volume = median(result)["tumour_volume"].isel(time=-1)
    start = float(median(result)["tumour_volume"].isel(arm=0, time=0))
    grown = float(volume.isel(arm=0)) - start
    arms = regimens_of(arguments_of(result).get("regimens"))
    drawn: list[float] = []
    if float(result.attrs["days"]) != _INHIBITED:
        return
    for row in every.values():
        match = _MOUSE.search(row.protocol)
        mine = (str(result.attrs["drug"]), str(result.attrs["cell_line"]))
        if row.quantity != _TGI or match is None or (row.subject, row.line) != mine or (
            not math.isfinite(row.middle)
        ):  # fmt: skip
            continue
        for i, arm in enumerate(arms):
            if (arm.amount, arm.unit, arm.schedule) == (float(match[1]), "mg/kg", "daily"):
                at = start + (1.0 - row.middle / 100.0) * grown
                covered = sum(abs(at - other) < _NEAR * grown for other in drawn)
                drawn.append(at)
                yield Spot(0, _INHIBITED - _BESIDE * covered, at, COLOURS[i % len(COLOURS)],
                           (row.high - row.low) / 200.0 * grown, published=True)  # fmt: skip


def _schedules(result: xr.Dataset, every: Mapping[str, Observation]) -> Iterator[Spot]:
    """Rates of toxicity, at the foot of the panel: nobody measured the effect beside them."""
    regimens = [str(one) for one in result["regimen"].values]
    foot = 0.05 * float(result["tgi_high"].max())
    drawn: Counter[str] = Counter()  # one above the other
    if int(result.attrs["grade"]) != _SEVERE:
        return
    for row in every.values():
        match = _INTERMITTENT.match(row.protocol)
        toxicity, _, grade = row.quantity.partition(", ")
        arm = "" if match is None else f"{match['amount']} mg 3/14"
        if row.subject == str(result.attrs["drug"]) and arm in regimens and (
            grade in _GRADES and toxicity in result["toxicity"].values
        ):  # fmt: skip
            drawn[toxicity] += 1
            yield Spot([str(one) for one in result["toxicity"].values].index(toxicity), row.middle,
                       foot * drawn[toxicity], COLOURS[regimens.index(arm) % len(COLOURS)],
                       x_ends=(row.low, row.high), published=True)  # fmt: skip


_STUDIES: Mapping[str, Callable[[xr.Dataset, Mapping[str, Observation]], Iterator[Spot]]] = {
    "viability": _viability,
    "degradation": _degradation,
    "pk": _pk,
    "patient": _patient,
    "xenograft": _xenograft,
    "schedules": _schedules,
}
