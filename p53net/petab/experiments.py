"""What is done to the model: conditions before and during each run."""

import math
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from typing import NamedTuple

from p53net.errors import InputError, UnsupportedError, unknown_name
from p53net.model.expressions import Expressions, Node
from p53net.model.formula_text import parsed
from p53net.petab.tables import Row, by_id


class Setting(NamedTuple):
    """What a condition does to one quantity."""

    node: Node
    """A formula of the problem's parameters."""
    added: bool = False
    """Whether that is added to what is there, as a dose is, instead of put in its place."""


Settings = Mapping[str, Setting]
"""Of parameters, compartments and species."""

Reader = Callable[[Row, str, str], Setting]
"""Of a row, a target and a text: what is done to the target."""


class Period(NamedTuple):
    """From this time on."""

    time: float
    settings: Settings


class Experiment(NamedTuple):
    """One run of the model."""

    name: str
    before: Settings | None
    """Under which it comes to rest before the run; None where it does not."""
    periods: tuple[Period, ...]
    """The first begins at 0."""


def reader(
    known: Expressions,
    parameters: Container[str],
    targets: Collection[str],
    states: Container[str],
) -> Reader:
    """What reads values of conditions. `targets` is what a condition may set, and `states` what
    it may add to."""

    def read(row: Row, target: str, text: str) -> Setting:
        if target not in targets:
            raise InputError(f"{row}: {unknown_name('quantity of the model', target, targets)}")
        try:
            node = parsed(text, known)
        except InputError as error:
            raise InputError(f"{row}: {target}: {error}") from None
        rest = _without(known, node, target) if target in states else None
        found = Setting(node) if rest is None else Setting(rest, True)
        for name in sorted(known.symbols(found.node)):
            if name in targets and name not in parameters:
                raise UnsupportedError(
                    f"{row}: {target} is set to '{text[:60]}', but only numbers, parameters of "
                    "the problem, and what is added to the old value can be read"
                )
            if name not in parameters:
                raise InputError(f"{row}: {target}: unknown parameter '{name}'; it is not in the "
                                 "parameter table")  # fmt: skip
        if node.kind == "number" and not math.isfinite(float(node.value)):
            raise InputError(f"{row}: {target} is set to {text[:60]}; give a finite number")
        return found

    return read


def _without(known: Expressions, node: Node, name: str) -> Node | None:
    """What a formula adds to a quantity; None where it is not the quantity and something."""
    symbol = known.symbol(name)
    if node.kind != "sum" or (symbol, 1.0) not in node.parts:
        return None
    return known.sum([part for part in node.parts if part[0] is not symbol], float(node.value))


def wide_conditions(rows: Sequence[Row], read: Reader) -> dict[str, Settings]:
    """Conditions of format 1: a row for each, a column for each target."""
    return {
        name: {
            target.strip(): read(row, target.strip(), row.text(target))
            for target in row.cells
            if target not in ("conditionId", "conditionName") and row.text(target)
        }
        for name, row in by_id(rows, "conditionId").items()
    }


def long_conditions(rows: Sequence[Row], read: Reader) -> dict[str, Settings]:
    """Conditions of format 2: a row for each target."""
    found: dict[str, dict[str, Setting]] = {}
    for row in rows:
        own = found.setdefault(row.needed("conditionId"), {})
        target = row.needed("targetId")
        if target in own:
            raise InputError(f"{row}: {target} is set twice in one condition; keep one row")
        own[target] = read(row, target, row.needed("targetValue"))
    return dict(found)


CONDITIONS = {1: wide_conditions, 2: long_conditions}
"""What reads the condition table of each format."""


def periods_of(
    rows: Sequence[Row], conditions: Mapping[str, Settings], states: Container[str]
) -> dict[str, Experiment]:
    """Experiments of format 2: a row for each condition and the time from which it holds."""
    found: dict[str, dict[float, dict[str, Setting]]] = {}
    for row in rows:
        time = _time(row)
        own = found.setdefault(row.needed("experimentId"), {}).setdefault(time, {})
        name = row.text("conditionId")
        settings = _known(row, name, conditions) if name else {}
        if twice := own.keys() & settings.keys():
            raise InputError(f"{row}: {sorted(twice)[0]} is set twice at time {time:g}")
        own.update(settings)
    return {name: _experiment(name, parts, states) for name, parts in found.items()}


def _experiment(name: str, parts: Mapping[float, Settings], states: Container[str]) -> Experiment:
    before = parts.get(-math.inf)
    times = sorted(time for time in parts if math.isfinite(time))
    if not times:
        raise UnsupportedError(f"experiment {name} has no period that begins at a time; give 0")
    if times[0] != 0.0:
        raise UnsupportedError(
            f"experiment {name} begins at time {times[0]:g}, and runs begin at 0; give that time"
        )
    kept = {one: how for one, how in (before or {}).items() if one not in states}
    first = Period(0.0, {**kept, **parts[0.0]})  # parameters stay as they were before
    return Experiment(name, before, (first, *(Period(time, parts[time]) for time in times[1:])))


def _time(row: Row) -> float:
    found = row.number_of("time")
    if found == math.inf:
        raise InputError(f"{row}: time is inf; a period begins at a finite time, or at -inf")
    return found


def of_conditions(row: Row, conditions: Mapping[str, Settings]) -> Experiment:
    """The experiment of a measurement of format 1."""
    during = row.needed("simulationConditionId")
    before = row.text("preequilibrationConditionId")
    periods = (Period(0.0, _known(row, during, conditions)),)
    name = f"{during} after {before}" if before else during
    return Experiment(name, _known(row, before, conditions) if before else None, periods)


def _known(row: Row, name: str, conditions: Mapping[str, Settings]) -> Settings:
    if name not in conditions:
        raise InputError(f"{row}: {unknown_name('condition', name, conditions)}")
    return conditions[name]
