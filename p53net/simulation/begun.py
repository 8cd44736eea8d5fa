"""Where runs begin: before anything is dosed, and with what is dosed at their start."""

from dataclasses import replace
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
    infused: "NDArray[np.bool_] | None" = None
    """Into which of them drug flows, if into any."""
    inputs: tuple[str, ...] = ()
    """Parameters of the flows, which only the model with infusions has."""

    def of(self, rows: NDArray[np.intp]) -> "Begun":
        """Some of them."""
        places = {int(row): i for i, row in enumerate(rows)}
        return Begun(
            self.starts[rows],
            {name: values[rows] for name, values in self.parameters.items()},
            self.events.of(rows),
            {places[i]: error for i, error in self.errors.items() if i in places},
            None if self.infused is None else self.infused[rows],
            self.inputs,
        )

    def apart(self) -> "list[tuple[NDArray[np.intp], Begun]]":
        """Runs into which drug flows, and the others, which know of no inputs."""
        rows = np.arange(len(self.starts))
        if self.infused is None or self.infused.all():
            return [(rows, self)]
        flows, others = rows[self.infused], rows[~self.infused]
        plain = (others, self.of(others)._without_inputs())
        return [(flows, self.of(flows)), plain] if len(flows) else [plain]

    def _without_inputs(self) -> "Begun":
        kept = [i for i, name in enumerate(self.events.names) if name not in self.inputs]
        names = tuple(self.events.names[i] for i in kept)
        events = replace(self.events, names=names, values=self.events.values[:, :, kept])
        parameters = {n: v for n, v in self.parameters.items() if n not in self.inputs}
        return self._replace(parameters=parameters, events=events, infused=None, inputs=())

    def opened(self) -> "Begun":
        """The same with the loop opened."""
        opened = np.zeros(len(self.starts))
        return self._replace(parameters={**self.parameters, "feedback": opened})
