"""Several arms, each with regimens of one drug or two, in each cell of a part, run together."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.dosing.amounts import base_mass
from p53net.dosing.medium import courses_of
from p53net.dosing.regimens import Regimen
from p53net.engines.base import FloatArray
from p53net.ensembles.cells import Cells, Part
from p53net.model import Definition
from p53net.simulation.inputs import check_run, checked_doses, checked_parameters
from p53net.simulation.many import attempted
from p53net.simulation.model import Model


class Runs(NamedTuple):
    """What each arm gave in each cell."""

    curves: dict[str, FloatArray]
    """Of each quantity: cell, arm, time; NaN of a run that failed."""
    sound: NDArray[np.intp]
    """Places of the cells all of whose arms have a run."""
    parameters: dict[str, float]
    """What a user changed, as it was understood."""
    engine: str


def about_beside(given: Mapping[str, Regimen], definition: Definition) -> dict[str, str]:
    """Of another drug, for the attributes of a study."""
    found = {}
    for other, arm in given.items():
        found = {
            "beside": other,
            "beside_regimen": arm.label,
            "beside_doses": str(arm),
            "beside_molar_mass": base_mass(definition.molar_masses[other], other),
        }
    return found


def run_arms(
    cells: Cells,
    part: Part,
    model: Model,
    times: FloatArray,
    arms: Sequence[Mapping[str, Regimen]],
    names: Sequence[str],
    parameters: Mapping[str, float] | None,
    engine: str,
) -> Runs:
    """Curves under regimens by drug, of which an untreated arm has none. Raises InputError, and the
    error of a point estimate."""
    definition = model.definition
    given = [checked_doses(definition, arm) for arm in arms]
    changed = checked_parameters(definition, parameters)
    for doses in given:
        check_run(definition, doses, changed, feedback=True, end=float(times[-1]))
    columns = cells.columns(model, part, changed, len(arms))
    found, said = attempted(model, times, courses_of(given * len(part.draws)), columns, names,
                            engine=engine)  # fmt: skip
    lost = {}
    for run, error in sorted(found.errors.items()):
        lost[run // len(arms)] = error
        cells.fail(part.draws[run // len(arms)], error)
    shaped = found.values.reshape(len(part.draws), len(arms), len(names), -1)
    curves = {name: shaped[:, :, i] for i, name in enumerate(names)}
    sound = np.setdiff1d(np.arange(len(part.draws)), list(lost)).astype(np.intp)
    return Runs(curves, sound, changed, said)
