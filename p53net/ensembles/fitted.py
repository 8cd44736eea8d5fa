"""The draws of a fit as studies take them: an ensemble, and the tables that the fit had."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from p53net.ensembles.draws import Ensemble, ensemble
from p53net.errors import InputError
from p53net.files import as_path
from p53net.model.own import Tables, as_tables

ENSEMBLE, TABLES = "ensemble.parquet", "tables"
"""Where a fit that was saved keeps its draws, and a user's own tables."""


@runtime_checkable
class Fitted(Protocol):
    """What `fit` returns."""

    @property
    def tables(self) -> Tables:
        """Of a user's own, that it was made with."""

    def ensemble(self) -> Ensemble:
        """Its draws."""


FitLike: TypeAlias = "Fitted | str | Path | None"
"""What users give: what `fit` returned, or the folder in which it was saved."""


class Drawn(NamedTuple):
    """What a study is run with."""

    ensemble: Ensemble
    tables: Tables


def draws_of(given: object) -> Drawn:
    """Draws and tables of a fit. Raises InputError where it has no draws, or is none."""
    if isinstance(given, str | Path):
        return _of_folder(as_path(given, "the folder of the fit"))
    if isinstance(given, Fitted):
        return Drawn(given.ensemble(), given.tables)
    raise InputError(
        f"fit is {str(given)[:60]!r}, a {type(given).__name__}; give what pn.fit() returned, or "
        "the folder in which it was saved"
    )


def with_fit(arguments: Mapping[str, object], *, tables: bool) -> dict[str, object]:
    """Arguments of a study with the draws of its `fit` as `ensemble`, and, where it takes `tables`
    and none are given, those of the fit. Raises InputError."""
    found = dict(arguments)
    drawn = _alone(found.pop("fit"), found.get("ensemble"))
    found["ensemble"] = drawn.ensemble
    if tables and drawn.tables.texts and found.get("tables") is None:
        found["tables"] = drawn.tables
    return found


def drawn_by(fit: object, ensemble: object) -> Ensemble:
    """The draws of a fit, where no ensemble is given beside it. Raises InputError."""
    return _alone(fit, ensemble).ensemble


def _alone(fit: object, ensemble: object) -> Drawn:
    if ensemble is not None:
        raise InputError(
            "fit and ensemble are both given, but the draws of a fit are an ensemble; give one of "
            "them"
        )
    return draws_of(fit)


def _of_folder(folder: Path) -> Drawn:
    file = folder / ENSEMBLE
    if not file.is_file():
        raise InputError(
            f"the folder {folder} has no {ENSEMBLE}; give one that `p53net fit -o` or Fit.save "
            "wrote, of a fit of a table with draws"
        )
    own = folder / TABLES
    return Drawn(ensemble(file), as_tables(own) if own.is_dir() else Tables())
