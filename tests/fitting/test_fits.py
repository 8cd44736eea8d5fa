"""Fits of data of known truth: estimates, intervals, what is not identified and what cures it."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import p53net as pn
from p53net.fitting.result import Fit
from tests.support.fitting import course, plasma, plate, simulated
from tests.support.petab import FIRST, write

KILL, FREE = "RS4;11: K_PUMA_caspase", "KT-253: fu_medium_degrader"
TRUTH = {FREE: 0.03, KILL: 200.0}


@pytest.fixture(scope="module")
def alone() -> tuple[pd.DataFrame, Fit]:
    """Ten wells that scatter, from which free fraction and threshold cannot be told apart."""
    rows = plate("KT-253", "RS4;11", np.geomspace(0.03, 30.0, 5), 2)
    data = simulated(rows, TRUTH, seed=3, sd=10.0)
    return data, pn.fit(data, list(TRUTH), draws=0, starts=4)


@pytest.mark.slow
def test_a_plate_alone_is_not_identified_and_the_named_plate_cures_it(
    alone: tuple[pd.DataFrame, Fit],
) -> None:
    data, found = alone
    assert not found.parameters["identified"].all()
    assert "these data cannot tell them apart" in found.said
    assert found.correlation.loc[FREE, KILL] > 0.95
    assert "2 h plate of MDM2" in found.said
    advice = {one.words: one for one in found.advice if one.cures}
    best = next(iter(advice))
    degraded = next(words for words in advice if words.startswith("a 2 h plate of MDM2"))
    for words in dict.fromkeys([best, degraded]):
        rows = advice[words].table.drop(columns="value").to_dict("records")
        wells = [{**row, "replicate": well} for row in rows for well in (1, 2)]
        more = simulated(wells, TRUTH, seed=2)
        again = pn.fit(pd.concat([data, more]), list(TRUTH), draws=0, starts=4)
        assert again.parameters["identified"].all(), words
        low, high = again.parameters["low"], again.parameters["high"]
        narrower = (found.parameters["high"] / found.parameters["low"]) > 2 * high / low
        assert narrower.all()


@pytest.mark.slow
def test_ends_of_an_interval_are_where_the_likelihood_has_fallen(
    alone: tuple[pd.DataFrame, Fit],
) -> None:
    """With all others at their best there, as SciPy finds them without slopes."""
    data, _ = alone
    found = pn.fit(data, [FREE], draws=0, starts=4)
    assert found.target is not None
    target, unknowns = found.target, found.target.unknowns
    for end in ("low", "high"):
        held = unknowns.scaled(np.array([[found.parameters.loc[FREE, end], 1.0]]))[0, 0]
        costs = minimize(
            lambda x, held=held: float((target.rows(np.array([[held, x[0]]])) ** 2).sum()),
            [np.log(found.nuisances["value"].iloc[0])], method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-4},
        )  # fmt: skip
        fallen = found.log_likelihood - (target.highest - costs.fun / 2)
        # the end is read between two points of the profile: 1.3 and 0.1 % off when measured
        assert 2 * fallen == pytest.approx(target.level, rel=0.02)


@pytest.mark.slow
def test_a_plate_a_blot_and_a_plasma_curve_together(tmp_path: object) -> None:
    truth = {FREE: 0.05, KILL: 250.0, "milademetan in human: CL_inhibitor": 14.0}
    rows = [*plate("KT-253", "RS4;11", np.geomspace(0.1, 6.0, 4)),
            *course("MDM2", "KT-253", "RS4;11", 1.0, (0.5, 2.0, 6.0, 24.0)),
            *plasma("milademetan", "human", "260 mg once", (1.0, 4.0, 8.0, 24.0))]  # fmt: skip
    data = simulated(rows, truth, seed=4)
    found = pn.fit(data, list(truth), draws=300, starts=4)
    expected = pd.Series(truth)
    assert (found.parameters["low"] < expected).all()
    assert (expected < found.parameters["high"]).all()
    assert found.parameters["identified"].all()
    assert len(found.nuisances) == 3
    # an estimated width is the scatter of its own rows: 3e-4 off when measured
    scatter = found.predicted.assign(square=found.predicted["residual"] ** 2)
    assert scatter.groupby("observable")["square"].mean().to_numpy() == pytest.approx(1.0, abs=2e-3)
    middle = np.log(found.draws[list(truth)]).median()
    spread = np.log(found.draws[list(truth)]).std()
    # priors are wide: 0.2 of a standard deviation away when measured
    assert (abs(middle - np.log(found.parameters["value"])) < 0.5 * spread).all()
    wide = np.log(found.parameters["high"] / found.parameters["low"]) / (2 * 1.96)
    # nearly a straight model: 0.99 to 1.02 when measured
    assert (spread / wide).between(0.85, 1.18).all()
    chains = found.inference_data().posterior
    assert chains.sizes["chain"] == 2
    assert chains.sizes["draw"] * 2 == len(found.draws) >= 300
    some = found.ensemble().thinned(20)
    plates = pn.viability("KT-253", "RS4;11", ensemble=some)
    assert float(plates["ic50"].sel(quantile=0.975).item()) > float(
        plates["ic50"].sel(quantile=0.025).item()
    )
    written = {path.name for path in found.save(tmp_path)}  # type: ignore[arg-type]
    assert written >= {"parameters.csv", "draws.csv", "draws.nc", "said.txt", "fit.json"}
    panels = found.plot().axes
    assert [panel.get_title(loc="left") for panel in panels[:3]] == [
        "viability: KT-253, RS4;11", "MDM2: KT-253, RS4;11", "plasma: milademetan, human",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws() -> None:
    name = "milademetan in human: CL_inhibitor"
    rows = plasma("milademetan", "human", "260 mg once", (4.0, 24.0), 2)
    data = simulated(rows, {name: 10.0}, 1)
    first, again, other = (pn.fit(data, [name], draws=2, starts=1, seed=seed)
                           for seed in (1, 1, 2))  # fmt: skip
    pd.testing.assert_frame_equal(first.draws, again.draws)
    assert not first.draws.equals(other.draws)


@pytest.mark.slow
def test_parameters_that_are_chosen_are_said() -> None:
    rows = plate("KT-253", "RS4;11", np.geomspace(0.03, 30.0, 6), 1)
    data = simulated(rows, TRUTH, seed=5)
    found = pn.fit(data, noise={"viability": 5.0}, draws=0, starts=2)
    assert found.said.startswith("No parameter was named")
    assert 1 <= len(found.parameters) <= 8
    assert all(name.startswith(("KT-253: ", "RS4;11: ")) for name in found.parameters.index)


@pytest.mark.slow
def test_a_prior_that_is_given_moves_the_bounds() -> None:
    rows = plate("KT-253", "RS4;11", np.geomspace(0.03, 30.0, 6), 1)
    data = simulated(rows, TRUTH, seed=5)
    found = pn.fit(data, [FREE], noise={"viability": 5.0}, draws=0, starts=2,
                   priors={FREE: ("log-uniform", 0.2, 1.0)})  # fmt: skip
    # at the bound; equal to the bit when measured
    assert found.parameters.loc[FREE, "value"] == pytest.approx(0.2, rel=1e-9)
    assert not found.parameters.loc[FREE, "identified"]


def test_subjects_are_taken_as_one_and_it_is_said() -> None:
    name = "milademetan in human: CL_inhibitor"
    rows = plasma("milademetan", "human", "260 mg once", (4.0, 24.0), 1)
    both = [{**row, "subject": who} for who in ("A", "B") for row in rows]
    data = pd.concat([simulated(both[:2], {name: 10.0}, 1, cv=0.01),
                      simulated(both[2:], {name: 20.0}, 1, cv=0.01)])  # fmt: skip
    noise = {"plasma": ("log-normal", 0.05)}
    one = pn.fit(data, [name], noise=noise, draws=0, starts=2, subject="B")
    # two samples that scatter by 1 %: 0.4 % off when measured
    assert one.parameters.loc[name, "value"] == pytest.approx(20.0, rel=0.02)
    assert "2 subjects were taken as one" in pn.fit(data, [name], noise=noise, draws=0,
                                                    starts=2).said  # fmt: skip


def test_points_are_drawn_over_the_curves_of_a_run() -> None:
    run = pn.load("milademetan", cell_line="RS4;11").simulate([0, 4, 24], {"milademetan": 200.0})
    rows = course("p53", "milademetan", "RS4;11", 200.0, (4.0, 24.0), 1)
    rows += course("p53", "milademetan", "RS4;11", 100.0, (8.0,), 1)
    data = pd.DataFrame(rows).assign(value=[3.0, 4.0, 9.0])
    panel = pn.plot(run, data=data).axes[0]
    (points,) = [one for one in panel.lines if one.get_marker() == "o"]
    start = float(run["p53_total"][0])
    assert points.get_xdata().tolist() == [4.0, 24.0]
    assert points.get_ydata() == pytest.approx([3.0 * start, 4.0 * start])
    with pytest.raises(pn.InputError, match="no row of the data measured what this run is"):
        pn.plot(run, data=data.iloc[2:])
    with pytest.raises(pn.InputError, match="over a time course of `simulate`, and over viability"):
        pn.plot(run.assign_attrs(study="escape"), data=data)


@pytest.mark.slow
def test_a_petab_problem_is_fitted(tmp_path: object) -> None:
    fixed = FIRST["parameters.tsv"].replace("sd|log10|0.001|10|0.1|1||", "sd|log10|||0.1|0||")
    write(tmp_path, {**FIRST, "parameters.tsv": fixed})  # type: ignore[arg-type]
    problem = pn.read_petab(tmp_path / "problem.yaml")  # type: ignore[operator]
    found = pn.fit(problem, draws=0, starts=8)
    best = minimize(
        lambda x: -float(problem.log_likelihood(x)), problem.nominal,
        jac=lambda x: -problem.gradient(x), bounds=problem.bounds.T,
    )  # fmt: skip
    # 3e-9 above SciPy's optimum when measured
    assert found.log_likelihood >= -best.fun - 1e-6
    assert found.log_likelihood == pytest.approx(
        float(problem.log_likelihood(found.best)),
        abs=1e-9,  # type: ignore[arg-type]
    )
    assert list(found.parameters.index) == list(problem.names)
    with pytest.raises(pn.InputError, match="priors is said by the PEtab problem"):
        pn.fit(problem, priors={"a": ("normal", 1.0, 1.0)}, draws=0)


def test_the_command_writes_what_the_function_gives(tmp_path: object) -> None:
    from typer.testing import CliRunner

    from p53net.cli import app

    rows = plate("KT-253", "RS4;11", np.geomspace(0.03, 30.0, 6), 1)
    data = simulated(rows, TRUTH, seed=5)
    data.to_csv(tmp_path / "plate.csv", index=False)  # type: ignore[operator]
    out = tmp_path / "out"  # type: ignore[operator]
    words = ["fit", str(tmp_path / "plate.csv"), "--parameter", FREE, "--noise", "viability=5",  # type: ignore[operator]
             "--draws", "0", "--starts", "2", "--out", str(out)]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = pn.fit(data, [FREE], noise={"viability": 5.0}, draws=0, starts=2)
    written = pd.read_csv(out / "parameters.csv", index_col=0)
    assert written.loc[FREE, "value"] == pytest.approx(found.parameters.loc[FREE, "value"])
    assert (out / "said.txt").read_text() == found.said + "\n"
    assert (out / "fit.png").read_bytes().startswith(b"\x89PNG")
