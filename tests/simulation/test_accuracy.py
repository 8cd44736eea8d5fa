"""Accuracy is a promise: bars are not below the errors, and what cannot be as exact says so."""

from pathlib import Path
from typing import Any

import antimony
import numpy as np
import pytest

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.simulation.accuracy import FLOOR, tolerances_for
from p53net.sweeps.rows import UNMET

TIMES = np.linspace(0.0, 48.0, 97)
MODEL = pn.load("milademetan", "KT-253")
TRUTH = pn.Model(MODEL.definition, Tolerances(1e-12, 1e-19))
AXES: dict[str, Any] = {
    "milademetan": pn.log_uniform(0.01, 1e4),
    "KT-253": pn.log_uniform(1e-3, 1e3),
    "k_deg_MDM2": pn.log_uniform(0.4, 4.0),
    "K_MDM2": pn.log_uniform(8.0, 80.0),
}
MEASURES = ["peak:p53_active", "auc:MDM2_total", "at:p21:24", "escape_index", "log_undrugged"]
ABSOLUTE = ("escape_index", "log_undrugged")


def swept(model: pn.Model, points: int = 64, **options: Any) -> Any:
    usual: dict[str, Any] = {"measures": MEASURES, "times": TIMES, "engine": "batch", "workers": 0}
    return pn.sweep(model, AXES, points=points, design="sobol", **(usual | options))


def errors(found: Any, truth: Any) -> dict[str, np.ndarray]:
    """True errors, in the scale of each measure."""
    names = [str(n).removesuffix("_error") for n in found.data_vars if str(n).endswith("_error")]
    return {
        name: np.abs(found[name].values - truth[name].values)
        / (1.0 if name in ABSOLUTE else np.abs(truth[name].values))
        for name in names
    }


@pytest.mark.parametrize("accuracy", [1e-3, 1e-6, 1e-8])
def test_what_is_asked_for_is_met(accuracy: float) -> None:
    found, truth = swept(MODEL, accuracy=accuracy), swept(TRUTH)
    assert set(found["status"].values) == {"ok"}
    for name, error in errors(found, truth).items():
        scale = 1.0 if name in ABSOLUTE else np.abs(truth[name].values)
        bar = found[f"{name}_error"].values / scale
        assert (error <= accuracy).all(), name
        assert (bar <= accuracy * (1 + 1e-6)).all(), name
        assert (bar >= 0.3 * error)[error > 1e-12].mean() >= 0.95, name  # 99 % of many more
    assert "error" not in " ".join(map(str, truth.data_vars))


def test_tighter_runs_are_counted_and_change_nothing_else() -> None:
    loose, tight = swept(MODEL, accuracy=1e-3), swept(MODEL, accuracy=1e-8)
    assert tight["reruns"].sum() > loose["reruns"].sum()
    fewer = swept(MODEL, points=8, accuracy=1e-8)
    for name in fewer.data_vars:
        assert fewer[name].values.tobytes() == tight[name].values[:8].tobytes() or (
            fewer[name].dtype == object
        )


def test_roadrunner_keeps_the_same_promise() -> None:
    found, truth = swept(MODEL, points=8, engine="roadrunner"), swept(TRUTH, points=8)
    assert set(found["status"].values) == {"ok"}
    for name, error in errors(found, truth).items():
        assert (error <= 1e-6).all(), name


def test_curves_have_their_error() -> None:
    dose = {"milademetan": 100.0}
    run = MODEL.simulate(TIMES, dose, engine="batch", accuracy=1e-5)
    truth = TRUTH.simulate(TIMES, dose, engine="batch")
    for name in run.data_vars:
        exact = truth[name].values
        scale = np.maximum(np.abs(exact), FLOOR * np.abs(exact).max())
        apart = np.abs(run[name].values - exact)
        error = (apart[scale > 0] / scale[scale > 0]).max(initial=0.0)
        assert error <= 1e-5, name
        assert run[name].attrs["error"] <= 1e-5, name
    kept = swept(MODEL, observables=["p21"], keep_trajectories=True, points=4)
    assert kept["p21_error"].shape == (4,) and (kept["p21_error"] <= 1e-6).all()


def test_one_run_on_roadrunner_takes_the_tolerance_for_it() -> None:
    asked = MODEL.simulate(TIMES, {"milademetan": 10.0}, accuracy=1e-4)
    usual, by_hand = (
        pn.Model(MODEL.definition, tolerances).simulate(TIMES, {"milademetan": 10.0})
        for tolerances in (Tolerances(), tolerances_for(1e-4, 1e-3, 1.0))
    )
    name = "p53_active"
    apart = [float(np.abs(asked[name] - one[name]).max()) for one in (usual, by_hand)]
    assert apart[1] < 1e-3 * apart[0]  # untreated states differ by rounding
    assert asked.attrs["tolerances"] == "for an accuracy of 0.0001"


def test_what_cannot_be_that_exact_says_so(tmp_path: Path) -> None:
    """The area under a sine is 0 but for rounding, whatever the tolerance."""
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString("model sine\na=1; x=a; y=0; x' = y; y' = -x;\nend") >= 0
    (tmp_path / "sine.xml").write_text(antimony.getSBMLString("sine"))
    model = pn.read_sbml(tmp_path / "sine.xml")
    times = np.linspace(0.0, 2.0 * np.pi, 201)
    found = pn.sweep(model, {"a": [1.0, 2.0]}, times=times, measures=["auc:x"], engine="batch")
    assert set(found["status"].values) == {UNMET}
    assert "the error bar of auc_x is" in found["reason"].values[0]
    assert (found["reruns"] >= 4).all() and np.isfinite(found["auc_x_error"]).all()


@pytest.mark.parametrize("accuracy", [0.0, -1e-6, 1.0, 1e-12, float("nan"), "1e-6", True])
def test_other_accuracies_are_refused(accuracy: Any) -> None:
    with pytest.raises(pn.InputError, match=r"accuracy is .* must be a relative error from 1e-09"):
        MODEL.simulate(TIMES, accuracy=accuracy)
    with pytest.raises(pn.InputError, match="accuracy is"):
        pn.load(accuracy=accuracy)


@pytest.mark.parametrize("relative", [1.1e-4, 1e-3, 1.0, 0.0, -1e-6, float("nan")])
def test_useless_tolerances_are_refused(relative: float) -> None:
    with pytest.raises(pn.InputError, match=r"relative tolerance is .* at most 0.0001"):
        Tolerances(relative)
