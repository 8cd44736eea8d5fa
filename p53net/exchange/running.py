"""COMBINE archives run: uniform time courses of SBML models, as tables and figures."""

from __future__ import annotations

import hashlib
import json
import operator
import posixpath
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as Tree

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.errors import InputError, UnsupportedError, unknown_name
from p53net.exchange.documents import CourseOf, Document, Generator, ModelOf, Output, document
from p53net.exchange.unpacking import Archive, opened
from p53net.figures.lines import lines_figure
from p53net.figures.style import save
from p53net.files import made_folder, write_text
from p53net.notebook.bars import waited
from p53net.simulation.loading import read_sbml
from p53net.simulation.model import Model
from p53net.simulation.provenance import software

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN_ACCURACY = 1e-7
"""Of the curves of archives: a tenth of what tools are compared to."""

_MOST_DRAWN = 13

_MANY: Mapping[str, Callable[..., FloatArray]] = {"plus": operator.add, "times": operator.mul}
_TWO: Mapping[str, Callable[..., FloatArray]] = {
    "minus": operator.sub, "divide": operator.truediv, "power": operator.pow,
}  # fmt: skip
_ONE: Mapping[str, Callable[..., FloatArray]] = {
    "minus": operator.neg, "exp": np.exp, "ln": np.log, "abs": np.abs, "root": np.sqrt,
}  # fmt: skip


class Made(NamedTuple):
    """What an archive gave: tables and figures by name, and how."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, Figure]
    record: dict[str, object]


@waited
def run_archive(
    path: str | Path, out: str | Path | None = None, *, accuracy: float = RUN_ACCURACY
) -> dict[str, pd.DataFrame]:
    """Run a COMBINE archive (.omex), ours or another's: every uniform time course in its SED-ML.

    Returns its tables by name: the reports of the SED-ML, columns by their labels. With `out` they
    are written into that folder as CSV, beside a PNG of each figure and `run.json`, which says how
    they were made. Models are read as any stranger's (`read_sbml`), to `accuracy`; members are read
    in memory, nothing is unpacked, and nothing outside of the archive is opened or fetched.
    Raises InputError for an archive that is not sound, UnsupportedError for what is no uniform time
    course of an SBML model, and what reading and running a model raises.

    Examples:
        >>> path = pn.export(pn.load("KT-253"), "study.omex", {"KT-253": 5.0}, times=[0, 12, 24])
        >>> tables = pn.run_archive(path, "out/")
        >>> tables["curves"]["p53_total"].round(1).tolist()
        [25.4, 175.9, 178.1]
    """
    archive = opened(path)
    made = Made({}, {}, {
        "archive": archive.name,
        "sha256": hashlib.sha256(archive.content).hexdigest(),
        "software": software(),
        "runs": {},
    })  # fmt: skip
    runs = archive.runs()
    for member in runs:
        folder, name = posixpath.split(member)
        found = document(archive.read(member), folder, archive.name, name)
        before = f"{posixpath.splitext(member)[0].replace('/', '_')}_" if len(runs) > 1 else ""
        _run(archive, found, before, made, accuracy)
    if out is not None:
        _write(made, out)
    return made.tables


def _run(archive: Archive, found: Document, before: str, made: Made, accuracy: float) -> None:
    """All tasks of a document, and what its outputs make of them."""
    models = dict[str, Model]()
    curves: dict[str, dict[str, FloatArray]] = {}
    for task, (model, course) in found.tasks.items():
        of = found.models[model]
        if of.member not in models:
            models[of.member] = read_sbml(archive.read(of.member), accuracy=accuracy)
        names = sorted(
            {one.name for generator in found.generators.values()
             for one in generator.quantities.values() if one.task == task and one.name}
        )  # fmt: skip
        curves[task], how = _curves(models[of.member], of, found.courses[course], names)
        runs = made.record["runs"]
        if isinstance(runs, dict):
            runs[f"{before}{task}"] = how
    values = {name: _value_of(one, curves) for name, one in found.generators.items()}
    outputs = found.outputs or [
        Output("curves", [(one.label, name) for name, one in found.generators.items()], ())
    ]
    drawn = False
    for output in outputs:
        if output.columns:
            made.tables[f"{before}{output.id}"] = _table(output, values)
        elif output.curves:
            clock = found.generators[output.curves[0][0]].label
            made.figures[f"{before}{output.id}"] = _figure(output, values, clock)
            drawn = True
    if not drawn:
        for name, table in list(made.tables.items()):
            if name.startswith(before):
                made.figures[name] = _usual_figure(name, table)


def _curves(
    model: Model, of: ModelOf, course: CourseOf, names: list[str]
) -> tuple[dict[str, FloatArray], dict[str, object]]:
    """Quantities of one run at the times that are shown, the time under an empty name."""
    begin, end, steps = course
    shown = np.linspace(begin, end, steps + 1)
    times = shown if begin == 0 else np.concatenate([[0.0], shown])
    definition = model.definition
    moving = [n for n in names if n in definition.variables or n in definition.on_request]
    for name in names:
        if name not in moving and name not in definition.parameters:
            raise unknown_name("quantity", name, (*definition.variables, *definition.parameters))
    for name in of.start:
        if name in definition.amounts:
            raise UnsupportedError(
                f"{definition.id}: the initialConcentration of {name}, which is an amount, is "
                "changed; run it in the tool that wrote it"
            )
    run = model.simulate(
        times, parameters=dict(of.parameters), observables=moving or None, start=dict(of.start)
    )
    found = {name: np.asarray(run[name].values[len(times) - len(shown) :]) for name in moving}
    for name in names:
        if name not in moving:
            value = of.parameters.get(name, definition.parameters[name].value)
            found[name] = np.full(len(shown), value)
    how = {
        "model": of.member,
        "sha256": definition.sha256,
        "engine": run.attrs["engine"],
        "tolerances": run.attrs["tolerances"],
        "parameters": dict(of.parameters),
        "start": dict(of.start),
        "units": {"time": definition.time_unit, **{n: run[n].attrs["units"] for n in moving}},
    }
    return {"": shown, **found}, how


def _value_of(one: Generator, curves: Mapping[str, Mapping[str, FloatArray]]) -> FloatArray:
    """The values of a data generator."""
    known: dict[str, FloatArray | float] = dict(one.numbers)
    known |= {name: curves[q.task][q.name] for name, q in one.quantities.items()}
    with np.errstate(all="ignore"):
        return np.atleast_1d(np.asarray(_worked_out(one.math, known, one.label), dtype=float))


def _worked_out(
    node: Tree.Element, known: Mapping[str, FloatArray | float], label: str
) -> FloatArray | float:
    tag, text = node.tag.rpartition("}")[2], (node.text or "").strip()
    if tag == "ci" and text in known:
        return known[text]
    if tag == "cn" and len(node) == 0:
        try:
            return float(text)
        except ValueError:
            raise InputError(f"data generator {label}: '{text[:40]}' is no number") from None
    if tag == "apply" and len(node) > 1:
        sign = node[0].tag.rpartition("}")[2]
        parts = [_worked_out(part, known, label) for part in node[1:]]
        if sign in _MANY:
            return reduce(_MANY[sign], parts)
        if len(parts) == 2 and sign in _TWO:
            return _TWO[sign](*parts)
        if len(parts) == 1 and sign in _ONE:
            return _ONE[sign](*parts)
        tag = sign
    raise UnsupportedError(
        f"data generator {label}: <{tag[:40]}> {text[:40]} is not worked out; sums, products, "
        "powers, exp, ln, abs and square roots of its variables are"
    )


def _table(output: Output, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    columns = dict[str, pd.Series]()
    for label, name in output.columns:
        free, number = label, 1
        while free in columns:
            number += 1
            free = f"{label} ({number})"
        columns[free] = pd.Series(values[name])
    return pd.DataFrame(columns)


def _figure(output: Output, values: Mapping[str, FloatArray], clock: str) -> Figure:
    for x, y, label in output.curves:
        if len(values[x]) != len(values[y]):
            raise InputError(
                f"output {output.id}: the curve {label[:40]} has {len(values[x]):,} and "
                f"{len(values[y]):,} values; both axes need as many"
            )
    curves = [(values[x], values[y], label) for x, y, label in output.curves]
    return lines_figure(curves, output.label or output.id, clock)


def _usual_figure(name: str, table: pd.DataFrame) -> Figure:
    """The next columns against the first, where an archive says nothing of figures."""
    x = table.iloc[:, 0].to_numpy()
    curves = [(x, table[one].to_numpy(), str(one)) for one in table.columns[1:_MOST_DRAWN]]
    return lines_figure(curves, name, str(table.columns[0]))


def _write(made: Made, out: str | Path) -> None:
    folder = made_folder(out)
    for name, table in made.tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    for name, figure in made.figures.items():
        save(figure, folder / f"{name}.png")
    write_text(folder / "run.json", json.dumps(made.record, indent=1) + "\n")
