"""Quick predictions of rows of a user's own, beside those of the ledger: see `own_rows`."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError, unknown_name
from p53net.inference.dish_rows import DishRows, Rows, plate
from p53net.inference.experiments import given_of
from p53net.inference.own_rows import (
    ASSAYS,
    Assay,
    OwnRow,
    Parameter,
    Quantity,
    Run,
    Wanted,
    allowed_units,
    own_rows,
)
from p53net.inference.parameters import parameters_of
from p53net.inference.priors import for_structure
from p53net.inference.reading import half_dose
from p53net.inference.wells import Kind, Wells
from p53net.model import drug_entries
from p53net.model.definition import shown_unit
from p53net.model.own import Tables
from p53net.model.structures import supposing
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.trials import entries_of

_PLATE, _DEGRADED_AT = np.geomspace(1e-4, 1e5, 10), np.geomspace(1e-4, 1e5, 19)
_DEGRADED_FOR = np.array([0.0, 2.0])  # h
_NEAREST = 1e-3  # h: a run has a second time


class OwnPredicted:
    """Predictions of some rows in one structure, by runs that rows share.

    `rows` run the cells and note what was read. Raises InputError or UnknownNameError for a row
    that the structure cannot predict, that is in another unit, or that reads a value which is not
    measured and has no prior.
    """

    def __init__(self, rows: DishRows, asked: Mapping[str, OwnRow]) -> None:
        self.rows, self.asked = rows, asked
        for one in asked.values():
            for want in one.wanted.values():
                self._check(one, want)
            self._check_unit(one)
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
        found = (name for one in self.asked.values() for want in one.wanted.values()
                 for name, measured in self._unvaried(want) if measured)  # fmt: skip
        return list(dict.fromkeys(found))

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

    def _check(self, row: OwnRow, want: Wanted) -> None:
        known = self._model(want).definition
        if isinstance(want, Quantity) and want.name not in known.variables:
            raise InputError(f"{row.name}: in {self._where(want.run)} "
                             f"{unknown_name('quantity', want.name, known.variables)}")  # fmt: skip
        if isinstance(want, Parameter):
            if want.name not in known.parameters:
                more = " (a quantity needs an hour: p53_total:24)"
                raise InputError(
                    f"{row.name}: in {self._where(want.run)} "
                    f"{unknown_name('parameter', want.name, known.parameters)}{more}"
                )
            if known.parameters[want.name].kind == "computed":
                raise InputError(f"{row.name}: {want.name} is computed from others; name these")
        if lost := [name for name, measured in self._unvaried(want) if not measured]:
            raise InputError(
                f"{row.name} reads {', '.join(lost)}: not measured, and without a prior; add rows "
                "to priors.tsv in your tables (`fixed` is one that does not vary), or say in "
                "`kind` that it was measured"
            )

    def _check_unit(self, row: OwnRow) -> None:
        units = {}
        for value, want in row.wanted.items():
            known = self._model(want).definition
            unit = (
                ASSAYS[want.name] if isinstance(want, Assay)
                else known.units[want.name] if isinstance(want, Quantity)
                else known.parameters[want.name].unit
            )  # fmt: skip
            units[value] = tuple(dict.fromkeys([unit, shown_unit(unit)]))
        allowed = allowed_units(row, units)
        if allowed and row.unit not in allowed:
            raise InputError(
                f"{row.name}: the unit is '{row.unit}', but {row.read_out} is in "
                f"{' or '.join(allowed)}; convert value, low and high, or the read-out"
            )

    def _where(self, run: Run) -> str:
        return f"a {run.system} of this structure ({', '.join(self.rows.structure.values())})"

    def _unvaried(self, want: Wanted) -> Iterator[tuple[str, bool]]:
        """Values that a read-out reads and no prior has, and whether each was measured."""
        model, given = self._model(want), self.rows.parameters
        known = parameters_of(self.rows.structure, self.rows.own)
        cells = want if isinstance(want, Assay) else want.run
        with supposing(self.rows.structure):
            own = entries_of(model, cells.drug, cells.line)
        read = [want.name] if isinstance(want, Parameter) else list(model.definition.parameters)
        for name in read:
            places = [f"{entry}: {name}" for entry in own.get(name, own[""])]
            if not any(place in given for place in places):
                here = next((place for place in places if place in known), "")
                if here:
                    yield here, known[here].kind == "measured"

    def _model(self, want: Wanted) -> Model:
        if isinstance(want, Assay):
            drug, system = want.drug, "culture" if want.name == "ic50" else "dish"
        else:
            drug, system = want.run.drug, want.run.system
        return shared(drug, system=system, structure=self.rows.structure, tables=self.rows.own)


def checked(structure: str, own: Tables) -> OwnPredicted:
    """What predicts a user's own rows in a structure; nothing runs. Raises as `own_rows` and
    `OwnPredicted` do."""
    names = [one.name for one in for_structure(structure, tables=own)]
    return OwnPredicted(DishRows(names, structure, own=own), own_rows(own))
