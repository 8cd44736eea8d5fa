"""Facts about the shipped models and their evidence, each with whether it is as one would wish.

Nothing is typed: they are counted in model files, tables, the shipped ensemble, and pages that
other commands write. `credibility` cites them.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from p53net.ensembles.draws import ensemble
from p53net.evidence import validation
from p53net.evidence.pages import root
from p53net.evidence.seen import uses
from p53net.inference.agreement import LARGEST_OF_BODIES, LARGEST_R_HAT, LEAST_ESS, MOST_APART
from p53net.inference.coverage import HELD, TRUTHS, inside, ranks
from p53net.model.library import models_folder
from p53net.model.structures import as_structure, listed, name_of

_KINDS = ("assumed", "fitted", "measured")
_SELDOM = 0.025  # so few inside come by chance
_PART = re.compile(r"<(species|compartment|reaction) [^>]*?(?:/>|>.*?</\1>)", re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \| (\S+) \| \S+ \| (\w+) \| (.*) \|$", re.MULTILINE)


class Fact(NamedTuple):
    """What was counted, in words, and whether nothing is missing."""

    holds: bool
    text: str


@cache
def _files() -> tuple[str, ...]:
    return tuple(one.read_text(encoding="utf-8") for one in sorted(_sbml().glob("*.xml")))


def _sbml() -> Path:
    return models_folder() / "sbml"


def _of_files(what: str, has: Callable[[str], bool]) -> Fact:
    count = sum(map(has, _files()))
    return Fact(count == len(_files()), f"{what} in {count} of {len(_files())} files")


def files() -> Fact:
    """Shipped SBML."""
    return _of_files("SBML Level 3 Version 1", lambda text: 'level="3" version="1"' in text)


def named() -> Fact:
    """Names of models."""
    return _of_files("a name", lambda text: bool(re.search(r"<model [^>]*\bname=\"\w", text)))


def creators() -> Fact:
    """Who made the models."""
    return _of_files("creators", lambda text: "<dcterms:creator>" in text)


def addresses() -> Fact:
    """How to reach who made the models."""
    return _of_files("an address", lambda text: "EMAIL" in text or "hasEmail" in text)


def dates() -> Fact:
    """When models were made and changed."""
    return _of_files("dates", lambda text: "<dcterms:created" in text and "modified" in text)


def changed() -> Fact:
    """Whether the date of the last change is kept."""
    date = r"<dcterms:{}[^>]*>\s*<dcterms:W3CDTF>(.*?)<"

    def later(text: str) -> bool:
        first, last = (re.search(date.format(one), text) for one in ("created", "modified"))
        return first is not None and last is not None and first[1] != last[1]

    return _of_files("a date of change that is not that of creation", later)


def terms() -> Fact:
    """Under which terms models are given away."""
    return _of_files("CC0", lambda text: "spdx:CC0-1.0" in text)


def described() -> Fact:
    """Whether models cite what describes them."""
    return _of_files("a reference description", lambda text: "isDescribedBy" in text)


def annotated() -> Fact:
    """Parts that say what they are, by identifiers.org."""
    parts = [found[0] for text in _files() for found in _PART.finditer(text)]
    said = sum("https://identifiers.org/" in one for one in parts)
    return Fact(said == len(parts), f"{said} of {len(parts)} species, compartments and reactions "
                "are annotated")  # fmt: skip


@cache
def _numbers(models: str = "*") -> Mapping[tuple[str, str], tuple[str, str]]:
    """Parameters of shipped models with their values, each once: kind and source."""
    return {(name, value): (kind, source)
            for one in sorted(_sbml().glob(f"{models}.md"))
            for name, value, kind, source in _ROW.findall(one.read_text(encoding="utf-8"))
            if kind in _KINDS}  # fmt: skip


def sourced() -> Fact:
    """Numbers with a source or a reason."""
    said = sum(bool(source.strip()) for _kind, source in _numbers().values())
    return Fact(said == len(_numbers()), f"{said} of {len(_numbers())} numbers have a source or "
                "reason")  # fmt: skip


def assumed() -> Fact:
    """How many numbers are measured."""
    cell, every = (Counter(kind for kind, _source in _numbers(one).values())
                   for one in ("milademetan_KT_253", "*"))  # fmt: skip

    def shares(kinds: Counter[str]) -> str:
        each = (f"{100 * kinds[one] / kinds.total():.0f} % {one}" for one in _KINDS)
        return f"of {kinds.total()} numbers {', '.join(each)}"

    text = f"a cell with both drugs: {shares(cell)}; all models: {shares(every)}"
    return Fact(cell["measured"] > cell["assumed"], text)


@cache
def _verdicts() -> Mapping[str, tuple[str, str]]:
    """Use and committed verdict of each row of the ledger, in the default structure."""
    here, known = name_of(as_structure(None)), uses()
    text = (models_folder() / "baseline.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return {row["observation"]: (known[row["observation"]].use, row["verdict"])
            for row in rows if row["structure"] == here}  # fmt: skip


def _ledger(*kinds: str) -> Fact:
    chosen = [verdict for use, verdict in _verdicts().values() if use in kinds]
    inside = sum(verdict == "inside" for verdict in chosen)
    judged = inside + sum(verdict in validation.MISSES for verdict in chosen)
    words = " or ".join(validation.WORDS[one] for one in kinds)
    return Fact(inside == judged, f"of {judged} rows {words} {inside} are inside")


def predicted() -> Fact:
    """Rows that test numbers of the models."""
    return _ledger("predict")


def fitted() -> Fact:
    """Rows that test nothing, for they were fitted to."""
    return _ledger("fit")


def by_hand() -> Fact:
    """Rows that were in view when values were chosen."""
    return _ledger("set")


def not_modelled() -> Fact:
    """Rows that no model predicts."""
    count = sum(verdict == "not modelled" for _use, verdict in _verdicts().values())
    return Fact(count == 0, f"{count} of {len(_verdicts())} rows are not modelled")


def held_out() -> Fact:
    """Rows that nothing had seen, as they were compared once."""
    page = _page("holdout")
    rows = int(_found(r"(\d+) rows, frozen on", page))
    verdicts = re.findall(r"^\| `\w+`.*\| (inside|outside)(, by construction)? \|$", page,
                          re.MULTILINE)  # fmt: skip
    inside = sum(one == "inside" for one, _built in verdicts)
    bounds = sum(bool(built) for _one, built in verdicts)
    return Fact(inside == rows, f"of {rows} held-out rows {len(verdicts)} could be predicted: "
                f"{inside} inside, {bounds} of them by construction")  # fmt: skip


def planted() -> Fact:
    """Errors planted in the texts of the models."""
    page = _page("mutants")
    of = int(_found(r"- Planted: (\d+) in \d+ fragments", page))
    killed = int(_found(r"- Killed: (\d+) of", page))
    return Fact(killed == of, f"of {of} planted errors {killed} are found")


def suite() -> Fact:
    """Cases of the SBML Test Suite."""
    text = (root() / "tests" / "sbml_suite_baseline.tsv").read_text(encoding="utf-8")
    verdicts = [row["verdict"] for row in csv.DictReader(io.StringIO(text), delimiter="\t")]
    passed = sum(one == "pass" for one in verdicts)
    refused = sum(one.startswith("refused") for one in verdicts)
    return Fact(passed + refused == len(verdicts), f"of {len(verdicts)} cases of the SBML Test "
                f"Suite {passed} pass, {refused} are refused with the reason")  # fmt: skip


def converged() -> Fact:
    """The sampler of cells."""
    about: Mapping[str, Any] = ensemble().about
    headlines = about["convergence"]
    worst = max(one["r_hat"] for one in headlines)
    least = min(min(one["ess_bulk"], one["ess_tail"]) for one in headlines)
    sound = worst <= LARGEST_R_HAT and min(one["ess_bulk"] for one in headlines) >= LEAST_ESS
    return Fact(sound, f"over cells R-hat is at most {worst:.3f} and there are at least "
                f"{least:.0f} effective draws")  # fmt: skip


def covered() -> Fact:
    """Intervals of dose ratios beside the truth, in simulated sets of evidence."""
    from scipy.stats import binom

    said, by_chance = [], 1.0
    for truths in TRUTHS:
        ratios = {name.split('"')[1]: one for name, one in ranks(truths).items()
                  if name.startswith("dose_ratio:3")}  # fmt: skip
        counts = {drug: inside(one) for drug, one in ratios.items()}
        sets = len(next(iter(ratios.values())))
        by_chance = min(by_chance, *(float(binom.cdf(n, sets, HELD)) for n in counts.values()))
        held = ", ".join(f"of {drug} in {count}" for drug, count in counts.items())
        said.append(f"of {sets} sets simulated from truths of the {truths} {100 * HELD:.0f} % "
                    f"intervals hold the dose ratio {held}")  # fmt: skip
    return Fact(by_chance > _SELDOM, "; ".join(said))


def bodies() -> Fact:
    """The sampler of bodies."""
    about: Any = ensemble().about["bodies"]
    if about is None:
        return Fact(False, "no draws of bodies: they did not converge")
    worst, apart = (max(one[name] for one in about["agreement"]) for name in ("r_hat", "apart"))
    return Fact(
        worst <= LARGEST_OF_BODIES and apart <= MOST_APART,
        f"over bodies R-hat is at most {worst:.2f}, and two walks have nothing in common in at "
        f"most {100 * apart:.0f} % of cells",
    )


def draws() -> Fact:
    """What is shipped of what the evidence leaves."""
    found = ensemble()
    kinds = sorted(set(found.table["structure"]))
    return Fact(True, f"{len(found.table)} draws, in {len(kinds)} structures ({', '.join(kinds)})")


def biologies() -> Fact:
    """How many forms of the model there are to choose from."""
    table = listed()
    switches = table["switch"].nunique()
    return Fact(switches > 1, f"{switches} switches with {len(table)} options")


@cache
def _page(name: str) -> str:
    return (root() / "docs" / f"{name}.md").read_text(encoding="utf-8")


def _found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match is not None, f"a page of p53net says nothing like {pattern}"  # noqa: S101
    return match[1]
