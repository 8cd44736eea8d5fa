"""An ensemble drawn anew with one more datum of cells in a dish: the refit of a synthetic datum.

Draws are tempered to the datum, with moves of the sampler under all rows about cells. Coordinates
that reach none of these rows stay with their draw, as those of bodies, whose rows are too dear to
be asked at each move.
"""

from collections import OrderedDict
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.draws import Ensemble
from p53net.errors import InputError
from p53net.extras import need
from p53net.inference.experiments import Experiment
from p53net.inference.read_outs import readings
from p53net.inference.target import Target
from p53net.inference.tempering import renewed

MOVES = 3
"""Rounds of moves at each degree of a datum: nine in ten particles have moved by then, where a
quarter of two proposals a round is accepted."""

_STRUCTURE = "structure"
_PRIORS_ALONE = "priors"  # in the notes of draws that no evidence has weighted
_KEPT = 64  # ensembles: several answers ask for the same


class Renewal:
    """Refits of an ensemble, as `next_experiment` takes them.

        refit = Renewal(ensemble)
        again = refit(experiment, np.log([12.0]))  # of a relative error: the datum's logarithm

    Raises InputError for draws that lack a parameter of their structure, or have a value without
    density, and where the ensemble was made with tables of a user; MissingPackageError.
    """

    def __init__(self, ensemble: Ensemble, *, moves: int = MOVES, seed: int = 1) -> None:
        need("fit", "renewing draws", only=["emcee"])
        if ensemble.about.get("own"):
            raise InputError(
                "the ensemble was made with tables of your own, which a refit does not have: give "
                "one of the package's evidence"
            )
        self.ensemble, self.moves, self.seed = ensemble, moves, seed
        rows = () if _PRIORS_ALONE in ensemble.about else None
        self._draws = {part.structure: part.draws for part in ensemble.parts()}
        self._targets = {name: Target(name, rows=rows) for name in self._draws}
        self._structures = ensemble.table[_STRUCTURE].to_numpy()
        self._whole = {name: self._coordinates(name) for name in self._draws}
        moved = [t.space.names[i] for t in self._targets.values() for i in t.moved]
        self.names = list(dict.fromkeys(moved))
        """Parameters whose coordinates move, in some structure."""
        self.evaluations = 0
        """Of all rows, since it was made."""
        self._made: OrderedDict[tuple[str, bytes, int | None], Ensemble] = OrderedDict()

    def __call__(
        self, experiment: Experiment, datum: FloatArray, without: int | None = None
    ) -> Ensemble:
        """Draws with one more datum (number): logarithms where the experiment's error is relative.
        `without` is the place of a draw that is not to be known. Of a body InputError."""
        if experiment.host:
            raise InputError(f"{experiment.name} is of a body: only data of cells are drawn anew")
        key = experiment.name, datum.tobytes(), without
        if key not in self._made:
            self._made[key] = self._drawn(experiment, datum, without)
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return self._made[key]

    def _drawn(self, experiment: Experiment, datum: FloatArray, without: int | None) -> Ensemble:
        draws = np.arange(len(self.ensemble))
        draws = draws if without is None else np.delete(draws, without)
        read = readings(self.ensemble, [experiment])[experiment.name].values
        silent = _silent(_misfit(datum, read[draws], experiment))

        def residuals(z: FloatArray, labels: NDArray[np.intp]) -> FloatArray:
            self.evaluations += len(z)
            whole = self._with(z, labels)
            seen = readings(self._ensemble(whole, labels), [experiment])[experiment.name].values
            away = _misfit(datum, seen, experiment)
            lost = ~np.isfinite(away).all(axis=1)
            away[lost] = 0.0
            away[lost, 0] = silent
            return np.hstack([self._rows(whole, labels), away])

        random = np.random.default_rng([self.seed, *experiment.name.encode(), *datum.tobytes()])
        found = renewed(residuals, self._known, self._start[draws], random, self.moves, draws)
        labels = found.labels
        return self._ensemble(self._with(found.chains[0], labels), labels)

    @cached_property
    def _known(self) -> int:
        """Rows of evidence, in the structure that has most."""
        return max(len(target.rows) for target in self._targets.values())

    @cached_property
    def _start(self) -> FloatArray:
        """Coordinates of all draws (draw, name), from the prior where a structure has none."""
        z = np.random.default_rng([self.seed, 0]).standard_normal((len(self.ensemble),
                                                                  len(self.names)))  # fmt: skip
        for name, draws in self._draws.items():
            here, there = self._places[name]
            z[np.ix_(draws, here)] = self._whole[name][:, there]
        return z

    @cached_property
    def _places(self) -> dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Of each structure: places of its coordinates among those that move, and in its space."""
        found = {}
        for name, target in self._targets.items():
            known = {one: i for i, one in enumerate(target.space.names)}
            here = [i for i, one in enumerate(self.names) if one in known]
            found[name] = np.array(here), np.array([known[self.names[i]] for i in here])
        return found

    def _coordinates(self, structure: str) -> FloatArray:
        """Of the whole space of a structure, of its draws (draw, coordinate)."""
        space, table = self._targets[structure].space, self.ensemble.table
        if not self.ensemble.has_bodies:  # what only bodies read reaches no row: as it usually is
            usual = dict(zip(space.names, space.values(np.zeros((1, len(space))))[0], strict=True))
            table = table.assign(**{name: usual[name] for name in space.names if name not in table})
        if lost := [name for name in space.names if name not in table]:
            raise InputError(
                f"the ensemble has no {lost[0]}, so that nothing can be drawn anew: give one that "
                "`p53net infer` wrote"
            )
        z = space.coordinates(table[space.names].to_numpy(dtype=float)[self._draws[structure]])
        if not np.isfinite(z).all():
            column = space.names[int(np.flatnonzero(~np.isfinite(z).all(axis=0))[0])]
            raise InputError(f"a draw of {structure} has a {column} that its prior cannot have")
        return z

    def _with(
        self, z: FloatArray, labels: NDArray[np.intp]
    ) -> dict[str, tuple[NDArray[np.intp], FloatArray]]:
        """Of each structure: which particles have it, and their coordinates of its whole space."""
        found = {}
        for name, draws in self._draws.items():
            of = np.flatnonzero(self._structures[labels] == name)
            whole = self._whole[name][np.searchsorted(draws, labels[of])]
            here, there = self._places[name]
            whole[:, there] = z[np.ix_(of, here)]
            if len(of):
                found[name] = of, whole
        return found

    def _rows(
        self, whole: dict[str, tuple[NDArray[np.intp], FloatArray]], labels: NDArray[np.intp]
    ) -> FloatArray:
        """Distances of all rows of evidence (particle, row)."""
        found = np.zeros((len(labels), self._known))
        for name, (of, z) in whole.items():
            target = self._targets[name]
            if target.rows:
                found[of, : len(target.rows)] = target.residuals(z)
        return found

    def _ensemble(
        self, whole: dict[str, tuple[NDArray[np.intp], FloatArray]], labels: NDArray[np.intp]
    ) -> Ensemble:
        """Particles as an ensemble."""
        table = self.ensemble.table.iloc[labels].reset_index(drop=True)
        for name, (of, z) in whole.items():
            space, (_, there) = self._targets[name].space, self._places[name]
            follow = [i for i in np.flatnonzero((space.mixing[:, there] != 0).any(axis=1))
                      if space.names[i] in table]  # fmt: skip
            columns = table.columns.get_indexer(pd.Index([space.names[i] for i in follow]))
            table.iloc[of, columns] = space.values(z)[:, follow]
        return Ensemble(table, self.ensemble.about)


def _misfit(datum: FloatArray, read: FloatArray, experiment: Experiment) -> FloatArray:
    """How far each number is from the datum, in errors (particle, number)."""
    expected = np.log(read) if experiment.relative else read
    return np.asarray((datum - expected) / experiment.error)


def _silent(away: FloatArray) -> float:
    """A distance that is as likely as the mean of those that predict the datum, which is silent
    about all others."""
    from scipy.special import logsumexp

    there = np.isfinite(away).all(axis=1)
    if not there.any():
        return 0.0
    squares = (away[there] ** 2).sum(axis=1)
    return float(np.sqrt(-2.0 * (logsumexp(-0.5 * squares) - np.log(len(squares)))))
