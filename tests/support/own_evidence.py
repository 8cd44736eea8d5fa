"""Tables of a user's own evidence, as tests write them."""

from collections.abc import Mapping
from pathlib import Path

OBSERVATION = {
    "id": "kt253_dc50", "level": "cell", "quantity": "DC50", "subject": "KT-253", "line": "HEK293T",
    "protocol": "2 h", "value": "0.4", "low": "0.2", "high": "0.8", "unit": "nM", "source": "mine",
    "tier": "primary table", "interval_origin": "published", "note": "",
}  # fmt: skip
"""A row that the ledger has, with another number."""

OWN = {
    **OBSERVATION, "id": "mine", "line": "", "read_out": "", "system": "", "drug": "", "dose": "",
}  # fmt: skip
"""A row that it does not have; `read_out` says what was measured."""

VALUES = ("parameter", "value", "unit", "kind", "source", "note")
LINE = {
    "cell_line": "ourline", "parameter": "k_growth", "value": "0.03", "unit": "per_hour",
    "kind": "assumed", "source": "", "note": "a test",
}  # fmt: skip
PRIOR = {
    "entry": "ourline", "parameter": "k_growth", "distribution": "log-normal", "centre": "0.03",
    "spread": "2", "low": "", "high": "", "unit": "per_hour", "with": "", "correlation": "",
    "reason": "a test", "source": "",
}  # fmt: skip


def written(folder: Path, name: str, *rows: Mapping[str, str]) -> Path:
    """A table with the columns of its first row."""
    columns = tuple(rows[0])
    lines = ["\t".join(columns), *("\t".join(row[c] for c in columns) for row in rows)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def own_tables(
    folder: Path, *observed: Mapping[str, str], priors: bool = True, **line: Mapping[str, str]
) -> Path:
    """A folder with a cell line of its own, a prior of it, and rows, each with changes of `OWN`.
    `line` are further values of the line: parameter to what differs from `LINE`."""
    mine = folder / "mine"
    mine.mkdir(exist_ok=True)
    more = [{**LINE, "parameter": name, **change} for name, change in line.items()]
    written(mine, "cell_lines.tsv", LINE, *more)
    if priors:
        written(mine, "priors.tsv", PRIOR)
    if observed:
        written(mine, "observations.tsv", *({**OWN, **row} for row in observed))
    return mine
