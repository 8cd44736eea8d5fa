"""docs/mutants.md: a row for each mutant, and counts that follow from the rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tests.referee.mutants.changes import RULES, Mutant
from tests.referee.mutants.equivalent import EQUIVALENT
from tests.referee.mutants.kill import ALIVE, REFUSED, SEEN_IN, STUCK
from tests.support import ROOT

PAGE = ROOT / "docs" / "mutants.md"
_DIGESTS, _ROWS = "## Texts", "## Every mutant"
_SAME = "equivalent"


class Row(NamedTuple):
    """What the page says of one mutant."""

    fragment: str
    kind: str
    of: str
    """Reaction, rule or start, and its line."""
    change: str
    seen_by: str


def row_of(mutant: Mutant, seen_by: str) -> Row:
    """Of a mutant and its verdict; one that nothing may see is equivalent if it is listed so."""
    change = " → ".join(f"`{text}`" for text in _difference(mutant))
    key = mutant.fragment, mutant.number, mutant.became
    if seen_by == ALIVE and any(key == one[:3] for one in EQUIVALENT):
        seen_by = _SAME
    return Row(mutant.fragment, mutant.kind, f"`{mutant.name}`, {mutant.number}", change, seen_by)


def text_of(digests: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The whole page."""
    return "\n".join(
        (
            *_head(rows),
            *_by_fragment(rows),
            *_by_kind(rows),
            *_left(rows),
            f"{_DIGESTS}\n",
            "Digests of the model texts that these results are of:\n",
            "| fragment | sha256 begins |\n|---|---|",
            *(f"| {name} | `{digest}` |" for name, digest in digests.items()),
            f"\n{_ROWS}\n",
            "| fragment | kind | of, line | was → became | seen in |\n|---|---|---|---|---|",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
        )
    )


def read() -> tuple[dict[str, str], list[Row]]:
    """Digests and rows of the page as it is."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [Row(*cells) for cells in _table(page.partition(_ROWS)[2])]
    digests = page.partition(_ROWS)[0].partition(_DIGESTS)[2]
    return {name: digest.strip("`") for name, digest in _table(digests)}, rows


def _table(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    return [line.strip("| ").split(" | ") for line in lines]


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many were planted, and what became of them."""
    rows = list(rows)
    said = [row.seen_by.partition(":")[0] for row in rows]
    found = {"planted": len(rows), REFUSED: said.count(REFUSED), STUCK: said.count(STUCK)}
    found |= {"survive": said.count(ALIVE), _SAME: said.count(_SAME)}
    found["seen"] = len(rows) - sum(found.values()) + len(rows)
    return found


def _head(rows: Sequence[Row]) -> list[str]:
    all_of = counts(rows)
    real = all_of["planted"] - all_of[_SAME]
    dead = real - all_of["survive"]
    return [
        "# Planted errors, and which comparisons see them\n",
        "`python -m tests.referee.mutants` writes this page, again for the model texts that have",
        "changed, or with `--all` for all. It plants one error at a time in a copy of the texts,",
        "and looks with the referee alone: equations that were written by hand from",
        "[the model's page](model.md). No golden number and no committed SBML is looked at.",
        "The errors are a fixed draw of all that the rules below give; values of parameters are no",
        "laws, and are left as they are.\n",
        f"- Planted: {all_of['planted']} in {len({row.fragment for row in rows})} fragments.",
        f"- Killed: {dead} of the {real} that are not equivalent, {100 * dead / real:.1f} %.",
        f"- Of these {all_of['seen']} by a curve that differs by more than 1e-6 of its maximum,",
        f"  {all_of[REFUSED]} because p53net refuses the text (by structure) and {all_of[STUCK]}",
        "  because the model does not run.",
        f"- Equivalent: {all_of[_SAME]}. Survivors: {all_of['survive']}.\n",
    ]


def _by_fragment(rows: Sequence[Row]) -> list[str]:
    return _counted("fragment", list(SEEN_IN), [row.fragment for row in rows], rows)


def _by_kind(rows: Sequence[Row]) -> list[str]:
    about = {name: f"{name}: {str(rule.__doc__).rstrip('.')}" for name, rule in RULES.items()}
    return _counted("kind", list(about.values()), [about[row.kind] for row in rows], rows)


def _counted(what: str, names: list[str], of: list[str], rows: Sequence[Row]) -> list[str]:
    columns = ("planted", "seen", REFUSED, STUCK, "survive", _SAME)
    found = [f"| {what} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for name in names:
        own = counts(row for row, each in zip(rows, of, strict=True) if each == name)
        if own["planted"]:
            found.append(f"| {name} | {' | '.join(str(own[one]) for one in columns)} |")
    return [*found, ""]


def _left(rows: Sequence[Row]) -> list[str]:
    same = [
        f"- {fragment}, line {number}: `{_code(became)}`: {reason}"
        for fragment, number, became, reason in EQUIVALENT
    ]
    found = ["## Equivalent\n", *(same or ["None."])]
    found += ["\n## Survivors\n"]
    alive = [row for row in rows if row.seen_by == ALIVE]
    found += [f"- {row.fragment}, {row.of}: {row.change}" for row in alive] or ["None."]
    return [*found, ""]


def _code(line: str) -> str:
    return line.split("//")[0].strip() or "(nothing)"


def _difference(mutant: Mutant) -> tuple[str, str]:
    """The part of the line that changed, with whole words around it."""
    old, new = " ".join(mutant.was.split()), " ".join(mutant.became.split())
    if not new:
        return "the line", "(nothing)"
    begin = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(new))
    while begin > 0 and old[begin - 1] not in " ;":
        begin -= 1
    end = 0
    while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    while end > 0 and old[len(old) - end] not in " ;":
        end -= 1
    cut = [text[begin : len(text) - end].strip().replace("|", "/") for text in (old, new)]
    return cut[0] or "(nothing)", cut[1] or "(nothing)"
