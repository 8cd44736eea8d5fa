"""How measurements scatter, and the scale and offset of signals, by assay."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.fitting.assays import ASSAYS, LOG_NORMAL, NORMAL
from p53net.fitting.points import Point

NoiseLike: TypeAlias = "Mapping[str, str | float | tuple[str, float]] | None"
"""What users write: assay to a kind, a width, or both."""

KINDS = (NORMAL, LOG_NORMAL)
NOISE, SCALE, OFFSET = "noise", "scale", "offset"

_RANGE = {NORMAL: (1e-3, 1.0), LOG_NORMAL: (0.01, 2.0)}
"""Of an estimated width: of normal noise in multiples of the largest value."""

_DECADES = 1e3  # either way, that a scale may be from the largest value
_FEWEST = 3  # rows that a width is estimated from


@dataclass(frozen=True)
class Nuisance:
    """A number that is estimated beside the parameters: it is no part of the biology."""

    name: str
    kind: str
    """NOISE, SCALE or OFFSET."""
    unit: str
    low: float
    high: float
    rows: tuple[int, ...]
    """Points that it is about."""

    @property
    def logarithm(self) -> bool:
        """Whether decades are alike between its bounds; else numbers are."""
        return self.kind != OFFSET


@dataclass(frozen=True)
class Noise:
    """Of one assay."""

    kind: str
    width: float | None
    """Standard deviation: of the logarithm, or in the unit; None where it is estimated, or given
    with each row."""
    estimated: bool
    rows: tuple[int, ...]


def noises(points: Sequence[Point], wanted: NoiseLike) -> dict[str, Noise]:
    """The noise of each assay. Raises InputError, UnknownNameError, with the row where one is
    wrong."""
    assays = list(dict.fromkeys(point.assay for point in points))
    given = _checked(wanted, assays)
    found = {}
    for assay in assays:
        rows = tuple(i for i, point in enumerate(points) if point.assay == assay)
        own = [points[i] for i in rows]
        usual = ASSAYS[assay].noise if assay in ASSAYS else LOG_NORMAL
        kind, width, asked = given.get(assay, (usual, None, False))
        with_error = [not math.isnan(point.error) for point in own]
        if any(with_error) and not all(with_error):
            lost = own[with_error.index(False)]
            raise lost.row.wrong(
                f"error is empty, but other rows of {assay} have one; give it for all, or for none"
            )
        if all(with_error) and width is not None:
            raise own[0].row.wrong(
                f"{assay} has errors in the table, and noise says {width:g} too; give one of both"
            )
        estimated = width is None and not any(with_error)
        if estimated and not asked:
            _need_replicates(own, assay)
        if estimated and sum(not one.below for one in own) < _FEWEST:
            raise own[0].row.wrong(
                f"the noise of {assay} cannot be estimated from {len(own)} rows; give error, or "
                f"noise={{'{assay}': ('{kind}', 0.1)}}"
            )
        if kind == LOG_NORMAL:
            _need_positive(own, assay)
        found[assay] = Noise(kind, width, estimated, rows)
    return found


def nuisances(
    points: Sequence[Point],
    noise: Mapping[str, Noise],
    scale: Iterable[str] | str,
    offset: Iterable[str] | str,
) -> list[Nuisance]:
    """Widths, scales and offsets that are estimated; of each plate or blot one scale and offset.
    Raises InputError, UnknownNameError."""
    scaled, shifted = _names(scale, "scale", noise), _names(offset, "offset", noise)
    found = []
    for assay, one in noise.items():
        unit = points[one.rows[0]].unit
        largest = max(abs(points[i].value) for i in one.rows)
        if largest == 0:
            raise points[one.rows[0]].row.wrong(f"all values of {assay} are 0; nothing is fitted")
        if one.estimated:
            low, high = _RANGE[one.kind]
            by = largest if one.kind == NORMAL else 1.0
            own = unit if one.kind == NORMAL else "1"
            found.append(Nuisance(f"{NOISE} of {assay}", NOISE, own, low * by, high * by, one.rows))
        plates: dict[str, list[int]] = {}
        for i in one.rows:
            plates.setdefault(points[i].plate, []).append(i)
        for plate, rows in plates.items():
            of = f"{assay}, {plate}" if plate else assay
            arbitrary = points[rows[0]].arbitrary
            top = max(abs(points[i].value) for i in rows) or largest
            factor = points[rows[0]].factor if not arbitrary else 1.0
            if arbitrary or assay in scaled:
                ends = (top / factor / _DECADES, top / factor * _DECADES) if arbitrary else (
                    1.0 / _DECADES, _DECADES)  # fmt: skip
                found.append(Nuisance(f"{SCALE} of {of}", SCALE, unit if arbitrary else "1",
                                      *ends, tuple(rows)))  # fmt: skip
            blanks = [i for i in rows if points[i].blank]
            if assay in shifted or (arbitrary and blanks):
                found.append(Nuisance(f"{OFFSET} of {of}", OFFSET, unit, 0.0, top, tuple(rows)))
    return found


def widths_of(points: Sequence[Point], one: Noise) -> FloatArray | None:
    """Standard deviations that the errors of rows are, of logarithms where those are compared;
    None where they are not given with the rows."""
    if one.estimated or one.width is not None:
        return None
    errors, values = np.array([(points[i].error, points[i].value) for i in one.rows]).T
    return errors if one.kind == NORMAL else np.asarray(np.sqrt(np.log1p((errors / values) ** 2)))


def _checked(wanted: NoiseLike, assays: Sequence[str]) -> dict[str, tuple[str, float | None, bool]]:
    if wanted is None:
        return {}
    such = "noise={'viability': 'normal', 'plasma': ('log-normal', 0.2)}"
    if not isinstance(wanted, Mapping):
        raise InputError(f"noise is {str(wanted)[:60]!r}, but must be a mapping: {such}")
    found: dict[str, tuple[str, float | None, bool]] = {}
    for name, said in wanted.items():
        if name not in assays:
            raise unknown_name("observable of the data", name, assays)
        usual = ASSAYS[name].noise if name in ASSAYS else LOG_NORMAL
        if isinstance(said, str):
            kind, width = said, None
        elif isinstance(said, tuple) and len(said) == 2:
            kind, width = said
        else:
            kind, width = usual, said
        if kind not in KINDS:
            raise InputError(f"the noise of {name} is {kind!r}; allowed are {' and '.join(KINDS)}")
        if width is not None:
            width = finite_number(width, f"the noise of {name}")
            if width == 0:
                raise InputError(f"the noise of {name} is 0, but a standard deviation is above 0")
        found[name] = kind, width, True
    return found


def _need_replicates(points: Sequence[Point], assay: str) -> None:
    seen: set[object] = set()
    for point in points:
        if point.condition in seen:
            return
        seen.add(point.condition)
    kind = ASSAYS[assay].noise if assay in ASSAYS else LOG_NORMAL
    raise points[0].row.wrong(
        f"{assay} has neither errors nor replicates, so its noise is not known; give error, or "
        f"noise={{'{assay}': ('{kind}', 0.1)}}, or noise={{'{assay}': '{kind}'}} to estimate it "
        "from how far the curve is off"
    )


def _need_positive(points: Sequence[Point], assay: str) -> None:
    for point in points:
        if not point.value > 0:
            raise point.row.wrong(
                f"value is {point.value:g}, but logarithms of {assay} are compared; write a value "
                f"below the limit of quantification as <5, or give noise={{'{assay}': 'normal'}}"
            )
        if point.blank:
            raise point.row.wrong(
                f"a blank has no logarithm; give noise={{'{assay}': 'normal'}} with blanks"
            )


def _names(given: Iterable[str] | str, argument: str, noise: Mapping[str, Noise]) -> set[str]:
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if name not in noise:
            raise unknown_name(f"observable in {argument}", name, noise)
    return set(names)
