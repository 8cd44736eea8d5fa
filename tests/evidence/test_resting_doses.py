"""Doses under which cells rest at a multiple of untreated, from where each cell last rested."""

from typing import Any

import numpy as np
import pytest

import p53net as pn
from p53net.engines.base import FloatArray
from p53net.errors import MeasureError
from p53net.measures.candidate import Candidate, helped
from p53net.measures.equieffective import resting_doses
from p53net.measures.resting import FoldsAtRest
from p53net.measures.searching import Found

SIZE = 6
FOLDS = np.tile([2.0, 3.0, 5.0], 2 * SIZE // 3)
CLOSED = np.repeat([True, False], SIZE)


@pytest.fixture(scope="module")
def cells() -> Candidate:
    """Each twice, with the loop closed and opened."""
    random = np.random.default_rng(6)
    model = pn.load("KT-253")
    usual = {name: model.definition.parameters[name].value for name in ("k_syn_p53", "K_MDM2")}
    changed = {n: np.tile(v * np.exp(0.5 * random.standard_normal(SIZE)), 2)
               for n, v in usual.items()}  # fmt: skip
    return helped(model, "KT-253", "batch", changed, 2 * SIZE)


@pytest.fixture(scope="module")
def followed(cells: Candidate) -> FloatArray:
    """By cells that are followed from their untreated states at every dose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FoldsAtRest, "__call__", FoldsAtRest.followed)
        return resting_doses(cells, FOLDS, CLOSED).values


def test_doses_are_those_of_cells_that_are_followed(cells: Candidate, followed: FloatArray) -> None:
    found = resting_doses(cells, FOLDS, CLOSED)
    assert not found.errors
    np.testing.assert_allclose(found.values, followed, rtol=1e-6)


def test_cells_are_followed_once_and_then_jump(
    cells: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, resting = [], Candidate.resting

    def counted(self: Candidate, doses: FloatArray, *rest: Any, near: Any = None) -> Any:
        asked.append((near is not None, len(doses)))
        return resting(self, doses, *rest, near=near)

    monkeypatch.setattr(Candidate, "resting", counted)
    response = FoldsAtRest(cells, CLOSED)
    rows = np.arange(2 * SIZE)
    for dose in (0.1, 0.2, 0.3):
        response(rows, np.full(2 * SIZE, dose))
    assert asked[0] == (False, 2 * SIZE)
    assert sum(number for near, number in asked if near) == 2 * 2 * SIZE
    assert sum(number for near, number in asked[1:] if not near) == 0


def test_a_jump_to_another_rest_is_seen(
    cells: Candidate, followed: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    resting = Candidate.resting

    def elsewhere(self: Candidate, doses: FloatArray, *rest: Any, near: Any = None) -> Any:
        found, states = resting(self, doses, *rest, near=near)
        return found._replace(values=found.values * (1.0 if near is None else 1.3)), states

    monkeypatch.setattr(Candidate, "resting", elsewhere)
    found = resting_doses(cells, FOLDS, CLOSED)
    np.testing.assert_allclose(found.values, followed, rtol=1e-6)
    monkeypatch.setattr(FoldsAtRest, "holds", lambda _self, doses, _folds: np.isfinite(doses))
    unseen = resting_doses(cells, FOLDS, CLOSED).values
    assert np.abs(unseen / followed - 1.0).max() > 0.05


def test_rows_that_are_found_again_keep_no_error() -> None:
    lost = MeasureError("no dose reaches it")
    before = Found(np.array([np.nan, 2.0, np.nan]), {0: lost, 2: lost})
    after = before.but(np.array([2, 1]), Found(np.array([3.0, np.nan]), {1: lost}))
    np.testing.assert_array_equal(after.values, [np.nan, np.nan, 3.0])
    assert set(after.errors) == {0, 1}


def test_a_fold_that_no_dose_reaches_has_an_error_both_ways(cells: Candidate) -> None:
    found = resting_doses(cells, np.full(2 * SIZE, 1e6), CLOSED)
    assert len(found.errors) == 2 * SIZE and np.isnan(found.values).all()


def test_an_engine_of_one_cell_at_a_time_follows(cells: Candidate, followed: FloatArray) -> None:
    model = cells.model
    few = helped(model, "KT-253", "roadrunner",
                 {name: values[:2] for name, values in cells.parameters.items()}, 2)  # fmt: skip
    response = FoldsAtRest(few, CLOSED[:2])
    assert response.holds(np.ones(2), np.ones(2)).all()
    found = resting_doses(few, FOLDS[:2], CLOSED[:2]).values
    np.testing.assert_allclose(found, followed[:2], rtol=1e-4)
