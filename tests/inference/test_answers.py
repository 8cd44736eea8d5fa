"""Answers by name, what is refused, and how plausible a claim is."""

import pickle

import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.errors import P53NetError
from p53net.inference import answers as room
from p53net.inference.answers import answers_of, in_full, values_in
from p53net.inference.claims import standard_error
from p53net.inference.per_draw import NOT_DEFINED, NOT_HERE, Numbers, numbers
from p53net.measures.claims import Value, is_claim, value_of

PLAIN = Ensemble(pd.DataFrame({"structure": ["default"] * 4 + ["MDMX"] * 6}), {})


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("dose_ratio:3", ['dose_ratio:3["milademetan"]', 'dose_ratio:3["KT-253"]']),
        ("escape_index", ['escape_index["milademetan"]', 'escape_index["KT-253"]']),
        (
            "tgi 3/14 > 14/28",
            ['tgi["milademetan","3/14"] > tgi["milademetan","14/28"]'],
        ),
        (
            "tgi 260 mg 3/14 >= 160 mg 14/28",
            ['tgi["milademetan","260 mg 3/14"] >= tgi["milademetan","160 mg 14/28"]'],
        ),
        (
            "thrombocytopenia:4 3/14 < daily < 21/28",
            [
                'thrombocytopenia:4["milademetan","3/14"] < thrombocytopenia:4["milademetan",'
                '"daily"] < thrombocytopenia:4["milademetan","21/28"]'
            ],
        ),
        ('ic50["KT-253"]', ['ic50["KT-253"]']),
    ],
)
def test_short_forms(short: str, full: list[str]) -> None:
    assert in_full(short) == full
    for text in full:
        assert values_in(text)
        assert is_claim(text) == (" > " in text or " >= " in text or " < " in text)


def test_values_have_their_names_in_full_and_their_usual_places() -> None:
    assert values_in('equal_dose["kt253"]/ic50["DS-3032b", "SJSA1"]') == [
        Value("equal_dose", 3.0, "KT-253"),
        Value("ic50", None, "milademetan", "SJSA-1"),
    ]
    twin = "KT-253 (non-catalytic twin)"
    assert values_in(f'dose_ratio:5["{twin}"]') == [Value("dose_ratio", 5.0, twin)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a text"),
        (3.0, "must be a text"),
        ("no_such:3", "unknown answer 'no_such'"),
        ('dose_ratoi:3["KT-253"]', "did you mean 'dose_ratio'"),
        ('dose_ratio["KT-253"]', "needs a fold"),
        ('dose_ratio:0.5["KT-253"]', "above 1"),
        ('rebound["KT-253"]', "needs a exposure"),
        ('rebound:0["KT-253"]', "above 0"),
        ('escape_index:3["KT-253"]', "at one place only"),
        ('escape_index["KT-254x"]', "unknown drug"),
        ('ic50["KT-253","no line"]', "unknown cell line"),
        ('dose_ratio:3["milademetan (non-catalytic twin)"]', "no degrader"),
        ('ic50["KT-253 (non-catalytic twin)"]', "unknown drug"),
        ('tgi["milademetan"]', "needs a regimen"),
        ('tgi["milademetan","5/9"]', "no dose of milademetan 5/9"),
        ('tgi["KT-253","3/14"]', "no dose of KT-253"),
        ('tgi["milademetan","260 mg often"]', "schedule 'often'"),
        ('anaemia:5["milademetan","3/14"]', "1, 2, 3 or 4"),
        ("2 < 3", "no value of a drug"),
        ('dose_ratio:3["KT-253"] <', "no claim"),
        ('__import__("os")', "no claim"),
        ('dose_ratio:3["KT-253"] dose_ratio:3["KT-253"]', "no claim"),
    ],
)
def test_what_is_no_answer_is_refused(text: str, said: str) -> None:
    with pytest.raises(P53NetError, match=said.replace("?", r"\?").replace("/", "/")):
        [values_in(one) for one in in_full(text)]


def test_arithmetic_reads_bare_names_only_where_it_may() -> None:
    assert float(value_of("2*a:3 - b", lambda one: np.asarray(1.5), bare=True)) == 1.5
    with pytest.raises(pn.InputError, match="no claim from 'a:3"):
        value_of("a:3", lambda one: np.asarray(1.0))
    with pytest.raises(pn.InputError, match="no claim"):
        value_of("a < b", lambda one: np.asarray(1.0), bare=True)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """KT-253's value is 1 to 10 in the ten draws, that of others 3.5; draw 9 has none."""

    def of(_ensemble: Ensemble, wanted: list[Value]) -> dict[Value, Numbers]:
        rising = numbers(np.arange(1.0, 11.0), {9: pn.MeasureError("no dose")})
        flat = numbers(np.full(10, 3.5))
        return {one: rising if one.drug == "KT-253" else flat for one in wanted}

    monkeypatch.setattr(room, "numbers_of", of)


@pytest.mark.usefixtures("toy")
def test_a_probability_counts_draws_structures_and_what_is_undefined() -> None:
    found = PLAIN.probability('dose_ratio:3["KT-253"] < dose_ratio:3["milademetan"]')
    assert float(found) == found == pytest.approx(3.0 / 9.0)
    assert found.draws == 9
    assert found.undefined == {"not reached by any dose": 1}
    assert (found.holds_in, found.of) == (1, 2)
    table = found.structures.set_index("structure")
    assert table["share"].to_dict() == {"default": 0.75, "MDMX": 0.0}
    assert table["undefined"].to_dict() == {"default": 0, "MDMX": 1}
    assert found.error == standard_error(3, 9) > 0.0
    assert str(found) == "0.333 ± 0.14 (in 1 of 2 structures; 9 draws, 1 without)"
    assert pickle.loads(pickle.dumps(found)).error == found.error


@pytest.mark.usefixtures("toy")
def test_an_answer_that_is_undefined_says_why() -> None:
    found = answers_of(PLAIN, ["dose_ratio:3", '1/(dose_ratio:3["KT-253"] - 2)'])
    quotient = '1/(dose_ratio:3["KT-253"] - 2)'
    assert found.undefined(quotient)["not reached by any dose"] == 1
    assert found.undefined('dose_ratio:3["milademetan"]') == {}
    assert found.claims == ()


def test_errors_of_shares_are_not_0_where_all_draws_agree() -> None:
    assert standard_error(50, 100) == pytest.approx((0.25 / 102.0) ** 0.5)  # Beta(50.5, 50.5)
    assert 0.0 < standard_error(100, 100) < 0.01
    assert np.isnan(standard_error(0, 0))


@pytest.mark.parametrize(
    ("claim", "said"),
    [("dose_ratio:3", "compares nothing"), (3, "must be a text"), ('a["x"] < 2', "unknown answer")],
)
def test_what_is_no_claim_has_no_probability(claim: object, said: str) -> None:
    with pytest.raises(P53NetError, match=said):
        PLAIN.probability(claim)  # type: ignore[arg-type]


def test_values_are_kept_for_one_ensemble_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws are not run again; others are, with the same columns too."""
    asked: list[int] = []

    def of(several: Ensemble, *_: object) -> dict[Value, Numbers]:
        asked.append(len(several))
        return {value: numbers(several.table["model: k_deg_MDM2"].to_numpy())}

    monkeypatch.setattr(room, "_known", room.OrderedDict())
    monkeypatch.setattr(room.escape_answers, "in_cells_of", of)
    value = room.checked(Value("dose_ratio", 3.0, "KT-253"))
    tables = [{"structure": ["default"] * 2, "model: k_deg_MDM2": [1.0, last]} for last in (2, 3.0)]
    for table in (tables[0], tables[0], tables[1]):
        frame = pd.DataFrame(table).astype({"model: k_deg_MDM2": float})
        found = room.numbers_of(Ensemble(frame, {}), [value])[value]
        assert found.values.tolist() == table["model: k_deg_MDM2"]
    assert asked == [2, 2]


def test_what_is_not_finite_is_not_defined() -> None:
    found = numbers(np.array([1.0, np.inf, np.nan]))
    assert found.counts() == {NOT_DEFINED: 2}
    assert np.isnan(found.values[1])


@pytest.mark.slow
def test_probabilities_are_those_of_the_study_over_draws() -> None:
    """Two paths to the same claims: the study runs one draw after the other, this all at once."""
    random = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "structure": ["default", "no partner", "MDMX"] * 4,
            "model: k_transcr_MDM2_P1": 0.031 * np.exp(0.7 * random.standard_normal(12)),
            "milademetan: k_perm_inhibitor": 10.0 * np.exp(0.7 * random.standard_normal(12)),
        }
    )
    several = Ensemble(table, {})
    study = pn.escape(ensemble=several)
    for claim in study["claim"].values:
        one = study.sel(claim=claim)
        found = several.probability(one["expression"].item())
        assert found == pytest.approx(float(one["holds"])), claim
        shares = found.structures.set_index("structure")["share"]
        for structure, share in one["holds_in"].to_series().items():
            assert shares[structure] == pytest.approx(share), claim


@pytest.mark.slow
def test_answers_are_those_of_the_studies() -> None:
    """One draw of nothing but a structure, and one with a parameter moved, which a table moves in
    the study."""
    table = pd.DataFrame({"structure": ["default"] * 2, "model: k_deg_MDM2": [1.4, 2.8]})
    several = Ensemble(table, {})
    for drug in ("milademetan", "KT-253"):
        study = pn.escape([drug]).sel(drug=drug)
        names = {
            f'{name}["{drug}"]': study[name]
            for name in ("equal_dose", "MDM2_total_fold", "MDM2_mRNA_fold", "escape_index",
                         "loop_factor", "log_occupancy", "p53_total_fold", "late_swing")
        }  # fmt: skip
        names |= {f'dose_ratio:{at}["{drug}"]': study["dose_ratio"].sel(fold=at) for at in (2, 5)}
        for name in ("rebound", "persistence", "washout_half_time", "free_MDM2_rise"):
            for at in (4, 24):
                names[f'{name}:{at}["{drug}"]'] = study[name].sel(exposure=at)
        for name in ("stoichiometric_load", "closed_dish_dose"):
            names[f'{name}:2["{drug}"]'] = study[name].sel(medium_volume=2)
        found = answers_of(several, names).values
        for name, expected in names.items():
            assert found[name][0] == pytest.approx(float(expected), rel=1e-5, abs=2e-6), name
        assert (found.iloc[0] != found.iloc[1]).any()
    silent = Ensemble(pd.DataFrame({"structure": ["default"] * 2, "model: k_syn_p53": [52.0, 0.0]}),
                      {})  # fmt: skip
    lost = answers_of(silent, ["dose_ratio:3", "MDM2_total_fold", "rebound:4"])
    for name in lost.names:
        assert lost.undefined(name) == {"not reached by any dose": 1}, name
    published = Ensemble(pd.DataFrame({"structure": ["default", "Proctor2008"]}), {})
    name = 'ic50["milademetan"]'  # cells of that structure do not die
    assert answers_of(published, [name]).undefined(name) == {NOT_HERE: 1}
    plate = pn.viability("KT-253", "RS4;11")
    found = answers_of(several, ['ic50["KT-253","RS4;11"]']).values
    # answers read the ledger's plate of 33 doses, the study one of 25
    assert found.iloc[0, 0] == pytest.approx(plate["ic50"].item(), rel=1e-2)
