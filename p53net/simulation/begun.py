"""Where runs begin: before anything is dosed, and with what is dosed at their start."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from p53net.engines.base import DosingEvents, FloatArray
from p53net.errors import P53NetError


class Start(NamedTuple):
    """Where runs begin before anything is dosed, a row for each."""

    states: FloatArray
    settings: dict[str, FloatArray]
    """What each run computes from its start."""
    values: FloatArray
    """Of the quantities that were asked for."""
    errors: dict[int, P53NetError]
    """Runs without a start."""

    def of(self, rows: NDArray[np.intp]) -> "Start":
        """That of some runs, any of them more than once."""
        failed = np.flatnonzero(np.isin(rows, list(self.errors)))
        return Start(
            self.states[rows],
            {name: values[rows] for name, values in self.settings.items()},
            self.values[rows],
            {int(i): self.errors[int(rows[i])] for i in failed},
        )


class Begun(NamedTuple):
    """Runs at their start, with what is dosed then."""

    starts: FloatArray
    """Run, state."""
    parameters: dict[str, FloatArray]
    """All that differ from the file."""
    events: DosingEvents
    errors: dict[int, P53NetError]
    """Runs without a start."""
    infused: bool = False
    """Whether drug flows into any of them: parameters and events then name inputs that only the
    model with infusions has."""

    def of(self, rows: NDArray[np.intp]) -> "Begun":
        """Some of them."""
        places = {int(row): i for i, row in enumerate(rows)}
        return Begun(
            self.starts[rows],
            {name: values[rows] for name, values in self.parameters.items()},
            self.events.of(rows),
            {places[i]: error for i, error in self.errors.items() if i in places},
            self.infused,
        )

    def opened(self) -> "Begun":
        """The same with the loop opened."""
        opened = np.zeros(len(self.starts))
        return self._replace(parameters={**self.parameters, "feedback": opened})
