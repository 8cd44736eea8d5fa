"""Cards: what they say, and that a stranger's names are text on them."""

from collections import Counter
from html.parser import HTMLParser
from types import SimpleNamespace

import antimony
import numpy as np
import pandas as pd
import pytest

import p53net as pn
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.probability import made
from p53net.fitting.by_subject import SubjectFits
from p53net.fitting.result import Fit
from p53net.inference.posterior import Posterior
from p53net.notebook.cards import MOST_ROWS, Table, card, of_frame
from p53net.petab.problem import PetabProblem

TAGS = {"div", "strong", "table", "tr", "td", "th", "details", "summary"}
BAD = "<img src=x onerror=alert(1)><script>alert('2')</script>\"'&amp;"


class Seen(HTMLParser):
    """Tags with their attributes, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def seen(text: str) -> Seen:
    """A card that is sound, and has no other tags or attributes than ours."""
    found = Seen(text)
    assert {tag for tag, _ in found.tags} <= TAGS
    assert {name for _, names in found.tags for name in names} <= {"style", "open"}
    return found


def test_every_text_is_escaped() -> None:
    table = Table(BAD, [BAD, "unit"], [[BAD, 1.0]], shown=True)
    texts = seen(card(BAD, {BAD: BAD}, [table], BAD)).texts
    assert texts == [BAD, BAD, BAD, BAD, BAD, BAD, "unit", BAD, "1"]


def test_a_long_table_is_cut_and_counted() -> None:
    texts = seen(card("t", {}, [Table("rows", ["n"], [[n] for n in range(MOST_ROWS + 7)])])).texts
    assert texts[-2:] == [str(MOST_ROWS - 1), "and 7 more"]


def test_what_is_empty_is_left_out() -> None:
    assert seen(card("t", {"a": "", "b": None, "c": 0}, [Table("none", ["n"], [])])).texts == [
        "t", "c", "0",
    ]  # fmt: skip


def test_a_frame_is_shown_with_its_index_and_short_numbers() -> None:
    frame = pd.DataFrame({"value": [1 / 3, np.nan]}, index=pd.Index(["a", "b"], name="id"))
    assert seen(card("t", {}, [of_frame("f", frame)])).texts == [
        "t", "f", "id", "value", "a", "0.3333", "b",
    ]  # fmt: skip


@pytest.mark.parametrize("system", ["dish", "tumour", "draw"])
def test_a_model_shows_species_units_and_what_its_numbers_rest_on(system: str) -> None:
    if system == "draw":
        model = pn.load("KT-253", cell_line="RS4;11", draw=3)
        assert "drawn" in set(model.parameters["kind"])
    else:
        model = pn.load("KT-253", cell_line="RS4;11", system=system)
    texts = seen(model._repr_html_()).texts
    definition = model.definition
    assert f"species, {len(definition.species)}" in texts
    for name in definition.variables:
        assert texts[texts.index(name) + 1] == model.about(name)["units"]
    for kind, count in Counter(model.parameters["kind"]).items():
        assert f"parameters {kind}, {count}" in texts
    assert texts[texts.index("cell line") + 1] == "RS4;11"
    assert ("masses" if system == "tumour" else "nM") in texts[texts.index("doses") + 1]


def test_a_model_without_drug_has_no_doses() -> None:
    assert "doses" not in seen(pn.load()._repr_html_()).texts


def test_names_of_a_strangers_model_are_text() -> None:
    antimony.loadAntimonyString("model some\n  species p53 = 1\n  p53 -> ; p53\nend")
    text = antimony.getSBMLString("some")
    quoted = BAD.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = quoted.replace('"', "&quot;")
    assert ' id="p53"' in text
    text = text.replace(' id="p53"', f' name="{quoted}" id="p53"')
    shown = seen(pn.read_sbml(text)._repr_html_())
    assert BAD in shown.texts


def test_an_ensemble_and_a_probability_show_themselves() -> None:
    table = pd.DataFrame({"structure": ["default", BAD], f"{BAD}: k": [1.0, 3.0]})
    draws = Ensemble(table, {"why": BAD})
    texts = seen(draws._repr_html_()).texts
    assert texts[0] == "2 draws"
    place = texts.index(f"{BAD}: k")
    assert texts[place + 1 : place + 4] == ["2", "1.05", "2.95"]
    by = pd.DataFrame({"structure": [BAD], "share": [0.5], "draws": [2], "holds": [False]})
    about = {"claim": BAD, "error": 0.1, "draws": 2, "undefined": {BAD: 1}, "structures": by}
    shown = seen(made(0.5, about)._repr_html_()).texts
    assert shown[0].startswith("0.5 ± 0.1") and shown.count(BAD) == 2
    assert repr(draws) == f"<p53net ensemble: 2 draws of default, {BAD}>"


def a_fit() -> Fit:
    values = {"value": [2.0], "unit": [BAD], "low": [1.0], "high": [4.0]}
    more = {"identified": [True], "reason": [""], "correlated_with": [""]}
    rows = pd.DataFrame({"observable": [BAD], "value": [1.0]})
    empty = pd.DataFrame(columns=["value", "unit", "low", "high"])
    return Fit(pd.DataFrame({**values, **more}, index=[BAD]), empty, BAD, rows, pd.DataFrame(),
               -3.5, {}, pd.DataFrame(), (), {})  # fmt: skip


def test_a_fit_shows_what_it_says_and_its_estimates() -> None:
    found = a_fit()
    texts = seen(found._repr_html_()).texts
    assert texts[:2] == ["Fit", BAD] and texts[texts.index("draws") + 1] == "none"
    assert ["2", BAD, "1", "4", "True"] == texts[texts.index("2") : texts.index("2") + 5]
    assert repr(found) == "<p53net fit: 1 parameters of 1 rows>"


def test_fits_by_subject_name_those_without_a_fit() -> None:
    frame = pd.DataFrame({"subject": [BAD], "first": ["k"], "value": [1.0]})
    found = SubjectFits({"a": a_fit()}, frame, frame, frame, {BAD: BAD}, BAD)
    assert f"{BAD}: {BAD}" in seen(found._repr_html_()).texts
    assert repr(found) == "<p53net fits: 1 subjects>"


def test_a_posterior_shows_weights() -> None:
    weights = pd.DataFrame({"structure": [BAD], "log_evidence": [-1.0], "weight": [1.0]})
    draws = Ensemble(pd.DataFrame({"structure": [BAD]}), {"why": "too few"})
    found = Posterior({}, weights, weights, weights, draws, {}, weights)
    texts = seen(found._repr_html_()).texts
    assert texts[texts.index("not converged") + 1] == "too few"
    assert repr(found) == f"<p53net posterior: 1 draws of {BAD}>"


def test_a_petab_problem_shows_its_parameters() -> None:
    bounds = np.array([[0.1], [10.0]])
    problem = SimpleNamespace(
        name=BAD, names=(BAD,), scales=("log10",), nominal=np.array([1.5]), bounds=bounds,
        engine="batch", model=SimpleNamespace(definition=SimpleNamespace(id="m")),
        _data=SimpleNamespace(experiments=[1, 2], rows=[1, 2, 3]),
    )  # fmt: skip
    texts = seen(PetabProblem._repr_html_(problem)).texts  # type: ignore[arg-type]
    assert texts[0] == f"PEtab problem {BAD}"
    assert texts[-5:] == [BAD, "log10", "1.5", "0.1", "10"]
