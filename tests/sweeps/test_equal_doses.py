"""Doses that are equally effective, where a response crosses a level more than once; and loads."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import p53net as pn
from p53net.measures.equieffective import DOSES, crossings, equal_doses, loads
from p53net.measures.searching import Found

CELLS = {"cell": [0.5, 2.0, 3.0]}  # pL


def waves(doses: np.ndarray) -> np.ndarray:
    """A response that rises in waves: it passes 3 at once, falls below, and passes it again."""
    x = np.log10(doses)
    return np.asarray(1.0 + 2.0 / (1.0 + np.exp(-2.0 * x)) + 1.5 * np.sin(1.6 * x))


class Waving:
    """One cell that answers in waves."""

    name = "a drug"
    untreated: ClassVar = {"p53_active": np.array([1.0])}

    def __len__(self) -> int:
        return 1

    def of(self, _rows: np.ndarray) -> "Waving":
        return self

    def fold_at(self, _hours: float, doses: np.ndarray) -> Found:
        return Found(waves(doses), {})


def test_of_several_crossings_the_lowest_is_taken() -> None:
    level, one = 3.0, Waving()
    crossed = np.flatnonzero(np.diff(waves(DOSES) >= level))
    assert len(crossed) > 2
    found, alone = equal_doses(one, waves(DOSES)[None], 24.0, level)  # type: ignore[arg-type]
    dose = float(found.values[0])
    assert not alone[0]
    assert DOSES[crossed[0]] <= dose <= DOSES[crossed[0] + 1]
    assert waves(np.array([dose]))[0] == pytest.approx(level, abs=1e-6)


def test_a_crossing_is_read_off_between_the_doses_of_a_curve() -> None:
    """The first; none of a curve that begins above its level or never comes to it."""
    curves = np.array([waves(DOSES), waves(DOSES), waves(DOSES), 5.0 * np.log(DOSES)])
    found = crossings(curves, np.array([3.0, -9.0, 99.0, 10.0]))
    above = np.flatnonzero(waves(DOSES) >= 3.0)[0]
    assert DOSES[above - 1] <= found[0] <= DOSES[above]
    assert np.isnan(found[1:3]).all()
    assert found[3] == pytest.approx(np.exp(2.0))  # straight in ln dose


@pytest.mark.slow
def test_a_load_counts_molecules_in_cells_of_any_volume() -> None:
    """At the dose of a closed dish: nM times pL of medium over nM times pL of the cell."""
    model, volume, fold = pn.load("KT-253"), 20.0, 3.0
    found = pn.sweep(
        model, CELLS, measures=[f"stoichiometric_load:{fold}:{volume}"], times=[0.0, 12.0, 24.0]
    )
    (name,) = [one for one in found.data_vars if str(one).endswith("20")]
    for cell, load in zip(CELLS["cell"], found[name].values, strict=True):
        changed = {"cell": cell}
        rest = model.steady_state(parameters=changed)
        dose = float(load) * float(rest["MDM2_total"]) * cell / volume
        given = {"KT-253": pn.closed_dish(dose, medium_volume=volume)}
        run = model.simulate([0.0, 24.0], given, changed)
        assert float(run["p53_active"][-1] / run["p53_active"][0]) == pytest.approx(fold, rel=1e-6)
    assert found[name].values[0] / found[name].values[1] != pytest.approx(1.0, rel=0.01)


def test_loads_of_known_cells() -> None:
    one = SimpleNamespace(
        untreated={"MDM2_total": np.array([20.0, 20.0, 40.0])},
        value=lambda name: np.array([0.5, 2.0, 2.0]) if name == "cell" else None,
    )
    found = loads(one, np.array([1.0, 1.0, 1.0]), np.array([20.0, 20.0, 1000.0]))
    np.testing.assert_allclose(found, [2.0, 0.5, 12.5])
