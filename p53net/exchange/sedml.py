"""SED-ML Level 1 Version 4 of one uniform time course, as text.

libSEDML would write it too, but its import into a process disturbs libSBML there.
"""

from collections.abc import Mapping
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


def as_sedml(
    course: Course, source: str, language: str, targets: Mapping[str, str], names: Mapping[str, str]
) -> str:
    """A document that runs the model in the file `source` (SBML of a level and version).

    `targets` are XPaths of what the course shows, with the prefix `sbml`; `names` are for people.
    The table and the figure hold the time first.
    """
    root = Tree.Element(
        "sedML", {"xmlns": SEDML, "xmlns:sbml": _namespace(language), "level": "1", "version": "4"}
    )
    _add(_add(root, "listOfModels"), "model", id=MODEL, source=source,
         language=f"urn:sedml:language:sbml.{language}")  # fmt: skip
    run = _add(
        _add(root, "listOfSimulations"), "uniformTimeCourse", id="course", initialTime="0",
        outputStartTime=repr(course.begin), outputEndTime=repr(course.end),
        numberOfSteps=str(course.steps),
    )  # fmt: skip
    method = _add(run, "algorithm", name=_CVODE[0], kisaoID=_CVODE[1])
    settings = _add(method, "listOfAlgorithmParameters")
    for name, kind, value in _TOLERANCES:
        _add(settings, "algorithmParameter", name=name, kisaoID=kind, value=value)
    _add(_add(root, "listOfTasks"), "task", id="run", modelReference=MODEL,
         simulationReference="course")  # fmt: skip
    generators = _add(root, "listOfDataGenerators")
    _generator(generators, "time", "time", symbol=TIME)
    for name in course.shown:
        _generator(generators, name, names.get(name, name), target=targets[name])
    outputs = _add(root, "listOfOutputs")
    columns = _add(_add(outputs, "report", id=REPORT), "listOfDataSets")
    for name in ("time", *course.shown):
        _add(columns, "dataSet", id=f"column_{name}", label=name, dataReference=_data(name))
    _figure(outputs, course, names)
    Tree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Tree.tostring(root, encoding="unicode")}\n'


def _add(parent: Tree.Element, tag: str, /, **attributes: str) -> Tree.Element:
    return Tree.SubElement(parent, tag, attributes)


def _generator(generators: Tree.Element, name: str, label: str, **of: str) -> None:
    """What is one quantity of the run."""
    made = _add(generators, "dataGenerator", id=_data(name), name=label)
    math = _add(made, "math", xmlns=MATH)
    _add(math, "ci").text = f" of_{name} "
    _add(_add(made, "listOfVariables"), "variable", id=f"of_{name}", **of, taskReference="run")


def _figure(outputs: Tree.Element, course: Course, names: Mapping[str, str]) -> None:
    figure = _add(outputs, "plot2D", id=FIGURE)
    axes = ("xAxis", "yAxis")
    for axis in axes:
        _add(figure, axis, id=f"{FIGURE}_{axis}", type="linear")
    curves = _add(figure, "listOfCurves")
    for order, name in enumerate(course.drawn):
        _add(curves, "curve", id=f"curve_{name}", name=names.get(name, name), order=str(order),
             xDataReference=_data("time"), yDataReference=_data(name))  # fmt: skip


def _data(name: str) -> str:
    return f"data_{name}"


def _namespace(language: str) -> str:
    level, version = language.removeprefix("level-").split(".version-")
    root = f"http://www.sbml.org/sbml/level{level}"
    if level == "2":
        return root if version == "1" else f"{root}/version{version}"
    return f"{root}/version{version}/core"
