"""`python -m tests.support.published_runs FILE`: an SBML file on all engines, as lines of JSON.

What `benchmarks.models` has a process of its own do for each file: a line is written as soon as
its part is known, so that what comes before a crash or a time limit is not lost.
"""

import argparse
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import psutil
import roadrunner
import xarray as xr

import p53net as pn
from p53net.dosing.medium import same_courses
from p53net.engines.base import FloatArray, Tolerances
from p53net.simulation import choice
from p53net.simulation.accuracy import tolerances_for

ENGINES = ("batch", "roadrunner", "copasi")
SETS = 200
LIMIT = 1e-6
"""Of a curve's peak: a larger difference needs a reason, and what compared runs may be off by."""

_FEW = 20  # sets that decide which tolerance an engine needs, and that a slow model is timed with
_SLOW = 0.05  # s of a run
_ROUNDS = 3
_LADDER = 10.0 ** np.arange(-4.0, -12.1, -0.5)  # relative tolerances
_ABSOLUTE = 1e-7  # tolerance over the relative one, as that of p53net
_END = 0.9973161
"""Of the end that is asked for: no output then falls on a round time, where an event may be, whose
two sides engines may both show. Events of BioModels 408 are at all multiples of 0.001."""

Part = dict[str, Any]


def main() -> None:
    """Look at one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--ends", type=float, nargs="+", default=[10.0, 200.0])
    parser.add_argument("--accuracy", type=float, default=1e-7)
    asked = parser.parse_args()
    # Integrators print warnings, and processes of ours inherit what is open here.
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for part in parts(asked.file, asked.ends, asked.accuracy):
            print(json.dumps(part), file=out, flush=True)


def parts(file: Path, ends: list[float], accuracy: float) -> Iterator[Part]:
    """What is found, part by part."""
    times = grid(ends[0])
    try:
        model = pn.read_sbml(file)
    except pn.P53NetError as error:
        yield {"refused": _line(error)}
        yield {"plain": runs_plainly(file, times)}
        return
    definition = model.definition
    looks = bool(definition.switches)
    yield {"states": len(definition.states), "looks": looks, **engine_of(model)}
    runs = False
    for end in ends:
        part = compared(model, grid(end), accuracy)
        runs = runs or len(part["errors"]) < len(ENGINES)
        yield {f"to {end:g}": part}
    yield {"plain": runs_plainly(file, times)}
    if runs:
        yield speeds(model, file, times)


def grid(end: float) -> FloatArray:
    """Times of output."""
    return np.linspace(0.0, _END * end, 11)


def engine_of(model: pn.Model) -> Part:
    """What runs a sweep by itself, and why the batch engine does not."""
    try:
        name, said = choice.chosen(model, choice.AUTO, SETS)
    except pn.P53NetError as error:
        return {"engine": "none", "why": _line(error)}
    return {"engine": name, "why": said.partition("which cannot run ")[2]}


def runs_plainly(file: Path, times: FloatArray) -> str:
    """What libRoadRunner by itself makes of a file: nothing to say, or its error."""
    try:
        table = np.asarray(roadrunner.RoadRunner(str(file)).simulate(times=times.tolist()))
    except (RuntimeError, ValueError) as error:
        return _line(error)
    return "" if np.isfinite(table).all() else "values that are not finite"


def compared(model: pn.Model, times: FloatArray, accuracy: float) -> Part:
    """Largest differences of the engines, and where they are large what becomes of them."""
    found, errors = curves(model, times, accuracy)
    part: Part = {"errors": errors, "apart": pairs(found)}
    if any(size > LIMIT for size, _ in part["apart"].values()):
        tight, _ = curves(model, times, accuracy / 10.0)
        part["reason"] = reason(
            part["apart"],
            pairs(tight),
            {name: apart(run, tight[name])[0] for name, run in found.items() if name in tight},
        )
        if "batch" in tight and "accuracy_not_reached" in tight["batch"].attrs:
            part["reason"] += "; the batch engine says that it is not as exact as asked for"
        peaks: dict[str, float] = {}
        for name, values in (both for run in found.values() for both in run.items()):
            peaks[str(name)] = max(peaks.get(str(name), 0.0), float(np.abs(values).max()))
        of = max(part["apart"].values())[1]
        part["reason"] += f"; the peak of {of} is {peaks[of]:.0e}, of all {max(peaks.values()):.0e}"
    return part


def curves(
    model: pn.Model, times: FloatArray, accuracy: float
) -> tuple[dict[str, xr.Dataset], dict[str, str]]:
    """A run on each engine itself, or why there is none."""
    found: dict[str, xr.Dataset] = {}
    errors: dict[str, str] = {}
    for name in ENGINES:
        try:
            run = model.simulate(times, engine=name, accuracy=accuracy)
        except pn.P53NetError as error:
            errors[name] = _line(error).removeprefix(f"{model.definition.id}: ")
            continue
        said = run.attrs["engine"]
        if "instead of" in said or "gave up" in said:
            errors[name] = said
        else:
            found[name] = run
    return found, errors


def pairs(found: Mapping[str, xr.Dataset]) -> dict[str, tuple[float, str]]:
    """Each two engines: their largest difference, and of what."""
    return {f"{a}, {b}": apart(found[a], found[b]) for a, b in combinations(found, 2)}


def apart(one: xr.Dataset, other: xr.Dataset) -> tuple[float, str]:
    """Largest difference of two runs, in units of the curve's peak, and of what."""
    worst, of = 0.0, ""
    for name in one.data_vars:
        a, b = one[name].values, other[name].values
        peak = max(np.abs(a).max(), np.abs(b).max())
        size = float(np.abs(a - b).max() / peak) if peak > 0.0 else 0.0
        if size > worst:
            worst, of = size, str(name)
    return worst, of


def reason(
    before: Mapping[str, tuple[float, str]],
    after: Mapping[str, tuple[float, str]],
    moved: Mapping[str, float],
) -> str:
    """Who is to blame for a difference: engines at ten times tighter accuracy say."""
    moves = ", ".join(f"{name} moves by {size:.0e}" for name, size in moved.items() if size > LIMIT)
    if not after:
        return "no two engines run at ten times tighter accuracy"
    if all(size <= LIMIT for size, _ in after.values()):
        return f"gone at ten times tighter accuracy: {moves or 'none moves by more than 1e-6'}"
    near = {pair: size for pair, (size, _) in after.items() if size <= LIMIT}
    far = {pair: found for pair, found in after.items() if found[0] > LIMIT}
    size, of = max(far.values())
    if near and len(far) == 2:
        pair = next(iter(near))
        (odd,) = {name for two in far for name in two.split(", ")} - set(pair.split(", "))
        said = f"{pair.replace(', ', ' and ')} agree to {near[pair]:.0e}, {odd} is {size:.0e} off"
    elif len(after) == 1:
        said = f"no third engine runs it: {size:.0e} off"
    else:
        said = f"no two agree: {size:.0e} off"
    shrinks = max(found[0] for found in before.values()) / size
    return (
        f"{said} in {of} at ten times tighter accuracy, {shrinks:.2g} times less; "
        f"{moves or 'none moves'}"
    )


class Loop:
    """libRoadRunner by hand: compiled once; reset, one parameter set, simulated."""

    def __init__(self, model: pn.Model, file: Path, times: FloatArray) -> None:
        """The file as it is; one whose parameters are all local to reactions is run from a text in
        which they are not."""
        definition = model.definition
        self.of, self._times = "file", times.tolist()
        self._runner = roadrunner.RoadRunner(str(file))
        known = {n: row.value for n, row in definition.parameters.items() if row.value > 0.0}
        names = [n for n in self._runner.model.getGlobalParameterIds() if n in known]
        if not names:
            self.of, self._runner = (
                "text with global parameters",
                roadrunner.RoadRunner(definition.sbml),
            )
            names = list(known)
        self.parameter = names[0] if names else ""
        self.value = known.get(self.parameter, 0.0)
        quantities = (*definition.species, *definition.states)
        self.names = tuple(n for n in dict.fromkeys(quantities) if n in definition.variables)
        amounts = definition.amounts
        self._runner.timeCourseSelections = [
            f"[{n}]" if n in definition.species and n not in amounts else n for n in self.names
        ]

    def runs(self, values: FloatArray, tolerances: Tolerances) -> FloatArray:
        """Run, time, name."""
        integrator = self._runner.integrator
        integrator.relative_tolerance = tolerances.relative
        integrator.absolute_tolerance = tolerances.absolute
        integrator.maximum_num_steps = 100_000
        found = []
        for value in values:
            self._runner.resetToOrigin()
            self._runner[self.parameter] = value
            found.append(np.array(self._runner.simulate(times=self._times)))
        return np.array(found)


def speeds(model: pn.Model, file: Path, times: FloatArray) -> Part:
    """CPU seconds of a run in a sweep of one parameter: ours, and a loop by hand.

    RoadRunner's two ways have the same tolerances. The batch engine and the loop each have the
    loosest at which 20 of the sets are not off by more than 1e-6 of a curve's peak.
    """
    try:
        loop = Loop(model, file, times)
    except RuntimeError:
        return {}
    if not loop.parameter or not loop.names:
        return {}
    values = loop.value * 1.1 ** np.random.default_rng(1).uniform(-1.0, 1.0, SETS)
    scale = model.definition.scale
    usual = tolerances_for(LIMIT, 1e-3, scale)
    part: Part = {"parameter": loop.parameter, "loop of": loop.of}
    try:
        loop.runs(values[:2], usual)
        slow = seconds(lambda: loop.runs(values[:2], usual)) / 2 > _SLOW
    except RuntimeError as error:
        return part | {"loop fails": _line(error)}
    sets = values[:_FEW] if slow else values
    by_hand = {"loop": lambda: loop.runs(sets, usual)}
    part["sets"] = len(sets)
    with contextlib.suppress(pn.P53NetError, RuntimeError):
        part["roadrunner"] = times_of({**by_hand, **ways(model, loop, sets, times, usual)})
    with contextlib.suppress(pn.P53NetError, RuntimeError):
        part["batch"] = batch_speed(model, loop, values, sets, times, scale)
    return part


def ways(
    model: pn.Model, loop: Loop, values: FloatArray, times: FloatArray, at: Tolerances,
    engine: str = "roadrunner",
) -> dict[str, Callable[[], object]]:  # fmt: skip
    """Ours: runs of one call, and a sweep with all curves and without error bars."""
    own = pn.Model(model.definition, at)
    courses, columns = same_courses({}, len(values)), {loop.parameter: values}
    table = pd.DataFrame(columns)
    kept = [name for name in loop.names if name != loop.parameter]

    def sweep() -> None:
        found = pn.sweep(own, table, times=times, observables=kept, keep_trajectories=True,
                         engine=engine, workers=0)  # fmt: skip
        if failed := [why for why in found["reason"].values if why]:
            raise pn.SimulationError(failed[0])

    return {
        "runs": lambda: own.runner(engine).run(times, courses, columns, loop.names),
        "sweep": sweep,
    }


def batch_speed(
    model: pn.Model, loop: Loop, values: FloatArray, sets: FloatArray, times: FloatArray,
    scale: float,
) -> Part:  # fmt: skip
    """The same of the batch engine, at equal true error."""
    few = values[:_FEW]
    courses = same_courses({}, _FEW)

    def batch(at: Tolerances) -> FloatArray:
        found = model.runner("batch").run(
            times, courses, {loop.parameter: few}, loop.names, tolerances=at
        )
        return np.swapaxes(found.values, 1, 2)

    truth = batch(_tolerances(1e-12, scale))
    ours, theirs = (loosest(way, truth, scale) for way in (batch, lambda at: loop.runs(few, at)))
    if ours is None or theirs is None:
        who = "the batch engine" if ours is None else "the loop"
        return {"why not": f"{who} does not come to 1e-6 of the peak at any tolerance"}
    found = times_of({"loop": lambda: loop.runs(sets, theirs)})
    found |= times_of(ways(model, loop, values, times, ours, "batch"), len(sets) / SETS)
    return found | {"tolerances": [ours.relative, theirs.relative]}


def loosest(
    way: Callable[[Tolerances], FloatArray], truth: FloatArray, scale: float
) -> Tolerances | None:
    """Tolerances at which runs have the accuracy."""
    peaks = np.maximum(np.abs(truth).max(axis=1, keepdims=True), 1e-300)
    for relative in _LADDER:
        tolerances = _tolerances(float(relative), scale)
        try:
            errors = np.abs(way(tolerances) - truth) / peaks
        except RuntimeError:
            continue
        if errors.max() <= LIMIT:
            return tolerances
    return None


def _tolerances(relative: float, scale: float) -> Tolerances:
    return Tolerances(relative, relative * _ABSOLUTE * scale)


def times_of(ways: Mapping[str, Callable[[], object]], share: float = 1.0) -> dict[str, float]:
    """CPU seconds of each way, which take turns; each has been gone once before."""
    best = dict.fromkeys(ways, np.inf)
    for way in ways.values():
        way()
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            best[name] = min(best[name], seconds(way) * share)
        if sum(best.values()) > 5.0 * share:
            break
    return best


def seconds(way: Callable[[], object], rounds: int = 1) -> float:
    """CPU seconds, of this process and those that it has started, which live."""
    children = [child.pid for child in psutil.Process().children(recursive=True)]
    begun = sum(map(_of, children)) + process_time()
    for _ in range(rounds):
        way()
    return (process_time() - begun + sum(map(_of, children))) / rounds


def _of(process: int) -> float:
    """CPU seconds of a process: to the nanosecond where Linux says, else to 10 ms."""
    threads = list(Path(f"/proc/{process}/task").glob("*/schedstat"))
    if not threads:
        about = psutil.Process(process).cpu_times()
        return float(about.user + about.system)
    return sum(int(one.read_text().split()[0]) for one in threads) / 1e9


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


if __name__ == "__main__":
    main()
