"""Models of a fit as one SBML file whose doses, drugs and lines are set by conditions.

Cells first settle in the file without drug, so that their untreated state follows what is fitted;
then doses begin, at times that all conditions share and in amounts of their own.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import numpy as np
from scipy.special import logit

from p53net.dosing.medium import Given, courses_of, same_courses
from p53net.errors import UnsupportedError
from p53net.fitting.points import START, Point, Setting
from p53net.fitting.scenes import Asked, Scene, Source
from p53net.model import dose_events
from p53net.model.additions import Bent, named, names_of, with_additions
from p53net.model.dose_events import AMOUNT_UNIT, Event
from p53net.model.inflows import FLOW_UNIT, infusion_of, with_infusions
from p53net.model.joining import joined, switch_of
from p53net.model.sbml import with_values
from p53net.model.untouched import Untouched
from p53net.model.waiting import CLOCK, made_to_wait

_NOTE = (
    "Written for a PEtab problem: its conditions set drugs, cell lines and doses. {settling}"
    "Doses are amounts [nmol] over the volume, or levels [nM] of the medium, at times of events."
)
_SETTLING = "Cells first run without drug for {hours!r} h, to rest with whatever is fitted. "

_STRAIGHT = 1e-9
_LEAST = 1e-15  # of a share, and of what is left of the whole


class Part:
    """One model of a fit."""

    def __init__(
        self, scene: Scene, hours: float, prefix: str, ids: Sequence[str], logits: Collection[int]
    ) -> None:
        """`hours` are those that it settles, `prefix` begins all its ids in the file, `ids` are
        parameters of the problem by column, and `logits` those of them that are logits."""
        self.scene, self.hours, self.prefix = scene, hours, prefix
        self._ids, self._logits = ids, logits
        self.events: list[Event] = []
        self.given: list[dose_events.Given] = []
        self._definition = self.scene.model.definition
        self._asked: dict[Setting, Asked] = {}
        for point in self.scene.points:
            if point.setting not in self._asked:
                self._asked[point.setting] = self.scene.asked(point.setting)
        self._bent = self._followers()
        self._amounts: dict[str, tuple[str, list[float]]] = {}  # unit, of each setting
        for drug in self._definition.drugs:
            self._dose(drug)
        runner = self.scene.model.runner()
        begun = runner.begin(same_courses({}), {})
        for error in begun.errors.values():
            raise error.with_traceback(None)
        setting = {name: float(column[0]) for name, column in begun.parameters.items()}
        setting |= self._same
        states = dict(zip(runner.engine.states, begun.starts[0].tolist(), strict=True))
        flows = any(unit == FLOW_UNIT for unit, _ in self._amounts.values())
        whole = with_infusions(self._definition) if flows else self._definition
        text = with_values(whole.sbml, setting, states)
        inside = self._inside
        if inside is not None and self._definition.cell is not None:
            text = made_to_wait(text, inside, CLOCK)
            self._event(0.0, CLOCK, 1.0, unit="dimensionless")
        for name, of in self._definition.computed.items():
            self._event(0.0, name, np.nan, of=of)
        self._untouched = Untouched(text, inside, self._definition.computed)
        self.references = {
            (point.quantity, point.relative): self._reference(point)
            for point in self.scene.points if point.relative
        }  # fmt: skip

    @property
    def _inside(self) -> set[str] | None:
        """States of the cell, if there is one."""
        definition = self._definition
        if not definition.has_loop:
            return None
        own = definition.cell or definition
        return {*own.species, *own.rate_variables}

    def _reference(self, point: Point) -> str:
        if not self.hours:  # nothing is there before a dose
            raise point.row.wrong(
                f"{point.assay} is relative to the start, at which no cell of this model is"
            )
        if point.relative == START:
            name = self._untouched.at_start(point.quantity)
        else:
            name = self._untouched.of_vehicle(point.quantity)
        return self.prefix + name

    def sbml(self) -> str:
        """The model, without its doses and its prefix."""
        for name, of in self._untouched.tracked.items():
            self._event(0.0, name, np.nan, of=of)
        units = {name: unit for name, (unit, _) in self._amounts.items()}
        logits = {name: _logit(self._usual(name)) for name in self._shares}
        return with_additions(self._untouched.sbml, units, logits, self._bent)

    def condition(self, setting: Setting) -> dict[str, "float | str"]:
        """What the file's parameters are in a setting: numbers, or parameters of the problem."""
        asked, found = self._asked[setting], dict[str, float | str]()
        for name in self._set:
            if name in asked.sources:
                source = asked.sources[name]
                found[self._named(name)] = self._ids[source.column]
                found |= self._follows(name, self._bent.get(name, {}).get(source, Bent()))
            else:
                found |= self._as_it_is(name, asked.usual.get(name, self._usual(name)))
        place = list(self._asked).index(setting)
        for name, (_, amounts) in self._amounts.items():
            found[self.prefix + name] = amounts[place]
        return found

    @cached_property
    def elsewhere(self) -> dict[str, "float | str"]:
        """The same where another model runs."""
        found = dict[str, float | str]()
        for name in self._set:
            found |= self._as_it_is(name, self._usual(name))
        return found | dict.fromkeys((self.prefix + name for name in self._amounts), 0.0)

    @cached_property
    def _given(self) -> dict[str, set[float]]:
        """Values that each parameter has in settings, by the tables; none where it is fitted."""
        every, found = self._asked.values(), dict[str, set[float]]()
        for name in sorted({name for one in every for name in (*one.usual, *one.sources)}):
            fitted = any(name in one.sources for one in every)
            found[name] = set() if fitted else {
                one.usual.get(name, self._usual(name)) for one in every
            }  # fmt: skip
        return found

    @cached_property
    def _same(self) -> dict[str, float]:
        """Parameters that differ from the model's, in all settings alike."""
        return {name: values.copy().pop() for name, values in self._given.items()
                if len(values) == 1}  # fmt: skip

    @cached_property
    def _set(self) -> list[str]:
        """Parameters that conditions set."""
        return [name for name in self._given if name not in self._same]

    @cached_property
    def _shares(self) -> list[str]:
        """Those of them that follow a logit."""
        return sorted({
            name for one in self._asked.values() for name, source in one.sources.items()
            if source.column in self._logits
        })  # fmt: skip

    def _as_it_is(self, name: str, value: float) -> dict[str, "float | str"]:
        own = _logit(value) if name in self._shares else value
        return {self._named(name): own, **self._follows(name, Bent())}

    def _follows(self, name: str, bent: Bent) -> dict[str, "float | str"]:
        """How a parameter follows another, where any setting has it so."""
        if name not in self._bent:
            return {}
        return {self.prefix + one: value for one, value in names_of(name, bent).items()}

    def _named(self, name: str) -> str:
        return self.prefix + named(name, share=name in self._shares, bent=name in self._bent)

    def _usual(self, name: str) -> float:
        return self._definition.parameters[name].value

    def _followers(self) -> dict[str, dict[Source, Bent]]:
        """Parameters that follow what is fitted by a formula, and how."""
        found: dict[str, dict[Source, Bent]] = {}
        for asked in self._asked.values():
            for name, source in asked.sources.items():
                if source.made is not None:
                    leader = self.scene.parameters[source.column]
                    found.setdefault(name, {})[source] = bent_of(source.made, name, leader)
        return found

    def _dose(self, drug: str) -> None:
        """Parameters and events of what is given of one drug."""
        role, species = self._definition.drugs[drug], self._definition.dosed[drug]
        body = self._definition.in_body
        given = [asked.doses.get(drug) for asked in self._asked.values()]
        volume = self._definition.central_volumes[drug] if body else None
        times = sorted({time for one in given if one for time, _ in one.steps})
        number = 0
        for time in times:
            amounts = [_at(one, time, once=body) for one in given]
            if not any(amounts) and (body or time == 0.0):
                continue
            number += 1
            name = f"dose_{role}" + (f"_{number}" if number > 1 else "")
            self._amounts[name] = AMOUNT_UNIT if body else "nM", amounts
            if self.hours + time > 0.0:
                self._event(time, species, np.nan, volume, of=name)
            else:
                names = (self.prefix + one for one in (species, name, str(volume)))
                self.given.append(dose_events.Given(*names))
        courses = courses_of([{drug: one} if one else {} for one in given])
        if drug not in courses.infusions:
            return
        changes = np.unique(courses.at[np.isfinite(courses.at)])
        rates = courses.infusions[drug].at(np.tile(changes, (len(given), 1)))
        moving = np.abs(np.diff(rates, axis=1, prepend=0.0)).max(axis=0) > 0.0
        for i, place in enumerate(np.flatnonzero(moving).tolist(), start=1):
            name = f"rate_{role}_{i}"
            self._amounts[name] = FLOW_UNIT, rates[:, place].tolist()
            self._event(float(changes[place]), infusion_of(role), np.nan, of=name)

    def _event(
        self, time: float, symbol: str, amount: float, volume: str | None = None, *,
        unit: str = "nM", of: str = "",
    ) -> None:  # fmt: skip
        before = self.prefix
        self.events.append(Event(
            self.hours + time, before + symbol, amount, None if volume is None else before + volume,
            unit, before + of if of else "",
        ))  # fmt: skip


def whole_of(parts: Sequence[Part], name: str) -> str:
    """SBML of all parts together."""
    texts = {part.prefix: part.sbml() for part in parts}
    text = next(iter(texts.values())) if len(parts) == 1 else joined(texts, name)
    events = sorted((one for part in parts for one in part.events), key=lambda one: one.time)
    given = [one for part in parts for one in part.given]
    hours = parts[0].hours
    note = _NOTE.format(settling=_SETTLING.format(hours=hours) if hours else "")
    return with_values(text, {}, {}, events, given=given, note=note)


def switches(parts: Sequence[Part], running: Part) -> dict[str, "float | str"]:
    """Which of several models runs."""
    if len(parts) == 1:
        return {}
    return {switch_of(part.prefix): float(part is running) for part in parts}


def settles(scenes: Sequence[Scene]) -> bool:
    """Whether runs cannot begin at time 0 as they are: there are cells, or infusions."""
    infused = any(
        dose is not None and dose.infusions
        for scene in scenes for point in scene.points for dose in point.setting.doses
    )  # fmt: skip
    return infused or any(scene.model.definition.has_loop for scene in scenes)


def bent_of(made: Callable[[float], float], name: str, leader: str) -> Bent:
    """A formula as one of the form that files have. Raises UnsupportedError for another one."""
    one, two, three = (1.0 / made(x) for x in (0.1, 0.2, 0.4))
    slope = (one - two) / (1.0 / 0.1 - 1.0 / 0.2)  # of 1/y over 1/x, which is straight
    left = two - slope / 0.2
    if abs(left + slope / 0.4 - three) > _STRAIGHT * abs(three):
        raise UnsupportedError(
            f"{name} follows {leader} by a formula that files of PEtab 1 do not have; fit without "
            f"rows that have it, or without {leader}"
        )
    return Bent(1.0 / slope, -left / slope)


def _logit(share: float) -> float:
    """Of a share, which may be the whole to the last digit."""
    return float(logit(min(max(share, _LEAST), 1.0 - _LEAST)))


def _at(given: Given | None, time: float, *, once: bool) -> float:
    """What is given at a time [nmol], or in the medium from then on [nM]."""
    if given is None:
        return 0.0
    steps = [level for when, level in given.steps if (when == time if once else when <= time)]
    return steps[-1] * given.per_unit if steps else 0.0
