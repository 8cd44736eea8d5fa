"""What studies use of a model: engines made for it, curves of many runs, what records say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from p53net.dosing.medium import Courses, Given, courses_of
from p53net.engines.base import Capabilities, FloatArray, Tolerances
from p53net.model import Definition, shown_unit
from p53net.simulation import accuracy as exact
from p53net.simulation import attributes, choice, many, provenance
from p53net.simulation.inputs import (
    Doses,
    check_run,
    checked_doses,
    checked_observables,
    checked_parameters,
    checked_times,
)
from p53net.simulation.runs import Curves, Runner

if TYPE_CHECKING:
    from p53net.model.external import Starts


class Workings:
    """A model to an accuracy, with the engines that were made for it. `Model` runs it."""

    def __init__(
        self,
        definition: Definition,
        tolerances: Tolerances | None = None,
        *,
        accuracy: float = exact.ACCURACY,
    ) -> None:
        """`accuracy` is what `load` says of it. `tolerances`, for experts, take its place: then
        every run is made once, at these, and nothing is said of its error."""
        self.definition = definition
        self.accuracy = None if tolerances else exact.checked_accuracy(accuracy)
        self.tolerances = tolerances or exact.tolerances_for(
            exact.checked_accuracy(accuracy), Capabilities.tightening, definition.scale
        )
        self._runners: dict[str, Runner] = {}
        self.starting: dict[tuple[str, ...], tuple[Definition, dict[str, str]]] = {}
        self.base: Workings = self
        """The model that this one is to another accuracy, or itself: engines are made for it."""

    def to(self, accuracy: float | None) -> Self:
        """The same model to another accuracy, with what is compiled; None for as it is. Raises
        InputError.

        Examples:
            >>> pn.load().to(1e-9).accuracy
            1e-09
        """
        if accuracy is None:
            return self
        other = copy(self)
        other.accuracy = exact.checked_accuracy(accuracy)
        other.tolerances = exact.tolerances_for(
            other.accuracy, Capabilities.tightening, self.definition.scale
        )
        return other

    def ready(self, engine: str = choice.AUTO, runs: int = 1) -> None:
        """Compile for so many runs, which the first of them would do; before threads share it.

        Examples:
            >>> pn.load("KT-253").ready("batch", runs=1000)
        """
        self.runner(choice.chosen(self, engine, runs)[0]).ready()

    def runner(self, name: str = "") -> Runner:
        """This model on an engine, made once; without a name on the one for few runs. Raises
        UnsupportedError where it cannot run it.

        Examples:
            >>> pn.load("KT-253").runner().name
            'roadrunner'
        """
        name = name or choice.usual(self.definition)
        if name not in self._runners:
            self._runners[name] = Runner(self.base, name)
        return self._runners[name]

    @cached_property
    def cell(self) -> Self:
        """The cell alone, in a dish: what a tumour or marrow is made of. It has a state at rest."""
        inner = self.definition.cell
        if inner is None:
            return self
        if self.base is not self:
            return cast(Self, self.base.cell)
        tolerances = None if self.accuracy else self.tolerances
        return type(self)(inner, tolerances, accuracy=self.accuracy or exact.ACCURACY)

    def set_deadline(self, seconds: float) -> None:
        """Stop integrations that end later than this from now with a TimeLimitError, on engines
        that do one run after the other.

        Examples:
            >>> model = pn.load("KT-253")
            >>> model.set_deadline(60.0)
            >>> model.simulate([0, 24]).sizes["time"]
            2
        """
        self.runner()  # which takes what others give up
        for model in {id(one): one for one in (self, self.cell)}.values():
            for runner in list(model._runners.values()):
                runner.engine.deadline = perf_counter() + seconds

    def arms(
        self,
        times: ArrayLike,
        doses: Sequence[Mapping[str, Doses] | None],
        parameters: Mapping[str, float] | None = None,
        *,
        feedback: bool = True,
        observables: Sequence[str] | None = None,
        engine: str = choice.AUTO,
    ) -> many.Arms:
        """What `simulate` does, of several doses at once; for studies.

        Returns its `times` [h], and by quantity its `curves` (arm, time). Raises as `simulate`.

        Examples:
            >>> arms = pn.load("KT-253").arms([0, 24], [None, {"KT-253": 5.0}])
            >>> arms.curves["p53_active"].round(1)
            array([[ 21.9,  21.9],
                   [ 21.9, 177.6]])
        """
        grid = checked_times(times)
        given = [checked_doses(self.definition, arm) for arm in doses]
        names = checked_observables(self.definition, observables)
        changed = checked_parameters(self.definition, parameters)
        for arm in given:
            check_run(self.definition, arm, changed, feedback, float(grid[-1]))
        columns = {name: np.full(len(given), value) for name, value in changed.items()}
        found, said = self.curves(
            grid, courses_of(given), columns, names, feedback=feedback, engine=engine
        )
        curves = {name: np.asarray(found.values[:, i]) for i, name in enumerate(names)}
        return many.Arms(grid, curves, given, changed, said, found.bars)

    def curves(
        self,
        times: FloatArray,
        courses: Courses,
        parameters: Mapping[str, FloatArray],
        outputs: Sequence[str],
        *,
        feedback: bool = True,
        engine: str = choice.AUTO,
        runs: int = 1,
    ) -> tuple[Curves, str]:
        """Many runs at once with their error bars, and what to say of the engine; for studies,
        which have checked their inputs before.

        `courses` are the doses, `parameters` have a value for each run, `times` [h] are common or a
        row for each. The engine is chosen for these runs, or for `runs`, if that is more. Raises
        the error of the first run that failed.

        Examples:
            >>> import numpy as np
            >>> from p53net.dosing.medium import courses_of
            >>> courses, times = courses_of([{"KT-253": pn.constant(5.0)}]), np.array([0.0, 24.0])
            >>> curves, engine = pn.load("KT-253").curves(times, courses, {}, ["p53_active"])
            >>> curves.values.shape, engine.split()[0]
            ((1, 1, 2), 'roadrunner')
        """
        found, said = many.attempted(self, times, courses, parameters, outputs,
                                     feedback=feedback, engine=engine, runs=runs)  # fmt: skip
        for _, error in sorted(found.errors.items()):
            raise error.with_traceback(None)
        return found, said

    def as_record(self) -> dict[str, object]:
        """For the record of a run: how it was loaded, and what it is.

        Examples:
            >>> list(pn.load("KT-253").as_record()["model"])
            ['loaded', 'id', 'sha256', 'tolerances', 'accuracy']
        """
        return {
            "model": {
                "loaded": provenance.encoded(self.definition.loaded),
                "id": self.definition.id,
                "sha256": self.definition.sha256,
                "tolerances": [self.tolerances.relative, self.tolerances.absolute],
                "accuracy": self.accuracy,
            }
        }

    @property
    def tolerances_text(self) -> str:
        """How exact it is, in words."""
        if self.accuracy is not None:
            return f"for an accuracy of {self.accuracy:g}"
        unit = "" if self.definition.external else " zmol"
        return f"relative {self.tolerances.relative:g}, absolute {self.tolerances.absolute:g}{unit}"

    @property
    def run_settings(self) -> dict[str, str]:
        """Engine, tolerances and version: with the inputs, enough to repeat a run."""
        return attributes.of_settings(self)

    @cached_property
    def starts(self) -> Starts:
        """Of a model that was read from a file: what it starts from."""
        from p53net.model.external import Starts

        return Starts(self.definition)

    def about(self, name: str) -> dict[str, str]:
        """Unit and meaning of a quantity, as attributes of its variable.

        Examples:
            >>> pn.load().about("p53_total")
            {'units': 'nM', 'long_name': 'all p53, free and bound'}
        """
        unit = self.definition.units[name]
        if self.definition.external:
            return {"units": unit, "long_name": self.definition.names.get(name, name)}
        meaning = self.definition.read_outs.get(name, name)
        place = self.definition.places.get(name)
        own = {} if place is None else {"fragment": place.fragment}
        return {"units": shown_unit(unit), "long_name": meaning, **own}

    def about_run(
        self, doses: Mapping[str, Given], changed: Mapping[str, float], feedback: bool
    ) -> dict[str, str]:
        """What a run was made of, as attributes of its result.

        Examples:
            >>> about = pn.load("KT-253").about_run({"KT-253": pn.constant(5.0)}, {}, feedback=True)
            >>> about["doses"], about["feedback"]
            ('{"KT-253": "5 nM from 0 h"}', 'closed')
        """
        return attributes.of_run(self, doses, changed, feedback)
