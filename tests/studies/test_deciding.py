"""Patients who decide nothing are run roughly: what is shown is that of all run exactly."""

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.engines.base import FloatArray
from p53net.studies.body import comparison, deciding
from p53net.studies.body.deciding import ROUGH, Band, Mask, by_rank, runs_to_show

PERCENTS = (5, 50, 95)
SIZE = 200
MEASURES = {"tumour": ["volume"], "marrow": ["lowest"]}
LIMIT = 1.0


@pytest.mark.parametrize("size", [1, 2, 51, 101, 250])
def test_percentiles_are_those_of_the_patients_who_may_decide_them(size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(20):
        true = random.lognormal(0.0, 1.0, size)
        ran = random.random(size) < 0.9
        ran[0] = True
        off = 10 ** random.uniform(-4, -1, size) * true
        low = true - off * random.random(size)
        band = Band(low, low + off)
        decide = by_rank(band, ran, PERCENTS)
        ends = np.where(random.random(size) < 0.5, band.low, band.high)
        mixed = np.where(decide, true, ends)
        wanted = np.percentile(true[ran], PERCENTS)
        assert np.percentile(mixed[ran], PERCENTS).tolist() == wanted.tolist()
        assert not decide[~ran].any()
        assert size < 250 or decide.mean() < 0.5


class Patients:
    """Runs whose exact values are known, and how many were asked for."""

    def __init__(self, error: float = 1e-4) -> None:
        random = np.random.default_rng(5)
        self.exact = {
            "volume": random.lognormal(5.0, 1.0, SIZE), "lowest": random.lognormal(0.5, 0.7, SIZE)
        }  # fmt: skip
        off = random.uniform(-error, error, SIZE)
        self.rough = {name: values * (1.0 + off) for name, values in self.exact.items()}
        self.status = {
            (system, rough): np.full(SIZE, "ok", dtype=object)
            for system in MEASURES
            for rough in (True, False)
        }
        self.exactly: list[tuple[str, int]] = []

    def run(self, system: str, rows: Mask, accuracy: float | None) -> xr.Dataset:
        """What a sweep gives; its bars are far too narrow."""
        if accuracy is None:
            self.exactly.append((system, len(rows)))
        (name,) = MEASURES[system]
        values = (self.rough if accuracy else self.exact)[name][rows]
        status = self.status[system, accuracy is not None][rows]
        values = np.where(status == "ok", values, np.nan)
        data = {name: values, f"{name}_error": 1e-9 * values, "status": status}
        return xr.Dataset({name: ("point", one) for name, one in data.items()})

    def shown(self, accuracy: float | None = 1e-6) -> tuple[list[float], int, int]:
        """Percentiles, how many are below the limit, and how many did not run."""

        def who(bands: Mapping[str, Band], ran: Mask) -> dict[str, Mask]:
            low, high = bands["lowest"]
            return {"tumour": by_rank(bands["volume"], ran, PERCENTS),
                    "marrow": ((low < LIMIT) != (high < LIMIT)) & ran}  # fmt: skip

        found = runs_to_show(self.run, MEASURES, SIZE, accuracy, who)
        return self.numbers(
            found["tumour"]["volume"].values, found["marrow"]["lowest"].values,
            *(one["status"].values == "ok" for one in found.values()),
        )  # fmt: skip

    def wanted(self) -> tuple[list[float], int, int]:
        """The same, of all run exactly."""
        ran = (self.status[system, False] == "ok" for system in MEASURES)
        return self.numbers(self.exact["volume"], self.exact["lowest"], *ran)

    @staticmethod
    def numbers(volume: FloatArray, lowest: FloatArray, *ran: Mask) -> tuple[list[float], int, int]:
        """What is shown of values."""
        both = np.logical_and.reduce(ran)
        return (np.percentile(volume[both], PERCENTS).tolist(), int((lowest[both] < LIMIT).sum()),
                int((~both).sum()))  # fmt: skip


def test_few_are_run_exactly_and_the_numbers_are_the_same() -> None:
    some = Patients()
    some.rough["lowest"][3], some.exact["lowest"][3] = LIMIT - 5e-4, LIMIT + 1e-4
    assert some.shown() == some.wanted()
    assert 0 < sum(number for _, number in some.exactly) < SIZE // 4


def test_all_are_run_exactly_where_a_rough_run_was_worse_than_it_said() -> None:
    """Of a patient at a limit, so that it is seen; then another, who is far off, is right too."""
    some = Patients()
    some.rough["volume"] *= np.where(np.arange(SIZE) % 2, 1.0 + 9 * ROUGH, 1.0 - 9 * ROUGH)
    assert some.shown() == some.wanted()
    assert sum(number for system, number in some.exactly if system == "tumour") >= SIZE
    assert sum(number for system, number in some.exactly if system == "marrow") < SIZE


def test_who_fails_roughly_is_run_exactly_and_may_fail_again() -> None:
    some = Patients()
    for patient, again in ((10, "ok"), (20, "integration failed"), (30, "ok")):
        some.status["tumour", True][patient] = "integration failed"
        some.status["tumour", False][patient] = again
    rank = int(np.argsort(some.exact["volume"])[SIZE // 2])
    some.status["tumour", False][rank] = "integration failed"  # one who decides
    assert some.shown() == some.wanted()
    assert some.wanted()[2] == 2


@pytest.mark.parametrize("accuracy", [ROUGH, 1e-2, None])
def test_nothing_is_run_twice_where_rough_is_exact_enough(accuracy: float | None) -> None:
    some = Patients()
    assert some.shown(accuracy) == some.wanted()
    assert some.exactly == [("tumour", SIZE), ("marrow", SIZE)]


@pytest.mark.slow
def test_schedules_are_the_same_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    arms = [pn.regimen(260, "mg", "3/14", days=14), pn.regimen(120, "mg", "daily", days=14)]
    run, numbers = comparison.many_patients, list[tuple[float | None, int]]()

    def counted(model: pn.Model, *given: object, **options: object) -> xr.Dataset:
        numbers.append((model.accuracy, len(given[3])))  # type: ignore[arg-type]
        return run(model, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "many_patients", counted)
    found = pn.schedules("milademetan", arms, days=14, population=80, grade=2)
    rough = sum(number for accuracy, number in numbers if accuracy == ROUGH)
    exact = sum(number for accuracy, number in numbers if accuracy == 1e-6)
    assert rough == 4 * 80 and 0 < exact < rough / 3
    monkeypatch.setattr(deciding, "FEW", 80)
    for name, values in pn.schedules(
        "milademetan", arms, days=14, population=80, grade=2
    ).data_vars.items():
        assert found[name].values.tolist() == values.values.tolist(), name
