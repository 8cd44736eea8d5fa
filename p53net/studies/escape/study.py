"""The study of feedback escape: which drug escapes the loop, by how much, and what does not differ.

Every drug is compared at the dose that is equally effective on active p53, with the loop closed and
opened, under constant exposure, after washout and in a closed dish. A degrader brings its
non-catalytic twin: the same molecule with `k_ub_MDM2` = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import xarray as xr

from p53net.dosing.beside import Beside, BesideLike, in_medium, other_of
from p53net.dosing.medium import finite_number
from p53net.ensembles.cells import Cells, EnsembleLike, Part, together
from p53net.ensembles.fitted import FitLike
from p53net.errors import InputError, P53NetError
from p53net.measures.candidate import Candidate, candidates_in
from p53net.model import GENERIC
from p53net.model.own import TablesLike
from p53net.model.structures import ALL, StructureLike, names_of_several
from p53net.simulation.choice import AUTO
from p53net.simulation.provenance import recorded
from p53net.studies.escape import claimed, rivals
from p53net.studies.escape.report import about
from p53net.studies.escape.steps import FOLDS, MEDIUM_VOLUMES, NUMBER, each_step

DRUGS = ("milademetan", "KT-253")
_TOGETHER = 100  # draws of a job: threads share them, and few are left over at the end
_CURVES = ("dose", "time", "since_washout")

__all__ = ["DRUGS", "FOLDS", "MEDIUM_VOLUMES", "escape"]


@recorded
def escape(
    drugs: Sequence[str] = DRUGS,
    cell_line: str = GENERIC,
    *,
    hours: float = 24.0,
    pulse_hours: float = 4.0,
    fold: float = 3.0,
    beside: BesideLike = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
    structures: str | Sequence[str] | None = None,
    ensemble: EnsembleLike = None,
    fit: FitLike = None,
    draws: bool = False,
    engine: str = AUTO,
    accuracy: float | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Every measure of feedback escape for each drug, and the curves behind them.

    All are taken at the constant dose that brings active p53 to `fold` times untreated at `hours`.
    `pulse_hours` is the short exposure before washout; `hours` is the long one. The Dataset has
    the measures over `drug` (and `fold`, `exposure` [h], `medium_volume` [pL per cell]), and curves
    over `dose` [nM] and `time` [h]; `table` lists the measures, `p53net.plot` draws the figure.
    With another drug `beside` them, such as {"KT-253": 0.05} [nM], each is looked at in its
    constant presence; it is washed out with them, and not in the untreated cells.
    `engine` is as in `Model.simulate`, `structure` and `accuracy` as in `load`.
    With `structures`, names of them or "all" (those that differ in a dish), the measures are over
    `structure` too, with a `status` for each drug in each, and `holds` says which claims hold
    where, by `claim`.
    With an `ensemble` every measure and curve is taken of each draw, at most 500 of them, and has
    the dimension `quantile`, or, with `draws`, each `draw`. Beside a measure stands the share of
    draws in which it is `defined`; `holds` is the share of draws in which a claim holds, by
    `claim`, and `holds_in` the same of each `structure`. The attribute `failed` counts draws
    without a result by reason. `fit`, what `pn.fit` returned or the folder of one, stands for the
    ensemble of its draws and the tables that it had.
    `progress` is told what is being done and the share done.

    Raises MeasureError where a measure is not defined: no p53, or a fold that no dose reaches.

    Examples:
        >>> found = pn.escape(("milademetan", "KT-253"))
        >>> found["equal_dose"].values.round(2), found["equal_dose"].attrs["units"]
        (array([119.37,   0.16,   0.4 ]), 'nM')
        >>> found["dose_ratio"].sel(fold=3).values.round(2)
        array([1.84, 3.64, 1.92])
    """
    if not isinstance(drugs, Iterable):
        raise InputError(f"drugs is {drugs!r}, but must be a list of names")
    names = [drugs] if isinstance(drugs, str) else list(drugs)
    hours = _at_least(hours, "hours", 0.1)
    pulse_hours = _at_least(pulse_hours, "pulse_hours", 0.01)
    if pulse_hours >= hours:
        raise InputError(
            f"pulse_hours is {pulse_hours:g} h, but must be shorter than hours, {hours:g} h: "
            "washout is compared after a short and a long exposure"
        )
    if finite_number(fold, "fold") <= 1:
        raise InputError(f"fold is {fold:g}, but must be above 1: a drug raises active p53")
    other = _beside(beside, names, tables)
    tell = progress or (lambda _what, _share: None)
    cells = Cells(ensemble, draws=draws, structure=structure, tables=tables)
    if structures is not None:
        if structure is not None or cells.ensemble is not None:
            both = "structure" if structure is not None else "ensemble"
            raise InputError(f"{both} and structures are both given; give one of them")
        several = names_of_several(structures)
        if structures == ALL:
            several = rivals.distinct(several, names, cell_line)
        found = rivals.compared(
            lambda one, drug: escape(
                [drug], cell_line, hours=hours, pulse_hours=pulse_hours, fold=fold, beside=beside,
                tables=tables, structure=one, engine=engine, accuracy=accuracy,
            ),
            names, several, tell,
        )  # fmt: skip
        about_it = {"cell_line": cell_line, "hours": hours, "pulse_hours": pulse_hours}
        about_it |= _said(other)
        return found.assign_attrs(study="structures", fold=fold, **about_it)
    parts = [
        (part, candidates_in(cells, part, names, cell_line, tables, engine, accuracy, other))
        for part in cells.parts(_TOGETHER)
    ]
    result = _measured(cells, parts, partial(each_step, hours=hours, pulse_hours=pulse_hours,
                                             fold=fold), tell)  # fmt: skip
    chosen = parts[0][1]
    settings = chosen[0].model.run_settings
    engines = sorted(set[str]().union(*(one.engines for _, made in parts for one in made)))
    if cells.ensemble is not None:
        settings.pop("structure", None)
    return result.assign_attrs(
        {
            "study": "escape",
            "cell_line": chosen[0].model.definition.cell_line,
            "hours": hours,
            "pulse_hours": pulse_hours,
            "fold": fold,
            **_said(other),
            **settings,
            "engine": "; ".join(engines),
        }
    )


def _measured(
    cells: Cells,
    parts: Sequence[tuple[Part, Sequence[Candidate]]],
    take: Callable[..., Iterator[tuple[str, xr.Dataset]]],
    tell: Callable[[str, float], None],
) -> xr.Dataset:
    """Every step of every candidate, a part of the cells at a time, in threads."""
    total, done = NUMBER * sum(len(made) for _, made in parts), list[str]()

    def measured(part: Part, one: Candidate) -> xr.Dataset:
        def failed(i: int, error: P53NetError, what: str) -> None:
            cells.fail(part.draws[i], error, f"{one.name}, {what}")

        pieces: list[xr.Dataset] = []
        for what, piece in take(one, failed=failed):
            pieces.append(piece)
            done.append(what)
            tell(f"{one.name}: {what}", len(done) / total)
        return xr.merge(pieces, join="exact").assign_coords(draw=part.draws)

    chosen = parts[0][1]
    found = together([partial(measured, part, one) for part, made in parts for one in made])
    finished: list[xr.Dataset] = []
    measures: list[xr.Dataset] = []
    for i in range(len(chosen)):  # one after the other, for curves of many draws are large
        pieces = [found[place] for place in range(i, len(found), len(chosen))]
        whole = xr.concat(pieces, "draw", data_vars="all", join="exact").sortby("draw")
        for place in range(i, len(found), len(chosen)):
            found[place] = xr.Dataset()
        finished.append(cells.finished(_described(whole), _CURVES))
        measures.append(whole.drop_dims(_CURVES))
    drug = xr.Variable("drug", [one.name for one in chosen])
    result = xr.concat(finished, drug, data_vars="all", join="exact")
    result = _described(result.assign_coords(mechanism=("drug", [one.mechanism for one in chosen])))
    if cells.ensemble is None:
        return result
    result = result.transpose("quantile", "draw", ..., missing_dims="ignore")
    return claimed.with_claims(result, xr.concat(measures, drug, data_vars="all"),
                               cells.ensemble)  # fmt: skip


def _described(result: xr.Dataset) -> xr.Dataset:
    """With unit and meaning of each variable."""
    for name in (*result.data_vars, *result.coords):
        if not result[name].attrs and name != "draw":
            unit, meaning = about(str(name))
            result[name].attrs = {"units": unit, "long_name": meaning}
    return result


def _beside(beside: BesideLike, names: Sequence[str], tables: TablesLike) -> Beside | None:
    """The other drug, at one constant level. Raises InputError, UnknownNameError."""
    if beside is None:
        return None
    other, value = other_of(beside, names, tables)
    doses = in_medium(other, value)
    if len(doses) > 1 or not doses[0].is_constant:
        raise InputError(
            f"beside: escape is taken at one constant level of {other} [nM]; write "
            f"beside={{'{other}': 0.05}}, and call it again for another"
        )
    return Beside(other, doses[0])


def _said(other: Beside | None) -> dict[str, object]:
    """For the attributes."""
    return {} if other is None else {"beside": other.drug, "beside_dose": other.dose.highest}


def _at_least(value: float, name: str, lowest: float) -> float:
    number = finite_number(value, name, "h")
    if number < lowest:
        raise InputError(f"{name} is {number:g} h, but must be at least {lowest:g} h")
    return number
