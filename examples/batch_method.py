"""How the batch engine works: from SBML to code, the linear systems, and the lanes.

`python examples/batch_method.py --out docs` takes some seconds. The matrix is that of the model
with both drugs, the lanes show the steps that 64 random parameter sets really take.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import p53net as pn
from p53net.dosing.medium import constant, same_courses
from p53net.engines.batch.kernel import jacobian
from p53net.figures.style import COLOURS, SMALL, STYLE, WIDE, save

BLUE, ORANGE = COLOURS[0], COLOURS[4]
LANES, SETS = 8, 64
DOSES = {"milademetan": 100.0, "KT-253": 1.0}  # nM
BOXES = (
    "SBML",
    "formulas,\nequal parts shared\n(expressions.py,\nrates.py)",
    "derivatives and\norder of elimination\n(kernel.py,\nelimination.py)",
    "LLVM assembly:\nrates, L U, solve,\nstep, queue\n(llvm.py, driver.py)",
    "machine code,\nkept on disk\n(machine.py)",
    "runs: 8 sets\nin each vector\n(engine.py)",
)


def boxes(axes: Axes) -> None:
    """The way from a model to runs."""
    axes.set(xlim=(0, len(BOXES)), ylim=(0, 1))
    axes.axis("off")
    for i, text in enumerate(BOXES):
        box = FancyBboxPatch((i + 0.06, 0.1), 0.76, 0.8, boxstyle="round,pad=0.02", ec=BLUE, fc="w")
        axes.add_patch(box)
        axes.text(i + 0.44, 0.5, text, ha="center", va="center", fontsize=SMALL)
        if i:
            start, end = (i - 0.15, 0.5), (i + 0.03, 0.5)
            axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=6))


def matrix(axes: Axes, model: pn.Model) -> None:
    """Entries of I/(h*gamma) - J in the order of elimination, and those that elimination adds."""
    system = model.runner("batch").engine.system
    found = jacobian(system, system.states, system.rates)
    order = found.order.order
    place = {state: i for i, state in enumerate(order)}
    own = set(found.entries) | {(i, i) for i in range(len(order))}
    for entries, colour, label in (
        (own, BLUE, f"{len(own)} entries"),
        (found.order.entries - own, ORANGE, f"{len(found.order.entries - own)} added"),
    ):
        rows, columns = np.array([(place[i], place[j]) for i, j in sorted(entries)]).T
        axes.plot(columns, rows, "s", color=colour, markersize=2.6, label=label)
    size = len(order)
    axes.set(xlim=(-0.7, size - 0.3), ylim=(size - 0.3, -0.7), aspect="equal")
    axes.set_xlabel("state, in the order of elimination")
    axes.set_ylabel("rate of state")
    axes.grid(visible=False)
    axes.legend(loc="lower left")
    axes.set_title(f"(a) {size} states: {len(found.order.entries)} of {size**2} numbers")


def steps_of(model: pn.Model) -> np.ndarray:
    """Steps that random parameter sets take in 72 h."""
    draws = np.random.default_rng(1)
    names = ("k_deg_p53", "k_deg_MDM2", "k_transl_MDM2", "k_on_inhibitor", "k_on_degrader")
    values = model.definition.parameters
    changed = {name: values[name].value * 3.0 ** draws.uniform(-1, 1, SETS) for name in names}
    doses = same_courses({drug: constant(nM) for drug, nM in DOSES.items()}, SETS)
    runs = model.runner("batch").run(np.linspace(0.0, 72.0, 145), doses, changed, ["p53_active"])
    return runs.steps


def lanes(axes: Axes, steps: np.ndarray) -> None:
    """Which lane works on which set when, with and without taking up the next set at once."""
    queue, blocks = np.zeros(LANES), 0.0
    for length in steps:
        lane = int(np.argmin(queue))
        bar(axes, lane, queue[lane], length)
        queue[lane] += length
    for start in range(0, len(steps), LANES):
        part = steps[start : start + LANES]
        for lane, length in enumerate(part):
            bar(axes, lane + LANES + 1, blocks, length)
        blocks += part.max()
    axes.axvline(queue.max(), color="k", linestyle=":", linewidth=0.7)
    axes.set_ylim(2 * LANES + 0.7, -0.8)
    axes.set_yticks([(LANES - 1) / 2, LANES + 1 + (LANES - 1) / 2])
    axes.set_yticklabels(["next set\nat once", "blocks\nof 8"])
    axes.set_xlabel("steps of the vector")
    saved = blocks / queue.max()
    words = f"(b) {len(steps)} sets in {LANES} lanes: blocks would take {saved:.1f} times as long"
    axes.grid(visible=False)
    axes.set_title(words)


def bar(axes: Axes, lane: float, start: float, length: float) -> None:
    """One set in its lane."""
    axes.barh(lane, length, left=start, color=BLUE, edgecolor="w", height=0.85)


def drawn() -> Figure:
    """The three parts."""
    model = pn.load(*DOSES)
    figure = Figure(figsize=(WIDE, 4.1), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 3.6))
    boxes(above.subplots())
    left, right = below.subplots(1, 2, width_ratios=(1, 1.6))
    matrix(left, model)
    lanes(right, steps_of(model))
    return figure


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER")
    folder = parser.parse_args().out
    with mpl.rc_context(STYLE):
        figure = drawn()
    for kind in ("png", "svg"):
        save(figure, folder / f"batch_method.{kind}")


if __name__ == "__main__":
    main()
