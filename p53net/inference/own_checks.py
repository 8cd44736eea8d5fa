"""Whether a structure can predict a row of a user's own, in the unit that the row has, and whether
everything that the row reads has a prior or was measured."""

from collections.abc import Iterator

from p53net.errors import InputError, UnknownNameError, unknown_name
from p53net.inference.dish_rows import DishRows
from p53net.inference.own_evidence import ASSAYS, Assay, OwnRow, Parameter, Quantity, Wanted
from p53net.inference.own_evidence import allowed_units as allowed
from p53net.inference.parameters import parameters_of
from p53net.model.definition import Definition, shown_unit
from p53net.model.structures import name_of, supposing
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.trials import entries_of

_MEASURED = "measured"


def check(row: OwnRow, rows: DishRows) -> None:
    """Raises UnknownNameError for what the structure of `rows` does not have, InputError for
    another unit, and for values that the row reads, that are not measured and have no prior."""
    for want in row.wanted.values():
        known = _model(want, rows).definition
        if unknown := _unknown(want, known):
            raise UnknownNameError(
                f"{row.name}: {unknown} (in a {known.system} with the drug of the row; where only "
                f"the structure {name_of(rows.structure)} lacks it, weigh others)"
            )
        if lost := [name for name, measured in _without_prior(want, rows) if not measured]:
            raise InputError(
                f"{row.name} reads {', '.join(lost)}: not measured, and without a prior; add a row "
                "for each to priors.tsv in your tables, `fixed` if it does not vary"
            )
    _check_unit(row, rows)


def held(row: OwnRow, rows: DishRows) -> list[str]:
    """Measured values that a row reads and that have no prior: they stay what the tables say."""
    wanted = row.wanted.values()
    return [name for want in wanted for name, measured in _without_prior(want, rows) if measured]


def _unknown(want: Wanted, known: Definition) -> str:
    """What to say of a name that the model does not have."""
    if isinstance(want, Quantity) and want.name not in known.variables:
        return str(unknown_name("quantity", want.name, known.variables))
    if isinstance(want, Parameter):
        if want.name in known.variables:
            return f"the quantity {want.name} needs an hour, such as {want.name}:24"
        own = [name for name, one in known.parameters.items() if one.kind != "computed"]
        if want.name not in own:
            return str(unknown_name("parameter", want.name, own))
    return ""


def _check_unit(row: OwnRow, rows: DishRows) -> None:
    units = {}
    for value, want in row.wanted.items():
        unit = _unit(want, _model(want, rows).definition)
        units[value] = tuple(dict.fromkeys([unit, shown_unit(unit)]))
    fits = allowed(row, units)
    if fits and row.unit not in fits:
        raise InputError(
            f"{row.name}: the unit is '{row.unit}', but {row.read_out} is in {' or '.join(fits)}; "
            "convert value, low and high, or the read-out"
        )


def _unit(want: Wanted, known: Definition) -> str:
    if isinstance(want, Assay):
        return ASSAYS[want.name]
    if isinstance(want, Parameter):
        return known.parameters[want.name].unit
    return known.units[want.name]


def _without_prior(want: Wanted, rows: DishRows) -> Iterator[tuple[str, bool]]:
    """Values that a read-out reads and no prior has, and whether each was measured."""
    model = _model(want, rows)
    known = parameters_of(rows.structure, rows.own)
    cells = want if isinstance(want, Assay) else want.run
    with supposing(rows.structure):
        own = entries_of(model, cells.drug, cells.line)
    read = [want.name] if isinstance(want, Parameter) else list(model.definition.parameters)
    for name in read:
        places = [f"{entry}: {name}" for entry in own.get(name, own[""])]
        if not any(place in rows.parameters for place in places):
            here = next((place for place in places if place in known), None)
            if here is not None:
                yield here, known[here].kind == _MEASURED


def _model(want: Wanted, rows: DishRows) -> Model:
    if isinstance(want, Assay):
        drug, system = want.drug, "culture" if want.name == "ic50" else "dish"
    else:
        drug, system = want.run.drug, want.run.system
    return shared(drug, system=system, structure=rows.structure, tables=rows.own)
