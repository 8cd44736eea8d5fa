"""What priors predict: draws as an ensemble, failures that are counted, tables and the figure."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import xarray as xr

from p53net.ensembles.draws import QUANTILES
from p53net.errors import InputError, SteadyStateError
from p53net.evidence.cells import Predictions
from p53net.inference import prior_pages
from p53net.inference.prior_checks import LEVELS, _of_each, prior_draws, prior_predictive
from p53net.inference.priors import Space, for_structure
from p53net.simulation.trials import Trial


def test_draws_are_those_of_the_space_with_what_follows_from_them() -> None:
    ensemble = prior_draws("MDMX", draws=3, seed=7)
    space = Space(for_structure("MDMX"))
    values = space.values(np.random.default_rng(7).standard_normal((3, len(space))))
    assert ensemble.structures == {"MDMX": 1.0} and ensemble.parameters == space.names
    np.testing.assert_array_equal(ensemble.table[space.names].to_numpy(), values)
    trial = ensemble.trial(1)
    human, mouse = trial["milademetan in human"], trial["milademetan in mouse"]
    assert mouse["V_central_inhibitor"] == pytest.approx(human["V_central_inhibitor"] * 0.02 / 70)
    assert "E3_capacity" not in trial["model"] and "k_syn_MDMX" in trial["model"]


@pytest.mark.parametrize("draws", [0, 1.5, True])
def test_draws_are_a_whole_number(draws: object) -> None:
    with pytest.raises(InputError, match="whole number, 1 or more"):
        prior_draws(draws=draws)  # type: ignore[arg-type]


def test_a_draw_that_fails_costs_no_other_and_is_counted() -> None:
    def group(trials: Sequence[Trial]) -> list[Predictions]:
        if any(trial["model"]["k"] < 0 for trial in trials):
            raise SteadyStateError("none")
        return [{"row": trial["model"]["k"]} for trial in trials]

    failed: Counter[str] = Counter()
    trials = [{"model": {"k": k}} for k in (1.0, -1.0, 3.0, 4.0, -5.0, 6.0, 7.0)]
    found = _of_each(group, trials, failed)
    assert [rows.get("row") for rows in found] == [1.0, None, 3.0, 4.0, None, 6.0, 7.0]
    assert failed == {"group: SteadyStateError": 2}


@pytest.mark.slow
def test_what_is_counted_is_what_was_predicted() -> None:
    result = prior_predictive("no partner", draws=12, seed=3)
    assert list(result["row"].values[: len(LEVELS)]) == list(LEVELS)
    one = result.sel(row="p53_half_life")
    values = one["predicted"].values
    assert float(one["inside"]) == np.mean((values >= 10.0) & (values <= 30.0))
    assert float(one["quantiles"].sel(quantile=0.5)) == np.sort(values)[5]
    share = result["predicted"].sel(row="P1_share")
    assert ((share > 0) & (share <= 1)).all()
    assert np.isnan(result["inside"].sel(row="P1_share")) and result.attrs["failed"] == {}
    again = prior_predictive("no partner", draws=12, seed=3)
    xr.testing.assert_identical(again, result)


def made(rows: dict[str, tuple[list[float], float, float]]) -> xr.Dataset:
    low, high = ([ends[k] for ends in rows.values()] for k in (1, 2))
    return xr.Dataset(
        {
            "quantiles": (("row", "quantile"), [ends[0] for ends in rows.values()]),
            "defined": ("row", [0.75] * len(rows)),
            "inside": ("row", [0.25 if np.isfinite(end) else np.nan for end in low]),
            "low": ("row", low),
            "high": ("row", high),
            "unit": ("row", ["nM"] * len(rows)),
        },
        coords={"row": list(rows), "quantile": list(QUANTILES)},
    )


ROWS = {
    **{name: ([1.0, 2.0, 3.0, 4.0, 5.0], -np.inf, np.inf) for name in LEVELS},
    "kt253_dc50": ([1e-9, 0.2, 0.4, 4.0, np.inf], 0.27, 0.6),
    "built": ([1.0, 1.0, 1.0, 1.0, 1.0], 0.9, 1.1),
    "md224_dc": ([1.0, 2.0, 3.0, 4.0, 5.0], -np.inf, 1.0),
}


def test_the_table_says_what_was_observed_and_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    results = dict.fromkeys(prior_pages.SHOWN, made(ROWS))
    monkeypatch.setattr(prior_pages, "_made", lambda: results)
    assert prior_pages.compared(results) == ["kt253_dc50"]
    lines = prior_pages.predictive_table().splitlines()
    cell = "0.4 (0 to none); 0.25 in; 0.25 without"
    assert lines[-1] == f"| kt253_dc50 [nM] | 0.27 to 0.6 |{f' {cell} |' * 3}"
    assert lines[2].startswith("| p53, untreated [nM] | | 3 (1 to 5); 0.25 without |")


def test_the_figure_has_the_interval_and_a_mark_for_each_structure() -> None:
    figure = prior_pages.prior_figure({"one": made(ROWS), "two": made(ROWS)})
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "DC50 of MDM2, KT-253, HEK293T-HiBiT"
    ]
    middle = np.sqrt(0.27 * 0.6)
    (bar,) = axes.patches
    assert (bar.get_x(), bar.get_width()) == pytest.approx((0.27 / middle, 0.33 / middle))
    medians = [line.get_xdata()[0] for line in axes.lines if line.get_marker() in ("o", "s")]
    assert medians == pytest.approx([0.4 / middle] * 2)
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {"one", "two", "observed interval"}


def test_kinds_of_priors_add_up() -> None:
    from p53net.inference.priors import priors

    lines = [line.split(" | ") for line in prior_pages.groups_table().splitlines()[2:]]
    assert sum(int(line[1]) for line in lines[:-1]) == len(priors())
