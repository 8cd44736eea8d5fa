"""Tables of pages out of what commands of many minutes have left as CSV beside them."""

import pandas as pd

from p53net.evidence.markdown import one_digit, rows_of, shown
from p53net.evidence.pages import Table, root
from p53net.inference.asked_table import read_kept
from p53net.inference.questions import MARGIN, RATE

TRIALS = "docs/trial_questions.csv"
EXPERIMENTS = "docs/next_experiment.csv"


def statements() -> str:
    """Statements on regimens, in how many draws they hold, and in how many structures."""
    about, table = read_kept(root() / TRIALS)
    asked = table[table["below_rate"].notna()]
    others = asked[asked["as_much"].notna()]
    (first,) = asked.index.difference(others.index)
    what = f"{about['toxicity']} of grade {about['grade']} or more to fewer than {RATE:g} %"
    rows = []
    for asks, some, before, after in (
        ("as_much", others, f"{first} does at least as much to the tumour ", "as {0}"),
        ("within_margin", others, f"{first} does at least as much ",
         f"as {{0}}, or less by {MARGIN:g} points"),
        ("below_rate", pd.concat([asked.loc[[first]], others]), "", "{0}"),
    ):  # fmt: skip
        for number, (name, one) in enumerate(some.iterrows()):
            text = after.format(name)
            if number == 0:
                text = f"{text} gives {what}" if asks == "below_rate" else before + text
            rows.append([text, f"{100 * one[asks]:.0f} % ± {100 * one[f'{asks}_error']:.0f}",
                         f"{one[f'{asks}_holds_in']:.0f} of {one['structures']:.0f}"])  # fmt: skip
    return rows_of("statement | holds in | structures", rows)


def regimens() -> str:
    """Effect and toxicity of the regimens that statements are about."""
    about, table = read_kept(root() / TRIALS)
    rows = []
    for name, one in table[table["below_rate"].notna()].iterrows():
        cells = [str(name)]
        for number in ("tgi", "rate"):
            median, error, low, high = (
                one[f"{number}{end}"] for end in ("", "_error", "_low", "_high")
            )
            cells += [f"{shown(median)} ± {one_digit(error)}", f"{shown(low)} to {shown(high)}"]
        rows.append(cells)
    return rows_of(
        "regimen | TGI of the median patient [%] | 95 % | "
        f"{about['toxicity']} of grade {about['grade']} or more [%] | 95 %",
        rows,
    )


def promises() -> str:
    """Experiments whose promises were confirmed."""
    table = pd.read_csv(root() / EXPERIMENTS).dropna(subset=["confirmed"])
    rows = []
    for rank, some in table.groupby("rank"):
        cells = [str(rank), str(some["title"].iloc[0])]
        for _, one in some.iterrows():
            cells += [_percent(one, "promise"), _percent(one, "confirmed")]
        rows.append([*cells, f"{some['effective'].iloc[0]:.0f}", f"{some['refits'].iloc[0]:.0f}"])
    drugs = [answer.split('"')[1] for answer in dict.fromkeys(table["answer"])]
    columns = " | ".join(f"{drug}: promised | confirmed" for drug in drugs)
    return rows_of(f"rank | experiment | {columns} | left | refits", rows)


def _percent(one: "pd.Series[float]", name: str) -> str:
    return f"{round(100 * one[name])} ± {round(100 * one[f'{name}_error'])}"


TABLES = (
    Table("docs/trial_questions.md", "trial-statements", statements),
    Table("docs/trial_questions.md", "trial-regimens", regimens),
    Table("docs/next_experiment.md", "promises", promises),
)
