"""The ledger in several structures."""

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.evidence import matrix


def ledger(name: str, predicted: list[float], verdict: list[str]) -> xr.Dataset:
    rows = {
        "predicted": predicted,
        "use": ["predict", "fit", "set", "predict"],
        "seen_by": ["", "a", "b", ""],
        "verdict": verdict,
        "place": [0.0] * 4,
        "reason": [""] * 4,
        "predicted_in": [""] * 4,
        "line": [""] * 4,
        "quantity": ["IC50", "rate", "rise", "order"],
        "subject": ["a drug"] * 4,
        "protocol": [""] * 4,
        "unit": ["nM", "% of patients", "fold", "qualitative"],
        "low": [1.0, 10.0, 2.0, -np.inf],
        "high": [2.0, 20.0, np.inf, np.inf],
    }
    variables = {key: ("observation", values) for key, values in rows.items()}
    attrs = {"structure": name, "counts": name, "failed": "why" if name == "b" else ""}
    return xr.Dataset(variables, {"observation": list("wxyz")}, attrs)


LEDGERS = {
    "a": ledger("a", [1.5, 15.0, 3.0, 1.0], ["inside"] * 4),
    "b": ledger("b", [4.0, 5.0, np.nan, 0.0], ["outside", "outside", "not predicted", "outside"]),
}


@pytest.fixture(scope="module")
def both() -> xr.Dataset:
    return matrix.compared(LEDGERS.__getitem__, list(LEDGERS), None)


def test_misses_say_by_how_much(both: xr.Dataset) -> None:
    table = matrix.table(both).set_index("observation")
    assert table["a"].tolist() == ["met"] * 4
    assert table["b"].tolist() == ["x 2", "-5 points", "missed", "missed"]
    assert both.attrs["failed"] == "why"


def test_counts(both: xr.Dataset) -> None:
    table = matrix.count_table(both).set_index("structure")
    assert table.loc["a"].tolist() == [4, 0, 2, 0]
    assert table.loc["b"].tolist() == [0, 4, 0, 2]
    assert pn.plot(both).axes


@pytest.mark.slow
def test_each_column_is_the_ledger_of_its_structure() -> None:
    names = ["v0.1", "Hunziker2010"]
    both = pn.validate(structures=names)
    for name in names:
        alone = pn.validate(structure=name)
        np.testing.assert_array_equal(both["predicted"].sel(structure=name), alone["predicted"])
        assert (
            both["verdict"].sel(structure=name).values.tolist() == alone["verdict"].values.tolist()
        )
    # what no part of a published core makes is not modelled there, and no miss
    core = both.sel(structure="Hunziker2010", observation="nutlin_death_sjsa1")
    assert core["verdict"].item() == "not modelled"


def test_one_or_several() -> None:
    with pytest.raises(pn.InputError, match="both given"):
        pn.validate(structure="v0.1", structures="all")
