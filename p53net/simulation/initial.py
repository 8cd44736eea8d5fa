"""Where runs begin: at the untreated state of this very cell, or as a file says.

A cell without drug and damage has one state at rest, so Newton steps from that of the usual cell
find it. Where they do not, the cell is followed in time, or another engine looks.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import Cells, Engine, FloatArray, Locking
from p53net.errors import P53NetError
from p53net.model.definition import Definition

_KEPT = 256  # single cells that are remembered


class Untreated(NamedTuple):
    """Untreated cells, a row for each."""

    states: FloatArray
    values: FloatArray
    """Of the quantities that were asked for."""
    errors: dict[int, P53NetError]
    """Why a cell has no untreated state."""


class Resting:
    """Untreated states of one cell by one engine; `helper` takes what the engine does not find."""

    def __init__(self, definition: Definition, engine: Engine, helper: "Resting | None") -> None:
        self._definition, self._engine, self._helper = definition, engine, helper
        self._known: dict[object, Untreated] = {}

    def ready(self) -> None:
        """Find the state of the usual cell, which all others begin from."""
        _ = self._usual

    def of(
        self, parameters: Mapping[str, FloatArray], size: int, quantities: tuple[str, ...]
    ) -> Untreated:
        """Untreated states of so many cells, in the order of the engine's states, and some
        quantities there. Equal cells are looked for once."""
        moving = self._moving(parameters, size)
        if size == 1 or not moving:
            found = self._single(moving, quantities)
            whole = np.zeros(size, dtype=np.intp)
        else:
            table = np.column_stack(list(moving.values()))
            unique, whole = np.unique(table, axis=0, return_inverse=True)
            whole = whole.ravel()
            columns = dict(zip(moving, unique.T, strict=True))
            found = self._rests(columns, len(unique), quantities)
        places = np.flatnonzero(np.isin(whole, list(found.errors)))
        errors = {int(i): found.errors[int(whole[i])] for i in places}
        return Untreated(found.states[whole], found.values[whole], errors)

    def beside(
        self,
        parameters: Mapping[str, FloatArray],
        of: NDArray[np.intp],
        quantities: tuple[str, ...],
    ) -> Untreated:
        """The same, of cells that differ little from others of them: `of` is the row of each
        cell's other one, its own in that. Only on an engine that is `Locking`."""
        moving = self._moving(parameters, len(of))
        rows, place = np.unique(of, return_inverse=True)
        others = self.of({name: v[rows] for name, v in moving.items()}, len(rows), quantities)
        seeds = self._seeds(moving, len(of))
        starts = others.states[place] + (seeds - seeds[of])
        found = cast(Locking, self._engine).beside(Cells(moving, starts, quantities), of)
        lost = {i: others.errors[p] for i, p in enumerate(place.tolist()) if p in others.errors}
        return Untreated(found.states, found.values, {**found.errors, **lost})

    def _moving(self, parameters: Mapping[str, FloatArray], size: int) -> dict[str, FloatArray]:
        """Parameters that a state at rest depends on."""
        kinds = self._definition.parameters
        return {
            name: np.broadcast_to(values, size)
            for name, values in parameters.items()
            if kinds[name].kind not in ("input", "computed")
        }

    def _single(self, moving: Mapping[str, FloatArray], quantities: tuple[str, ...]) -> Untreated:
        """One cell, which studies ask for again and again; a failure is as slow to find again."""
        key = tuple(sorted((name, float(values[0])) for name, values in moving.items())), quantities
        if key not in self._known:
            while len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            one = {name: values[:1] for name, values in moving.items()}
            self._known[key] = self._rests(one, 1, quantities)
        return self._known[key]

    def _rests(
        self, moving: Mapping[str, FloatArray], size: int, quantities: tuple[str, ...]
    ) -> Untreated:
        seeds = self._seeds(moving, size)
        if self._usual is None:
            return Untreated(*self._followed(moving, seeds, quantities)[:3])
        usual, still = self._usual
        near = usual + (seeds - self._seeds({}, 1))  # totals that never change, as in the seed
        states, values, failures, _ = self._engine.rest(
            Cells(moving, near, quantities, still), near=True
        )
        errors = dict[int, P53NetError]()
        lost = np.array(sorted(failures), dtype=np.intp)
        if len(lost):
            columns = {name: column[lost] for name, column in moving.items()}
            again = self._followed(columns, seeds[lost], quantities)
            states[lost], values[lost] = again.states, again.values
            errors = {int(lost[i]): error for i, error in again.errors.items()}
            failed = list(errors)
            states[failed] = near[failed]
        return Untreated(states, values, errors)

    def _followed(
        self, moving: Mapping[str, FloatArray], seeds: FloatArray, quantities: tuple[str, ...]
    ) -> Untreated:
        """Cells for which Newton steps alone are not enough."""
        if self._helper is None:
            found = self._engine.rest(Cells(moving, seeds, quantities), near=False)
            return Untreated(found.states, found.values, found.errors)
        known = self._helper.of(moving, len(seeds), quantities)
        order = [self._helper._engine.states.index(name) for name in self._engine.states]
        return known._replace(states=known.states[:, order])

    @cached_property
    def _usual(self) -> tuple[FloatArray, FloatArray | None] | None:
        """The untreated state of the cell as it is, if it has one, and the rates there."""
        found = self._engine.rest(Cells({}, self._seeds({}, 1)), near=False)
        if not found.errors:
            return found.states, None if found.rates is None else found.rates[0]
        if self._helper is None:
            return None
        again = self._followed({}, self._seeds({}, 1), ())
        return None if again.errors else (again.states, None)

    def _seeds(self, moving: Mapping[str, FloatArray], size: int) -> FloatArray:
        """Where a cell starts before it has come to rest."""
        kinds, states = self._definition.parameters, self._engine.states
        seeds = np.zeros((size, len(states)))
        for state, name in self._definition.starts.items():
            seeds[:, states.index(state)] = moving.get(name, kinds[name].value)
        return seeds
