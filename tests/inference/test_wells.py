"""Wells of many cells in quick runs, against runs with their error bars, and whose values count."""

import numpy as np
import pytest

from p53net.ensembles.draws import as_trials
from p53net.evidence.cells import in_dish
from p53net.inference.priors import Space, for_structure
from p53net.inference.wells import Kind, Wells
from p53net.simulation.loading import shared
from p53net.simulation.model import Model
from p53net.simulation.trials import Cell, changes

DOSES = np.array([10.0, 1e3])
TIMES = np.array([0.0, 6.0, 24.0])
NAMES = ["p53_total", "MDM2_total"]
KINDS = (Kind("milademetan", "RS4;11"), Kind("nutlin-3a", "SJSA-1"), Kind("RG7112", "generic"))
QUICK = 1e-3
"""Of a value, ten times what quick runs were seen to be off."""


@pytest.fixture(scope="module")
def space() -> Space:
    return Space(for_structure("default"))


def values(space: Space, number: int) -> np.ndarray:
    return space.values(np.random.default_rng(1).standard_normal((number, len(space))))


def columns(space: Space) -> dict[str, int]:
    return {name: i for i, name in enumerate(space.names)}


def wells(inhibitor: Model, kinds: tuple[Kind, ...] = KINDS) -> Wells:
    return Wells(inhibitor, kinds, np.tile(DOSES, (len(kinds), 1)), TIMES, NAMES)


def test_wells_are_those_of_runs_with_error_bars(space: Space) -> None:
    given = values(space, 3)
    found = wells(shared("milademetan")).run(columns(space), given)
    assert found.shape == (3, len(KINDS), 3, 3, 2)
    for trial, mine in zip(as_trials(space.names, given), found, strict=True):
        cells = [Cell(trial, kind.drug, kind.line) for kind in KINDS]
        np.testing.assert_allclose(mine, in_dish(cells, "dish", DOSES, TIMES, NAMES), rtol=QUICK)


def test_doses_may_differ_between_trials_and_kinds(space: Space) -> None:
    given, one = values(space, 2), wells(shared("milademetan"), KINDS[:2])
    levels = np.array([[[0.0, 10.0, 1e3], [0.0, 1e3, 10.0]], [[1e3, 0.0, 10.0], [5.0, 5.0, 5.0]]])
    found, usual = one.under(levels, columns(space), given), one.run(columns(space), given)
    np.testing.assert_allclose(found[0, 0], usual[0, 0], rtol=QUICK)
    np.testing.assert_allclose(found[0, 1], usual[0, 1][[0, 2, 1]], rtol=QUICK)
    np.testing.assert_allclose(found[1, 0], usual[1, 0][[2, 0, 1]], rtol=QUICK)
    np.testing.assert_array_equal(found[1, 1], np.tile(found[1, 1, :1], (3, 1, 1)))


def test_a_cell_that_fails_is_counted_and_costs_no_other(space: Space) -> None:
    """Without loss of MDM2 a cell has no state at rest; both its kinds and all three wells fail."""
    given = values(space, 3)
    one = wells(shared("milademetan"), KINDS[:2])
    whole = one.run(columns(space), given)
    assert not one.failures
    place = columns(space)["model: k_deg_MDM2"]
    given[1, place] = 0.0
    found = one.run(columns(space), given)
    assert np.isnan(found[1]).all() and one.failures == {"SteadyStateError": 6}
    np.testing.assert_array_equal(found[[0, 2]], whole[[0, 2]])


PLACES = {
    "dish": ("dish", None, ("milademetan", "RG7112"), ("RS4;11", "SJSA-1")),
    "degrader": ("dish", None, ("KT-253", "MD-224"), ("HEK293T", "RS4;11")),
    "plasma": ("plasma", "human", ("milademetan",), ("generic",)),
    "tumour": ("tumour", "human", ("milademetan",), ("SJSA-1",)),
}


@pytest.mark.parametrize("place", PLACES)
def test_values_are_those_that_a_cell_changes(space: Space, place: str) -> None:
    """Of a drug in a host before those of the line, the drug and the model."""
    system, host, drugs, lines = PLACES[place]
    model = shared(drugs[0], system=system, host=host)
    kinds = [Kind(drug, line) for drug in drugs for line in lines]
    given = values(space, 2)
    one = Wells(model, kinds, np.empty((len(kinds), 0)), TIMES, [])
    found = one._columns(columns(space), given)
    usual = {name: row.value for name, row in model.definition.parameters.items()}
    for i, trial in enumerate(as_trials(space.names, given)):
        for k, changed in enumerate(
            changes(model, [Cell(trial, kind.drug, kind.line) for kind in kinds])
        ):
            mine = {name: column[i, k] for name, column in found.items()}
            assert {**usual, **mine} == {**usual, **changed}
    assert one.read and one.read <= set(space.names)


def test_the_nearest_entry_wins() -> None:
    """A row of the line over that of the drug, that over the model's; a fixed value over all."""
    model = shared("milademetan")
    kinds = (Kind("milademetan", "SJSA-1"), Kind("milademetan", "RS4;11"),
             Kind("nutlin-3a", "SJSA-1", (("Ki_inhibitor", 5.0),)))  # fmt: skip
    names = ("model: K_p21", "SJSA-1: K_p21", "milademetan: K_p21", "milademetan: Ki_inhibitor")
    one = Wells(model, kinds, np.empty((3, 0)), TIMES, [])
    found = one._columns({name: i for i, name in enumerate(names)}, np.array([[1.0, 2, 3, 4]]))
    np.testing.assert_array_equal(found["K_p21"], [[2.0, 3.0, 2.0]])
    np.testing.assert_array_equal(found["Ki_inhibitor"], [[4.0, 4.0, 5.0]])
    assert one.read == {"SJSA-1: K_p21", "milademetan: K_p21", "milademetan: Ki_inhibitor"}
