"""A body for each cell, in blocks of cells that any process can draw.

Some cells get a second body, from random numbers of its own: how far both walks agree tells whether
walks are long enough.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata

from p53net.engines.base import FloatArray
from p53net.evidence.published import observations
from p53net.inference.bodies import Bodies, CellDraw
from p53net.inference.body_walks import Effort, walked
from p53net.inference.target import Target
from p53net.inference.tempering import Sampled, Told
from p53net.inference.units import stored
from p53net.model.own import Tables

BLOCK = 250
"""Cells that run together, and that nets learn from."""

_APART = 2.0
"""R-hat of a cell whose walks have next to nothing in common: it is 2.1 where all draws of one are
above those of the other."""

_TWIN = 12  # one cell in so many has a second body
_EFFORT = Effort()


def block(
    structures: Sequence[str],
    cells: Sequence[CellDraw],
    handled: FloatArray,
    own: Tables,
    seed: Sequence[int],
    told: Told = lambda _share: None,
) -> bytes:
    """Draws (draw, particle, coordinate) of bodies of these cells, given how each handles the drug
    (cell, coordinate), as they are stored. `labels` are those of cells, and again of the twins.
    What all `structures` read is drawn. In one thread."""
    from threadpoolctl import threadpool_limits

    targets = {name: Target(name, own=own) for name in structures}
    bodies = Bodies(targets, cells, observations(own), threads=1)
    random = np.random.default_rng(list(seed))
    labels = np.concatenate([np.arange(len(cells)), np.arange(0, len(cells), _TWIN)])
    z = np.zeros((len(labels), len(bodies.names)))
    z[:, bodies.handled] = handled[labels]
    with threadpool_limits(1):
        walk = walked(bodies.problem(labels), z, random, _EFFORT, told)
    return stored(Sampled(0.0, walk.chains, walk.log_likelihood, labels=labels,
                          accepted=[*walk.accepted.values()]))  # fmt: skip


def put_together(blocks: Sequence[Sampled]) -> tuple[Sampled, list[Sampled]]:
    """The last draw of each cell's body, and of cells with two bodies both walks."""
    ends, logs, labels, twins, first = [], [], [], [], 0
    for one in blocks:
        number = int(one.labels.max()) + 1
        ends.append(one.chains[-1, :number])
        logs.append(one.log_likelihood[-1, :number])
        labels.append(first + np.arange(number))
        again = one.labels[number:]
        places = np.stack([again, number + np.arange(len(again))])
        twins.append(Sampled(0.0, one.chains[:, places], one.log_likelihood[:, places]))
        first += number
    accepted = np.mean([one.accepted for one in blocks], axis=0).tolist()
    found = Sampled(0.0, np.concatenate(ends)[None], np.concatenate(logs)[None],
                    labels=np.concatenate(labels), accepted=accepted)  # fmt: skip
    return found, twins


def settled(names: Sequence[str], twins: Sequence[Sampled]) -> pd.DataFrame:
    """How far two walks of one cell agree, of each coordinate that moves and of the logarithm of
    the likelihood, given the cell: `r_hat`, and the share of cells whose walks are `apart`.

    R-hat is of ranks among the draws of a cell (Vehtari 2021 Bayesian Anal 16:667), so that all
    cells count alike: what a quantity may be is wider in one cell than in another by far, and sums
    of variances would be those of the widest few.
    """
    chains = np.concatenate([one.chains for one in twins], axis=2)  # draw, walk, cell, coordinate
    logs = np.concatenate([one.log_likelihood for one in twins], axis=2)
    asked: Mapping[str, FloatArray] = {
        **{name: chains[..., i] for i, name in enumerate(names)}, "log likelihood": logs
    }  # fmt: skip
    rows = []
    for name, values in asked.items():
        if np.ptp(values, axis=0).any():  # rounding gives what stays a variance
            ranks = rankdata(values.reshape(-1, values.shape[-1]), axis=0)
            scores = ndtri((ranks - 0.375) / (len(ranks) + 0.25)).reshape(values.shape)
            within = scores.var(axis=0, ddof=1).mean(axis=0)
            between = scores.mean(axis=0).var(axis=0, ddof=1)
            share = (len(values) - 1) / len(values)
            rows.append(
                {
                    "quantity": name,
                    "r_hat": float(np.sqrt(share + between.mean() / within.mean())),
                    "apart": float((share * within + between > _APART**2 * within).mean()),
                }
            )
    return pd.DataFrame(rows)
