"""What an install weighs, by part: `python -m benchmarks.weight [SITE_PACKAGES]`.

Looks at the environment that it runs in, or at another folder. Sizes are of the files that pip
installed, without what Python compiles later. What only one requirement brings is counted with it.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path


def normal(name: str) -> str:
    """A name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def size(one: Distribution) -> float:
    """In MB."""
    files = (Path(str(one.locate_file(file))) for file in one.files or ())
    kept = (path for path in files if "__pycache__" not in path.parts and path.is_file())
    return sum(path.stat().st_size for path in kept) / 1e6


def needed(one: Distribution) -> Iterator[str]:
    """Names of its requirements, without those of extras."""
    for line in one.requires or ():
        if "extra ==" not in line and (found := re.match(r"[\w.-]+", line)):
            yield normal(found[0])


def reached(name: str, known: dict[str, Distribution], found: set[str]) -> set[str]:
    """What installing this brings."""
    if name in known and name not in found:
        found.add(name)
        for other in needed(known[name]):
            reached(other, known, found)
    return found


def main() -> None:
    """Print the parts, heaviest first."""
    path = sys.argv[1:] or None
    found = distributions(path=path) if path else distributions()
    known = {normal(one.metadata["Name"]): one for one in found}
    sizes = {name: size(one) for name, one in known.items()}
    direct = sorted({*needed(known["p53net"])} & known.keys())
    total = reached("p53net", known, set())
    print(f"{len(total)} distributions, {sum(sizes[one] for one in total):,.0f} MB\n")
    print("| requirement | MB | with what only it brings | distributions |\n|---|---|---|---|")
    rows = []
    for name in direct:
        others = set[str]()
        for other in direct:
            if other != name:
                reached(other, known, others)
        only = reached(name, known, set()) - others
        rows.append((sum(sizes[one] for one in only), sizes[name], name, len(only)))
    for whole, alone, name, count in sorted(rows, key=lambda row: -max(row[0], row[1])):
        print(f"| {name} | {alone:.1f} | {whole:.1f} | {count} |")


if __name__ == "__main__":
    main()
