"""Fits of each subject, and how subjects differ, where the truth is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.fitting.by_subject import SubjectFits
from p53net.fitting.spread import correlation_of, median_of, variation_of
from tests.support.commands import Command
from tests.support.fitting import plasma, simulated

CLEARANCE = "milademetan in human: CL_inhibitor"
VOLUME = "milademetan in human: V_central_inhibitor"
MEDIAN, SPREAD, TOGETHER = np.array([14.0, 40.0]), np.array([0.35, 0.25]), 0.6
NOISE = {"plasma": ("log-normal", 0.1)}
ROWS = plasma("milademetan", "human", "260 mg once", (1.0, 3.0, 8.0, 24.0), 1)


def of_subjects(count: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Plasma of subjects that differ log-normally, and what they are. Their medians, spreads and
    correlation are those above, and not only by chance near them."""
    drawn = np.random.default_rng(8).standard_normal((count, 2))
    drawn -= drawn.mean(axis=0)
    even = np.linalg.solve(np.linalg.cholesky(np.cov(drawn.T)), drawn.T)
    root = np.linalg.cholesky([[1.0, TOGETHER], [TOGETHER, 1.0]])
    truth = MEDIAN * np.exp(SPREAD * (root @ even).T)
    tables = []
    for number, values in enumerate(truth):
        own = [{**row, "subject": f"s{number}"} for row in ROWS]
        named = dict(zip((CLEARANCE, VOLUME), values, strict=True))
        tables.append(simulated(own, named, seed=number, cv=0.1))
    return pd.concat(tables, ignore_index=True), truth


@pytest.fixture(scope="module")
def several() -> tuple[SubjectFits, np.ndarray]:
    data, truth = of_subjects(10)
    found = pn.fit_by_subject(data, [CLEARANCE, VOLUME], noise=NOISE, starts=1)
    return found, truth


@pytest.mark.slow
def test_each_subject_and_all_of_them_are_found(
    several: tuple[SubjectFits, np.ndarray],
) -> None:
    found, truth = several
    held = 0
    for name, values in zip((CLEARANCE, VOLUME), truth.T, strict=True):
        own = found.parameters[found.parameters["parameter"] == name]
        assert own["subject"].tolist() == list(found.fits)
        held += int(((own["low"] < values) & (values < own["high"])).sum())
    assert held >= 17  # of 20 intervals of 95 %: fewer than that in 0.3 %; 20 when measured
    one = found.summary
    assert one["subjects"].tolist() == [10, 10]
    assert (one["median_low"] < MEDIAN).all()
    assert (one["median_high"] > MEDIAN).all()
    cv = 100.0 * np.sqrt(np.expm1(SPREAD**2))
    # of ten estimates that err by 5 and 12 %; 2.8 and 0.5 %, 2.2 and 0.1 points apart when measured
    np.testing.assert_allclose(one["median"], MEDIAN, rtol=0.06)
    np.testing.assert_allclose(one["cv"], cv, atol=5.0)
    assert (one["cv_low"] < cv).all()
    assert (one["cv_high"] > cv).all()
    (pair,) = found.correlation.to_dict("records")
    assert pair["low"] < TOGETHER < pair["high"]
    assert "10 of 10 subjects have a fit" in found.said


@pytest.mark.slow
def test_a_subject_is_what_fit_gives_of_it(several: tuple[SubjectFits, np.ndarray]) -> None:
    found, _ = several
    data, _ = of_subjects(10)
    one = pn.fit(data, [CLEARANCE, VOLUME], subject="s3", noise=NOISE, draws=0, starts=1)
    pd.testing.assert_frame_equal(found.fits["s3"].parameters, one.parameters)
    own = found.parameters.set_index(["subject", "parameter"])
    # nearly a straight model, whose slopes give the same error: 0.3 and 5.1 % apart when measured
    slopes = np.sqrt(np.diag(np.linalg.inv(_information(one))))
    errors = [own.loc[("s3", name), "error"] for name in (CLEARANCE, VOLUME)]
    np.testing.assert_allclose(errors, slopes, rtol=0.08)


def _information(found: object) -> np.ndarray:
    """Of logarithms at the optimum, by differences of residuals."""
    target, x = found.target, found.best  # type: ignore[attr-defined]
    slopes = target.slopes(x, target.rows(x[None])[0])
    return slopes.T @ slopes


def test_the_second_stage_covers_the_truth() -> None:
    """Medians, spreads and correlations of estimates that err, 1,500 times."""
    random, times, count = np.random.default_rng(4), 1500, 12
    errors = np.array([0.15, 0.1])
    shared = 0.3 * errors.prod()
    between = np.outer(SPREAD, SPREAD) * np.array([[1.0, TOGETHER], [TOGETHER, 1.0]])
    own = np.array([[errors[0] ** 2, shared], [shared, errors[1] ** 2]])
    cv = 100.0 * np.sqrt(np.expm1(SPREAD[0] ** 2))
    held = np.zeros(3)
    middles = []
    for _ in range(times):
        logs = random.multivariate_normal([0.0, 0.0], between + own, count)
        whole = np.tile(errors, (count, 1))
        found = [median_of(logs[:, 0]), variation_of(logs[:, 0], whole[:, 0]),
                 correlation_of(logs, whole, np.full(count, shared))]  # fmt: skip
        held += [one.low <= truth <= one.high
                 for one, truth in zip(found, (1.0, cv, TOGETHER), strict=True)]  # fmt: skip
        middles.append(found[1].value)
    # 95 % of 1,500 is 93.3 to 96.7 % by chance (three standard errors); 95.1, 94.9, 96.4 measured
    assert held / times == pytest.approx(0.95, abs=0.017)
    # the spread is that of subjects, not of estimates, which would be 39.5
    assert np.median(middles) == pytest.approx(cv, rel=0.07)  # 34.4 for 36.1 when measured


def test_subjects_that_do_not_differ_have_no_spread() -> None:
    logs = np.log([10.0, 10.1, 9.9, 10.0, 10.05])
    found = variation_of(logs, np.full(5, 0.2))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert np.isnan(correlation_of(np.c_[logs, logs], np.full((5, 2), 0.2), np.zeros(5)).value)


def test_what_is_not_identified_is_left_out_and_said(tmp_path: Path) -> None:
    """In a subject with one sample that says little, and one row without a subject."""
    data, _ = of_subjects(3)
    poor = (data["subject"] == "s1") & (data["time"] < 24)
    rows = pd.concat([data[~poor], data.iloc[[0]].assign(subject="", time=2.0)])
    rows = rows[(rows["subject"] != "s1") | (rows["time"] == 24)].astype(object)
    rows.loc[rows["subject"] == "s1", "value"] = "<2000"
    found = pn.fit_by_subject(rows, CLEARANCE, noise=NOISE, starts=1)
    assert found.summary.loc[CLEARANCE, "subjects"] == 2
    assert f"{CLEARANCE} is not identified in s1, and left out" in found.said
    assert "1 rows have no subject and are in no fit." in found.said
    assert np.isnan(found.parameters.set_index("subject").loc["s1", "error"])
    logs = np.log(found.parameters.set_index("subject").loc[["s0", "s2"], "value"])
    assert found.summary.loc[CLEARANCE, "median"] == pytest.approx(np.exp(logs.mean()), rel=1e-12)
    assert found.correlation.empty
    written = {str(path.relative_to(tmp_path)) for path in found.save(tmp_path)}
    assert {"parameters.csv", "summary.csv", "said.txt", "subject_2/fit.json"} <= written
    assert len(found.plot().axes) == 1


@pytest.mark.slow
def test_the_command_line_fits_each_subject(tmp_path: Path, command: Command) -> None:
    data, _ = of_subjects(3)
    data.to_csv(tmp_path / "pk.csv", index=False)
    words = ["fit", str(tmp_path / "pk.csv"), "--parameter", CLEARANCE, "--starts", "1",
             "--noise", "plasma=log-normal:0.1", "--out", str(tmp_path / "out")]  # fmt: skip
    done = command(*words, "--by", "subject")
    assert done.returncode == 0, done.stderr
    found = pn.fit_by_subject(data, CLEARANCE, noise=NOISE, starts=1)
    written = pd.read_csv(tmp_path / "out" / "summary.csv", index_col=0)
    assert written.loc[CLEARANCE, "median"] == pytest.approx(found.summary["median"].iloc[0])
    assert (tmp_path / "out" / "subjects.png").read_bytes().startswith(b"\x89PNG")
    for wrong in (["--by", "plate"], ["--by", "subject", "--subject", "s1"]):
        done = command(*words, *wrong)
        assert done.returncode != 0
        assert "--by is subject, and goes without --subject" in done.stderr


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({"subject": "A", "replicate": range(8)}, {}, "has 1 subjects, but at least 2"),
        ({}, {"parameters": []}, "parameters is empty"),
        ({}, {"subject": "A"}, "unknown option 'subject'"),
        ({}, {"noises": 1}, "unknown option 'noises'; did you mean 'noise'"),
        ({"unit": "%"}, {}, "row 1: plasma in % is relative to nothing"),
        ({}, {"noise": None}, "subject A: the data, row 1: plasma has neither errors nor"),
    ],
)
def test_a_wrong_call_is_one_clear_error(
    change: dict[str, object], options: dict[str, object], said: str
) -> None:
    rows = [{**row, "subject": who, "value": 900.0} for who in ("A", "B") for row in ROWS]
    data = pd.DataFrame(rows).assign(**change)
    given = {"parameters": CLEARANCE, "noise": NOISE, "starts": 1, **options}
    with pytest.raises(pn.P53NetError, match=said):
        pn.fit_by_subject(data, **given)  # type: ignore[arg-type]
