"""`fit`: data of a user's own to estimates, their intervals, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.identity import digest
from p53net.errors import InputError
from p53net.fitting.candidates import Advice, advised
from p53net.fitting.chosen import PriorsLike, fitted_parameters, priors_of, usual_values
from p53net.fitting.identifiability import Identified, identified_by, in_words, open_places
from p53net.fitting.noise import NOISE, NoiseLike, noises, nuisances
from p53net.fitting.optimum import Bounded, Optimum, optimum_of
from p53net.fitting.points import Point, points_of
from p53net.fitting.profiles import Profile, profiles_of
from p53net.fitting.result import Fit, with_bands
from p53net.fitting.sampled import Draws, drawn, need_libraries
from p53net.fitting.scenes import QUICK, Scenes
from p53net.fitting.table import Data, Row, rows_of
from p53net.fitting.target import Target
from p53net.fitting.unknowns import Unknowns
from p53net.inference.parameters import parameters_of
from p53net.model.own import TablesLike, as_tables
from p53net.model.structures import StructureLike, as_structure, name_of
from p53net.model.tables import Value
from p53net.notebook.bars import waited
from p53net.simulation.model import VERSION

if TYPE_CHECKING:
    from p53net.petab.problem import PetabProblem

STARTS = 16
"""Sets from which the optimum is looked for, besides those that are only looked at."""

Progress = Callable[[str, float], None]
_SHARES = {"optimum": (0.0, 0.3), "profiles": (0.3, 0.5), "draws": (0.5, 1.0)}
_MOST_DRAWS = 100_000


@waited
def fit(
    data: Data | PetabProblem,
    parameters: Sequence[str] | str | None = None,
    *,
    priors: PriorsLike = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    noise: NoiseLike = None,
    scale: Iterable[str] | str = (),
    offset: Iterable[str] | str = (),
    subject: str | None = None,
    draws: int = 1000,
    starts: int = STARTS,
    seed: int = 1,
    progress: Progress | None = None,
) -> Fit:
    """Estimates of parameters from a table of plates, blots, plasma curves, tumours and counts.

    `data` is a .csv or .tsv file or a DataFrame, or a list of these, a row for each measurement:
    `observable`, `time` [h], `value` and `unit`, and what it was measured of: `drug`, `dose` [nM]
    and `exposure` [h] of cells of a `line`, or a `regimen` in a `host` (docs/fit.md); or a PEtab
    problem, or its YAML file. `parameters` are names of priors, `ENTRY: PARAMETER`; left out, those
    of the drugs, lines and hosts of the data that move it most, which `said` names. All others stay
    as they are.

    `priors` are a table or `{name: ("log-uniform", low, high)}`, and win over the package's and
    those of `tables`. `noise` says of an assay that it is "normal" or "log-normal", how wide, or
    both; without it and without errors in the table a width is estimated from replicates. `scale`
    and `offset` name assays whose signal has one of its own, as units AU do. Of several subjects
    `subject` chooses one; else they are taken as one. `draws` of the posterior, 0 for none, need
    the extra [infer]. The same `seed` gives the same.

    Returns a `Fit`: `parameters`, `said`, `predicted`, `draws`, `plot`, `ensemble`, `save`.
    Raises InputError and UnknownNameError, of rows with their number; SimulationError where nothing
    runs; MissingPackageError.

    Examples:
        >>> plate = pn.data_of(pn.viability("KT-253", "RS4;11"))  # stands for your table
        >>> found = pn.fit(plate, ["RS4;11: K_PUMA_caspase"], draws=0, starts=2)
        >>> found.parameters[["value", "unit", "identified"]].round()
                                value unit  identified
        parameter
        RS4;11: K_PUMA_caspase  600.0   nM        True
    """
    count = _whole(draws, "draws", 0, _MOST_DRAWS)
    _whole(starts, "starts", 1, 1000)
    _whole(seed, "seed", 0, 2**31 - 1)
    if count:
        need_libraries()
    told: Progress = progress or (lambda _what, _share: None)
    if _is_petab(data):
        from p53net.fitting.of_petab import fit_petab

        others = {"parameters": parameters, "priors": priors, "tables": tables, "noise": noise,
                  "structure": structure, "scale": tuple(scale), "offset": tuple(offset),
                  "subject": subject}  # fmt: skip
        return fit_petab(data, others, count, starts, seed, told)
    own, chosen = as_tables(tables), as_structure(structure)
    rows = _of_subject(rows_of(data), subject)  # type: ignore[arg-type]
    points = points_of(rows, chosen, own)
    known = priors_of(chosen, own, priors)
    every, chosen_said = fitted_parameters(parameters, known, points, chosen, own)
    kinds = noises(points, noise)
    unknowns = Unknowns(every, nuisances(points, kinds, scale, offset))
    target = Target(points, Scenes(points, unknowns.parameters, chosen, own), unknowns, kinds)
    bounded = Bounded(target, unknowns.low, unknowns.high, target.level)
    usual = unknowns.scaled(np.array([[*usual_values(every, chosen, own),
                                       *_usual_nuisances(unknowns)]]))[0]  # fmt: skip
    best = optimum_of(bounded, usual, starts, seed, lambda: _failures(target),
                      partial(_told, told, "optimum"))  # fmt: skip
    profiles = profiles_of(bounded, best, partial(_told, told, "profiles"))
    count_of = len(every)
    found = identified_by(unknowns.names, profiles, best, unknowns.low, unknowns.high, count_of)
    places = open_places(found)
    ends = [x for i, ok in enumerate(found.identified) if not ok for x in profiles[i].ends]
    advice = advised(target, best, places.tolist(), ends, own) if len(places) else []
    sampled = drawn(target.of_draws, target.highest, len(unknowns), count, seed,
                    partial(_told, told, "draws")) if count else None  # fmt: skip
    about = {
        "structure": name_of(chosen), "models": digest(), "version": VERSION, "seed": seed,
        "starts": best.starts, "starts_that_agree": best.agreed, "rows": len(points),
        "tables": {name: text.sha256 for name, text in own},
        "r_hat": None if sampled is None else float(sampled.r_hat.max()),
        "effective_draws": None if sampled is None else float(sampled.effective.min()),
    }  # fmt: skip
    said = _said(chosen_said, found, unknowns, advice, points, subject, best, sampled)
    values = parameters_of(chosen, own)
    made = _result(target, best, profiles, found, advice, sampled, said, about, values)
    return replace(made, tables=own)


def _result(
    target: Target, best: Optimum, profiles: Sequence[Profile], found: Identified,
    advice: Sequence[Advice], sampled: Draws | None, said: str, about: dict[str, object],
    values: dict[str, Value],
) -> Fit:  # fmt: skip
    unknowns = target.unknowns
    size = len(unknowns.parameters)
    intervals = intervals_of(unknowns.values, best.x, profiles, unknowns.low, unknowns.high)
    estimates = pd.DataFrame(
        {
            "value": intervals[0, :size],
            "unit": [values[name].unit for name in unknowns.parameters],
            "low": intervals[1, :size],
            "high": intervals[2, :size],
            "identified": found.identified,
            "reason": found.reasons,
            "correlated_with": found.correlated,
        },
        index=pd.Index(unknowns.parameters, name="parameter"),
    )
    beside = pd.DataFrame(
        {
            "value": intervals[0, size:],
            "unit": [one.unit for one in unknowns.nuisances],
            "low": intervals[1, size:],
            "high": intervals[2, size:],
        },
        index=pd.Index(unknowns.names[size:], name="nuisance"),
    )
    predicted = target.predicted(best.x[None])[0]
    table, bands = pd.DataFrame(columns=unknowns.names, dtype=float), None
    if sampled is not None:
        x = unknowns.drawn(sampled.z.reshape(-1, len(unknowns)))
        table = pd.DataFrame(unknowns.values(x), columns=unknowns.names)
        bands = target.predicted(x, QUICK)
    correlation = pd.DataFrame(best.correlation[:size, :size], unknowns.parameters,
                               unknowns.parameters)  # fmt: skip
    curves = {
        name: pd.DataFrame({"value": _values_at(unknowns, best.x, i, one.at), "rise": one.rise})
        for i, (name, one) in enumerate(zip(unknowns.names, profiles, strict=True))
    }
    shown = with_bands(data_table(target.points), predicted, bands,
                       -best.residuals[: len(target.points)])  # fmt: skip
    return Fit(estimates, beside, said, shown, table, target.highest - best.chi_squared / 2, curves,
               correlation, tuple(advice), about, target, best.x, sampled)  # fmt: skip


def intervals_of(
    back: Callable[[FloatArray], FloatArray], x: FloatArray, profiles: Sequence[Profile],
    low: FloatArray, high: FloatArray,
) -> FloatArray:  # fmt: skip
    """Value, lower and upper end of each unknown: the bound where a profile stays open."""
    ends = [np.array([one.low for one in profiles]), np.array([one.high for one in profiles])]
    below = np.where(np.isfinite(ends[0]), ends[0], low)
    above = np.where(np.isfinite(ends[1]), ends[1], high)
    return back(np.array([x, below, above]))


def data_table(points: Sequence[Point]) -> pd.DataFrame:
    """Rows of data as they were understood: values in the unit of their assay."""
    return pd.DataFrame(
        {
            "table": [point.row.table for point in points],
            "row": [point.row.number for point in points],
            "observable": [point.assay for point in points],
            "drug": [" + ".join(point.setting.drugs) if point.setting.label != "vehicle"
                     else ("blank" if point.blank else "vehicle") for point in points],
            "given": [point.setting.label for point in points],
            "line": [point.setting.line for point in points],
            "host": [point.setting.host for point in points],
            "subject": [point.row.text("subject") for point in points],
            "time": [point.time for point in points],
            "value": [point.value for point in points],
            "below": [point.below for point in points],
            "unit": [point.unit for point in points],
        }
    )  # fmt: skip


def _said(
    chosen: str, found: Identified, unknowns: Unknowns, advice: Sequence[Advice],
    points: Sequence[Point], subject: str | None, best: Optimum, sampled: Draws | None,
) -> str:  # fmt: skip
    said = [chosen] if chosen else []
    said.append(in_words(unknowns.parameters, found, advice))
    subjects = {point.row.text("subject") for point in points} - {""}
    if len(subjects) > 1 and subject is None:
        said.append(
            f"{len(subjects)} subjects were taken as one; what they differ in is in the noise."
        )
    if best.agreed == 1 and best.starts > 1:
        said.append(f"Only one of {best.starts} starts came to the optimum: try more.")
    if sampled is not None and sampled.why:
        said.append(f"The draws are not to be relied on: {sampled.why}; ask for more.")
    return " ".join(said)


def _usual_nuisances(unknowns: Unknowns) -> list[float]:
    """Where starts begin: a tenth of noise, the middle of a scale, no offset."""
    found = []
    for one in unknowns.nuisances:
        if one.kind == NOISE:
            found.append(math.sqrt(one.low * one.high))
        else:
            found.append(math.sqrt(one.low * one.high) if one.logarithm else one.high / 100)
    return found


def _of_subject(rows: Sequence[Row], subject: str | None) -> list[Row]:
    if subject is None:
        return list(rows)
    known = list(dict.fromkeys(row.text("subject") for row in rows if row.text("subject")))
    if str(subject) not in known:
        has = ", ".join(known[:8]) or "no column subject"
        raise InputError(f"{rows[0].table} has no subject {str(subject)[:40]!r}; it has {has}")
    return [row for row in rows if row.text("subject") == str(subject)]


def _values_at(unknowns: Unknowns, x: FloatArray, place: int, at: FloatArray) -> FloatArray:
    moved = np.tile(x, (len(at), 1))
    moved[:, place] = at
    return unknowns.values(moved)[:, place]


def _is_petab(data: object) -> bool:
    if isinstance(data, str | Path):
        return Path(data).suffix.casefold() in (".yaml", ".yml")
    return hasattr(data, "log_likelihood")


def _failures(target: Target) -> str:
    return (
        "; ".join(why for why, _ in target.scenes.failures.most_common(2)) or "no reason is known"
    )


def _told(told: Progress, what: str, share: float) -> None:
    first, last = _SHARES[what]
    told(what, first + (last - first) * share)


def _whole(value: object, name: str, least: int, most: int) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= int(str(value)) <= most:
        raise InputError(f"{name} is {value!r}, but must be a whole number, {least} to {most:,}")
    return int(str(value))
