"""An ensemble: cells and patients that the evidence leaves plausible, as equally weighted draws.

A draw is a structure and a value for every parameter that has a prior. A parameter that a structure
does not have is NaN there. What follows from drawn values (a mouse from a man, plasma from medium)
is computed from them, as the tables do.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.identity import digest
from p53net.ensembles.probability import Probability
from p53net.errors import InputError, TableError
from p53net.files import as_path, read_bytes, write_bytes
from p53net.model.derived import DERIVED
from p53net.model.library import models_folder
from p53net.model.own import Tables
from p53net.model.structures import supposing
from p53net.notebook.bars import waited
from p53net.notebook.cards import Table, card
from p53net.simulation.model import Model
from p53net.simulation.trials import Cell, Trial, changes

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
"""Of an ensemble: the median, and what holds 50 and 95 % of the draws."""

SHIPPED = "ensemble.parquet"
_LARGEST = 50 * 2**20  # bytes
_OF_CLAIMS = "p53net.inference.claims"  # above this room, which knows it by name only
_ABOUT = b"p53net"  # key of the file's own notes
_STRUCTURE, _DRAW = "structure", "draw"


class Part(NamedTuple):
    """The draws of one structure."""

    structure: str
    draws: NDArray[np.intp]
    """Their places in the ensemble."""


@dataclass(frozen=True)
class Ensemble:
    """Draws of structures and parameters, each as plausible as another.

    `pn.ensemble()` is the shipped one, `pn.infer` makes others. Studies take it: `ensemble=`. Rows
    of `table` are the draws; `about` says how they were made.

    Examples:
        >>> import pandas as pd
        >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
        >>> own = pn.Ensemble(pd.DataFrame(rows), {})
        >>> own.structures, own.parameters
        ({'default': 0.5, 'no partner': 0.5}, ['model: k_deg_MDM2'])
        >>> own.has_bodies, own.source, len(own.sha256)
        (True, '', 64)
    """

    table: pd.DataFrame
    """A row for each draw: `structure`, and a column `ENTRY: PARAMETER` for each parameter."""
    about: Mapping[str, object]
    """How it was made: models, seed, rows of evidence, weights, convergence, failed draws."""
    source: str = ""
    """Where it was read from: `SHIPPED`, a path, or nowhere."""

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<p53net ensemble: {len(self):,} draws of {', '.join(self.structures)}>"

    def _repr_html_(self) -> str:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in self.structures.items())
        values = self.table[self.parameters].quantile([0.5, 0.025, 0.975]).T
        rows = [(str(name), *map(float, row)) for name, *row in values.itertuples()]
        facts = {
            "structures": shares,
            "of": "cells and bodies" if self.has_bodies else "cells in a dish",
            "parameters": len(self.parameters),
            "from": self.source or "memory",
            "not converged": self.about.get("why", ""),
        }
        columns = ("parameter", "median", "low (95 %)", "high (95 %)")
        return card(f"{len(self):,} draws", facts, [Table("parameters", columns, rows)])

    @property
    def structures(self) -> dict[str, float]:
        """Share of the draws that each structure has, the largest first."""
        shares = self.table[_STRUCTURE].value_counts(normalize=True)
        return {str(name): float(share) for name, share in shares.items()}

    @property
    def parameters(self) -> list[str]:
        """Names of the columns that hold values: `ENTRY: PARAMETER`."""
        return [str(name) for name in self.table if name != _STRUCTURE]

    def parts(self) -> Iterator[Part]:
        """The draws of each structure, in the order in which structures first appear.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> [(part.structure, part.draws.tolist()) for part in own.parts()]
            [('default', [0]), ('no partner', [1])]
        """
        names = self.table[_STRUCTURE].to_numpy()
        for structure in dict.fromkeys(names):
            yield Part(str(structure), np.flatnonzero(names == structure))

    @property
    def has_bodies(self) -> bool:
        """Whether it says anything of plasma, tumours and blood; else it is of cells in a dish."""
        return self.about.get("bodies", "") is not None

    def check_bodies(self, asked: str) -> None:
        """Raises InputError where it says nothing of bodies, of which something is `asked`.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {"bodies": None})  # of cells alone
            >>> own.check_bodies("tumours")
            Traceback (most recent call last):
                ...
            p53net.errors.InputError: the ensemble is of cells in a dish, and says nothing...
        """
        if not self.has_bodies:
            raise InputError(
                f"the ensemble is of cells in a dish, and says nothing of {asked}; give one that "
                "`p53net infer` made with bodies, or none"
            )

    def thinned(self, draws: int) -> Ensemble:
        """At most so many of the draws, evenly spaced; the table's index still has their numbers.
        Raises InputError.

        Examples:
            >>> few = pn.ensemble().thinned(3)
            >>> len(few), few.table.index[0].item()
            (3, 0)
        """
        if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
            raise InputError(f"draws is {draws!r}, but must be a whole number, 1 or more")
        places = np.unique(np.linspace(0, len(self) - 1, min(draws, len(self))).round().astype(int))
        return replace(self, table=self.table.iloc[places])

    def numbered(self, numbers: Sequence[int]) -> Ensemble:
        """The draws with these numbers. Raises InputError.

        Examples:
            >>> pn.ensemble().numbered([7, 0]).table.index.tolist()
            [7, 0]
        """
        missing = [n for n in numbers if n not in self.table.index]
        if missing:
            raise InputError(f"the ensemble has no draw {missing[0]!r}")
        return replace(self, table=self.table.loc[list(numbers)])

    def structure(self, draw: int) -> str:
        """The structure of one draw. Raises InputError where there is no such draw.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> own.structure(1)
            'no partner'
        """
        return str(self.table[_STRUCTURE].iloc[self._place(draw)])

    def trial(self, draw: int) -> Trial:
        """Values of one draw by entry and parameter, with what follows from them. Raises
        InputError.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> own.trial(1)["model"]["k_deg_MDM2"]
            1.6
        """
        return self._trials[self._place(draw)]

    def columns(
        self, model: Model, draws: Sequence[int] | NDArray[np.intp], cell_line: str | None = None
    ) -> dict[str, FloatArray]:
        """What these draws change in a model of their structure: a value of each parameter for
        each draw, as runs take them. `cell_line` is that of the model, unless said otherwise.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> model = pn.load("KT-253", structure=own.structure(0))
            >>> own.columns(model, [0])
            {'k_deg_MDM2': array([1.2])}
        """
        if model.definition.host:
            self.check_bodies(f"{model.definition.system} in {model.definition.host}")
        usual = model.definition.parameters
        line = cell_line or model.definition.cell_line or None
        drugs = list(model.definition.drugs)
        rows: list[dict[str, float]] = [{} for _ in draws]
        with supposing(model.definition.structure):
            for drug in drugs:
                cells = [Cell(self._trials[int(draw)], drug, line) for draw in draws]
                for row, found in zip(rows, changes(model, cells), strict=True):
                    row |= found
        if not drugs:
            for row, draw in zip(rows, draws, strict=True):
                trial = self._trials[int(draw)]
                for entry in ("model", line or ""):
                    row |= {n: v for n, v in trial.get(entry, {}).items() if n in usual}
        names = dict.fromkeys(name for row in rows for name in row)
        return {
            name: np.array([row.get(name, usual[name].value) for row in rows]) for name in names
        }

    @cached_property
    def sha256(self) -> str:
        """Digest of the draws, with their numbers."""
        names = [list(self.table.columns), self.table.index.tolist(),
                 self.table[_STRUCTURE].tolist()]  # fmt: skip
        found = hashlib.sha256(json.dumps(names).encode())
        found.update(np.ascontiguousarray(self.table[self.parameters].to_numpy(float)).tobytes())
        return found.hexdigest()

    def knows(self, own: Tables) -> bool:
        """Whether it was made with these tables of a user's own, letter by letter.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> from p53net.model.own import as_tables
            >>> mine = {"mine": {"mechanism": "degrader", "molar_mass": "900 g/mol"}}
            >>> own.knows(as_tables({"drugs": mine}))
            False
        """
        known = self.about.get("own", {})
        return isinstance(known, dict) and all(known.get(name) == one.sha256 for name, one in own)

    def as_record(self) -> dict[str, object]:
        """For the record of a run: where it is from, and which draws of it.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> own.as_record()["ensemble"]["draws"]
            [0, 1]
        """
        draws = [int(number) for number in self.table.index]
        return {"ensemble": {"source": self.source, "sha256": self.sha256, "draws": draws}}

    @waited
    def probability(self, claim: str) -> Probability:
        """The share of draws in which a claim holds, with its error, and in which structures.

        A claim compares arithmetic of answers: `dose_ratio:3["KT-253"] <
        dose_ratio:3["milademetan"]`, or `tgi 3/14 > 14/28`. Raises InputError, UnknownNameError.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> claim = own.probability('dose_ratio:3["KT-253"] < dose_ratio:3["milademetan"]')
            >>> float(claim), claim.draws, round(claim.error, 2)
            (0.0, 2, 0.19)
        """
        return cast(Probability, import_module(_OF_CLAIMS).probability(self, claim))

    def save(self, path: str | Path) -> Path:
        """Write the draws as a Parquet table with their notes. Raises OutputError.

        Examples:
            >>> import pandas as pd
            >>> rows = {"structure": ["default", "no partner"], "model: k_deg_MDM2": [1.2, 1.6]}
            >>> own = pn.Ensemble(pd.DataFrame(rows), {})
            >>> print(own.save("own.parquet"))
            own.parquet
        """
        frame = pa.Table.from_pandas(self.table, preserve_index=False)
        notes = {_ABOUT: json.dumps(self.about, sort_keys=True).encode()}
        buffer = io.BytesIO()
        pq.write_table(frame.replace_schema_metadata(notes), buffer, compression="zstd")
        return write_bytes(path, buffer.getvalue())

    @cached_property
    def _trials(self) -> list[Trial]:
        return as_trials(self.parameters, self.table[self.parameters].to_numpy(dtype=float))

    def _place(self, draw: int) -> int:
        if not isinstance(draw, int | np.integer) or isinstance(draw, bool):
            raise InputError(f"draw is {draw!r}, but must be a whole number")
        if not 0 <= draw < len(self):
            raise InputError(
                f"draw is {draw}, but there are {len(self)}: give 0 to {len(self) - 1}"
            )
        return int(draw)


def as_trials(parameters: Sequence[str], values: FloatArray) -> list[Trial]:
    """Values (draw, `ENTRY: PARAMETER`) by entry and parameter, with what follows from them; NaN is
    what a draw does not have."""
    names = [name.partition(": ")[::2] for name in parameters]
    found: list[Trial] = []
    for row in values.tolist():
        trial: dict[str, dict[str, float]] = {}
        for (entry, parameter), value in zip(names, row, strict=True):
            if not math.isnan(value):
                trial.setdefault(entry, {})[parameter] = value
        for one in DERIVED:
            entry, parameter = one.source
            if parameter in trial.get(entry, {}):
                made = one.function(trial[entry][parameter])
                trial.setdefault(one.entry, {}).setdefault(one.parameter, made)
        found.append(trial)
    return found


def ensemble(path: str | Path | None = None) -> Ensemble:
    """The ensemble that the package ships, or one that `p53net infer` wrote.

    Raises InputError where the file is no ensemble, where it was made for other models or values
    than those of this package, or where its sampler had not converged.

    Examples:
        >>> shipped = pn.ensemble()
        >>> len(shipped) >= 100, shipped.table.columns[0]
        (True, 'structure')
    """
    if path is None and not is_shipped():
        raise InputError("this package ships no ensemble; make one with `p53net infer`")
    if path is None:
        return _shipped(digest())
    return _read(as_path(path, "the ensemble"))


def is_shipped() -> bool:
    """Whether the package ships an ensemble."""
    return (models_folder() / SHIPPED).is_file()


@lru_cache(maxsize=1)
def _shipped(_digest: str) -> Ensemble:
    return replace(_read(models_folder() / SHIPPED), source="shipped")


def _read(path: Path) -> Ensemble:
    content = read_bytes(path, _LARGEST, "the ensemble")
    wrong = f"the ensemble {path} cannot be read: "
    try:
        frame = pq.read_table(pa.BufferReader(content))
        about = json.loads((frame.schema.metadata or {})[_ABOUT])
        table = frame.to_pandas()
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise InputError(f"{wrong}{error}; give a file that `p53net infer` wrote") from None
    if not isinstance(about, dict) or _STRUCTURE not in table or not len(table):
        raise InputError(f"{wrong}it has no draws; give a file that `p53net infer` wrote")
    for name in table.columns.drop(_STRUCTURE):
        if ": " not in name or not pd.api.types.is_float_dtype(table[name]):
            raise TableError(f"{wrong}the column {name} is no `ENTRY: PARAMETER` with numbers")
    if about.get("models") != (now := digest()):
        raise InputError(
            f"the ensemble {path} was made for other models, values or evidence "
            f"({about.get('models')}) than those of this package ({now}): make one with "
            "`p53net infer`"
        )
    if not about.get("converged"):
        raise InputError(
            f"the ensemble {path} has not converged: {about.get('why', 'nothing says why')}; run "
            "`p53net infer` again with more draws"
        )
    return Ensemble(table, about, str(path.absolute()))
