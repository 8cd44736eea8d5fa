"""SED-ML Level 1 Version 4 of uniform time courses, as text.

libSEDML would write it too, but its import into a process disturbs libSBML there.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as Tree

from p53net.exchange.course import Course

MODEL, REPORT, FIGURE = "model", "curves", "figure"
"""Ids of the model, the table and the figure."""

SEDML = "http://sed-ml.org/sed-ml/level1/version4"
MATH = "http://www.w3.org/1998/Math/MathML"
TIME = "urn:sedml:symbol:time"

_CVODE = ("CVODE", "KISAO:0000019")
_TOLERANCES = (
    ("relative tolerance", "KISAO:0000209", "1e-10"),
    ("absolute tolerance", "KISAO:0000211", "1e-14"),
)


class Arm(NamedTuple):
    """One run of a model: its name, how it runs, and what is changed in the model before."""

    name: str
    """Empty where there is no other run."""
    course: Course
    source: str
    """The file of the model."""
    changes: Mapping[str, float]
    """Attributes of the model, by XPath."""

    def id(self, of: str) -> str:
        """What a part of the document is called that is about this run."""
        return f"{of}_{self.name}" if self.name else of


def as_sedml(
    arms: Sequence[Arm], language: str, targets: Mapping[str, str], names: Mapping[str, str]
) -> str:
    """A document that runs models (SBML of a level and version).

    `targets` are XPaths of what the runs show, with the prefix `sbml`; `names`, of quantities and
    of runs, are for people. Each table, and the figure of each, holds the time first.
    """
    root = Tree.Element(
        "sedML", {"xmlns": SEDML, "xmlns:sbml": _namespace(language), "level": "1", "version": "4"}
    )
    models = _add(root, "listOfModels")
    whole = f"urn:sedml:language:sbml.{language}"
    simulations, tasks = _add(root, "listOfSimulations"), _add(root, "listOfTasks")
    generators, outputs = _add(root, "listOfDataGenerators"), _add(root, "listOfOutputs")
    for arm in arms:
        said = {"name": names[arm.name]} if arm.name else {}
        made = _add(models, "model", id=arm.id(MODEL), **said, source=arm.source, language=whole)
        if arm.changes:
            changes = _add(made, "listOfChanges")
            for target, value in arm.changes.items():
                _add(changes, "changeAttribute", target=target, newValue=repr(value))
        _simulation(simulations, arm)
        _add(tasks, "task", id=arm.id("run"), modelReference=arm.id(MODEL),
             simulationReference=arm.id("course"))  # fmt: skip
        course = arm.course
        _generator(generators, arm, "time", "time", symbol=TIME)
        for name in course.shown:
            _generator(generators, arm, name, names.get(name, name), target=targets[name])
        columns = _add(_add(outputs, "report", id=arm.id(REPORT)), "listOfDataSets")
        for name in ("time", *course.shown):
            _add(columns, "dataSet", id=arm.id(f"column_{name}"), label=name,
                 dataReference=arm.id(_data(name)))  # fmt: skip
        _figure(outputs, arm, names)
    Tree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Tree.tostring(root, encoding="unicode")}\n'


def _simulation(simulations: Tree.Element, arm: Arm) -> None:
    course = arm.course
    run = _add(
        simulations, "uniformTimeCourse", id=arm.id("course"), initialTime="0",
        outputStartTime=repr(course.begin), outputEndTime=repr(course.end),
        numberOfSteps=str(course.steps),
    )  # fmt: skip
    method = _add(run, "algorithm", name=_CVODE[0], kisaoID=_CVODE[1])
    settings = _add(method, "listOfAlgorithmParameters")
    for name, kind, value in _TOLERANCES:
        _add(settings, "algorithmParameter", name=name, kisaoID=kind, value=value)


def _add(parent: Tree.Element, tag: str, /, **attributes: str) -> Tree.Element:
    return Tree.SubElement(parent, tag, attributes)


def _generator(generators: Tree.Element, arm: Arm, name: str, label: str, **of: str) -> None:
    """What is one quantity of the run."""
    made = _add(generators, "dataGenerator", id=arm.id(_data(name)), name=label)
    math, own = _add(made, "math", xmlns=MATH), arm.id(f"of_{name}")
    _add(math, "ci").text = f" {own} "
    _add(_add(made, "listOfVariables"), "variable", id=own, **of, taskReference=arm.id("run"))


def _figure(outputs: Tree.Element, arm: Arm, names: Mapping[str, str]) -> None:
    said = {"name": names[arm.name]} if arm.name else {}
    figure = _add(outputs, "plot2D", id=arm.id(FIGURE), **said)
    axes = ("xAxis", "yAxis")
    for axis in axes:
        _add(figure, axis, id=f"{arm.id(FIGURE)}_{axis}", type="linear")
    curves = _add(figure, "listOfCurves")
    for order, name in enumerate(arm.course.drawn):
        _add(curves, "curve", id=arm.id(f"curve_{name}"), name=names.get(name, name),
             order=str(order), xDataReference=arm.id(_data("time")),
             yDataReference=arm.id(_data(name)))  # fmt: skip


def _data(name: str) -> str:
    return f"data_{name}"


def _namespace(language: str) -> str:
    level, version = language.removeprefix("level-").split(".version-")
    root = f"http://www.sbml.org/sbml/level{level}"
    if level == "2":
        return root if version == "1" else f"{root}/version{version}"
    return f"{root}/version{version}/core"
