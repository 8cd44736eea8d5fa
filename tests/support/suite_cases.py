"""One case of the SBML Test Suite: its file, what is wanted of it, and when a run is right."""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr

import p53net as pn


@dataclass(frozen=True)
class Case:
    """A folder of the suite: NNNNN-sbml-lLvV.xml, NNNNN-settings.txt and NNNNN-results.csv."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def sbml(self) -> Path:
        """Of the highest level that there is."""
        return max(self.folder.glob(f"{self.name}-sbml-l*.xml"))

    @cached_property
    def settings(self) -> dict[str, str]:
        lines = (self.folder / f"{self.name}-settings.txt").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition(":") for line in lines if ":" in line)
        return {key.strip(): value.strip() for key, _, value in pairs}

    @cached_property
    def table(self) -> tuple[list[str], np.ndarray]:
        """Columns that are wanted and their values, a row for each time."""
        text = (self.folder / f"{self.name}-results.csv").read_text(encoding="utf-8")
        rows = [row for row in csv.reader(text.splitlines()) if row]
        return [name.strip() for name in rows[0]], np.array(rows[1:], dtype=float)

    @property
    def times(self) -> np.ndarray:
        return self.table[1][:, 0]

    def is_amount(self, name: str) -> bool:
        """Whether a species is wanted as an amount."""
        return name in [one.strip() for one in self.settings.get("amount", "").split(",")]

    @property
    def accuracy(self) -> float:
        """A tenth of the tolerance that a verdict has, or what runs have anyway."""
        return max(min(1e-6, float(self.settings["relative"]) / 10), 1e-9)

    def wrong(self, model: pn.Model, run: xr.Dataset, rows: slice = slice(None)) -> list[str]:
        """Columns that a run, at some rows of the table, has wrong or does not have."""
        names, table = self.table
        relative, absolute = (float(self.settings[key]) for key in ("relative", "absolute"))
        found = []
        for column, name in enumerate(names[1:], start=1):
            curve, wanted = self._curve(model, run, name), table[rows, column]
            if curve is None:
                found.append(f"{name} is missing")
            elif not _near(curve, wanted, relative, absolute):
                found.append(name)
        return found

    def _curve(self, model: pn.Model, run: xr.Dataset, name: str) -> np.ndarray | None:
        """A variable as the suite means it; None where it does not come back."""
        curve, about = _value(model, run, name), model.definition
        if curve is None or name not in about.compartment_of:
            return curve
        if self.is_amount(name) == (name in about.amounts):
            return curve
        volume = _value(model, run, about.compartment_of[name])
        if volume is None:
            return None
        with np.errstate(all="ignore"):
            return curve * volume if self.is_amount(name) else curve / volume


def _value(model: pn.Model, run: xr.Dataset, name: str) -> np.ndarray | None:
    """What a run gave, or what is constant in it."""
    name = "time_" if name == "time" else name  # which the clock is called
    if name in run:
        return np.asarray(run[name].values)
    row = model.definition.parameters.get(name)
    return None if row is None else np.full(run.sizes["time"], row.value)


def _near(curve: np.ndarray, wanted: np.ndarray, relative: float, absolute: float) -> bool:
    finite = np.isfinite(wanted)
    same = np.where(np.isnan(wanted), np.isnan(curve), curve == wanted)
    with np.errstate(invalid="ignore"):
        close = np.abs(curve - wanted) <= absolute + relative * np.abs(wanted)
    return bool(np.where(finite, close, same).all())


def cases_in(folder: Path) -> list[Case]:
    """All cases of the suite that a folder holds, by number."""
    root = folder / "cases" if (folder / "cases").is_dir() else folder
    found = (Case(path) for path in sorted(root.iterdir()) if path.is_dir())
    return [case for case in found if (case.folder / f"{case.name}-settings.txt").exists()]
