"""Which experiment to do next: what each would teach of the answers that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.fitted import FitLike, drawn_by
from p53net.errors import InputError
from p53net.inference import nested, shrinkage
from p53net.inference.answers import Answers, answers_of, as_given
from p53net.inference.experiments import Experiment, read_experiments
from p53net.inference.nested import Confirmed, Refit
from p53net.inference.read_outs import ReadOut, readings
from p53net.inference.renewal import Renewal
from p53net.notebook.bars import waited

DATA = 32
"""Synthetic data of each experiment that is confirmed."""

_BEST, _RANDOM = 5, 3  # experiments that are confirmed
_WITHIN, _ERRORS = 0.2, 2.0  # how near a promise is to be: of what is confirmed, or standard errors

Progress = Callable[[str, float], None]


class _One(NamedTuple):
    """An experiment and an answer in the draws that have the answer."""

    experiment: Experiment
    answer: str
    claim: bool
    values: FloatArray
    read: FloatArray
    places: NDArray[np.intp]
    """Of these draws in the ensemble."""
    undefined: int


@waited
def next_experiment(
    answers: str | Iterable[str],
    *,
    ensemble: Ensemble | None = None,
    fit: FitLike = None,
    experiments: str | Path | None = None,
    most_draws: int | None = None,
    confirm: bool = False,
    synthetic: int = DATA,
    seed: int = 1,
    refit: bool | Refit = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Experiments ranked by what they would teach of some answers.

    An answer is as in `Ensemble.probability`: `dose_ratio:3` of both drugs, arithmetic of values,
    or a claim such as `tgi 3/14 > 14/28`. `experiments` is a table of your own. `most_draws` thins
    the ensemble, by default the shipped one; `fit` stands for that of a fit's draws.

    A row for each experiment and answer, the best experiment first: `rank`, `experiment`, `title`,
    `days`, `effort`, `answer`, `kind`; `low` and `high` of the answer's 95 % interval now, or its
    `probability`; `promise`, by which share the experiment is expected to shrink that interval (of
    its logarithm where the answer is above 0), or the chance that it settles a claim (beyond 95 %
    or below 5 %), with `promise_error`; `variance`, the share of variance that goes; `by_line`,
    what a straight line promises of an interval; `defined`, the share of draws that predict the
    read-out; and `undefined`, draws without the answer. Ranks go by the mean promise over answers.

    With `confirm` the five best and three others at random are checked with `synthetic` data each:
    `confirmed`, `confirmed_error`, the `effective` draws of a datum, how many data weights do not
    suffice for (`poor`), and whether it `agrees` within 20 % or two standard errors. With `refit`
    draws are made anew for such data of cells, which takes minutes for each (`refits`); it may be a
    function of your own. Raises InputError, TableError, UnknownNameError, MissingPackageError.

    Examples:
        >>> import pandas as pd
        >>> chase = {"experiment": "chase", "title": "Half-life of MDM2, cycloheximide chase",
        ...          "read_out": "41.59/k_deg_MDM2", "unit": "min", "system": "dish",
        ...          "line": "generic", "drug": "KT-253", "dose": "", "error": 0.15,
        ...          "error_kind": "cv", "days": 5, "effort": "low",
        ...          "reason": "speed", "source": "own"}
        >>> pd.DataFrame([chase]).to_csv("mine.tsv", sep="\\t", index=False)
        >>> answer = 'dose_ratio:3["KT-253"]'
        >>> found = pn.next_experiment(answer, experiments="mine.tsv", most_draws=60)
        >>> found[["rank", "experiment", "answer"]]
           rank experiment                  answer
        0     1      chase  dose_ratio:3["KT-253"]
    """
    if not isinstance(synthetic, int) or isinstance(synthetic, bool) or synthetic < 2:
        raise InputError(f"synthetic is {synthetic!r}, but must be a whole number, 2 or more")
    if refit and not confirm:
        raise InputError("refit draws anew for the data of confirm: ask for confirm too")
    tell = progress or (lambda _what, _share: None)
    several = as_given(ensemble if fit is None else drawn_by(fit, ensemble))
    several = several if most_draws is None else several.thinned(most_draws)
    if len(several) < shrinkage.FEWEST:
        raise InputError(
            f"there are {len(several)} draws, but a regression needs {shrinkage.FEWEST} or more"
        )
    again = Renewal(several, seed=seed) if refit is True else (refit or None)
    known = read_experiments(experiments)
    tell("answers", 0.0)
    told = answers_of(several, [answers] if isinstance(answers, str) else answers)
    tell("read-outs", 0.3)
    seen = readings(several, known)
    pairs = [_one(one, seen[one.name], told, name) for one in known for name in told.names]
    rows = []
    for number, pair in enumerate(pairs):
        rows.append(_promised(pair, seed))
        tell(pair.experiment.name, 0.5 + 0.3 * number / len(pairs))
    table = pd.DataFrame(rows)
    score = table.groupby("experiment", sort=False)["promise"].mean()
    order = score.sort_values(ascending=False, kind="stable").index
    ranks = {name: i + 1 for i, name in enumerate(order)}
    table.insert(0, "rank", table["experiment"].map(ranks))
    table = table.sort_values("rank", kind="stable", ignore_index=True)
    if not confirm:
        return table
    names = _checked(list(order), seed)
    checked = [pair for pair in pairs if pair.experiment.name in names]
    found = {}
    for number, pair in enumerate(checked):
        tell("synthetic data", 0.8 + 0.2 * number / len(checked))
        key = pair.experiment.name, pair.answer
        found[key] = _confirmed(pair, synthetic, seed, None if pair.experiment.host else again)
    return _with(table, found)


def _one(one: Experiment, seen: ReadOut, told: Answers, name: str) -> _One:
    values = told.values[name].to_numpy()
    there = np.isfinite(values)
    if there.sum() < shrinkage.FEWEST:
        reasons = ", ".join(f"{why} ({n})" for why, n in told.undefined(name).items())
        raise InputError(
            f"{name} is defined in {there.sum()} of {len(values)} draws only: {reasons}; ask for "
            "another answer"
        )
    claim = name in told.claims
    places = np.flatnonzero(there)
    return _One(one, name, claim, values[there], seen.values[there], places, int((~there).sum()))


def _promised(pair: _One, seed: int) -> dict[str, Any]:
    one, values = pair.experiment, pair.values
    of = shrinkage.of_claim if pair.claim else shrinkage.of_interval
    promise = of(values, pair.read, one.error, one.relative, seed)
    low, high = np.quantile(values, [shrinkage.LOW, shrinkage.HIGH])
    return {
        "experiment": one.name,
        "title": one.title,
        "days": one.days,
        "effort": one.effort,
        "answer": pair.answer,
        "kind": "claim" if pair.claim else "interval",
        "low": np.nan if pair.claim else low,
        "high": np.nan if pair.claim else high,
        "probability": float(values.mean()) if pair.claim else np.nan,
        "promise": promise.shrinkage,
        "promise_error": promise.error,
        "variance": promise.variance,
        "by_line": promise.by_line,
        "defined": float(np.isfinite(pair.read).all(axis=1).mean()),
        "undefined": pair.undefined,
    }


def _checked(order: Sequence[str], seed: int) -> set[str]:
    """The best, and some of the others at random."""
    best, others = order[:_BEST], order[_BEST:]
    chosen = np.random.default_rng(seed).permutation(len(others))[:_RANDOM]
    return {*best, *(others[i] for i in chosen)}


def _confirmed(pair: _One, data: int, seed: int, refit: Refit | None) -> Confirmed:
    one = pair.experiment

    def anew(again: Refit, datum: FloatArray, truth: int) -> FloatArray:
        drawn = again(one, datum, int(pair.places[truth]))
        return answers_of(drawn, [pair.answer]).values[pair.answer].to_numpy()

    return nested.confirmed(
        pair.values, pair.read, one.error, one.relative, claim=pair.claim, data=data, seed=seed,
        anew=None if refit is None else partial(anew, refit),
    )  # fmt: skip


def _with(table: pd.DataFrame, found: dict[tuple[str, str], Confirmed]) -> pd.DataFrame:
    rows = []
    for row in table.itertuples():
        one = found.get((str(row.experiment), str(row.answer)))
        if one is None:
            rows.append({"confirmed": np.nan, "agrees": ""})
            continue
        apart = abs(float(row.promise) - one.shrinkage)  # type: ignore[arg-type]
        error = float(np.hypot(float(row.promise_error), one.error))  # type: ignore[arg-type]
        near = apart <= _WITHIN * abs(one.shrinkage) or apart <= _ERRORS * error
        rows.append(
            {
                "confirmed": one.shrinkage,
                "confirmed_error": one.error,
                "effective": one.effective,
                "poor": one.poor,
                "refits": one.refits,
                "agrees": "yes" if near else "no",
            }
        )
    return pd.concat([table, pd.DataFrame(rows, index=table.index)], axis=1)
