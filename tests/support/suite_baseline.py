"""The baseline: the verdict that each case is known to have."""

from collections.abc import Iterable, Mapping

from tests.support import ROOT
from tests.support.suite_verdicts import Verdict

PATH = ROOT / "tests" / "sbml_suite_baseline.tsv"
_HEADER = "case\tverdict\tbatch"


def baseline() -> dict[str, Verdict]:
    """Case to its verdict."""
    rows = PATH.read_text(encoding="utf-8").splitlines()[1:] if PATH.exists() else []
    return {one.case: one for one in (Verdict(*row.split("\t")) for row in rows)}


def written(found: Iterable[Verdict]) -> str:
    """The text of a baseline with these verdicts."""
    rows = ["\t".join(one) for one in sorted(found)]
    return "\n".join([_HEADER, *rows]) + "\n"


def differences(found: Iterable[Verdict], known: Mapping[str, Verdict]) -> list[str]:
    """What is not as the baseline says, for better or worse."""
    lines = []
    for one in found:
        before = known.get(one.case)
        if before is None:
            lines.append(f"{one.case}: {one.result}, and the baseline does not have it")
        elif before.result != one.result:
            lines.append(f"{one.case}: {one.result}, and was {before.result}")
        elif before.batch != one.batch:
            lines.append(f"{one.case}: by batch itself: {one.batch}, and was {before.batch}")
    return lines
