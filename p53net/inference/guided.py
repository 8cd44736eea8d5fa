"""Particles of the posterior that follow an emulator and are corrected by the models.

A proposal is a walk under what the emulator says, which takes no evaluation of a model; it is
accepted by how far the models say otherwise there than here (delayed acceptance, Christen 2005 J
Comput Graph Stat 14:795). So the posterior is that of the models, whatever the emulator says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from p53net.engines.base import FloatArray
from p53net.inference.directions import Directions, Proposal, Steps
from p53net.inference.emulator import Emulator
from p53net.inference.tempering import Particles, Sampled, Settings, Told

_SHORTEST, _LONGEST = 2, 200  # steps of a walk
_LOW, _HIGH = 0.07, 0.15  # shares accepted between which a walk is as long as it should be
_LONGER = 1.5
_LEARNED = 120_000  # evaluations that an emulator learns from, the last of all runs


@dataclass
class Walk:
    """How long the emulator is followed, and how far each step goes."""

    steps: Steps = field(default_factory=Steps)
    length: int = 20

    def adapt(self, accepted: float) -> None:
        """Walk farther where the models agree."""
        factor = _LONGER if accepted > _HIGH else 1.0 / _LONGER if accepted < _LOW else 1.0
        self.length = int(np.clip(round(self.length * factor), _SHORTEST, _LONGEST))

    def propose(
        self,
        emulator: Emulator,
        directions: Directions,
        here: FloatArray,
        random: np.random.RandomState,
    ) -> Proposal:
        """Where walks under the emulator's posterior end. Each step goes along or across by chance,
        with a size that the walk keeps, so that a walk is as likely as its reverse."""
        start = _log_posterior(emulator, here)
        z, log = here.copy(), start.copy()
        ways = list(self.steps.sizes) if directions.informed else [False]
        accepted: dict[bool, list[float]] = {way: [] for way in ways}
        for _ in range(self.length):
            along = ways[random.randint(len(ways))]
            step = directions.propose(z, random, size=self.steps.sizes[along], along=along)
            there = _log_posterior(emulator, step.there)
            moved = np.log(random.uniform(size=len(z))) < there - log + step.factor
            z[moved], log[moved] = step.there[moved], there[moved]
            accepted[along].append(float(moved.mean()))
        for along, shares in accepted.items():
            if shares:
                self.steps.adapt(along, float(np.mean(shares)))
        return Proposal(z, start - log)


def follow(
    runs: Sequence[Particles],
    found: Sequence[Sampled],
    highest: float,
    settings: Settings,
    told: Told = lambda _share: None,
) -> None:
    """Draws of independent runs that have all of the evidence. They share an emulator, which learns
    from all of them before each draw. Before the draws that are kept, as many are made and left
    out. The same random numbers give the same particles, bit for bit, on one kind of processor."""
    from threadpoolctl import threadpool_limits

    emulator, walks = Emulator(runs[0].number()), [Walk() for _ in runs]
    kept: list[list[tuple[FloatArray, FloatArray]]] = [[] for _ in runs]
    with threadpool_limits(1):
        for number in range(2 * settings.draws):
            seen = [run.seen(_LEARNED // len(runs)) for run in runs]
            emulator.learn(*(np.concatenate(parts) for parts in zip(*seen, strict=True)))
            for i, (run, one, walk) in enumerate(zip(runs, found, walks, strict=True)):
                directions = run.directions(1.0)
                propose = partial(walk.propose, emulator, directions)
                accepted = [run.moved(1.0, propose) for _ in range(settings.between)]
                walk.adapt(float(np.mean(accepted)))
                one.note(float(np.mean(accepted)), (*walk.steps.sizes.values(), walk.length),
                         directions.informed)  # fmt: skip
                if number >= settings.draws:
                    kept[i].append((run.z, highest + run.log))
                told((number + (i + 1) / len(runs)) / (2 * settings.draws))
    for run, one, draws in zip(runs, found, kept, strict=True):
        one.keep([z for z, _ in draws], [log for _, log in draws])
        one.evaluations, one.labels = run.evaluations, run.labels


def _log_posterior(emulator: Emulator, z: FloatArray) -> FloatArray:
    return np.asarray(emulator.log_likelihood(z) - 0.5 * (z**2).sum(axis=1))
