"""Doses of two drugs that are equal: against formulas, other studies, and what no dose reaches."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.studies.body.matching import Crossing, _crossing
from tests.support.commands import Command
from tests.support.draws import drawn

ONCE = pn.regimen(10, "mg", "once")
TARGET = pn.regimen(260, "mg", "3/14", days=14)
MATCH = {"drug": "KT-253", "regimen": ONCE, "other": "milademetan", "target": TARGET, "days": 14}


@pytest.mark.slow
def test_a_peak_in_plasma_is_dose_over_volume() -> None:
    found = pn.match(**MATCH, measures="peak:drug_plasma")  # type: ignore[arg-type]
    plasma = pn.load("milademetan", system="plasma")
    times = np.arange(0.0, 14 * 24 + 1, 2.0)  # as studies of patients look
    peak = float(plasma.simulate(times, {"milademetan": TARGET})["inhibitor_plasma"].max())
    volume = pn.load("KT-253", system="plasma").definition.parameters["V_central_degrader"].value
    assert found["dose"].values == pytest.approx([peak * volume * 912.9e-6], rel=1e-5)
    assert found["status"].values.tolist() == ["ok"] and found["crossings"].values == [1]
    assert found["unit"].values.tolist() == ["nM"] and found["dose"].attrs["units"] == "mg"


@pytest.mark.slow
def test_a_drug_equals_itself_at_its_own_dose() -> None:
    twice = ONCE.scaled(1.7)
    found = pn.match("KT-253", ONCE, "KT-253", twice, ["lowest:platelets", "tgi"], days=21,
                     between=(1.0, 100.0))  # fmt: skip
    np.testing.assert_allclose(found["dose"], 17.0, rtol=1e-4)
    np.testing.assert_allclose(found["value"], found["target"], rtol=1e-9)


@pytest.mark.slow
def test_what_is_not_reached_is_said() -> None:
    found = pn.match(**MATCH, measures="peak:drug_plasma", between=(0.01, 0.02))  # type: ignore[arg-type]
    assert np.isnan(found["dose"].values).all() and found["crossings"].values == [0]
    (said,) = found["status"].values
    assert said.startswith("not reached: ") and "where 0.01 to 0.02 give" in said


@pytest.mark.slow
def test_patients_of_both_drugs_are_the_same_there() -> None:
    """By another study: what is equal is the lowest count of the typical patient."""
    found = pn.match(**MATCH, measures=["lowest:platelets", "lowest:haemoglobin"])  # type: ignore[arg-type]
    target = pn.patient("milademetan", TARGET, days=14)
    for name, dose in zip(("platelets", "haemoglobin"), found["dose"].values, strict=True):
        mine = pn.patient("KT-253", ONCE.scaled(dose / 10.0), days=14)
        assert float(mine[name].min()) == pytest.approx(float(target[name].min()), rel=1e-4)
    assert pn.rerun(found).equals(found)


@pytest.mark.slow
def test_a_rate_is_that_of_the_same_virtual_patients() -> None:
    options = {"days": 28, "population": 60, "seed": 3}
    target, q3w = pn.regimen(260, "mg", "3/14", days=28), pn.regimen(4, "mg", "q3w", days=28)
    rate = "rate:thrombocytopenia:2"
    found = pn.match("KT-253", q3w, "milademetan", target, [rate, "lowest:platelets"],
                     **options)  # type: ignore[arg-type]  # fmt: skip
    goal = pn.patient("milademetan", target, **options)  # type: ignore[arg-type]
    of = {"toxicity": "thrombocytopenia", "grade": 2}
    assert float(found["target"][0]) == float(goal["rate"].sel(of))
    medians = np.median(goal["lowest"].sel(toxicity="thrombocytopenia"))
    assert float(found["target"][1]) == pytest.approx(medians, rel=1e-5)
    assert 0.0 < float(goal["rate"].sel(of)) < 100.0
    for factor, reached in ((1.0, True), (0.97, False)):
        arm = q3w.scaled(float(found["dose"][0]) / 4.0 * factor)
        mine = float(pn.patient("KT-253", arm, **options)["rate"].sel(of))  # type: ignore[arg-type]
        assert (mine >= float(found["target"][0])) == reached


@pytest.mark.slow
def test_an_interval_is_looked_for_too() -> None:
    """What is given every six days does what it does, and less often does less."""
    six, measures = pn.regimen(3, "mg", "q6d", days=28, over=2.0), ["lowest:platelets", "tgi"]
    once = pn.regimen(3, "mg", "once", over=2.0)
    found = pn.match("KT-253", once, "KT-253", six, measures, days=28, every=range(3, 13))
    assert found["interval"].values.tolist() == [6.0, 6.0] and "dose" not in found
    assert found["candidate"].values.tolist() == list(range(12, 2, -1))
    np.testing.assert_allclose(found["value"], found["target"], rtol=1e-12)
    assert (np.diff(found["response"].sel(measure="tgi")) > 0).all()
    assert pn.rerun(found).equals(found) and pn.plot(found) is not None
    none = pn.match("KT-253", once, "KT-253", six.scaled(50.0), measures, days=28, every=[14, 28])
    assert all(said.startswith("not reached") for said in none["status"].values)


@pytest.mark.slow
def test_bands_are_of_the_draws() -> None:
    given = {**MATCH, "measures": ["lowest:platelets", "peak:GDF15_serum"]}
    point = pn.match(**given)  # type: ignore[arg-type]
    same = pn.match(**given, ensemble=drawn(1, spread=0.0))  # type: ignore[arg-type]
    for name in ("dose", "value", "target", "response"):
        for quantile in same["quantile"]:
            np.testing.assert_array_equal(same[name].sel(quantile=quantile), point[name])
    four = pn.match(**given, ensemble=drawn(4), draws=True)  # type: ignore[arg-type]
    band = pn.match(**given, ensemble=drawn(4))  # type: ignore[arg-type]
    middle = np.median(four["dose"].values, axis=four["dose"].dims.index("draw"))
    np.testing.assert_allclose(band["dose"].sel(quantile=0.5), middle)
    assert (four["dose"].std("draw") > 0).all()
    assert pn.plot(band) is not None


@pytest.mark.parametrize(
    ("response", "goal", "dose", "crossings"),
    [
        (lambda d: d**2, 9.0, 3.0, 1),
        (lambda d: 1.0 / d, 0.2, 5.0, 1),
        (lambda d: 4.0 - np.abs(d - 5.0), 2.0, 3.0, 2),  # again on the way back
        (lambda d: np.sin(3.0 * np.log(d)), 0.5, math.exp(math.pi / 18.0), 4),
    ],
)
def test_the_lowest_dose_that_reaches_the_target(
    response: Callable[[np.ndarray], np.ndarray], goal: float, dose: float, crossings: int
) -> None:
    doses = np.geomspace(1.0, 40.0, 33)
    found = _crossing(doses, response(doses), goal, response, steps=False)
    assert found.status == "ok" and found.crossings == crossings
    assert found.place == pytest.approx(dose, rel=1e-5)


def test_of_a_count_it_is_the_dose_at_which_it_jumps() -> None:
    def response(doses: np.ndarray) -> np.ndarray:
        return np.asarray(np.floor(doses))

    doses = np.geomspace(1.5, 40.0, 13)
    found = _crossing(doses, response(doses), 7.0, response, steps=True)
    assert found.value == 7.0 and 7.0 <= found.place < 7.0 * 1.01
    nothing = _crossing(doses, np.full(13, np.nan), 7.0, response, steps=True)
    assert math.isnan(nothing.place) and nothing.status.startswith("undefined")
    none = _crossing(doses, response(doses), math.nan, response, steps=True)
    assert math.isnan(none.place) and none.status.startswith("target undefined")
    assert isinstance(none, Crossing)


BAD = {
    "a rate of one": ({"measures": "rate:anaemia:3"}, "give a population"),
    "a rate of what": ({"measures": "rate:hair:3", "population": 9}, "rate:TOXICITY:GRADE"),
    "a rate of grade 5": ({"measures": "rate:anaemia:5", "population": 9}, "rate:TOXICITY:GRADE"),
    "no measure": ({"measures": []}, "measures is empty"),
    "an unknown measure": ({"measures": "lowest:hair"}, "unknown observable 'hair'"),
    "a measure that is a number": ({"measures": [7]}, "must be text"),
    "a range that falls": ({"between": (9, 1)}, "must rise"),
    "a range of one": ({"between": (9,)}, "must be two doses"),
    "a range by text": ({"between": (1, "x")}, "between must be a number"),
    "a range and schedules": ({"between": (1, 9), "every": [1, 2]}, "give one of them"),
    "one schedule": ({"every": [7]}, "at least two whole numbers"),
    "half a day": ({"every": [7, 1.5]}, "at least two whole numbers"),
    "longer than the study": ({"every": [7, 15]}, "from 1 to 14"),
    "schedules by number": ({"every": 7}, "at least two whole numbers"),
    "no regimen": ({"regimen": 10.0}, "match needs a regimen"),
    "an unknown drug": ({"other": "aspirin"}, "unknown drug 'aspirin'"),
    "no days": ({"days": 0}, "days is 0"),
    "a dose after the end": ({"days": 1}, "after the run ends"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name: str) -> None:
    changed, said = BAD[name]
    with pytest.raises(pn.P53NetError) as error:
        pn.match(**{**MATCH, "measures": "lowest:platelets", **changed})  # type: ignore[arg-type]
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.slow
def test_the_command_gives_the_table_and_the_figure(command: Command, tmp_path: object) -> None:
    done = command("match", "KT-253", "milademetan", "--regimen", "10 mg once", "--target",
                   "260 mg 3/14", "--by", "lowest:platelets", "--by", "peak:drug_plasma",
                   "--between", "0.1:1", "--days", "14", "--out", "o")  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(f"{tmp_path}/o/match.csv", index_col="measure")
    assert table.loc["peak:drug_plasma", "status"].startswith("not reached")
    assert {"match.png", "match.svg", "response.csv", "match.json"} <= {
        path.name
        for path in (tmp_path / "o").iterdir()  # type: ignore[operator]
    }
