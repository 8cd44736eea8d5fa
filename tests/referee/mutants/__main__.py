"""`python -m tests.referee.mutants`: plant errors, look, and write docs/mutants.md."""

import argparse
import sys

from tests.referee.mutants.changes import mutants
from tests.referee.mutants.kill import SEEN_IN, verdicts
from tests.referee.mutants.page import PAGE, Row, counts, read, row_of, text_of
from tests.referee.mutants.texts import digest, fragments


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.referee.mutants", description=__doc__)
    asked.add_argument("--all", action="store_true", help="also texts that have not changed")
    asked.add_argument("--processes", type=int, default=2)
    options = asked.parse_args()
    texts = fragments()
    if missing := texts.keys() - SEEN_IN.keys():
        sys.exit(f"no scenario is named for {', '.join(sorted(missing))}: see kill.SEEN_IN")
    digests = {name: digest(texts[name]) for name in texts}
    known, rows = read()
    same = {name for name in texts if not options.all and known.get(name) == digests[name]}
    planted = [one for name in texts if name not in same for one in mutants(name, texts)]
    found: dict[object, Row] = {}
    for done, (mutant, seen_by) in enumerate(verdicts(planted, options.processes), start=1):
        found[mutant] = row_of(mutant, seen_by)
        said = f"{done}/{len(planted)} {mutant.fragment}, {mutant.kind}: {seen_by}"
        sys.stderr.write(said + "\n")
    new = [found[mutant] for mutant in planted]
    kept = {
        name: [row for row in (rows if name in same else new) if row.fragment == name]
        for name in texts
    }
    whole = [row for each in kept.values() for row in each]
    PAGE.write_text(text_of(digests, whole), encoding="utf-8")
    return 1 if counts(whole)["survive"] else 0


if __name__ == "__main__":
    sys.exit(main())
