"""From a case to a verdict: run four ways on each engine that takes it."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

import p53net as pn
from p53net.errors import P53NetError
from tests.support.suite_cases import Case

ENGINES = ("roadrunner", "batch")


class Verdict(NamedTuple):
    """What became of a case."""

    case: str
    result: str
    """pass, `refused: why`, `wrong: what`, `exception: which`, crash or hang."""
    batch: str
    """Whether the batch engine itself ran it: yes, or why not."""


def verdict(case: Case, *, four: bool = True) -> Verdict:
    """Of one case, first in its process; with `four`, also after another run, in a second live
    model, and on two output points."""
    try:
        model = pn.read_sbml(case.sbml, accuracy=case.accuracy)
    except P53NetError as error:
        return Verdict(case.name, f"refused: {why(error, case)}", "no")
    except Exception as error:  # what a verdict is about
        return Verdict(case.name, f"exception: {type(error).__name__} in reading", "no")
    batch, failures, refused = "", list[str](), list[str]()
    for engine in ENGINES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ran, bad = _runs(case, model, engine, four)
        except P53NetError as error:
            refused.append(f"refused: {engine}: {why(error, case)}")
            continue
        except Exception as error:
            failures.append(f"exception: {type(error).__name__} on {engine}")
            continue
        if engine == "batch":
            batch = "yes" if ran.startswith("batch") and "gave up" not in ran else _instead(ran)
        failures += [f"wrong: {engine}: {one}" for one in bad]
    if batch != "yes":  # what one engine says that it cannot run, the other may
        failures += refused
    return Verdict(case.name, failures[0] if failures else "pass", batch or "no")


def _runs(case: Case, model: pn.Model, engine: str, four: bool) -> tuple[str, list[str]]:
    """What ran it, and what is wrong in which way."""

    about = model.definition
    more = [name for name in case.table[0] if name in about.on_request]
    observables = [*about.variables, *more] if more else None

    def run(model: pn.Model, times: np.ndarray = case.times) -> xr.Dataset:
        return model.simulate(times, engine=engine, observables=observables)

    first = run(model)
    ways: dict[str, Callable[[], list[str]]] = {"first": lambda: case.wrong(model, first)}
    if four:
        ways["after another run"] = lambda: _after(case, model, engine, run)
        ways["second model"] = lambda: _second(case, run)
        ways["two points"] = lambda: case.wrong(
            model, run(model, case.times[[0, -1]]), np.s_[[0, -1]]
        )
    for way, of in ways.items():
        if bad := of():
            return first.attrs["engine"], [f"{', '.join(bad)} ({way})"]
    return first.attrs["engine"], []


def _after(
    case: Case, model: pn.Model, engine: str, run: Callable[[pn.Model], xr.Dataset]
) -> list[str]:
    """After a run with all parameters changed."""
    other = {
        name: row.value * 1.1 + 0.01
        for name, row in model.definition.parameters.items()
        if np.isfinite(row.value)
    }
    try:
        model.simulate(case.times, parameters=other, engine=engine)
    except P53NetError:  # other parameters may be none that can run
        pass
    return case.wrong(model, run(model))


def _second(case: Case, run: Callable[[pn.Model], xr.Dataset]) -> list[str]:
    """In a second model of the same file, while the first one lives."""
    second = pn.read_sbml(case.sbml, accuracy=case.accuracy)
    return case.wrong(second, run(second))


def why(error: Exception, case: Case) -> str:
    """The construct that an error names, without the name of the file."""
    text = " ".join(str(error).split()).replace(case.sbml.name, "").strip(" :;,")
    return text[:110]


def _instead(engine: str) -> str:
    """Why another engine ran it."""
    return engine.partition("cannot run ")[2] or engine.partition("gave up, ")[2] or engine
