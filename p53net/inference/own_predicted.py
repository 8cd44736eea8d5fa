"""Quick predictions of rows of a user's own, beside those of the ledger: see `own_evidence`."""

from collections.abc import Iterable, Mapping

import numpy as np

from p53net.engines.base import FloatArray
from p53net.inference.dish_rows import DishRows, Rows, plate
from p53net.inference.experiments import given_of
from p53net.inference.own_checks import check, held
from p53net.inference.own_evidence import Assay, OwnRow, Parameter, Quantity, Run, Wanted, own_rows
from p53net.inference.priors import for_structure
from p53net.inference.reading import half_dose
from p53net.inference.wells import Kind, Wells
from p53net.model import drug_entries
from p53net.model.own import Tables

_PLATE, _DEGRADED_AT = np.geomspace(1e-4, 1e5, 10), np.geomspace(1e-4, 1e5, 19)
_DEGRADED_FOR = np.array([0.0, 2.0])  # h
_NEAREST = 1e-3  # h: a run has a second time


class OwnPredicted:
    """Predictions of some rows in one structure, by runs that rows share.

    `rows` run the cells and note what was read. Raises InputError or UnknownNameError as
    `own_checks.check` does.
    """

    def __init__(self, rows: DishRows, asked: Mapping[str, OwnRow]) -> None:
        self.rows, self.asked = rows, asked
        for one in asked.values():
            check(one, rows)
        wanted = dict.fromkeys(want for one in asked.values() for want in one.wanted.values())
        self._assays = [want for want in wanted if isinstance(want, Assay)]
        self._parameters = [want for want in wanted if isinstance(want, Parameter)]
        self._runs: dict[Run, list[Quantity]] = {}
        for want in wanted:
            if isinstance(want, Quantity):
                self._runs.setdefault(want.run, []).append(want)

    @property
    def held(self) -> list[str]:
        """Measured values that rows read and that have no prior: they stay what the tables say."""
        return list(dict.fromkeys(name for one in self.asked.values()
                                  for name in held(one, self.rows)))  # fmt: skip

    def __call__(self, values: FloatArray) -> Rows:
        """Of trials (trial, parameter)."""
        numbers: dict[Wanted, FloatArray] = {}
        for want in self._parameters:
            cells = self._wells(want.run, np.array([0.0, _NEAREST]), ["p53_total"])
            numbers[want] = cells.value(want.name, self.rows.parameters, values)[:, 0]
        for run, several in self._runs.items():
            numbers |= self._curves(run, several, values)
        numbers |= self._half_doses(values) | self._destroyed(values)
        return {
            name: np.broadcast_to(one.of(numbers), len(values)).astype(float)
            for name, one in self.asked.items()
        }

    def _curves(
        self, run: Run, several: list[Quantity], values: FloatArray
    ) -> dict[Wanted, FloatArray]:
        given = given_of(run.dose, run.drug, "", 24.0)
        steps = [] if given is None else [time for time, _ in given.steps]
        times = np.unique([0.0, _NEAREST, *steps, *(want.at for want in several)])
        names = list(dict.fromkeys(want.name for want in several))
        wells = self._wells(run, times, names)
        found = wells.dosed(given, self.rows.parameters, values)[:, 0, 0]
        return {
            want: found[:, int(np.searchsorted(times, want.at)), names.index(want.name)]
            for want in several
        }

    def _half_doses(self, values: FloatArray) -> dict[Wanted, FloatArray]:
        """IC50s: a plate for all drugs of one mechanism."""
        found: dict[Wanted, FloatArray] = {}
        for several in self._by_mechanism("ic50"):
            kinds = [Kind(one.drug, one.line) for one in several]
            at, wells = plate(self.rows, values, kinds, _PLATE)
            halves = half_dose(at, wells[..., 2, 0])
            found |= {one: halves[:, i] for i, one in enumerate(several)}
        return found

    def _destroyed(self, values: FloatArray) -> dict[Wanted, FloatArray]:
        found: dict[Wanted, FloatArray] = {}
        for several in self._by_mechanism("dc50", "dmax"):
            kinds = list(dict.fromkeys(Kind(one.drug, one.line) for one in several))
            wells = self.rows.wells(kinds, "dish", _DEGRADED_AT, _DEGRADED_FOR, ["MDM2_total"])
            left = wells.run(self.rows.parameters, values)[..., 1, 0]
            left = left / left[..., :1]
            most = 100.0 * (1.0 - left.min(axis=-1))
            read = {"dc50": half_dose(_DEGRADED_AT, left), "dmax": most}
            for one in several:
                found[one] = read[one.name][:, kinds.index(Kind(one.drug, one.line))]
        return found

    def _by_mechanism(self, *names: str) -> Iterable[list[Assay]]:
        known = drug_entries(self.rows.own)
        found: dict[str, list[Assay]] = {}
        for one in self._assays:
            if one.name in names:
                found.setdefault(known[one.drug].facts["mechanism"], []).append(one)
        return found.values()

    def _wells(self, run: Run, times: FloatArray, names: list[str]) -> Wells:
        kinds = (Kind(run.drug, run.line),)
        return self.rows.wells(kinds, run.system, np.empty(0), times, names)


def checked(structure: str, own: Tables) -> OwnPredicted:
    """What predicts a user's own rows in a structure; nothing runs. Raises as `own_rows` and
    `OwnPredicted` do."""
    names = [one.name for one in for_structure(structure, tables=own)]
    return OwnPredicted(DishRows(names, structure, own=own), own_rows(own))
