"""When doses are given, counted by hand: pulses, changes of medium, schedules in words."""

import numpy as np
import pytest

import p53net as pn

DAY = 24.0


@pytest.mark.parametrize(
    ("schedule", "how_long", "days"),
    [
        ("once", {}, [0]),
        ("daily", {"days": 3}, [0, 1, 2]),
        ("daily", {"cycles": 2}, [0, 1]),
        ("q2d", {"days": 5}, [0, 2, 4]),
        ("q2d", {"cycles": 3}, [0, 2, 4]),
        ("q3w", {"cycles": 3}, [0, 21, 42]),
        ("q3w", {"days": 42}, [0, 21]),
        ("q3w", {"days": 42.5}, [0, 21, 42]),
        ("q1w", {"days": 8}, [0, 7]),
        ("3/14", {"cycles": 2}, [0, 1, 2, 14, 15, 16]),
        ("3/14", {"days": 16}, [0, 1, 2, 14, 15]),
        ("3/14", {"days": 14}, [0, 1, 2]),
        ("2/7", {"days": 1.5}, [0, 1]),
        ("21/28", {"days": 2}, [0, 1]),
        ("7/7", {"cycles": 1}, [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_days_of_a_schedule(schedule: str, how_long: dict[str, float], days: list[int]) -> None:
    found = pn.regimen(260, "mg", schedule, **how_long)
    assert found.times == tuple(DAY * day for day in days)
    assert found.steps == tuple((DAY * day, 260.0) for day in days)


def test_days_on_in_a_cycle_are_the_same_schedule() -> None:
    said = pn.regimen(260, "mg", days_on=3, cycle=14, days=30)
    assert said == pn.regimen(260, "mg", "3/14", days=30)
    assert said.times == tuple(DAY * day for day in (0, 1, 2, 14, 15, 16, 28, 29))


def test_a_pulse_begins_and_ends_when_it_says() -> None:
    assert pn.pulse(7.0, 4.0).steps == ((0.0, 7.0), (4.0, 0.0))
    assert pn.pulse(7.0, 4.0, start=5.0).steps == ((0.0, 0.0), (5.0, 7.0), (9.0, 0.0))


def test_before_the_first_change_of_medium_there_is_no_drug() -> None:
    assert pn.course([(2.0, 7.0), (3.0, 1.0)]).steps == ((0.0, 0.0), (2.0, 7.0), (3.0, 1.0))
    assert pn.course([(0.0, 7.0)]).steps == ((0.0, 7.0),)


def test_the_medium_of_a_late_pulse(inhibitor: pn.Model) -> None:
    """In the run itself: none, then all of it, then none, at the rows where it says so."""
    times = np.array([0.0, 4.9, 5.0, 8.9, 9.0, 12.0])
    run = inhibitor.simulate(times, {"milademetan": pn.pulse(7.0, 4.0, start=5.0)})
    np.testing.assert_array_equal(run["inhibitor_medium"].values, [0.0, 0.0, 7.0, 7.0, 0.0, 0.0])
