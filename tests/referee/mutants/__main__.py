"""`python -m tests.referee.mutants`: plant errors, look, and write docs/mutants.md."""

import argparse
import sys

from tests.referee.mutants.changes import mutants
from tests.referee.mutants.kill import SEEN_IN, verdicts
from tests.referee.mutants.page import PAGE, Row, counts, read, row_of, text_of
from tests.referee.mutants.texts import digest, fragments


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.referee.mutants", description=__doc__)
    asked.add_argument("fragments", nargs="*", help="only these; default those that changed")
    asked.add_argument("--all", action="store_true", help="also texts that have not changed")
    asked.add_argument("--processes", type=int, default=2)
    options = asked.parse_args()
    texts = fragments()
    digests = {name: digest(name, texts[name]) for name in texts}
    known, rows = read()
    changed = [name for name in texts if options.all or known.get(name) != digests[name]]
    wanted = options.fragments or changed
    if missing := set(wanted) - SEEN_IN.keys():
        sys.exit(f"no scenario is named for {', '.join(sorted(missing))}: see kill.SEEN_IN")
    planted = [one for name in wanted for one in mutants(name, texts)]
    found: dict[object, Row] = {}
    for done, (mutant, seen_by) in enumerate(verdicts(planted, options.processes), start=1):
        found[mutant] = row_of(mutant, seen_by)
        said = f"{done}/{len(planted)} {mutant.fragment}, {mutant.kind}: {seen_by}"
        sys.stderr.write(said + "\n")
    new = [found[mutant] for mutant in planted]
    whole = [
        row for name in texts for row in (new if name in wanted else rows) if row.fragment == name
    ]
    now = {
        name: digests[name] if name in wanted else known[name]
        for name in texts
        if name in wanted or name in known
    }
    PAGE.write_text(text_of(now, whole), encoding="utf-8")
    return 1 if counts(whole)["survive"] else 0


if __name__ == "__main__":
    sys.exit(main())
