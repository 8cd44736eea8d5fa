"""Tables of docs/schedules.md that say how sure its numbers and sentences are: the same virtual
patients under the page's regimens, in draws of the ensemble that is shipped."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import ensemble
from p53net.evidence.markdown import one_digit, rows_of, shown
from p53net.evidence.pages import Table
from p53net.inference.blood_rows import rates
from p53net.inference.claims import HALF, standard_error
from p53net.inference.questions import MARGIN, RATE
from p53net.inference.virtual import Trials, trials
from p53net.model.structures import supposing
from p53net.studies.body.comparison import usual_schedules
from p53net.studies.body.patients import DAYS, TUMOUR
from p53net.studies.body.population import GRADES

_DRUG, _GRADE, _SEED = "milademetan", 3, 1
_DRAWS, _PATIENTS = 100, 200  # each draw takes a second of processor time
_ENDS = (0.5, 0.25, 0.75, 0.025, 0.975)
_FEW = 5.0  # per cent of patients, whose tumours do worst
_ARMS = {"intermittent": "260 mg 3/14", "other": "other schedules"}
_TOGETHER = 50  # draws in memory at once
_HALTED = 100.0  # % of growth: a tumour that does not grow


class _Numbers(NamedTuple):
    """What is said of trials: each a number for each regimen and draw."""

    tgi: FloatArray
    """Of the median patient [%]."""
    worst: FloatArray
    """Of the patient whom 95 % surpass [%]."""
    rates: FloatArray
    """Toxicity first: per cent of patients."""


class _Statement(NamedTuple):
    text: str
    holds: Callable[[_Numbers], NDArray[np.bool_]]
    """Of each draw."""


def _numbers(found: Trials) -> _Numbers:
    worst = np.nanpercentile(found.tgi, _FEW, axis=2)
    return _Numbers(found.tgi_of_median(), np.asarray(worst), found.rates())


@lru_cache(maxsize=1)
def _made(_of: str, draws: int, population: int) -> Trials:
    """Trials of the page's regimens, in draws of the ensemble with this digest."""
    return trials(ensemble().thinned(draws), _DRUG, usual_schedules(_DRUG, DAYS), line=TUMOUR,
                  days=DAYS, population=population, seed=_SEED, grade=_GRADE,
                  told=lambda _share: None)  # fmt: skip


def _of_today() -> Trials:
    return _made(ensemble().sha256, _DRAWS, _PATIENTS)


def numbers() -> str:
    """Effect and toxicity of each regimen over the draws."""
    found = _of_today()
    whole, again = _listed(_numbers(found)), [_listed(_numbers(one)) for one in found.again(_SEED)]
    rows = []
    for i, (title, values) in enumerate(whole):
        error = float(np.std([np.median(one[i][1]) for one in again]))
        middle, under, over, low, high = (shown(value) for value in np.quantile(values, _ENDS))
        rows.append([title, middle, f"{under} to {over}", f"{low} to {high}", one_digit(error)])
    head = f"{_DRUG}, {_PATIENTS} patients, {DAYS:g} days"
    return rows_of(f"{head} | median of the draws | half of them | 95 % | "
                   "Monte-Carlo error of the median", rows)  # fmt: skip


def _listed(found: _Numbers) -> list[tuple[str, FloatArray]]:
    """Numbers by their titles, regimen by regimen."""
    rows = []
    for i, arm in enumerate(usual_schedules(_DRUG, DAYS)):
        rows.append((f"{arm.label}: TGI, median patient [%]", found.tgi[i]))
        rows.append((f"{arm.label}: TGI that 95 % of patients surpass [%]", found.worst[i]))
        rows += [(f"{arm.label}: {name}, grade {_GRADE} or more [% of patients]", rates[i])
                 for name, rates in zip(GRADES, found.rates, strict=True)]  # fmt: skip
    return rows


def statements() -> str:
    """Sentences that compare schedules, in how many draws they hold, and in how many structures."""
    found = _of_today()
    whole, again = _numbers(found), [_numbers(one) for one in found.again(_SEED)]
    parts = [draws for _, draws in ensemble().thinned(_DRAWS).parts()]
    rows = []
    for one in _STATEMENTS:
        held = one.holds(whole).astype(float)
        error = max(
            float(np.std([one.holds(other).mean() for other in again])),
            standard_error(held.sum(), len(held)),
        )
        inside = sum(held[draws].mean() > HALF for draws in parts)
        rows.append([one.text, f"{100 * held.mean():.0f} % ± {100 * error:.0f}",
                     f"{inside} of {len(parts)}"])  # fmt: skip
    return rows_of("statement | holds in | structures", rows)


def _keeps_up(numbers: FloatArray, by: float) -> NDArray[np.bool_]:
    """Of each draw: whether 260 mg 3/14 has as much as either longer schedule, or less by this."""
    return np.asarray((numbers[_REST] >= numbers[[_DAILY, _LONG]] - by).all(axis=0))


def _fewer(
    found: _Numbers, some: list[int], others: list[int], toxicity: str = "thrombocytopenia"
) -> NDArray[np.bool_]:
    """Of each draw: whether all of some regimens have less of a toxicity than all others."""
    rates = found.rates[list(GRADES).index(toxicity)]
    return np.asarray(rates[some].max(axis=0) < rates[others].min(axis=0))


def everyone() -> str:
    """Rates in all patients, as the likelihood has them, over all draws of the ensemble: under 260
    mg 3/14, under the trial's other schedules, and how many fewer under the first."""
    found = ensemble()
    each = {f"{name}_grade{_GRADE}plus_{arm}": np.full(len(found), np.nan)
            for name in GRADES for arm in _ARMS}  # fmt: skip
    for structure, draws in found.parts():
        with supposing(structure):
            for some in np.array_split(draws, -(-len(draws) // _TOGETHER)):
                made = rates([found.trial(int(draw)) for draw in some])
                for name, values in each.items():
                    values[some] = made[name]
    rows = []
    for name in GRADES:
        first, others = (each[f"{name}_grade{_GRADE}plus_{arm}"] for arm in _ARMS)
        for title, values in zip(_ARMS.values(), (first, others), strict=True):
            rows.append(_of_all(f"{name}: {title}", values, RATE))
        rows.append(_of_all(f"{name}: the first less the second", first - others, 0.0))
    return rows_of(f"grade {_GRADE} or more, all patients [%] | median of the draws | "
                   "half of them | 95 % | below | in", rows)  # fmt: skip


def _of_all(title: str, values: FloatArray, limit: float) -> list[str]:
    middle, under, over, low, high = (shown(value) for value in np.quantile(values, _ENDS))
    held = values < limit
    error = 100.0 * standard_error(float(held.sum()), len(held))
    return [title, middle, f"{under} to {over}", f"{low} to {high}", f"{limit:g}",
            f"{100 * held.mean():.0f} % ± {error:.1f}"]  # fmt: skip


_REST, _DAILY, _LONG, _SHORT = 0, 1, 2, 3  # regimens of `usual_schedules`
_STATEMENTS = (
    _Statement("the tumour of the median patient shrinks under all four schedules",
               lambda n: np.asarray((n.tgi > _HALTED).all(axis=0))),
    _Statement(f"the four differ by at most {MARGIN:g} points of TGI there",
               lambda n: np.asarray(np.ptp(n.tgi, axis=0) <= MARGIN)),
    _Statement("260 mg 3/14 does at least as much there as 90 mg daily and 120 mg 21/28",
               lambda n: _keeps_up(n.tgi, 0.0)),
    _Statement(f"or less by at most {MARGIN:g} points",
               lambda n: _keeps_up(n.tgi, MARGIN)),
    _Statement("260 mg 3/14 does at least as much as both where tumours do worst: TGI that 95 % "
               "of patients surpass", lambda n: _keeps_up(n.worst, 0.0)),
    _Statement(f"or less by at most {MARGIN:g} points",
               lambda n: _keeps_up(n.worst, MARGIN)),
    _Statement("260 mg 3/14 gives thrombocytopenia to fewer than 90 mg daily",
               lambda n: _fewer(n, [_REST], [_DAILY])),
    _Statement("260 mg 3/14 and 160 mg 7/28 give it to fewer than 90 mg daily and 120 mg 21/28",
               lambda n: _fewer(n, [_REST, _SHORT], [_DAILY, _LONG])),
    _Statement("160 mg 7/28 gives it to fewest",
               lambda n: _fewer(n, [_SHORT], [_REST, _DAILY, _LONG])),
    _Statement("120 mg 21/28 gives it to most",
               lambda n: _fewer(n, [_REST, _DAILY, _SHORT], [_LONG])),
    _Statement("260 mg 3/14 gives anaemia to fewer than 90 mg daily",
               lambda n: _fewer(n, [_REST], [_DAILY], "anaemia")),
    _Statement("260 mg 3/14 gives neutropenia to more than 90 mg daily",
               lambda n: _fewer(n, [_DAILY], [_REST], "neutropenia")),
)  # fmt: skip
"""Of the page; toxicities are those of grade 3 or more."""

TABLES = (
    Table("docs/schedules.md", "schedules-plausible", numbers),
    Table("docs/schedules.md", "schedules-statements", statements),
    Table("docs/schedules.md", "schedules-everyone", everyone),
)
