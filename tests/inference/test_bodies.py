"""The second stage: bodies for draws of cells, each in its own structure."""

from functools import partial

import numpy as np
import pytest

from p53net.engines.base import FloatArray
from p53net.errors import SimulationError
from p53net.evidence.published import observations
from p53net.inference import body_rows
from p53net.inference.bodies import Bodies, CellDraw
from p53net.inference.likelihood import ALREADY
from p53net.inference.target import Target
from p53net.simulation.trials import Cell

pytestmark = pytest.mark.slow

ORDER = ("default", "no partner", "default")
"""Structures of the cells."""

ROUGHLY = 0.03
"""Deviations by which rows differ where steps of time are others: counts of blood share these."""


@pytest.fixture(scope="module")
def targets() -> dict[str, Target]:
    return {name: Target(name) for name in dict.fromkeys(ORDER)}


@pytest.fixture(scope="module")
def bodies(targets: dict[str, Target]) -> Bodies:
    random = np.random.default_rng(1)
    cells = [CellDraw(name, 0.3 * random.standard_normal(len(targets[name].space)))
             for name in ORDER]  # fmt: skip
    return Bodies(targets, cells, observations())


def coordinates(bodies: Bodies, number: int) -> FloatArray:
    return 0.3 * np.random.default_rng(2).standard_normal((number, len(bodies.names)))


def test_what_moves_is_read_by_bodies_alone(bodies: Bodies, targets: dict[str, Target]) -> None:
    assert 30 < len(bodies.names) == len(set(bodies.names))
    for target in targets.values():
        moved = {target.space.names[i] for i in target.moved}
        assert not moved & set(bodies.names)
        assert set(bodies.names) <= set(target.space.names)


def test_whole_coordinates_are_those_of_the_cell_with_a_body_in_them(bodies: Bodies) -> None:
    z, labels = coordinates(bodies, 4), np.array([2, 0, 1, 2])
    for row, label, whole in zip(z, labels, bodies.whole(z, labels), strict=True):
        cell = bodies.cells[label]
        names = bodies.targets[cell.structure].space.names
        own = dict(zip(names, whole.tolist(), strict=True))
        assert [own[name] for name in bodies.names] == row.tolist()
        before = dict(zip(names, cell.z.tolist(), strict=True))
        assert all(own[name] == before[name] for name in names if name not in bodies.names)
        assert before[bodies.names[0]] != own[bodies.names[0]]  # a cell's own is not written over


def test_each_particle_is_predicted_in_the_structure_of_its_cell(bodies: Bodies) -> None:
    """Alone or among others; of two cells of different structures the cell's rows differ."""
    z = np.repeat(coordinates(bodies, 1), 3, axis=0)
    labels = np.array([0, 1, 2])
    together = bodies.residuals(z, labels)
    assert together.shape == (3, len(bodies.rows))
    assert np.isfinite(np.delete(together, bodies.of_plasma, axis=1)).all()
    for i in range(3):
        alone = bodies.residuals(z[i : i + 1], labels[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-6, atol=1e-6)
    tumour = bodies.rows.index("tgi_milademetan_50")
    assert len(set(together[:, tumour])) == 3


def test_rows_that_count_are_predicted_and_counted_once(bodies: Bodies) -> None:
    assert len(bodies.rows) > 25 and not set(bodies.rows) & ALREADY.keys()
    assert not set(bodies.rows) & set(bodies.targets["default"].rows)
    assert {"platelet_recovery", "thrombocytopenia_grade34_mantra", "milademetan_auc"} < set(
        bodies.rows
    )


def test_rows_of_a_part_read_no_other_part(bodies: Bodies) -> None:
    """What lets all parts move at once. Whoever adds a row or a parameter is told here."""
    z = coordinates(bodies, 1)
    in_parts = {i for part in bodies.parts for i in part.rows.tolist()}
    assert in_parts | set(bodies.of_plasma.tolist()) == set(range(len(bodies.rows)))
    assert sum(len(part.rows) for part in bodies.parts) == len(in_parts)
    known = {i for part in bodies.parts for i in part.columns.tolist()}
    known |= {*bodies.handled.tolist(), *bodies.shared.tolist()}
    rest = [i for i in range(len(bodies.names)) if i not in known]
    asked = [(part.rows.tolist(), part.columns.tolist()) for part in bodies.parts] + [([], rest)]
    for column in bodies.shared.tolist():
        readers = [part.rows for part in bodies.parts if column in part.shared]
        asked.append((np.concatenate(readers).tolist(), [column]))
    there = np.repeat(z, 1 + len(asked), axis=0)
    for place, (_, columns) in enumerate(asked):
        there[1 + place, columns] += 0.5
    here, *others = bodies.residuals(there, np.zeros(len(there), dtype=np.intp))
    for (own, _), other in zip(asked, others, strict=True):
        moved = np.flatnonzero(np.abs(other - here) > ROUGHLY)  # those of plasma are NaN
        assert set(moved.tolist()) <= set(own), [bodies.rows[i] for i in moved]


def test_plasma_reads_how_the_drug_is_handled_and_no_cell(bodies: Bodies) -> None:
    one = bodies.residuals_of_plasma(np.full((1, 5), 0.2), np.array([0]))
    other = bodies.residuals_of_plasma(np.full((1, 5), 0.2), np.array([1]))
    np.testing.assert_allclose(one, other, rtol=1e-6)
    moved = bodies.residuals_of_plasma(0.2 + 0.5 * np.eye(5), np.zeros(5, dtype=np.intp))
    assert (np.abs(moved - one) > 1e-3).any(axis=1).all()
    assert [bodies.rows[i] for i in bodies.of_plasma] == [
        f"milademetan_{name}" for name in ("tmax", "cmax", "auc", "clf", "thalf")
    ]


def test_some_parts_alone_are_as_they_are_among_all(bodies: Bodies) -> None:
    z, labels = coordinates(bodies, 2), np.array([0, 1])
    every = bodies.residuals(z, labels)
    some = bodies.residuals(z, labels, frozenset({"gastric", "GDF-15"}))
    asked = [i for part in bodies.parts if part.name in {"gastric", "GDF-15"} for i in part.rows]
    np.testing.assert_allclose(some[:, asked], every[:, asked], rtol=1e-6)
    assert np.isnan(np.delete(some, asked, axis=1)).all()


def test_a_trial_whose_blood_cannot_be_run_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(cells: list[Cell], *_rest: object) -> FloatArray:
        if any(cell.trial == {"model": {"k_deg_p53": 2.0}} for cell in cells):
            raise SimulationError("it cannot be run")
        times = np.arange(0.0, 6 * 336.0 + 1.0, 6.0)
        wave = 2.0 + np.cos(2 * np.pi * times / 336.0)
        return np.broadcast_to(wave[None, None, :, None], (len(cells), 1, len(times), 2))

    monkeypatch.setattr(body_rows, "in_body", run)
    trials = [{"model": {"k_deg_p53": float(i)}} for i in range(5)]
    found = body_rows._gathered(body_rows._sound(partial(body_rows._each, body_rows._typical),
                                                 trials))  # fmt: skip
    for values in found.values():
        assert np.isnan(values[2]) and np.isfinite(np.delete(values, 2)).all()
