"""Shares of draws in prose are typed, and each page says of which draws, so that other draws are
seen: whoever ships them looks over these pages and writes the new digest."""

import re
from pathlib import Path

import pytest

from p53net.ensembles.draws import ensemble
from tests.support import ROOT

_STAMP = re.compile(r"<!-- typed here: shares of draws (\w+) -->")
_TABLE = re.compile(r"<!-- table: .*?<!-- end -->", re.DOTALL)
_SHARE = re.compile(r"(?<!95)(?<!50) % (± [\d.]+ )?of\s+the\s+(\d+\s+)?draws")
_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def typed(text: str) -> bool:
    return bool(_SHARE.search(_TABLE.sub("", text)))


def test_a_typed_share_is_one_outside_of_a_table() -> None:
    assert typed("It holds in 87 % of the draws.") and typed("in 75 % ± 5 of\nthe draws")
    assert not typed("<!-- table: a -->\n| in 87 % of the draws |\n<!-- end -->")
    assert not typed("Its median and 95 % of the draws.")
    assert not typed("Bands hold 95 % of patients; half of the draws have it.")


@pytest.mark.parametrize("page", _PAGES, ids=lambda one: str(one.relative_to(ROOT)))
def test_typed_shares_are_of_the_shipped_draws(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    stamps = _STAMP.findall(text)
    if typed(text):
        assert stamps == [ensemble().sha256[:16]], "look over the shares, then write this digest"
    else:
        assert stamps in ([], [ensemble().sha256[:16]])
