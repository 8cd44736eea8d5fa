"""Rows of data in the terms of the models: what ran, what was looked at, when, in which unit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from p53net.dosing.medium import Dose, Given, constant, pulse
from p53net.dosing.regimens import Regimen
from p53net.dosing.words import from_words
from p53net.errors import InputError, P53NetError, unknown_name
from p53net.fitting.assays import (
    ARBITRARY,
    ASSAYS,
    BLANKS,
    CULTURE,
    DISH,
    FOLDS,
    MARROW,
    OF_CULTURE,
    PLASMA,
    TUMOUR,
    VEHICLES,
    Assay,
)
from p53net.fitting.table import Row, amount_of, factor_to
from p53net.model import cell_line_entries, drug_entries, host_entries, molar_masses, resolve
from p53net.model.own import Tables
from p53net.model.structures import StructureLike
from p53net.simulation.inputs import checked_doses
from p53net.simulation.loading import shared
from p53net.simulation.model import Model

START, VEHICLE = "start", "vehicle"
"""What a value in % or fold is relative to: the start of a run in a body, vehicle in a dish."""

_LATEST = {DISH: 24.0 * 28, "": 24.0 * 730}  # h: of a dish, of a body
_ANY = "milademetan"  # stands in where no drug of the data has a model
_AND = "+"
_NEAR = 1e-6  # of amounts and times, as they are written


class Setting(NamedTuple):
    """What runs: cells or a host, and what they get."""

    system: str
    """`dish` (a culture where any row needs one), or a system in a body."""
    host: str
    line: str
    drugs: tuple[str, ...]
    doses: tuple[Given | None, ...]
    """Of each drug; None in a body that gets none."""
    label: str
    """As it was written."""

    @property
    def vehicle(self) -> "Setting":
        """The same without drug."""
        nothing = constant(0.0) if self.system == DISH else None
        return self._replace(doses=tuple(nothing for _ in self.drugs), label=VEHICLE)


@dataclass(frozen=True)
class Point:
    """One measurement."""

    row: Row
    assay: str
    unit: str
    quantity: str
    """Of the model; empty for a blank."""
    setting: Setting
    time: float
    """h."""
    value: float
    """In the unit of its assay; where it is `below`, the limit of quantification."""
    error: float
    """Standard deviation in that unit; NaN where it is not given."""
    below: bool
    relative: str
    """START, VEHICLE, or empty for a value of the quantity itself."""
    factor: float
    """From the quantity, or from what it is relative to, to the unit of the assay."""
    dose: float
    """nM of the first drug in a dish, for figures; NaN in a body."""
    exposure: float
    """h in a dish; infinite where it is not limited."""

    @property
    def arbitrary(self) -> bool:
        """Whether the signal has a scale of its own."""
        return self.unit == "AU"

    @property
    def blank(self) -> bool:
        """Whether there were no cells."""
        return not self.quantity

    @property
    def plate(self) -> str:
        """Plate or blot; empty where none is named."""
        return self.row.text("plate")

    @property
    def condition(self) -> tuple[object, ...]:
        """What replicates have in common."""
        return (self.assay, self.quantity, self.setting, self.time, self.plate,
                self.row.text("subject"))  # fmt: skip


class Reader:
    """Reads rows one by one, with what the package and the user's tables know."""

    def __init__(self, structure: StructureLike, tables: Tables, days: float) -> None:
        """Regimens that repeat and do not say for how long go on for so many days."""
        self.structure, self.tables, self._days = structure, tables, days
        self._drugs, self._lines = drug_entries(tables), cell_line_entries(tables)
        self._hosts = host_entries(tables)
        self._models: dict[tuple[str, ...], Model] = {}

    def model(self, setting: Setting) -> Model:
        """The model that runs a setting."""
        inside = CULTURE if setting.system == DISH else setting.system
        key = inside, setting.host, *setting.drugs
        if key not in self._models:
            self._models[key] = shared(*setting.drugs, system=inside, host=setting.host or None,
                                       structure=self.structure, tables=self.tables)  # fmt: skip
        return self._models[key]

    def point(self, row: Row) -> Point:
        """One row. Raises InputError, UnknownNameError, each with the row."""
        try:
            return self._point(row)
        except P53NetError as error:
            raise (error if str(error).startswith(str(row)) else row.again(error)) from None

    def _point(self, row: Row) -> Point:
        name = row.needed("observable")
        known = {one.casefold(): one for one in ASSAYS}
        name = known.get(name.casefold(), name)
        assay = ASSAYS.get(name) or Assay(name, name)
        control = row.text("drug").casefold()
        in_body = bool(row.text("regimen") or row.text("host"))
        time = amount_of(row, "time", row.needed("time"), "h")
        latest = _LATEST["" if in_body else DISH]
        if time > latest:
            raise row.wrong(f"time is {time:g} h, but at most {latest:g} h are run")
        drugs = () if control in (*VEHICLES, *BLANKS) else self._drugs_of(row)
        setting = self._body(row, assay, drugs) if in_body else self._dish(row, assay, drugs)
        if assay.system == PLASMA and not drugs:
            raise row.wrong("plasma of an untreated host holds no drug; leave the row out")
        unit, (value, below) = row.needed("unit"), self._value(row)
        point = Point(row, name, unit, assay.quantity, setting, time, value,
                      self._error(row), below, "", 1.0, self._dose_of(setting),
                      self._exposure(row))  # fmt: skip
        if control in BLANKS:
            if in_body:
                raise row.wrong("a blank is a well without cells, but the row has a host")
            return self._with_unit(replace(point, quantity=""), None)
        return self._with_unit(point, self._known(row, point))

    def _drugs_of(self, row: Row) -> tuple[str, ...]:
        names = [resolve("drug", one.strip(), self._drugs).name
                 for one in row.text("drug").split(_AND)]  # fmt: skip
        if len(set(names)) < len(names):
            raise row.wrong(f"the drug {names[0]} is named twice; name each once")
        return tuple(names)

    def _dish(self, row: Row, assay: Assay, drugs: tuple[str, ...]) -> Setting:
        if assay.system not in ("", CULTURE):
            raise row.wrong(
                f"{row.text('observable')} is measured in a body; give host, and a regimen"
            )
        if not row.text("line"):
            raise row.wrong("line is empty; cells in a dish are of a cell line, such as SJSA-1")
        line = resolve("cell_line", row.text("line"), self._lines).name
        exposure = self._exposure(row)
        if not drugs:
            if row.text("dose") and amount_of(row, "dose", row.text("dose"), "nM") > 0:
                raise row.wrong("a dose is given, but no drug is named; name it in drug")
            return Setting(DISH, "", line, (), (), VEHICLE)
        texts = row.needed("dose").split(_AND)
        if len(texts) != len(drugs):
            raise row.wrong(f"{len(drugs)} drugs and {len(texts)} doses; give one for each: 10 + 1")
        levels = [amount_of(row, "dose", text, "nM", self._mass(drug))
                  for text, drug in zip(texts, drugs, strict=True)]  # fmt: skip
        doses = tuple(constant(one) if math.isinf(exposure) or one == 0 else pulse(one, exposure)
                      for one in levels)  # fmt: skip
        label = " + ".join(f"{one:g} nM" for one in levels)
        label += "" if math.isinf(exposure) else f" for {exposure:g} h"
        return Setting(DISH, "", line, drugs, doses, label)

    def _body(self, row: Row, assay: Assay, drugs: tuple[str, ...]) -> Setting:
        if row.text("dose") or row.text("exposure"):
            raise row.wrong(
                "dose and exposure are of a dish; in a body write both as a regimen: 260 mg once"
            )
        if not row.text("host"):
            raise row.wrong("host is empty, but the row has a regimen; write human or mouse")
        host = resolve("host", row.text("host"), self._hosts).name
        line = ""
        system = assay.system or (TUMOUR if row.text("line") else MARROW)
        if assay.system == CULTURE:
            raise row.wrong(f"{row.text('observable')} is measured in a dish; leave host out")
        if system == TUMOUR:
            line = resolve("cell_line", row.needed("line"), self._lines).name
        if not drugs:
            if row.text("regimen"):
                raise row.wrong("a regimen is given, but no drug is named; name it in drug")
            return Setting(system, host, line, (), (), VEHICLE)
        if len(drugs) > 1:
            raise row.wrong("two drugs in a body are not read; give the data of one drug")
        given = from_words(row.needed("regimen"), self._days, "mg")
        model = self.model(Setting(system, host, line, drugs, (), ""))
        dose = checked_doses(model.definition, {drugs[0]: given})[drugs[0]]
        return Setting(system, host, line, drugs, (dose,), row.text("regimen"))

    def _known(self, row: Row, point: Point) -> str:
        """The unit of the quantity in its model."""
        setting = point.setting
        if not setting.drugs:
            return ""
        definition = self.model(setting).definition
        name = self._quantity(point)
        if name not in definition.variables:
            raise unknown_name("observable", point.assay, [*ASSAYS, *definition.read_outs])
        return definition.units[name]

    def _quantity(self, point: Point) -> str:
        setting = point.setting
        mechanism = self.model(setting).definition.drugs[setting.drugs[0]]
        return point.quantity.replace("DRUG", mechanism)

    def _with_unit(self, point: Point, own: str | None) -> Point:
        """The point with its unit understood; `own` is that of the quantity, empty where it is not
        known yet, None for a blank."""
        row, unit = point.row, point.unit.strip()
        by = START if point.setting.host else VEHICLE
        if unit.casefold() in ARBITRARY:
            return replace(point, unit="AU", relative=by)
        if unit.casefold() in FOLDS:
            same = "%" if FOLDS[unit.casefold()] > 1 else "fold"
            point = replace(point, unit=same, relative=by, factor=FOLDS[unit.casefold()])
            if point.assay == "plasma":
                raise row.wrong(f"plasma in {unit} is relative to nothing; give a concentration")
            return point
        if own is None or (own == "" and not point.setting.host):
            raise row.wrong(f"a control in '{unit}' is compared with nothing; use %, fold or AU")
        if not own:
            return replace(point, factor=math.nan)  # filled in with its stand-in
        if own == "dimensionless":
            raise row.wrong(
                f"the unit '{unit}' is not one of {point.assay}; use % or fold of {by}, or AU"
            )
        drugs = point.setting.drugs
        mass = self._mass(drugs[0]) if point.assay == "plasma" else None
        factor = 1.0 / factor_to(unit, own, f"{row}: value", mass) if unit != own else 1.0
        return replace(point, factor=factor)

    def completed(self, points: Sequence[Point]) -> list[Point]:
        """Points with a drug in each setting, for a model has one: of rows without drug the first
        that is given in the same place. Raises InputError."""
        stand_in: dict[tuple[str, str], tuple[str, ...]] = {}
        for point in points:
            if point.setting.drugs:
                place = point.setting.system, point.setting.host
                stand_in.setdefault(place, point.setting.drugs)
        stand_in.setdefault((DISH, ""), (_ANY,))
        found = []
        for point in points:
            setting = point.setting
            if not setting.drugs:
                place = setting.system, setting.host
                if place not in stand_in:
                    raise point.row.wrong(
                        f"no row has a drug in the {setting.system} of a {setting.host}, so "
                        "nothing is compared; add such rows, or leave this one out"
                    )
                setting = setting._replace(drugs=stand_in[place]).vehicle
                point = replace(point, setting=setting)
                if not point.blank:
                    own = self._known(point.row, point)
                    point = self._with_unit(point, own)
            if not point.blank:
                point = replace(point, quantity=self._quantity(point))
            found.append(point)
        return _in_one_unit(found)

    def _value(self, row: Row) -> tuple[float, bool]:
        text = row.needed("value")
        if text.startswith("<"):
            limit = row.number_of("value", text[1:].strip())
            if limit == 0:
                raise row.wrong("value is below 0; give the limit of quantification, such as <5")
            return limit, True
        return row.number_of("value", text, negative=True), False

    def _error(self, row: Row) -> float:
        if not row.text("error"):
            return math.nan
        found = row.number_of("error", negative=True)
        if found <= 0:
            raise row.wrong(f"error is {found:g}, but a standard deviation is above 0")
        return found

    def _exposure(self, row: Row) -> float:
        if not row.text("exposure"):
            return math.inf
        found = amount_of(row, "exposure", row.text("exposure"), "h")
        if found == 0:
            raise row.wrong("exposure is 0; leave it empty for drug that stays")
        return found

    def _dose_of(self, setting: Setting) -> float:
        if setting.system != DISH:
            return math.nan
        return setting.doses[0].highest if setting.doses and setting.doses[0] else 0.0

    def _mass(self, drug: str) -> float | None:
        return molar_masses(self._drugs[drug]).get("")


def points_of(rows: Sequence[Row], structure: StructureLike, tables: Tables) -> list[Point]:
    """All rows of data. Raises InputError, UnknownNameError, each with its row."""
    hours = [amount_of(row, "time", row.needed("time"), "h") for row in rows]
    reader = Reader(structure, tables, max(max(hours) / 24.0, 1.0))
    points = [reader.point(row) for row in rows]
    _refuse_twice(points)
    return reader.completed(points)


def in_culture(points: Sequence[Point]) -> bool:
    """Whether cells in a dish have to divide and die."""
    return any(point.setting.system == DISH and point.quantity in OF_CULTURE for point in points)


def _in_one_unit(points: Sequence[Point]) -> list[Point]:
    """Values of each assay in the unit of its first row. Raises InputError."""
    first: dict[str, Point] = {}
    found = []
    for point in points:
        known = first.setdefault(point.assay, point)
        kinds = {("AU" if one.arbitrary else one.relative) for one in (known, point)}
        if len(kinds) > 1:
            raise point.row.wrong(
                f"{point.assay} is in {point.unit}, and in {known.unit} in "
                f"{known.row.seen_from(point.row)}; these are not compared: give one of them "
                "another name, that of a quantity of the model"
            )
        by = known.factor / point.factor
        found.append(replace(point, unit=known.unit, value=point.value * by,
                             error=point.error * by, factor=known.factor))  # fmt: skip
    return found


def _refuse_twice(points: Sequence[Point]) -> None:
    seen: dict[object, Point] = {}
    for point in points:
        key = (*point.condition, point.row.text("drug").casefold(), point.row.text("replicate"),
               point.value)  # fmt: skip
        if key in seen:
            raise point.row.wrong(
                f"it says the same as {seen[key].row.seen_from(point.row)}; leave one out, or "
                "number them in a column replicate"
            )
        seen[key] = point


def dose_like(setting: Setting, level: float) -> Setting:
    """The same setting with another level [nM] of its first drug."""
    first = setting.doses[0]
    if not isinstance(first, Dose):
        raise InputError("only doses in a dish have other levels")
    steps = tuple((time, level if value > 0 else 0.0) for time, value in first.steps)
    return setting._replace(doses=(Dose(steps), *setting.doses[1:]))


def same_until(one: Regimen, other: Regimen, time: float) -> bool:
    """Whether two regimens have given the same before a time [h]."""
    mine, theirs = ([dose for dose in each.doses if dose.time < max(time, _NEAR)]
                    for each in (one, other))  # fmt: skip
    return (
        (one.unit, one.form) == (other.unit, other.form)
        and len(mine) == len(theirs)
        and all(np.allclose(a, b, rtol=_NEAR, atol=_NEAR)
                for a, b in zip(mine, theirs, strict=True))
    )  # fmt: skip
