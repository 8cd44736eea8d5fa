"""`python -m tests.support.suite FOLDER [--write] [--first] [CASE ...]`: against the baseline."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.support.suite_baseline import PATH, baseline, differences, written
from tests.support.suite_cases import cases_in
from tests.support.suite_child import verdicts


def main() -> None:
    """Print verdicts that differ from the baseline and a table of all; exit 1 if some differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.suite")
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", help="ids of cases; all without any")
    parser.add_argument("--write", action="store_true", help="make them the baseline")
    parser.add_argument("--first", action="store_true", help="one way instead of four")
    parser.add_argument("--part", default="0/1", help="every N-th case, K from 0 on: K/N")
    given = parser.parse_intermixed_args()
    start, step = (int(number) for number in given.part.split("/"))
    if not 0 <= start < step:
        parser.error(f"--part is {given.part}; give K/N with K from 0 to N - 1")
    cases = [case for case in cases_in(given.folder) if not given.cases or case.name in given.cases]
    found = []
    for one in verdicts(cases[start::step], four=not given.first):
        print(*one, sep="\t", flush=True)
        found.append(one)
    kinds = Counter(one.result.partition(":")[0] for one in found)
    kinds["by the batch engine itself"] = sum(one.batch == "yes" for one in found)
    print(dict(kinds), file=sys.stderr)
    if given.write:
        PATH.write_text(written(found), encoding="utf-8")
        return
    lines = differences(found, baseline())
    print(*lines, sep="\n", file=sys.stderr)
    raise SystemExit(bool(lines))


if __name__ == "__main__":
    main()
