"""The page of planted errors, and some of them planted again."""

import pytest

from tests.referee.mutants.changes import mutants
from tests.referee.mutants.equivalent import EQUIVALENT
from tests.referee.mutants.kill import ALIVE, REFUSED, SEEN_IN, STUCK, verdict
from tests.referee.mutants.page import counts, read
from tests.referee.mutants.texts import digest, fragments

TEXTS = fragments()


def test_the_page_is_of_these_texts() -> None:
    digests, rows = read()
    of_these = {name: digest(name, text) for name, text in TEXTS.items()}
    assert digests == of_these, "run `python -m tests.referee.mutants`"
    planted = [(one.fragment, one.kind) for name in TEXTS for one in mutants(name, TEXTS)]
    assert [(row.fragment, row.kind) for row in rows] == planted


def test_nearly_all_planted_errors_are_seen() -> None:
    found = counts(read()[1])
    real = found["planted"] - found["equivalent"]
    assert found["planted"] >= 120 and found["equivalent"] <= 0.05 * found["planted"]
    assert real - found["survive"] >= 0.95 * real
    assert found["seen"] >= 0.75 * real  # by a curve, and not by a text that does not load
    assert found["equivalent"] == len(EQUIVALENT)


def test_a_draw_is_the_same_at_every_call() -> None:
    assert mutants("tumour", TEXTS) == mutants("tumour", TEXTS)
    others = {**TEXTS, "culture": "// another\n"}
    assert mutants("tumour", others) == mutants("tumour", TEXTS)


def test_every_text_has_scenarios_that_see_it() -> None:
    assert SEEN_IN.keys() == TEXTS.keys()


@pytest.mark.parametrize("fragment", ["core", "degrader"])
@pytest.mark.slow
def test_planted_errors_are_seen(fragment: str) -> None:
    """The first of each kind; and the text as it is, planted as if it were one, is not."""
    some = {one.kind: one for one in reversed(mutants(fragment, TEXTS))}
    said = {kind: verdict(one) for kind, one in some.items()}
    assert ALIVE not in said.values(), said
    assert len([one for one in said.values() if not one.startswith((REFUSED, STUCK))]) >= 5
    first = next(iter(some.values()))
    as_it_is = first.__class__(fragment, "none", 1, "", "", "", TEXTS[fragment])
    assert verdict(as_it_is) == ALIVE
