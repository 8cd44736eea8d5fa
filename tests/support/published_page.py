"""The page and the table of `benchmarks.models`: what was found of every file, and all together."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from p53net.evidence.markdown import rows_of, shown
from p53net.files import write_text
from tests.support.published_runs import ENGINES, LIMIT, SETS

PAGE, NUMBERS = "published_models.md", "published_models.tsv"
COLUMNS = ("file", "states", "engine", "difference", "between", "of", "batch_sweep", "batch_runs",
           "roadrunner_sweep", "roadrunner_runs", "loop_ms", "plain", "remark")  # fmt: skip
_SHORT = 3e-4  # s: a run by hand that takes less is short

_LONGEST = 250  # letters of a remark on the page; the table has all

Found = dict[str, Any]


def write(found: Sequence[Found], ends: Sequence[float], machine: str, folder: Path) -> None:
    """Both into a folder; `machine` says where they were made."""
    table = [row(one) for one in found]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    write_text(folder / NUMBERS, text.getvalue())
    write_text(folder / PAGE, "\n".join([*page(found, table, ends), machine]) + "\n")


def row(one: Found) -> dict[str, str]:
    """A file's line of the table."""
    size, pair, of = difference(one)
    speeds = {
        f"{engine}_{way}": f"{ratio:.3g}"
        for engine, way in (("batch", "sweep"), ("batch", "runs"), ("roadrunner", "sweep"),
                            ("roadrunner", "runs"))
        if (ratio := times(one, engine, way)) is not None
    }  # fmt: skip
    return {
        "file": one["file"],
        "states": str(one.get("states", "")),
        "engine": verdict(one),
        "difference": "" if size is None else f"{size:.1e}",
        "between": pair,
        "of": of,
        **speeds,
        "loop_ms": "" if (cost := of_loop(one)) is None else f"{cost * 1e3:.3g}",
        "plain": "runs" if one.get("plain") == "" else one.get("plain", "not known"),
        "remark": remark(one),
    }


def comparisons(one: Found) -> list[Found]:
    """Those of a file, to each end."""
    return [part for name, part in one.items() if name.startswith("to ")]


def difference(one: Found) -> tuple[float | None, str, str]:
    """The largest of any two engines; between which, and in what."""
    every = [(size, pair, of) for part in comparisons(one)
             for pair, (size, of) in part["apart"].items()]  # fmt: skip
    return max(every) if every else (None, "", "")


def times(one: Found, engine: str, way: str) -> float | None:
    """How many times faster than the loop the batch engine is, or what RoadRunner here takes over
    the loop."""
    found = one.get(engine) if isinstance(one.get(engine), dict) else None
    if not found or way not in found:
        return None
    faster = found["loop"] / found[way]
    return float(faster if engine == "batch" else 1.0 / faster)


def of_loop(one: Found) -> float | None:
    """CPU seconds of a run by hand, at RoadRunner's usual tolerances here."""
    found = one.get("roadrunner")
    return found["loop"] / one["sets"] if isinstance(found, dict) and found else None


def verdict(one: Found) -> str:
    """What runs a file: an engine, none because it is refused, or none though it is read."""
    if "refused" in one:
        return "refused"
    if "engine" not in one:
        return "not read"
    errors = comparisons(one)[0]["errors"] if comparisons(one) else {}
    if one["engine"] == "none" or len(errors) == len(ENGINES):
        return "none"
    return "roadrunner" if "batch" in errors else str(one["engine"])


def remark(one: Found) -> str:
    """Why it is refused or not run by an engine, and why engines are apart."""
    if "refused" in one:
        return str(one["refused"].partition(": ")[2] or one["refused"])
    said: dict[str, list[str]] = {one["why"]: []} if one.get("why") else {}
    for name, part in one.items():
        if not name.startswith("to "):
            continue
        reasons = [f"{engine}: {why}" for engine, why in part["errors"].items()
                   if "instead of" not in why]  # fmt: skip
        reasons += [part["reason"]] if "reason" in part else []
        for text in reasons:
            said.setdefault(text, []).append(name.removeprefix("to "))
    if one["ended"]:
        said[one["ended"]] = []
    texts = (f"{text} (to {', '.join(at)})" if at else text for text, at in said.items())
    return "; ".join(texts).replace("|", "/")


def construct(refused: str) -> str:
    """What is refused, without the names and lines of one file."""
    named = re.search(r": (\w+) [^,]*, line \d+, ([^;]*)", refused)
    return f"{named[1]} {named[2]}" if named else re.sub(r"^\S+ ", "", refused).partition(";")[0]


def page(
    found: Sequence[Found], table: Sequence[dict[str, str]], ends: Sequence[float]
) -> Iterator[str]:
    """Lines of Markdown."""
    count = Counter(line["engine"] for line in table)
    plain = [line for line in table if line["plain"] == "runs"]
    batch = sum(line["engine"] == "batch" for line in plain)
    refused = sum(line["engine"] == "refused" for line in plain)
    yield f"""# Published models

{len(table)} SBML files, each on the batch engine, RoadRunner and COPASI, and beside a loop of
libRoadRunner by hand: `python -m benchmarks.models FOLDER`. All numbers of all files:
[table](published_models.tsv).

## What runs them
Plain libRoadRunner runs {len(plain)} of them. Of these the batch engine itself runs {batch}
({batch / max(len(plain), 1):.0%}); refused of these: {refused}.
"""
    yield rows_of("engine | files", [(name, str(number)) for name, number in count.most_common()])
    yield from reasons(found, table)
    yield from agreement(found, ends)
    yield from speed(found)
    yield """## By file
Differences in units of a curve's peak. Batch: how many times less than the loop. RoadRunner: how
many times the loop. Each of a sweep, and of the same runs without a sweep around them.
"""
    yield rows_of(
        "file | states | engine | difference | batch | RoadRunner | remark",
        [
            (
                line["file"],
                line["states"],
                line["engine"],
                line["difference"],
                _both(line, "batch"),
                _both(line, "roadrunner"),
                line["remark"][:_LONGEST],
            )
            for line in table
        ],
    )


def _both(line: dict[str, str], engine: str) -> str:
    values = [line.get(f"{engine}_{way}", "") for way in ("sweep", "runs")]
    return ", ".join(values) if all(values) else ""


def reasons(found: Sequence[Found], table: Sequence[dict[str, str]]) -> Iterator[str]:
    """Of files that are refused, and of those that the batch engine does not run."""
    refused: dict[str, list[dict[str, str]]] = {}
    for one, line in zip(found, table, strict=True):
        if "refused" in one:
            refused.setdefault(construct(one["refused"]), []).append(line)
    if refused:
        yield rows_of(
            "refused | files | of which plain RoadRunner runs",
            [
                (why, str(len(lines)), str(sum(line["plain"] == "runs" for line in lines)))
                for why, lines in sorted(refused.items(), key=lambda item: -len(item[1]))
            ],
        )
    other = [line for line in table if line["engine"] not in ("batch", "refused")]
    if other:
        yield rows_of(
            "not by batch | engine | plain RoadRunner | why",
            [(line["file"], line["engine"], line["plain"][:60], line["remark"][:_LONGEST])
             for line in other],
        )  # fmt: skip


def agreement(found: Sequence[Found], ends: Sequence[float]) -> Iterator[str]:
    """How far engines are apart, and why where it is far."""
    spans = " and ".join(f"{end:g}" for end in ends)
    yield f"""## Agreement
At accuracy 1e-7, at 11 times to {spans} units of time of each model: the largest difference of all
quantities, in units of the peak of the curve. Where it is above 1e-6, all engines run again at ten
times tighter accuracy, and COPASI or RoadRunner is the third who says which of two is off.
"""
    rows = []
    for pair in ("batch, roadrunner", "batch, copasi", "roadrunner, copasi"):
        sizes = np.array([part["apart"][pair][0] for one in found for part in comparisons(one)
                          if pair in part["apart"]])  # fmt: skip
        if len(sizes):
            rows.append((pair.replace(", ", " and "), str(len(sizes)), f"{np.median(sizes):.0e}",
                         f"{np.quantile(sizes, 0.9):.0e}", f"{(sizes > LIMIT).sum()}"))  # fmt: skip
    yield rows_of("engines | runs | median | 90 % below | above 1e-6", rows)
    far = [
        (one["file"], name.removeprefix("to "), f"{size:.0e}", pair.replace(", ", " and "), of,
         part["reason"])
        for one in found
        for name, part in one.items()
        if name.startswith("to ") and "reason" in part
        for size, pair, of in [max((s, p, o) for p, (s, o) in part["apart"].items())]
    ]  # fmt: skip
    if far:
        yield rows_of(
            "file | to | difference | between | in | what ten times tighter runs say", far
        )


def speed(found: Sequence[Found]) -> Iterator[str]:
    """Of sweeps beside the loop."""
    yield f"""## Speed
CPU time of all processes for {SETS} sets of one parameter, once warm: the least of three, in turn
with the loop. The loop is libRoadRunner, compiled once, and for each set `resetToOrigin`, the
parameter and `simulate`, with the same outputs. Batch and its loop each have the loosest tolerances
at which none of 20 of the sets is off by more than 1e-6 of a curve's peak; RoadRunner, in the
process of a stranger's file, and its loop have the same. A sweep comes with labels, statuses and
curves, without error bars; runs are those of one call of the engine. Where a run by hand takes more
than 50 ms, loops and RoadRunner have 20 sets. In a model that compares the time, RoadRunner here is
made to look at every switch, or where nothing says when those are 1,000 times, which the loop does
not do: "with looks".
"""
    rows = []
    for engine, said in (("batch", "batch, times less"), ("roadrunner", "RoadRunner, times more")):
        for way in ("sweep", "runs"):
            for name, some in _groups(found):
                sizes = [x for one in some if (x := times(one, engine, way)) is not None]
                if sizes:
                    cells = [shown(float(x)) for x in np.quantile(sizes, [0, 0.1, 0.5, 0.9, 1.0])]
                    over = sum(x > 1.2 for x in sizes) if engine == "roadrunner" else ""
                    rows.append((f"{said}, {way}", name, str(len(sizes)), *cells, str(over)))
    yield rows_of("what | models | files | least | 10 % | median | 90 % | most | above 1.2", rows)
    why = Counter(one["batch"]["why not"] for one in found if "why not" in (one.get("batch") or {}))
    for said, number in why.items():
        yield f"Not timed on batch: {number}, {said}.\n"


def _groups(found: Sequence[Found]) -> list[tuple[str, list[Found]]]:
    """All files; those that RoadRunner has to look at; others, by how long a run by hand takes."""
    timed = [(one, cost) for one in found if (cost := of_loop(one)) is not None]
    plain, limit = [both for both in timed if not both[0].get("looks")], f"{_SHORT * 1e3:g} ms"
    return [
        ("all", list(found)),
        (f"no looks, a run by hand below {limit}", [one for one, t in plain if t < _SHORT]),
        (f"no looks, {limit} or more", [one for one, t in plain if t >= _SHORT]),
        ("with looks", [one for one, _ in timed if one.get("looks")]),
    ]
