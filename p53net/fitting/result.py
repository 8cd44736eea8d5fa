"""What a fit gives: estimates with their intervals, what is said of them, predictions, draws."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.fitted import ENSEMBLE, TABLES
from p53net.ensembles.identity import digest
from p53net.errors import InputError
from p53net.extras import need
from p53net.files import made_folder, write_bytes, write_text
from p53net.fitting.candidates import Advice
from p53net.fitting.sampled import Draws
from p53net.model.own import Tables
from p53net.notebook.cards import card, number, of_frame

if TYPE_CHECKING:
    import arviz
    from matplotlib.figure import Figure

    from p53net.fitting.target import Target


@dataclass
class Fit:
    """What `fit` returns.

    found = pn.fit("plate.csv", parameters=["RS4;11: K_PUMA_caspase"])
    print(found.said), found.parameters, found.plot("fit.png")
    """

    parameters: pd.DataFrame
    """A row for each: `value`, `unit`, `low` and `high` (95 %, of the profile; the bound where it
    stays open), `identified`, `reason`, `correlated_with`."""
    nuisances: pd.DataFrame
    """Widths, scales and offsets that were estimated: `value`, `unit`, `low`, `high`."""
    said: str
    """What the fit says, in sentences."""
    predicted: pd.DataFrame
    """The rows of data with `prediction`, its band `low` and `high` (95 % of the draws), and
    `residual` in standard deviations."""
    draws: pd.DataFrame
    """A row for each draw of the posterior, a column for each parameter and nuisance."""
    log_likelihood: float
    """Its logarithm at the optimum, as the density of the data."""
    profiles: Mapping[str, pd.DataFrame]
    """Of each unknown: `value` where it was held, and `rise` of minus twice the logarithm of the
    likelihood."""
    correlation: pd.DataFrame
    """Of parameters, on their scales, at the optimum."""
    advice: tuple[Advice, ...]
    """Further measurements by how far they would narrow what is not identified, the best first."""
    about: Mapping[str, object]
    """How it was made."""
    target: "Target | None" = field(repr=False, default=None)
    """The data and models, for figures and exports; None of a PEtab problem."""
    best: FloatArray | None = field(repr=False, default=None)
    """The optimum on its scales."""
    sampled: Draws | None = field(repr=False, default=None)
    tables: Tables = field(repr=False, default_factory=Tables)
    """Of a user's own, that it was made with."""

    def __str__(self) -> str:
        return self.said

    def __repr__(self) -> str:
        return f"<p53net fit: {len(self.parameters)} parameters of {len(self.predicted)} rows>"

    def _repr_html_(self) -> str:
        names = ["value", "unit", "low", "high"]
        tables = [
            of_frame("estimates", self.parameters[[*names, "identified", "reason"]], shown=True),
            of_frame("noise, scales, offsets", self.nuisances[names]),
            of_frame("data and predictions", self.predicted),
        ]
        facts = {
            "rows of data": len(self.predicted),
            "draws": len(self.draws) or "none",
            "logarithm of the likelihood": number(self.log_likelihood),
        }
        return card("Fit", facts, tables, self.said)

    def ensemble(self) -> Ensemble:
        """The draws as an ensemble. Every study takes the fit itself, `pn.viability(..., fit=...)`,
        which gives it these and the tables that the fit had. Raises InputError without draws."""
        self._need_draws()
        if self.target is None:
            raise InputError("a PEtab problem has a model of its own, which no study takes")
        table = self.draws[list(self.parameters.index)].copy()
        table.insert(0, "structure", str(self.about["structure"]))
        why = "" if self.sampled is None else self.sampled.why
        about = {"models": digest(), "fit": dict(self.about), "own": self.about["tables"],
                 "converged": not why, "why": why}  # fmt: skip
        return Ensemble(table, about)

    def inference_data(self) -> "arviz.InferenceData":
        """The draws as ArviZ InferenceData, a chain for each run of the sampler. Raises InputError
        without draws."""
        self._need_draws()
        need("fit", "ArviZ InferenceData", only=["arviz"])
        import arviz

        assert self.sampled is not None  # noqa: S101 - draws have been seen to be there
        chains = len(self.sampled.z)
        values = {str(name): self.draws[name].to_numpy().reshape(chains, -1) for name in self.draws}
        made: arviz.InferenceData = arviz.from_dict(
            posterior=values,
            sample_stats={"lp": self.sampled.log_likelihood},
            observed_data={"value": self.predicted["value"].to_numpy(float)},
            attrs={"about": json.dumps(self.about, default=str, sort_keys=True)},
        )
        return made

    def petab_files(self) -> dict[str, bytes]:
        """What `pn.export(found, "folder/")` writes, by name: a PEtab problem of version 1. Raises
        InputError for a fit of such a problem, UnsupportedError, SimulationError."""
        from p53net.fitting.petab_files import problem_files

        if self.target is None or self.best is None:
            raise InputError("the fit is of a PEtab problem already; hand on its own files")
        files, hours = problem_files(self.target, self.best)
        about = json.dumps({**self.about, "settling": hours}, indent=1, sort_keys=True, default=str)
        predicted = self.predicted.to_csv(index=False, lineterminator="\n")
        return {**files, "fit.json": f"{about}\n".encode(), "predicted.csv": predicted.encode()}

    def plot(self, path: str | Path | None = None, *, size: str = "print") -> "Figure":
        """Data over the curves of the fit with their bands, residuals below; written to `path`
        (png, svg, pdf) where one is given, for print or for a `slide`."""
        import matplotlib

        from p53net.figures.style import STYLE, resized, save
        from p53net.fitting.figure import fit_figure

        with matplotlib.rc_context(STYLE):
            figure = resized(fit_figure(self), size)
        if path is not None:
            save(figure, path)
        return figure

    def save(self, folder: str | Path) -> list[Path]:
        """Write parameters, nuisances, predictions, profiles and draws as CSV, what is said as
        text, how it was made as JSON, and, of draws, `draws.nc` for ArviZ, and for `fit=` of
        studies `ensemble.parquet` and a user's own tables. Raises OutputError."""
        where = made_folder(folder)
        profiles = pd.concat(
            [one.assign(unknown=name) for name, one in self.profiles.items()], ignore_index=True
        )
        tables = {
            "parameters": self.parameters.reset_index(),
            "nuisances": self.nuisances.reset_index(),
            "predicted": self.predicted,
            "profiles": profiles[["unknown", "value", "rise"]],
            "draws": self.draws,
        }
        written = [write_text(where / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
                   for name, table in tables.items() if len(table)]  # fmt: skip
        written.append(write_text(where / "said.txt", self.said + "\n"))
        about = json.dumps(self.about, indent=1, sort_keys=True, default=str) + "\n"
        written.append(write_text(where / "fit.json", about))
        if self.sampled is not None:
            with TemporaryDirectory() as nowhere:
                file = Path(nowhere) / "draws.nc"
                self.inference_data().to_netcdf(str(file), engine="h5netcdf")
                written.append(write_bytes(where / "draws.nc", file.read_bytes()))
        if self.sampled is not None and self.target is not None:
            written.append(self.ensemble().save(where / ENSEMBLE))
            own = made_folder(where / TABLES) if self.tables.texts else where
            written += [write_text(own / f"{kind}.tsv", one.text) for kind, one in self.tables]
        return written

    def _need_draws(self) -> None:
        if self.sampled is None:
            raise InputError("the fit has no draws; fit again with draws=1000")


def with_bands(
    table: pd.DataFrame, predicted: FloatArray, draws: FloatArray | None, residuals: FloatArray
) -> pd.DataFrame:
    """Rows of data beside what is predicted; `draws` (draw, row) give the band."""
    low = high = np.full(len(table), math.nan)
    if draws is not None:
        low, high = np.nanquantile(draws, (0.025, 0.975), axis=0)
    return table.assign(prediction=predicted, low=low, high=high, residual=residuals)
