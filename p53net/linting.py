"""A gate for anybody's SBML: what is wrong, doubtful or worth knowing, and which engine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p53net.dosing.medium import courses_of, finite_number
from p53net.engines.base import FloatArray
from p53net.errors import InputError, P53NetError
from p53net.model.definition import TIME_LIMIT, Definition
from p53net.notebook.bars import waited
from p53net.simulation import choice
from p53net.simulation.model import Model

if TYPE_CHECKING:
    from p53net.model.external.sources import SourceLike

COLUMNS = ("severity", "check", "subject", "line", "message")
FAULTS = ("error", "warning")
"""Severities that may fail a test of a file."""

_START = 1e-3  # of a run, whose steps are counted apart
_MANY_STEPS = 0.5  # share of steps in the start that is worth a note
_APART = 1e-4  # of a peak: engines that differ by more


@waited
def lint(source: SourceLike, *, end: float = 100.0, time_limit: float = TIME_LIMIT) -> pd.DataFrame:
    """All that there is to say of an SBML file, a row each, the worst first.

    `source` is as in `read_sbml`; `end` is how long a run of it takes, in its unit of time. Columns
    are `severity` (error: it cannot be run, or not rightly; warning: its numbers may not be what is
    meant; note: good to know), `check`, `subject` (an id), `line` in the file (0 where there is
    none) and `message`. Checks are validity, reading, units with their magnitudes, names,
    annotation, unused and constant parts, ill-posed events, conserved sums, reactions that run
    at no written rate, stiffness, steps at the start, and engines.

        Raises InputError for a file that cannot be read.

    Examples:
        >>> found = pn.lint(pn.load("KT-253").sbml())
        >>> found.columns.tolist(), found["severity"].isin(["warning", "error"]).any().item()
        (['severity', 'check', 'subject', 'line', 'message'], False)
    """
    from p53net.model.external.apart import read_apart
    from p53net.model.external.lint_apart import findings_apart

    if finite_number(end, "end") <= 0.0:
        raise InputError("end is 0, but must be above 0; say how long a run takes")
    finite_number(time_limit, "time_limit", "s")
    found: list[tuple[object, ...]] = [*findings_apart(source, time_limit)]
    if not any(one[0] == "error" for one in found):
        found += _runs(read_apart(source, time_limit), end)
    rank = {"error": 0, "warning": 1, "note": 2}
    return pd.DataFrame(sorted(found, key=lambda one: rank[str(one[0])]), columns=list(COLUMNS))


def _runs(definition: Definition, end: float) -> list[tuple[object, ...]]:
    """What engines say of a model that can be read."""
    times = np.array([0.0, _START * end, end])
    rows: list[tuple[object, ...]] = []
    curves: list[FloatArray] = []

    def say(severity: str, check: str, message: str) -> None:
        rows.append((severity, check, definition.id, 0, message))

    for name in (choice.MANY, choice.REFERENCE):
        try:
            label, values, steps = _run(definition, name, times)
        except P53NetError as error:
            say("warning", "engines", f"{name} does not run it: {error}")
            continue
        if not label.startswith(name):
            say("note", "engines", f"{name} does not run it: {label}")
            continue
        curves.append(values)
        say("note", "engines", f"{name} runs it to {end:g} {definition.time_unit}".strip())
        if steps[0] > _MANY_STEPS * steps[1]:
            text = f"{steps[0]:.0f} of {steps[1]:.0f} steps of {name} are in the first thousandth"
            say("note", "start", text)
    if not curves:
        return [("error", *row[1:]) for row in rows]
    if len(curves) > 1:
        scale = np.abs(curves[0]).max(axis=1, initial=0.0)
        apart = np.abs(curves[0] - curves[1]).max(axis=1) > _APART * scale
        if apart.any():
            names = ", ".join(np.array(definition.variables)[apart][:5])
            say("warning", "engines", f"the engines differ by more than {_APART:g}: {names}")
    return rows


def _run(
    definition: Definition, name: str, times: FloatArray
) -> tuple[str, FloatArray, tuple[float, float]]:
    """What to say of the engine, its curves, and its steps in the start of the run and in all of
    it; NaN where it does not say."""
    model, none = Model(definition), courses_of([{}])
    found, label = model.curves(times, none, {}, definition.variables, engine=name)
    steps = [
        float(model.curves(grid, none, {}, definition.variables, engine=name)[0].steps[0])
        for grid in (times[:2], times[[0, 2]])
    ]
    return label, np.asarray(found.values[0]), (steps[0], steps[1])
