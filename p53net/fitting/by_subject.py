"""`fit_by_subject`: each subject fitted by itself, and how subjects differ."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p53net.errors import InputError, P53NetError, SimulationError, unknown_name
from p53net.files import made_folder, write_text
from p53net.fitting.fitted import fit
from p53net.fitting.points import points_of
from p53net.fitting.result import Fit
from p53net.fitting.spread import correlation_of, median_of, variation_of
from p53net.fitting.table import Data, rows_of
from p53net.model.own import as_tables
from p53net.model.structures import as_structure
from p53net.notebook.bars import waited
from p53net.notebook.cards import card, of_frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TAKEN = ("data", "parameters", "subject")
_FEWEST = 2


@dataclass(frozen=True)
class SubjectFits:
    """What `fit_by_subject` returns.

    found = pn.fit_by_subject("plasma.csv", ["milademetan in human: CL_inhibitor"])
    print(found.said), found.parameters, found.summary
    """

    fits: Mapping[str, Fit]
    """By subject."""
    parameters: pd.DataFrame
    """A row for each subject and parameter: `value`, `unit`, `low` and `high` (95 %), `identified`,
    and `error`, the standard error of its logarithm; NaN where it is not identified."""
    summary: pd.DataFrame
    """A row for each parameter: the `median` of subjects with `median_low` and `median_high`, the
    geometric coefficient of variation `cv` [%] with `cv_low` and `cv_high` (95 %), `unit`, and how
    many `subjects` it is of."""
    correlation: pd.DataFrame
    """A row for each two parameters: `first`, `second`, `value`, `low` and `high` (95 %) of their
    logarithms between subjects, and how many `subjects` it is of. NaN of fewer than four, and where
    estimates scatter no more than they err."""
    failed: Mapping[str, str]
    """Why a subject has no fit."""
    said: str
    """What is to be known of it, in sentences."""

    def __str__(self) -> str:
        return self.said

    def __repr__(self) -> str:
        return f"<p53net fits: {len(self.fits)} subjects>"

    def _repr_html_(self) -> str:
        tables = [
            of_frame("between subjects", self.summary, shown=True),
            of_frame("estimates of each", self.parameters.set_index("subject")),
            of_frame("correlations", self.correlation.set_index("first")),
        ]
        failed = "; ".join(f"{name}: {why}" for name, why in self.failed.items())
        facts = {"subjects": len(self.fits), "without a fit": failed}
        return card("Fits by subject", facts, tables, self.said)

    def plot(self, path: str | Path | None = None, *, size: str = "print") -> Figure:
        """Estimates of each subject with the median and spread of all; written to `path` (png, svg,
        pdf) where one is given, for print or for a `slide`."""
        import matplotlib

        from p53net.figures.style import STYLE, resized, save

        with matplotlib.rc_context(STYLE):
            figure = resized(_figure(self), size)
        if path is not None:
            save(figure, path)
        return figure

    def save(self, folder: str | Path) -> list[Path]:
        """Write parameters, summary and correlation as CSV, what is said as text, and each fit to a
        folder of its number. Raises OutputError."""
        where = made_folder(folder)
        tables = {"parameters": self.parameters, "summary": self.summary.reset_index(),
                  "correlation": self.correlation}  # fmt: skip
        written = [write_text(where / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
                   for name, table in tables.items()]  # fmt: skip
        written.append(write_text(where / "said.txt", self.said + "\n"))
        for number, found in enumerate(self.fits.values(), start=1):
            written += found.save(where / f"subject_{number}")
        return written


@waited
def fit_by_subject(data: Data, parameters: Sequence[str] | str, **options: object) -> SubjectFits:
    """Each subject of a table fitted by itself, then how subjects differ: a fit in two stages.

    `data`, `parameters` and `options` are those of `fit`; every subject has the same parameters,
    and `draws` is 0 unless it is said. Rows without a subject are in no fit. What subjects differ
    in is taken as log-normal: the variance of the logarithms of their estimates, less the mean
    square of the estimates' errors. A parameter that is not identified in a subject is left out of
    the summary there, and `said` names it.

    Returns `SubjectFits`: `parameters`, `summary`, `correlation`, `fits`, `said`. Raises
    InputError and UnknownNameError as `fit`, with the subject; SimulationError where no subject has
    a fit.

    Examples:
        >>> import pandas as pd
        >>> curve = pn.data_of(pn.pk("milademetan", pn.regimen(100, "mg", "once")))
        >>> other = curve.assign(subject="2", value=0.8 * curve["value"])
        >>> table = pd.concat([curve.assign(subject="1"), other])
        >>> found = pn.fit_by_subject(table, ["milademetan in human: CL_inhibitor"], starts=2)
        >>> found.summary[["median", "subjects"]].round(1)
                                            median  subjects
        parameter
        milademetan in human: CL_inhibitor    15.2         2
    """
    known = [one for one in inspect.signature(fit).parameters if one not in _TAKEN]
    for name in options:
        if name not in known:
            raise unknown_name("option", name, known)
    names = [parameters] if isinstance(parameters, str) else list(parameters or ())
    if not names:
        raise InputError("parameters is empty; name what is fitted, the same in every subject")
    subjects, alone = _subjects(data, options)
    fits: dict[str, Fit] = {}
    failed: dict[str, str] = {}
    for subject in subjects:
        try:
            fits[subject] = fit(data, names, subject=subject, **{"draws": 0, **options})  # type: ignore[arg-type]
        except SimulationError as error:
            failed[subject] = str(error)
        except P53NetError as error:
            raise type(error)(f"subject {subject}: {error}") from None
    if not fits:
        raise SimulationError(f"no subject has a fit: {next(iter(failed.values()))}")
    estimates = pd.concat([_estimates(name, one) for name, one in fits.items()], ignore_index=True)
    summary, correlation = _summary(estimates, names), _correlations(estimates, fits, names)
    said = _said(estimates, failed, alone, subjects)
    return SubjectFits(fits, estimates, summary, correlation, failed, said)


def _subjects(data: Data, options: Mapping[str, object]) -> tuple[list[str], int]:
    """Their names, and how many rows have none. Raises InputError."""
    rows = rows_of(data)
    tables, structure = (options.get(name) for name in ("tables", "structure"))
    points_of(rows, as_structure(structure), as_tables(tables))  # type: ignore[arg-type]  # all rows
    names = [row.text("subject") for row in rows]
    found = list(dict.fromkeys(name for name in names if name))
    if len(found) < _FEWEST:
        raise InputError(
            f"{rows[0].table} has {len(found)} subjects, but at least {_FEWEST} are compared; fill "
            "in the column subject, or use fit"
        )
    return found, names.count("")


def _estimates(subject: str, found: Fit) -> pd.DataFrame:
    """Of one subject, with the errors of logarithms."""
    table = found.parameters.reset_index()
    level = 3.841 if found.target is None else found.target.level
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.log(table["high"].to_numpy(float)) - np.log(table["low"].to_numpy(float))
    known = table["identified"].to_numpy(bool) & np.isfinite(wide)
    table["error"] = np.where(known, wide / (2.0 * np.sqrt(level)), np.nan)
    table.insert(0, "subject", subject)
    return table[["subject", "parameter", "value", "unit", "low", "high", "identified", "error"]]


def _summary(estimates: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        own = estimates[(estimates["parameter"] == name) & estimates["error"].notna()]
        unit = estimates.loc[estimates["parameter"] == name, "unit"].iloc[0]
        if not len(own):
            rows.append((name, *[np.nan] * 6, unit, 0))
            continue
        logs, errors = np.log(own["value"].to_numpy(float)), own["error"].to_numpy(float)
        middle, spread = median_of(logs), variation_of(logs, errors)
        rows.append((name, middle.value, middle.low, middle.high, spread.value, spread.low,
                     spread.high, unit, len(own)))  # fmt: skip
    columns = ["parameter", "median", "median_low", "median_high", "cv", "cv_low", "cv_high",
               "unit", "subjects"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).set_index("parameter")


def _correlations(
    estimates: pd.DataFrame, fits: Mapping[str, Fit], names: Sequence[str]
) -> pd.DataFrame:
    values = estimates.pivot(index="subject", columns="parameter", values="value").loc[list(fits)]
    errors = estimates.pivot(index="subject", columns="parameter", values="error").loc[list(fits)]
    rows = []
    for first, second in combinations(names, 2):
        both = [first, second]
        sound = errors[both].notna().all(axis=1)
        logs, own = np.log(values.loc[sound, both].to_numpy(float)), errors.loc[sound, both]
        shared = np.array([fits[name].correlation.loc[first, second] for name in own.index]
                          ) * own.prod(axis=1).to_numpy()  # fmt: skip
        found = correlation_of(logs, own.to_numpy(float), shared)
        rows.append((first, second, found.value, found.low, found.high, int(sound.sum())))
    return pd.DataFrame(rows, columns=["first", "second", "value", "low", "high", "subjects"])


def _said(
    estimates: pd.DataFrame, failed: Mapping[str, str], alone: int, subjects: Sequence[str]
) -> str:
    said = [
        f"{len(subjects) - len(failed)} of {len(subjects)} subjects have a fit, each by itself."
    ]
    said += [f"Subject {name} has none: {why}." for name, why in failed.items()]
    for name, own in estimates[estimates["error"].isna()].groupby("parameter", sort=False):
        who = ", ".join(own["subject"])
        said.append(f"{name} is not identified in {who}, and left out of the summary there.")
    if alone:
        said.append(f"{alone} rows have no subject and are in no fit.")
    return " ".join(said)


def _figure(found: SubjectFits) -> Figure:
    from p53net.figures.inline import Figure
    from p53net.figures.names import of_parameter
    from p53net.figures.style import COLOURS, WIDE, headline

    names = list(found.summary.index)
    figure = Figure(figsize=(min(WIDE, 2.4 * max(len(names), 2)), 1.1 + 0.16 * len(found.fits)),
                    layout="constrained")  # fmt: skip
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for panel, name in zip(panels, names, strict=True):
        own = found.parameters[found.parameters["parameter"] == name]
        value = own["value"].to_numpy(float)
        ends = [value - own["low"].to_numpy(float), own["high"].to_numpy(float) - value]
        panel.errorbar(value, own["subject"], xerr=np.maximum(ends, 0.0), fmt="none",
                       color=COLOURS[0], lw=0.6, capsize=2)  # fmt: skip
        known = own["identified"].to_numpy(bool)
        for some, face in ((known, COLOURS[0]), (~known, "white")):
            panel.plot(value[some], own["subject"][some], "o", ms=2.8, mfc=face, mec=COLOURS[0])
        one = found.summary.loc[name]
        panel.axvspan(one["median_low"], one["median_high"], color=COLOURS[1], alpha=0.18, lw=0)
        panel.axvline(one["median"], color=COLOURS[1], lw=0.7)
        panel.set(xscale="log", xlabel=f"[{one['unit']}]")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter("{x:g}")
        panel.set_title(f"{of_parameter(name)}\nCV {one['cv']:.0f} % ({one['cv_low']:.0f} to "
                        f"{one['cv_high']:.0f})", loc="left")  # fmt: skip
    panels[0].invert_yaxis()
    panels[0].set_ylabel("subject")
    headline(figure, "Each subject by itself, with 95 % intervals (white: not identified). "
                    "Line and band: median of subjects.")  # fmt: skip
    return figure
