"""Which parameters are fitted, and their priors."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from p53net.dosing.medium import finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.fitting.points import Point
from p53net.fitting.scenes import Scenes
from p53net.inference.parameters import all_parameters, parameters_of
from p53net.inference.prior import DISTRIBUTIONS, FIXED, LOG_UNIFORM, Prior
from p53net.inference.prior_table import COLUMNS, for_structure
from p53net.model.own import LARGEST_TABLE, Tables, Text, read_text
from p53net.model.structures import StructureLike, as_structure, name_of
from p53net.model.tables import Value

PriorsLike: TypeAlias = "str | Path | Mapping[str, tuple[str, float, float]] | None"
"""What users write: a table like models/priors.tsv, or a mapping of names to a distribution with
two numbers."""

MOST = 8
"""Parameters that are chosen where none is named."""

_TOLD = 3.0  # of the noise of data: a prior that moves them by less says nothing of them
_NOMINAL = {"normal": 0.05, "log-normal": 0.15}  # of the largest value, and of a logarithm


def priors_of(structure: StructureLike, tables: Tables, given: PriorsLike) -> dict[str, Prior]:
    """All priors of a structure, those that are given before the others. Raises InputError,
    TableError, UnknownNameError."""
    own = tables if given is None else _joined(tables, _table(given, structure, tables))
    return {one.name: one for one in for_structure(structure, tables=own)}


def fitted_parameters(
    wanted: Sequence[str] | str | None,
    known: Mapping[str, Prior],
    points: Sequence[Point],
    structure: StructureLike,
    tables: Tables,
) -> tuple[list[Prior], str]:
    """Priors of the parameters that are fitted, and what to say where they were chosen. Raises
    InputError, UnknownNameError."""
    every = [name for name, one in known.items() if not one.fixed]
    scenes = Scenes(points, every, structure, tables)
    if wanted is None:
        return _chosen(every, known, scenes, points, structure, tables)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise InputError("parameters is empty; name one, or leave it out to have them chosen")
    if len(set(names)) < len(names):
        raise InputError("a parameter is named twice; name each once")
    values = parameters_of(structure, tables)
    for name in names:
        _check(name, known, values, structure, tables)
    read = Scenes(points, names, structure, tables).read
    for name in names:
        if name not in read:
            same = [one for one in scenes.read if one.partition(": ")[2] == name.partition(": ")[2]]
            hint = f"; the data depend on {' and '.join(sorted(same))}" if same else ""
            raise InputError(f"no row of the data depends on {name}{hint}; leave it out")
    return [known[name] for name in names], ""


def usual_values(priors: Sequence[Prior], structure: StructureLike, tables: Tables) -> list[float]:
    """Values that the tables and model texts have."""
    values = parameters_of(structure, tables)
    return [values[one.name].value for one in priors]


def _check(
    name: object, known: Mapping[str, Prior], values: Mapping[str, Value],
    structure: StructureLike, tables: Tables,
) -> None:  # fmt: skip
    if name not in values:
        if isinstance(name, str) and name in all_parameters(tables):
            raise InputError(
                f"the structure {name_of(as_structure(structure))} has no parameter {name}"
            )
        if isinstance(name, str) and ": " not in name:
            same = [one for one in known if one.partition(": ")[2] == name.strip()]
            if same:
                raise InputError(f"'{name}' does not say whose; name one of {', '.join(same[:8])}")
        raise unknown_name("parameter", name, known)
    if name not in known:
        raise InputError(
            f"{name} has no prior; give one: priors={{'{name}': ('{LOG_UNIFORM}', low, high)}}"
        )
    if known[str(name)].fixed:
        raise InputError(f"{name} is fixed ({known[str(name)].reason}); leave it out")


def _chosen(
    every: Sequence[str], known: Mapping[str, Prior], scenes: Scenes, points: Sequence[Point],
    structure: StructureLike, tables: Tables,
) -> tuple[list[Prior], str]:  # fmt: skip
    """Of drugs, lines and hosts of the data: those that move the data most, each over what those
    before it do."""
    from scipy.linalg import qr

    own = {one for point in points for one in (*point.setting.drugs, point.setting.line)}
    own |= {f"{drug} in {point.setting.host}" for point in points for drug in point.setting.drugs}
    names = [name for name in every if name in scenes.read and name.partition(": ")[0] in own]
    if not names:
        raise InputError(
            "no parameter of the drugs and cell lines of the data has a prior; name what is "
            f"fitted, such as parameters=['{next(iter(sorted(scenes.read)), every[0])}']"
        )
    priors = [known[name] for name in names]
    slopes = _moves(priors, scenes, points, structure, tables)
    _, triangle, order = qr(slopes, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    kept = [int(i) for i, size in zip(order, sizes, strict=False) if size > _TOLD][:MOST]
    if not kept:
        kept = [int(order[0])]
    found = [priors[i] for i in sorted(kept)]
    said = ", ".join(one.name for one in found)
    return found, (
        f"No parameter was named: of {len(names)} with a prior of the drugs, lines and hosts of "
        f"the data, these move the data most: {said}. All others stay as they are."
    )


def _moves(
    priors: Sequence[Prior], scenes: Scenes, points: Sequence[Point], structure: StructureLike,
    tables: Tables,
) -> FloatArray:  # fmt: skip
    """How far each prior's standard deviation moves each row, in what data scatter."""
    from p53net.fitting.unknowns import Unknowns

    unknowns = Unknowns(priors, [])
    own = Scenes(points, unknowns.parameters, structure, tables)
    usual = unknowns.scaled(np.array([usual_values(priors, structure, tables)]))
    usual = np.clip(usual, unknowns.low, unknowns.high)
    widths = np.array([one.deviation if one.distribution != LOG_UNIFORM
                       else np.log(one.high / one.low) / 4.0 for one in priors])  # fmt: skip
    step = 0.05
    moved = [usual + way * step * np.diag(np.minimum(widths, 1.0)) for way in (1.0, -1.0)]
    both = np.concatenate([np.clip(one, unknowns.low, unknowns.high) for one in moved])
    found = own.predict(unknowns.values(both))
    largest = np.nanmax(np.abs(found), axis=0, initial=1e-12)
    scaled = np.where(largest > 0, found / largest, 0.0)
    up, down = scaled[: len(priors)], scaled[len(priors) :]
    slopes = (up - down) / (2.0 * step * np.minimum(widths, 1.0))[:, None] * widths[:, None]
    return np.asarray(np.nan_to_num(slopes / _NOMINAL["normal"]).T)


def _table(given: PriorsLike, structure: StructureLike, tables: Tables) -> Text:
    """What is given, as a table."""
    if isinstance(given, str | Path):
        return read_text(given, LARGEST_TABLE, "the table of priors")
    such = "priors={'milademetan: fu_medium_inhibitor': ('log-uniform', 0.001, 1)}"
    if not isinstance(given, Mapping):
        raise InputError(f"priors is {str(given)[:60]!r}, but must be a path or a mapping: {such}")
    values = parameters_of(structure, tables)
    lines = ["\t".join(COLUMNS)]
    for name, said in given.items():
        if name not in values:
            raise unknown_name("parameter in priors", name, values)
        if not (isinstance(said, Iterable) and not isinstance(said, str) and len(list(said)) == 3):
            raise InputError(f"the prior of {name} is {str(said)[:60]!r}; write {such}")
        kind, *numbers = said
        allowed = [one for one in DISTRIBUTIONS if one != FIXED]
        if kind not in allowed:
            raise unknown_name("distribution", kind, allowed)
        first, second = (finite_number(one, f"the prior of {name}") for one in numbers)
        columns = ("low", "high") if kind == LOG_UNIFORM else ("centre", "spread")
        entry, _, parameter = name.partition(": ")
        row = dict.fromkeys(COLUMNS, "") | {
            "entry": entry, "parameter": parameter, "distribution": str(kind),
            columns[0]: f"{first!r}", columns[1]: f"{second!r}", "unit": values[name].unit,
            "reason": "given with the data",
        }  # fmt: skip
        lines.append("\t".join(row.values()))
    return Text("priors", "\n".join(lines) + "\n")


def _joined(tables: Tables, mine: Text) -> Tables:
    """Tables with more priors, which stand for those that they have of the same parameters."""
    if "priors" not in tables.texts:
        return Tables({**tables.texts, "priors": mine})
    lines = mine.text.splitlines()
    head = lines[0].split("\t")
    there = tables.texts["priors"].text.splitlines()
    if there[0].split("\t") != head:
        raise InputError(
            "the table of priors and that in tables have different columns; give them the same"
        )
    new = {tuple(line.split("\t")[:2]) for line in lines[1:]}
    kept = [line for line in there[1:] if line.strip() and tuple(line.split("\t")[:2]) not in new]
    return Tables({**tables.texts, "priors": Text("priors", "\n".join([*lines, *kept]) + "\n")})
