"""Draws made anew with a datum, where the posterior is known by a sum over one coordinate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError
from p53net.inference import renewal
from p53net.inference.experiments import Experiment, read_experiments
from p53net.inference.prior_checks import prior_draws
from p53net.inference.read_outs import readings
from p53net.inference.renewal import Renewal
from p53net.inference.target import Target

ROW, READ, BODY = "mdm2_half_life", "model: k_deg_MDM2", "KT-253 in human: CL_degrader"
DRAWS, SEEN = 400, 45.0
"""How many, and the half-life that the datum says [min]; the row asks for less."""


class OneRow:
    """The half-life of MDM2 alone, which is that of its rate."""

    def __init__(self, parameters: list[str]) -> None:
        self._place = parameters.index(READ)
        self.read = {READ}

    def __call__(self, values: FloatArray) -> dict[str, FloatArray]:
        return {ROW: 60.0 * np.log(2.0) / values[:, self._place]}


class Simple(Target):
    """A target whose evidence is that row."""

    def __init__(self, structure: str, **_: object) -> None:
        super().__init__(structure, rows=[ROW])
        self.predict = OneRow(self.space.names)  # type: ignore[assignment]


def experiment(name: str, error: float | None = None) -> Experiment:
    found = next(one for one in read_experiments() if one.name == name)
    return found if error is None else replace(found, error=error)


def law(datum: float | None, error: float) -> tuple[FloatArray, FloatArray]:
    """A grid of the coordinate of the rate, and its probability given the row, and perhaps the
    datum."""
    target = Simple("default")
    place = target.space.names.index(READ)
    grid = np.linspace(-5.0, 5.0, 4001)
    z = np.zeros((len(grid), len(target.space)))
    z[:, place] = grid
    logs = -0.5 * grid**2 + target.likelihood(z)
    if datum is not None:
        half_life = 60.0 * np.log(2.0) / target.space.values(z)[:, place]
        logs -= 0.5 * (np.log(half_life / datum) / error) ** 2
    share = np.exp(logs - logs.max())
    return grid, share / share.sum()


def coordinate(ensemble: Ensemble) -> FloatArray:
    space = Target("default").space
    values = ensemble.table[space.names].to_numpy(dtype=float)
    return np.asarray(space.coordinates(values)[:, space.names.index(READ)])


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Ensemble:
    """Draws of the posterior of the row: by quantiles in the coordinate that it informs."""
    monkeypatch.setattr(renewal, "Target", Simple)
    space = Target("default").space
    grid, share = law(None, 1.0)
    random = np.random.default_rng(1)
    z = random.standard_normal((DRAWS, len(space)))
    z[:, space.names.index(READ)] = np.interp(random.random(DRAWS), np.cumsum(share), grid)
    table = pd.DataFrame(space.values(z), columns=space.names)
    table.insert(0, "structure", "default")
    return Ensemble(table, {})


@pytest.mark.slow
@pytest.mark.parametrize("error", [0.2, 0.02])
def test_draws_are_those_of_the_row_and_the_datum(known: Ensemble, error: float) -> None:
    """Of 400 draws that hang together a mean is known to a fifth of the spread, with room; and a
    spread to a fifth of itself."""
    one, datum = experiment("MDM2_half_life", error), np.log([SEEN])
    refit = Renewal(known)
    again = refit(one, datum, 7)
    grid, share = law(SEEN, error)
    mean = float(grid @ share)
    spread = float(np.sqrt((grid - mean) ** 2 @ share))
    found = coordinate(again)
    assert len(again) == DRAWS - 1 and list(again.table) == list(known.table)
    assert abs(found.mean() - mean) < 0.2 * spread
    assert found.std() == pytest.approx(spread, rel=0.2)
    before = coordinate(known)
    assert abs(before.mean() - mean) > spread or before.std() > 1.3 * spread
    assert len(np.unique(found)) > 0.8 * len(found)
    others = set(known.table[BODY].drop(index=7))  # of bodies: they stay as they are
    assert set(again.table[BODY]) <= others
    pd.testing.assert_frame_equal(Renewal(known)(one, datum, 7).table, again.table)
    assert refit(one, datum, 7) is again


@pytest.mark.slow
def test_draws_that_predict_no_such_number_keep_their_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MDMX is in one of two structures: a datum of it moves that one, and is silent about the
    other."""
    monkeypatch.setattr(renewal, "Target", Simple)
    parts = [prior_draws(name, 60, seed=4) for name in ("default", "MDMX")]
    both = Ensemble(pd.concat([one.table for one in parts], ignore_index=True), parts[0].about)
    one = experiment("MDMX_copies", 0.05)
    levels = np.log(readings(both, [one])[one.name].values[60:, 0])
    datum = np.quantile(levels, [0.9])
    again = Renewal(both)(one, datum)
    error = np.sqrt(0.25 / len(both))  # of a share of so many draws
    assert again.structures["MDMX"] == pytest.approx(0.5, abs=2.0 * error)
    there = (again.table["structure"] == "MDMX").to_numpy()
    read = np.log(readings(again, [one])[one.name].values[:, 0])
    assert np.isnan(read[~there]).all()
    assert abs(read[there].mean() - datum[0]) < 0.1 < 0.5 * levels.std()


@pytest.mark.slow
def test_what_cannot_be_drawn_anew_is_refused(known: Ensemble) -> None:
    lacking = replace(known, table=known.table.drop(columns=READ))
    outside = replace(known, table=known.table.assign(**{READ: 1e6}))
    for given, said in (
        (lacking, f"has no {READ}"),
        (outside, f"has a {READ} that its prior cannot have"),
        (replace(known, about={"own": {"observations": "0"}}), "tables of your own"),
    ):
        with pytest.raises(InputError, match=said):
            Renewal(given)
    with pytest.raises(InputError, match="of a body"):
        Renewal(known)(experiment("platelets_day15"), np.log([0.5]))
