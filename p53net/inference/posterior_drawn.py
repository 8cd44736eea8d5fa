"""Figures of a posterior: weights of structures, what the evidence told, and ranks of runs."""

from typing import TYPE_CHECKING

import numpy as np

from p53net.figures import names
from p53net.figures.style import COLOURS, SMALL, STYLE, WIDE, headline
from p53net.inference.posterior import Posterior
from p53net.inference.priors import Space, for_structure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TOLD = 22  # parameters that are shown, those that the evidence told most of
_BINS = 10


def posterior_figure(posterior: Posterior) -> "Figure":
    """Weights of structures with their errors; posterior beside prior of what was told most; and
    how ranks of runs spread, which agree if they are flat."""
    import matplotlib

    from p53net.figures.inline import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 4.6), layout="constrained")
        places = figure.subplot_mosaic([["a", "c"], ["b", "c"]], width_ratios=(1.0, 1.3))
        _weights(posterior, places["a"])
        _ranks(posterior, places["b"])
        _forest(posterior, places["c"])
        headline(
            figure, "What the evidence says of structures, and which parameters it tells most of"
        )
    return figure


def _weights(posterior: Posterior, axes: "Axes") -> None:
    table = posterior.weights.sort_values("weight")
    axes.barh(table["structure"], table["weight"], xerr=table["weight_error"], color=COLOURS[5],
              error_kw={"elinewidth": 1.2, "capsize": 2})  # fmt: skip
    axes.set(xlim=(0, 1), xlabel="weight by the evidence [1]")
    axes.grid(visible=False, axis="y")
    axes.set_title("(a) structures")


def _ranks(posterior: Posterior, axes: "Axes") -> None:
    structure = posterior.best
    runs = [one.log_likelihood.ravel() for one in posterior.of(structure)]
    ranks = np.concatenate(runs).argsort().argsort() / sum(map(len, runs))
    start = 0
    for number, (run, colour) in enumerate(zip(runs, COLOURS, strict=False)):
        counts, edges = np.histogram(ranks[start : start + len(run)], _BINS, (0.0, 1.0))
        axes.stairs(counts / counts.mean(), edges, color=colour, label=f"run {number + 1}")
        start += len(run)
    axes.axhline(1.0, color="black", linewidth=0.5)
    axes.set(
        xlabel="rank of the likelihood among all runs [1]", ylabel="density [1]", ylim=(0, None)
    )
    axes.set_title(f"(b) runs of {structure}: flat where they agree")
    axes.legend(fontsize=SMALL, ncols=2)


def _forest(posterior: Posterior, axes: "Axes") -> None:
    structure = posterior.best
    space = Space(for_structure(structure, tables=posterior.own))
    z = np.concatenate([one.z.reshape(-1, one.z.shape[-1]) for one in posterior.of(structure)])
    normal = z @ space.mixing.T
    told = np.argsort(normal.std(axis=0))[:_TOLD][::-1]
    low, first, middle, third, high = np.quantile(
        normal[:, told], (0.025, 0.25, 0.5, 0.75, 0.975), axis=0
    )
    places = np.arange(len(told))
    axes.axvspan(-1.96, 1.96, color="#eeeeee", zorder=0)
    axes.hlines(places, low, high, color=COLOURS[0], linewidth=0.6)
    axes.hlines(places, first, third, color=COLOURS[0], linewidth=1.9)
    axes.plot(middle, places, "o", color="white", markeredgecolor=COLOURS[0], markersize=2.5)
    axes.set_yticks(places, [names.of_parameter(space.names[i]) for i in told], fontsize=SMALL)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="standard deviations of the prior (grey: its 95 %)")
    axes.set_title("(c) most told, from the top")
