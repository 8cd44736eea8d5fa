"""SED-ML documents of others: uniform time courses, what is taken of them, and where it goes."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as Tree

from p53net.dosing.medium import finite_number
from p53net.errors import InputError, UnsupportedError
from p53net.exchange.unpacking import inside, xml
from p53net.simulation.inputs import MOST_POINTS

_ID = re.compile(r"[A-Za-z_]\w{0,99}")
_OF_MODEL = re.compile(r"/(?:\w+:)?sbml/(?:\w+:)?model/.*\[@id=['\"](\w+)['\"]\]")
_CHANGED = re.compile(_OF_MODEL.pattern + r"/@(value|size|initialConcentration|initialAmount)")
_TIME = ("urn:sedml:symbol:time", "KISAO:0000832")
_MOST = 200  # of models, tasks, outputs; a thousand of generators
_MOST_GENERATORS = 5000


class ModelOf(NamedTuple):
    """A model: the member that it stands in, and what is changed in it."""

    member: str
    parameters: Mapping[str, float]
    """Parameters and sizes of compartments."""
    start: Mapping[str, float]
    """Start values of species."""


class CourseOf(NamedTuple):
    """A uniform time course from 0 on, shown from `begin` to `end` in so many equal steps."""

    begin: float
    end: float
    steps: int


class Quantity(NamedTuple):
    """What a formula calls a name: a quantity of a task's run, or, without a name, its time."""

    task: str
    name: str


class Generator(NamedTuple):
    """A formula of quantities."""

    label: str
    quantities: Mapping[str, Quantity]
    numbers: Mapping[str, float]
    math: Tree.Element


class Output(NamedTuple):
    """A table, whose columns are pairs of label and generator, or a figure, of x, y and label."""

    id: str
    columns: Sequence[tuple[str, str]]
    curves: Sequence[tuple[str, str, str]]
    label: str = ""
    """For people; empty where there is none."""


class Document(NamedTuple):
    """All that is run of a document."""

    models: Mapping[str, ModelOf]
    courses: Mapping[str, CourseOf]
    tasks: Mapping[str, tuple[str, str]]
    """Task to model and course."""
    generators: Mapping[str, Generator]
    outputs: Sequence[Output]


def document(content: bytes, folder: str, archive: str, name: str) -> Document:
    """What a SED-ML document of Level 1 says; `folder` is where in the archive it stands.

    Raises InputError for what is not sound, UnsupportedError for what is not a uniform time course
    of an SBML model.
    """
    return _Reader(xml(content, f"{archive}: {name}"), folder, archive, name).read()


class _Reader:
    def __init__(self, root: Tree.Element, folder: str, archive: str, name: str) -> None:
        self._root, self._folder, self._archive = root, folder, archive
        self._where = f"{archive}: {name}"
        if _tag(root) != "sedML":
            raise self._wrong(f"its root is <{_tag(root)[:40]}>, and not <sedML>")

    def read(self) -> Document:
        models = self._listed("listOfModels", "model")
        made = Document(
            {one: self._model(one, models) for one in models},
            {one: self._course(element) for one, element in
             self._listed("listOfSimulations").items()},
            {one: self._task(element) for one, element in self._listed("listOfTasks").items()},
            {one: self._generator(element) for one, element in
             self._listed("listOfDataGenerators", most=_MOST_GENERATORS).items()},
            [self._output(element) for element in self._listed("listOfOutputs").values()],
        )  # fmt: skip
        if not made.tasks:
            raise self._wrong("it has no task")
        for task, (model, course) in made.tasks.items():
            self._known(model, made.models, f"the model of task {task}")
            self._known(course, made.courses, f"the simulation of task {task}")
        for one, generator in made.generators.items():
            for quantity in generator.quantities.values():
                self._known(quantity.task, made.tasks, f"the task of data generator {one}")
        for output in made.outputs:
            names = [of for _, of in output.columns]
            for of in (*names, *(of for curve in output.curves for of in curve[:2])):
                self._known(of, made.generators, f"the data generator of output {output.id}")
        return made

    def _model(self, name: str, models: Mapping[str, Tree.Element]) -> ModelOf:
        """A model with all changes on the way to its file."""
        chain, parameters, start = list[str](), dict[str, float](), dict[str, float]()
        while True:
            if name in chain:
                raise self._wrong(f"models go round in a circle: {', '.join([*chain, name])}")
            chain.append(name)
            element = models[name]
            language = element.get("language", "urn:sedml:language:sbml")
            if "sbml" not in language:
                raise self._other(f"model {name} is in '{language[:60]}', and not in SBML")
            for change in _parts(element, "listOfChanges"):
                self._change(name, change, parameters, start)
            source = element.get("source", "")
            if source.removeprefix("#") in models:
                name = source.removeprefix("#")
                continue
            return ModelOf(inside(source, self._folder, self._archive), parameters, start)

    def _change(
        self,
        model: str,
        change: Tree.Element,
        parameters: dict[str, float],
        start: dict[str, float],
    ) -> None:
        if _tag(change) != "changeAttribute":
            raise self._other(f"model {model} is changed by <{_tag(change)[:40]}>; only "
                              "changeAttribute is")  # fmt: skip
        target = change.get("target", "")
        match = _CHANGED.fullmatch(target)
        if match is None:
            raise self._other(f"model {model}: the change of '{target[:120]}'; only values of "
                              "parameters, sizes and start values are changed")  # fmt: skip
        value = self._number(change, "newValue", f"a change of model {model}")
        into = parameters if match[2] in ("value", "size") else start
        if match[2] == "initialAmount":
            raise self._other(f"model {model}: a change of an initialAmount, which depends on the "
                              "volume; change the initialConcentration")  # fmt: skip
        into.setdefault(match[1], value)  # those nearest to the task come first, and win

    def _course(self, element: Tree.Element) -> CourseOf:
        name, kind = element.get("id", ""), _tag(element)
        if kind != "uniformTimeCourse":
            raise self._other(f"simulation {name} is a {kind[:40]}; uniform time courses are run")
        begin, first, end = (
            self._number(element, one, f"simulation {name}")
            for one in ("initialTime", "outputStartTime", "outputEndTime")
        )
        steps = self._number(
            element,
            "numberOfSteps" if element.get("numberOfSteps") else "numberOfPoints",
            f"simulation {name}",
        )
        if begin != 0.0:
            raise self._other(f"simulation {name} begins at {begin:g}; every run begins at 0")
        if not 0.0 <= first < end:
            raise self._wrong(f"simulation {name} shows {first:g} to {end:g}; times must rise")
        if steps != int(steps) or not 1 <= steps < MOST_POINTS:
            raise self._wrong(f"simulation {name} has {steps:g} steps; allowed are whole numbers "
                              f"from 1 to {MOST_POINTS - 1:,}")  # fmt: skip
        return CourseOf(first, end, int(steps))

    def _task(self, element: Tree.Element) -> tuple[str, str]:
        if _tag(element) != "task":
            raise self._other(f"task {element.get('id')} is a {_tag(element)[:40]}; only single "
                              "tasks are run")  # fmt: skip
        return element.get("modelReference", ""), element.get("simulationReference", "")

    def _generator(self, element: Tree.Element) -> Generator:
        name = element.get("id", "")
        found = dict[str, Quantity]()
        for one in _parts(element, "listOfVariables"):
            symbol, target = one.get("symbol", ""), one.get("target", "")
            task = one.get("taskReference", "")
            if symbol in _TIME and not target:
                found[one.get("id", "")] = Quantity(task, "")
            elif (match := _OF_MODEL.fullmatch(target)) and not symbol:
                found[one.get("id", "")] = Quantity(task, match[1])
            else:
                raise self._other(f"data generator {name}: '{(target or symbol)[:120]}', which is "
                                  "no quantity of a model")  # fmt: skip
        numbers = {
            one.get("id", ""): self._number(one, "value", f"data generator {name}")
            for one in _parts(element, "listOfParameters")
        }
        math = [part for part in element if _tag(part) == "math"]
        if len(math) != 1 or len(math[0]) != 1:
            raise self._wrong(f"data generator {name} has no formula")
        return Generator(element.get("name") or name, found, numbers, math[0][0])

    def _output(self, element: Tree.Element) -> Output:
        name, kind = element.get("id", ""), _tag(element)
        if kind == "report":
            sets = _parts(element, "listOfDataSets")
            columns = [(one.get("label", one.get("id", "")), one.get("dataReference", ""))
                       for one in sets]  # fmt: skip
            return Output(name, columns, ())
        if kind == "plot2D":
            curves = [
                (one.get("xDataReference", ""), one.get("yDataReference", ""),
                 one.get("name", one.get("id", "")))
                for one in _parts(element, "listOfCurves")
            ]  # fmt: skip
            return Output(name, (), curves, element.get("name", ""))
        raise self._other(f"output {name} is a {kind[:40]}; reports and plots of two axes are made")

    def _listed(
        self, kind: str, tag: str | None = None, most: int = _MOST
    ) -> dict[str, Tree.Element]:
        """Elements of a list by their ids."""
        found = dict[str, Tree.Element]()
        for element in _parts(self._root, kind):
            name = element.get("id", "")
            if not _ID.fullmatch(name):
                raise self._wrong(f"'{name[:40]}' in {kind} is no id")
            if name in found:
                raise self._wrong(f"'{name}' is there twice in {kind}")
            if tag is not None and _tag(element) != tag:
                raise self._wrong(f"<{_tag(element)[:40]}> stands in {kind}")
            found[name] = element
            if len(found) > most:
                raise self._wrong(f"it has more than {most:,} elements in {kind}")
        return found

    def _number(self, element: Tree.Element, attribute: str, where: str) -> float:
        text = element.get(attribute, "")
        try:
            if "_" in text:
                raise ValueError
            found = float(text)
        except ValueError:
            raise self._wrong(f"{where}: {attribute} is '{text[:40]}', and no number") from None
        return finite_number(found, f"{self._where}: {where}: {attribute}", negative=True)

    def _known(self, name: str, known: Mapping[str, object], what: str) -> None:
        if name not in known:
            raise self._wrong(f"{what} is '{name[:40]}', which is not there")

    def _wrong(self, what: str) -> InputError:
        return InputError(f"{self._where}: {what}; correct it")

    def _other(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"{self._where}: {what}; run it in the tool that wrote it")


def _tag(element: Tree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parts(element: Tree.Element, kind: str) -> list[Tree.Element]:
    """The elements in a list of an element."""
    return [part for one in element if _tag(one) == kind for part in one]
