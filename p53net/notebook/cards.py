"""Cards: what a model, a fit or an ensemble shows of itself in a notebook.

Every text is escaped here, in one place: names in files of strangers are text, never HTML. Colours
are those of the page, light or dark.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 300
"""Of a table on a card; the rest is counted."""

_BOX = "border:1px solid currentColor;border-radius:6px;padding:.6em .9em;max-width:60em"
_CELL = "text-align:left;padding:.1em .9em .1em 0;vertical-align:top"


class Table(NamedTuple):
    """A table of a card, behind a click."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    shown: bool = False
    """Whether it is open from the start."""


def card(
    title: str, facts: Mapping[str, object], tables: Iterable[Table] = (), said: str = ""
) -> str:
    """HTML of a card: a title, what is said, a line for each fact, and tables one click away.

    Example: `card("KT-253", {"cell line": "RS4;11"}, [Table("species", ["id"], [["p53"]])])`.
    """
    lines = [_row([name, text], "td") for name, text in facts.items() if text not in ("", None)]
    parts = [
        f"<strong>{_text(title)}</strong>",
        *([f"<div>{_text(said)}</div>"] if said else []),
        *([f'<table style="margin:.3em 0">{"".join(lines)}</table>'] if lines else []),
        *(_details(one) for one in tables if len(one.rows)),
    ]
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def of_frame(title: str, frame: "pd.DataFrame", *, shown: bool = False) -> Table:
    """A table of a frame, its index first."""
    columns = [str(frame.index.name or ""), *map(str, frame.columns)]
    return Table(title, columns, [tuple(row) for row in frame.itertuples()], shown)


def number(value: object) -> str:
    """A number as people read it: four digits."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return str(value)
    return "" if math.isnan(value) else f"{value:.4g}"


def _details(table: Table) -> str:
    body = [_row([number(one) for one in row], "td") for row in table.rows[:MOST_ROWS]]
    if len(table.rows) > MOST_ROWS:
        body.append(_row([f"and {len(table.rows) - MOST_ROWS:,} more"], "td"))
    head = _row(table.columns, "th")
    return (
        f"<details{' open' if table.shown else ''}><summary>{_text(table.title)}</summary>"
        f'<div style="overflow-x:auto;max-height:24em"><table>{head}{"".join(body)}</table></div>'
        "</details>"
    )


def _row(values: Iterable[object], kind: str) -> str:
    cells = "".join(f'<{kind} style="{_CELL}">{_text(value)}</{kind}>' for value in values)
    return f"<tr>{cells}</tr>"


def _text(value: object) -> str:
    return escape(str(value), quote=True)
