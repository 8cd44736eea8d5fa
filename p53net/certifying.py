"""A model on three engines: what each says of it, and how far they agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from p53net.dosing.medium import courses_of
from p53net.engines.base import FloatArray, Tolerances
from p53net.errors import InputError, P53NetError
from p53net.files import made_folder, write_text
from p53net.notebook.bars import waited
from p53net.simulation import choice
from p53net.simulation.begun import Start
from p53net.simulation.inputs import Doses
from p53net.simulation.model import Model
from p53net.simulation.provenance import software

Certificate: TypeAlias = dict[str, Any]

_FIRST = (choice.MANY, choice.REFERENCE)
ENGINES = (*_FIRST, *(name for name in choice.ENGINES if name not in _FIRST))
"""In the order in which they are asked."""

LIMITS: Mapping[str, float] = {
    "curves": 1e-6, "rest": 1e-6, "eigenvalues": 1e-3, "sums": 1e-6, "control": 1e-3,
}  # fmt: skip
"""Largest differences at which engines agree: of curves and sums relative to their peaks, of states
at rest (without what is worked out of them) to each or a millionth of the largest, of eigenvalues
to the largest that is shown, of control coefficients to the largest of the quantity.
"""

_ACCURACY = 1e-7
_TIGHT = Tolerances(1e-11, 1e-16)
_CHANGE = 1e-4  # of a state, for eigenvalues
_SEEN = 1e-3  # of a motion must be left at the end of a step to tell its rate
_SMALL = 1e-6  # of the largest value: less is compared with this
_FLOOR = 1e-9  # nM: less is rounding
_SHOWN = 8  # quantities whose control coefficients are given


@waited
def certify(
    model: Model,
    out: str | Path | None = None,
    *,
    doses: Mapping[str, Doses] | None = None,
    times: ArrayLike | None = None,
) -> Certificate:
    """What the batch engine, RoadRunner and, where it is installed, COPASI say of a model.

    `curves`: the largest difference of each quantity between two engines, under `doses` at `times`
    (by default 0 to 72). `rest`: the untreated state, or that a file's model comes to, where there
    is one. `eigenvalues` [per unit of time] there, of motions that last: those that are over within
    a hundredth of the run are left out. `sums`: conserved sums of species, and how far each engine
    drifts from them. `control`: d ln quantity / d ln parameter at the end of the run.
    Each part has the numbers of every engine, the largest `difference`, and whether it `agrees`; a
    part that a model does not have says why in `reason`. With `out` the certificate is written into
    that folder: `certificate.json`, and `certificate.md`, a page.

    Raises InputError for what `simulate` refuses.

    Examples:
        >>> found = pn.certify(pn.load(), "certificate", times=[0, 24])
        >>> found["agrees"], found["curves"]["agrees"]
        (True, True)
    """
    if not isinstance(model, Model):
        raise InputError("certify takes a loaded model: pn.certify(pn.load('KT-253'))")
    grid = np.linspace(0.0, 72.0, 145) if times is None else np.asarray(times, dtype=float)
    model.simulate(grid, doses)  # so that what is wrong is said once, before all else
    made: Certificate = {
        "model": model.definition.id,
        "sha256": model.definition.sha256,
        "doses": {drug: str(dose) for drug, dose in (doses or {}).items()},
        "limits": dict(LIMITS),
        "software": software(),
        "engines": {},
        "left_out": {},
    }
    runs = _curves(model, grid, doses, made)
    made["curves"] = _judged("curves", runs, _of_curves)
    made["sums"] = _sums(model, runs, dosed=bool(doses))
    rests = _each(made, lambda engine: _rest(model, engine))
    moving = {*(model.definition.states or (*model.definition.species,
                                            *model.definition.rate_variables))}  # fmt: skip
    made["rest"] = _judged("rest", rests, lambda a, b: _of_values(_some(a, moving), b))
    states = _each(made, lambda engine: _eigenvalues(model, engine, float(grid[-1]) / 100.0))
    made["eigenvalues"] = _judged("eigenvalues", states, _of_eigenvalues)
    shown = _quantities(model)
    control = _each(made, lambda engine: _control(model, engine, grid, doses, shown))
    made["control"] = _judged("control", control, _of_control)
    parts = [made[part] for part in LIMITS if "agrees" in made[part]]
    made["agrees"] = all(part["agrees"] for part in parts)
    made["curves"]["times"] = grid.tolist()
    if out is not None:
        folder = made_folder(out)
        write_text(folder / "certificate.json", json.dumps(made, indent=1) + "\n")
        write_text(folder / "certificate.md", page(made))
    return made


def _curves(
    model: Model, grid: FloatArray, doses: Mapping[str, Doses] | None, made: Certificate
) -> dict[str, Any]:
    """Curves by engine; an engine that cannot run the model is left out, and why is kept."""
    found = dict[str, Any]()
    for engine in ENGINES:
        try:
            run = model.simulate(grid, doses, engine=engine, accuracy=_ACCURACY)
        except P53NetError as error:
            made["left_out"][engine] = str(error)
            continue
        label = run.attrs["engine"]
        if not label.startswith(engine):
            made["left_out"][engine] = label
            continue
        made["engines"][engine] = label
        found[engine] = {str(name): run[name].values.tolist() for name in run.data_vars}
    return found


def _each(made: Certificate, work: Callable[[str], Any]) -> dict[str, Any]:
    """What each engine gives, or the first reason why one does not."""
    found = dict[str, Any]()
    for engine in made["engines"]:
        try:
            found[engine] = work(engine)
        except P53NetError as error:
            return {"reason": str(error)}
    return found


def _judged(
    part: str, found: dict[str, Any], difference: Callable[[Any, Any], float]
) -> dict[str, Any]:
    """Values by engine, with the largest difference of two of them."""
    if "reason" in found:
        return found
    if len(found) < 2:
        return {**found, "reason": "fewer than two engines run it, so nothing is compared"}
    names = list(found)
    apart = {
        f"{one} - {other}": difference(found[one], found[other])
        for i, one in enumerate(names) for other in names[i + 1 :]
    }  # fmt: skip
    largest = max(apart.values())
    return {**found, "differences": apart, "difference": largest, "agrees": largest <= LIMITS[part]}


def _of_curves(one: Mapping[str, list[float]], other: Mapping[str, list[float]]) -> float:
    apart = 0.0
    for name in one:
        first, second = np.array(one[name]), np.array(other[name])
        apart = max(apart, float(np.abs(first - second).max() / max(np.abs(first).max(), _FLOOR)))
    return apart


def _some(values: Mapping[str, float], names: set[str]) -> dict[str, float]:
    """Of states alone: what jumps at a threshold where a state rests is rounding."""
    return {name: value for name, value in values.items() if name in names}


def _of_values(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    first, second = np.array(list(one.values())), np.array([other[name] for name in one])
    least = max(_SMALL * float(np.abs(first).max(initial=0.0)), _FLOOR)
    return float((np.abs(first - second) / np.maximum(np.abs(first), least)).max(initial=0.0))


def _of_eigenvalues(one: list[list[float]], other: list[list[float]]) -> float:
    first, second = (np.array(each).reshape(-1, 2) @ [1, 1j] for each in (one, other))
    if len(first) != len(second):
        return 1.0  # one engine sees a motion that another does not
    largest = float(np.abs(first).max(initial=0.0)) or 1.0
    return max((float(np.abs(second - value).min()) / largest for value in first), default=0.0)


def _of_control(one: Mapping[str, Mapping[str, float]], other: Any) -> float:  # noqa: ANN401
    apart = 0.0
    for name, row in one.items():
        largest = max(map(abs, row.values()), default=0.0) or 1.0
        for parameter, value in row.items():
            apart = max(apart, abs(value - other[name][parameter]) / largest)
    return apart


def _rest(model: Model, engine: str) -> dict[str, float]:
    found = model.to(_ACCURACY).steady_state(engine=engine)
    return {str(name): float(found[name]) for name in found.data_vars}


def _eigenvalues(model: Model, engine: str, step: float) -> list[list[float]]:
    """Real and imaginary part of each, the slowest first: logarithms of the eigenvalues of how
    small changes of the state at rest look one step later."""
    own = model.to(_ACCURACY)
    rest = own.steady_state(engine=engine)
    runner = own.runner(engine)
    names = [name for name in runner.engine.states if name in rest]
    at = {name: i for i, name in enumerate(runner.engine.states)}
    state = np.array([float(rest[name]) if name in rest else 0.0 for name in at])
    start = runner.start({}, 1)
    columns = [at[name] for name in names]
    sizes = _CHANGE * np.maximum(np.abs(state[columns]), 1e-3 * np.abs(state).max())
    starts = np.repeat(state[None, :], 2 * len(names), axis=0)
    for i, column in enumerate(columns):
        starts[2 * i, column] += sizes[i]
        starts[2 * i + 1, column] -= sizes[i]
    size = len(starts)
    settings = {name: np.repeat(value, size) for name, value in start.settings.items()}
    found = runner.run(
        np.array([0.0, step]), courses_of([{}] * size), {}, names,
        start=Start(starts, settings, np.empty((size, 0)), {}), tolerances=_TIGHT,
    )  # fmt: skip
    for error in found.errors.values():
        raise error.with_traceback(None)
    ends = found.values[:, :, -1]
    later = ((ends[::2] - ends[1::2]) / (2 * sizes[:, None])).T
    scaled = later * sizes[None, :] / sizes[:, None]
    values = np.linalg.eigvals(scaled)
    lasting = values[np.abs(values) > _SEEN]
    rates = np.log(lasting.astype(complex)) / step
    order = np.lexsort((rates.imag, -rates.real))
    return [[float(one.real), float(one.imag)] for one in rates[order]]


def _quantities(model: Model) -> list[str]:
    definition = model.definition
    known = [name for name in definition.read_outs if name in definition.variables]
    return (known or list(definition.variables))[:_SHOWN]


def _control(
    model: Model,
    engine: str,
    grid: FloatArray,
    doses: Mapping[str, Doses] | None,
    shown: list[str],
) -> dict[str, dict[str, float]]:
    found = model.to(_ACCURACY).gradient(
        times=grid, doses=doses, observables=shown, scaled=True, engine=engine
    )
    last = found["curve_slope"].isel(time=-1)
    return {
        name: {
            str(parameter): value
            for parameter in found["parameter"].values
            if np.isfinite(value := float(last.sel(observable=name, parameter=parameter)))
        }
        for name in shown
    }


def _sums(
    model: Model, runs: Mapping[str, Mapping[str, list[float]]], *, dosed: bool
) -> dict[str, Any]:
    """Conserved sums of amounts, and the largest drift of each engine."""
    from p53net.model.conserved import conserved_sums

    given = {*model.definition.dosed.values()} if dosed else set()  # doses add to their sums
    sums = [one for one in conserved_sums(model.definition.sbml) if not given & one.keys()]
    if not sums:
        return {"reason": "no sum of its species is conserved"}
    drifts = dict[str, float]()
    for engine, curves in runs.items():
        drifts[engine] = 0.0
        for weights in sums:
            if set(weights) <= curves.keys():
                terms = np.array([w * np.array(curves[name]) for name, w in weights.items()])
                total, size = terms.sum(axis=0), np.abs(terms).sum(axis=0).max()
                drift = float(np.abs(total - total[0]).max() / max(size, _FLOOR))
                drifts[engine] = max(drifts[engine], drift)
    largest = max(drifts.values(), default=0.0)
    return {
        "sums": sums, "drifts": drifts, "difference": largest, "agrees": largest <= LIMITS["sums"],
    }  # fmt: skip


def page(made: Certificate) -> str:
    """A certificate as Markdown."""
    verdict = "agree" if made["agrees"] else "do NOT agree"
    lines = [
        f"# {made['model']}",
        "",
        f"The engines {verdict}. SHA-256 of the SBML: `{made['sha256']}`.",
        "",
        *(f"- {engine}: {label}" for engine, label in made["engines"].items()),
        *(f"- {engine} is left out: {why}" for engine, why in made["left_out"].items()),
        "",
        "| part | largest difference | allowed | |",
        "|---|---|---|---|",
    ]
    for part, limit in LIMITS.items():
        found = made[part]
        if "agrees" in found:
            verdict = "agree" if found["agrees"] else "**differ**"
            lines.append(f"| {part} | {found['difference']:.2g} | {limit:g} | {verdict} |")
        else:
            lines.append(f"| {part} | | {limit:g} | {found.get('reason', '')} |")
    first = next(iter(made["engines"]), "")
    lines += _values(made, first)
    return "\n".join(lines) + "\n"


def _values(made: Certificate, engine: str) -> list[str]:
    """Tables of what the first engine gives."""
    lines = list[str]()
    if engine in made["rest"]:
        lines += ["", "## State at rest", "", "| quantity | value |", "|---|---|"]
        lines += [f"| `{name}` | {v:.6g} |" for name, v in made["rest"][engine].items()]
    if engine in made["eigenvalues"]:
        lines += ["", "## Eigenvalues", "", "| real | imaginary |", "|---|---|"]
        lines += [f"| {real:.6g} | {imag:.6g} |" for real, imag in made["eigenvalues"][engine]]
    if "sums" in made["sums"]:
        lines += [
            "",
            "## Conserved sums",
            "",
            "Weights have volumes in them, so that these are sums of amounts.",
            "",
        ]
        lines += ["- " + " ".join(f"{w:+g} `{n}`" for n, w in one.items())
                  for one in made["sums"]["sums"]]  # fmt: skip
    if engine in made["control"]:
        lines += ["", "## Control coefficients at the end: the five largest of each quantity", ""]
        for name, row in made["control"][engine].items():
            top = sorted(row.items(), key=lambda item: -abs(item[1]))[:5]
            lines.append(f"- `{name}`: " + ", ".join(f"`{p}` {v:+.3g}" for p, v in top))
    return lines
