"""The page of `p53net lab` in Chromium: size, load, a slider's move, 200 settings against Python.

    python -m benchmarks.lab [SETTINGS] [FOLDER]

Prints a table. Into FOLDER, if one is named, go the page and pictures of it at two widths.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from p53net.errors import SteadyStateError
from p53net.lab.contents import contents_of
from p53net.lab.page import html_of
from p53net.lab.pieces import Contents
from tests.support.browser import Page, browser
from tests.support.lab import NOMINAL, apart, in_python, setting

MOVES = 30
WIDTHS = ((1280, 900), (390, 844))


def main() -> None:
    """All of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        contents = contents_of()
        path = folder / "lab.html"
        path.write_text(html_of(contents), encoding="utf-8")
        print(f"made in {time.perf_counter() - began:.1f} s, {path.stat().st_size / 1e6:.2f} MB")
        with browser(Path(temporary) / "profile") as page:
            page.size(*WIDTHS[0])
            page.open(path.as_uri())
            load(page, path)
            slider(page, "drug1-dose", "a dose")
            page.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            slider(page, "p-k_deg_p53", "a parameter, every untreated state anew")
            compare(page, contents, count)
            for width, height in WIDTHS:
                page.size(width, height)
                page.open(path.as_uri())
                page.picture(folder / f"lab_{width}.png")


def load(page: Page, path: Path) -> None:
    """How long it takes until the first curves are there."""
    taken = []
    for _ in range(5):
        page.open(path.as_uri() + f"#turn={time.perf_counter_ns()}")
        taken.append(page.run("Number(document.body.dataset.loaded)"))
    print(f"from the request to the first curves: {sorted(taken)[2]:.0f} ms")


def slider(page: Page, name: str, what: str) -> None:
    """How long it takes from a move until everything is drawn again."""
    taken = []
    for move in range(MOVES):
        page.run(f"""(() => {{ const one = document.getElementById({name!r});
            one.value = Number(one.min) + (one.max - one.min) * {0.3 + 0.01 * move};
            one.dispatchEvent(new Event("input")); }})()""")
        page.run("""new Promise((done) => { const look = () => document.body.dataset.drawn ===
            document.body.dataset.turn ? done() : setTimeout(look, 1); look(); })""")
        taken.append(float(page.run("document.body.dataset.took")))
    low, middle, high = np.quantile(taken[5:], [0.0, 0.5, 0.9])
    print(f"a move of {what}: 100 draws, both loops, dose-response, drawn: median {middle:.0f} ms, "
          f"least {low:.0f}, nine in ten within {high:.0f}")  # fmt: skip


def compare(page: Page, contents: Contents, count: int) -> None:
    """Random settings beside Python."""
    random, differences, refused = np.random.default_rng(7), list[tuple[float, str]](), 0
    for _ in range(count):
        one = setting(contents, random)
        script = f"""p53lab.single.ask("curves", {json.dumps(one)}).then((found) => JSON.parse(
            JSON.stringify(found, (_, x) => x instanceof Float64Array ? Array.from(x) : x)),
            (error) => ({{error: error.message}}))"""
        found = page.run(script)
        for loop, feedback in (("closed", True), ("opened", False)):
            try:
                run = in_python(one, feedback=feedback)
            except SteadyStateError:
                refused += "untreated state" in found.get("error", "")
                continue
            where = f"{one['structure']}, {one['line']}, {loop}"
            differences += [(apart(curve, run, name), f"{name}, {where}")
                            for name, curve in found[loop].items()]  # fmt: skip
    worst, median = max(differences), np.median([one for one, _ in differences])
    print(f"{count} settings, {len(differences)} curves beside Python's at {NOMINAL:g}: at most "
          f"{worst[0]:.1e} of the peak ({worst[1]}), median {median:.0e}; {refused} runs refused "
          "by both")  # fmt: skip


if __name__ == "__main__":
    main()
