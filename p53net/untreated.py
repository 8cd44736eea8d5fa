"""The untreated state: where a run of a cell starts, found once for each parameter set."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from p53net.engines import FloatArray
from p53net.engines.roadrunner import RoadRunnerEngine
from p53net.errors import P53NetError, SimulationError, SteadyStateError
from p53net.model import Definition

_KEPT = 256  # states that are remembered


class Untreated:
    """States at rest of one cell without drug or damage, by RoadRunner."""

    def __init__(self, definition: Definition, engine: RoadRunnerEngine) -> None:
        self._definition, self._engine = definition, engine
        self._found: dict[object, tuple[FloatArray, FloatArray] | P53NetError] = {}

    def state(
        self, changed: Mapping[str, float], quantities: tuple[str, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Concentrations of the engine's species, and these quantities, in a cell with `changed`
        parameters. Raises SteadyStateError, SimulationError."""
        kinds = self._definition.parameters
        moving = {n: v for n, v in changed.items() if kinds[n].kind not in ("input", "computed")}
        key = tuple(sorted(moving.items())), quantities
        if key not in self._found:
            if len(self._found) >= _KEPT:
                self._found.pop(next(iter(self._found)))
            try:
                self._found[key] = self._rest(moving, quantities)
            except (SteadyStateError, SimulationError) as error:  # as slow to find out again
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, P53NetError):
            raise found.with_traceback(None)
        return found

    def _rest(
        self, moving: Mapping[str, float], quantities: tuple[str, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """The state at rest without drug or damage, by the shortest way that is safe.

        Parameters that leave every rate of the usual cell at rest as it is, bit for bit, leave it
        at rest. Others start Newton steps there: a cell without drug and damage has one state at
        rest. Where the steps do not end in a stable state, the cell is integrated.
        """
        engine, seed = self._engine, self._seed(moving)
        if self._usual is not None:
            usual, still, usual_seed = self._usual
            near = usual + (seed - usual_seed)  # totals that never change, as in the seed
            if (found := engine.rest_near(moving, near, still, quantities)) is not None:
                return found
        state = engine.steady_state(moving, seed)
        return state, engine.look(moving, state, quantities)[1]

    @cached_property
    def _usual(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """The untreated state of the model as it is, if it has one, the rates [nM/h] there, and
        the seed that led to it."""
        seed = self._seed({})
        try:
            state = self._engine.steady_state({}, seed)
        except SteadyStateError:
            return None
        return state, self._engine.look({}, state)[0], seed

    def _seed(self, changed: Mapping[str, float]) -> FloatArray:
        """Where integration starts to look for the untreated state."""
        starts, kinds = self._definition.starts, self._definition.parameters
        seed = {name: changed.get(of, kinds[of].value) for name, of in starts.items()}
        return np.array([seed.get(species, 0.0) for species in self._engine.species])
