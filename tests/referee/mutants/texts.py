"""Model texts as lines with statements, read only to plant errors in them."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

FOLDER = ROOT / "models"
NAME = re.compile(r"[A-Za-z_]\w*")
_REACTION = re.compile(
    r"(?P<head>(?:replace )?\w+: *)(?P<left>[\w +]*?)(?P<arrow> *[-=]> *)(?P<right>[\w +]*?)"
    r"(?P<gap> *; *)(?P<formula>[^/]\S.*?)(?P<tail> *(?://.*)?)"
)
_RULE = re.compile(
    r"(?P<head>(?:replace )?\w+'? *(?:[:+]?=) *)(?P<formula>[^\"]*?)(?P<tail> *(?://.*)?)"
)
_PARAMETER = re.compile(r"(?:replace )?(?P<id>\w+) = [\d.e-]+ (?P<unit>\w+)(?: .*)?")
_HAS = re.compile(r"(?P<id>\w+) has (?P<unit>\w+)")
_SPECIES = re.compile(r"species (?P<id>\w+) in \w+.*")


@dataclass(frozen=True)
class Statement:
    """One line that says how something changes, follows or starts."""

    fragment: str
    number: int
    """Of the line, from 1."""
    head: str
    formula: str
    tail: str
    left: str = ""
    """Of a reaction: what it takes, then what it makes, and what stands between."""
    arrow: str = ""
    right: str = ""
    gap: str = ""

    @property
    def name(self) -> str:
        """What it defines."""
        return self.head.removeprefix("replace ").strip(" :=+'")

    @property
    def line(self) -> str:
        """The text."""
        return "".join(
            (self.head, self.left, self.arrow, self.right, self.gap, self.formula, self.tail)
        )


def fragments() -> dict[str, str]:
    """Names and texts of all fragments with statements."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.ant"))}
    return {name: text for name, text in texts.items() if any(statements(name, text))}


def digest(fragment: str, text: str) -> str:
    """Of the laws of one model text: its statements, without comments and numbers."""
    laws = [one.line if "// computed:" in one.tail else f"{one.line[: -len(one.tail) or None]}"
            for one in statements(fragment, text)]  # fmt: skip
    return hashlib.sha256("\n".join(laws).encode()).hexdigest()[:12]


def statements(fragment: str, text: str) -> Iterator[Statement]:
    """Reactions, rules and starts of a text; not parameters, whose numbers are no laws."""
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.split("//")[0].strip()
        words = code.split(" ")
        if not code or words[0] in ("species", "unit", "compartment", "model") or ".sbo" in code:
            continue
        if match := _REACTION.fullmatch(line):
            yield Statement(fragment, number, **match.groupdict())
        elif "// start:" in line or "// computed:" in line or not _PARAMETER.fullmatch(line):
            if (match := _RULE.fullmatch(line)) and match["formula"]:
                yield Statement(fragment, number, **match.groupdict())


def kinds(text: str) -> dict[str, str]:
    """Of each name that a text defines, what it is like: its unit, or that it is a species."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _SPECIES.fullmatch(line.strip()):
            found[match["id"]] = "nM"
        elif (match := _HAS.fullmatch(line.strip())) or (match := _PARAMETER.fullmatch(line)):
            found[match["id"]] = match["unit"]
    return found


def species(text: str) -> list[str]:
    """Names of what reactions take and make."""
    found = (_SPECIES.fullmatch(line.strip()) for line in text.splitlines())
    return [match["id"] for match in found if match]


def copied(folder: Path, changed: dict[str, str]) -> Path:
    """A folder that p53net takes for its own, with some fragments changed."""
    models = folder / "models"
    models.mkdir(parents=True)
    for path in FOLDER.iterdir():
        if path.suffix == ".tsv":
            (models / path.name).symlink_to(path)
        elif path.suffix == ".ant":
            text = changed.get(path.stem) or path.read_text(encoding="utf-8")
            (models / path.name).write_text(text, encoding="utf-8")
    return folder / "p53net"
