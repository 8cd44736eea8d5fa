"""Mutants of valid SBML and odd arguments, many of them: what each ended in.

    python -m benchmarks.fuzz [COUNT] [--seed N] [--arguments] [--engine NAME]

Mutates small models of our own, and those in the folders that `P53NET_BIOMODELS` and
`P53NET_SBML_SUITE` name. A process calls `read_sbml` and `simulate` on each; its death, a call of
more than 30 s and an exception that is not ours are failures, and each is printed. Exits with 1
if there is any.
"""

import argparse
import sys
from time import perf_counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.support.callers import FINE, Caller
from tests.support.mutations import INFUSION, arguments, mutants, seeds


def main() -> None:
    """Fuzz, print what is bad as it comes, and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--arguments", action="store_true", help="Mutate arguments, not files.")
    parser.add_argument("--engine", default="auto")
    asked = parser.parse_args()
    model, bad = INFUSION.encode(), 0

    with Caller((model,)) as caller:

        def look(content: bytes, options: dict) -> None:
            nonlocal bad
            what, said = caller.outcome(content, **options)
            if what not in FINE:
                bad += 1
                print(f"{what}: {said}\n{content!r}\n{options!r}\n", flush=True)
            if (done := sum(caller.counts.values())) % 500 == 0:
                print(done, dict(caller.counts), flush=True)

        @seed(asked.seed)
        @settings(
            max_examples=asked.count, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(drawn=arguments() if asked.arguments else mutants(seeds()))
        def fuzz(drawn: object) -> None:
            if asked.arguments:
                look(model, drawn)
            else:
                look(drawn, {"times": [0.0, 0.5, 3.0], "engine": asked.engine})

        begin = perf_counter()
        fuzz()
        seconds, used = perf_counter() - begin, caller.seconds()
    print("| ended in | calls |\n|---|---|")
    for what, count in caller.counts.most_common():
        print(f"| {what} | {count} |")
    print(f"{seconds:.0f} s, {used:.0f} s of CPU since the caller last started")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
