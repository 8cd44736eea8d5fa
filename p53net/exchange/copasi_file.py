"""COPASI's own files (.cps): a model, its time course, a table and a plot of its read-outs."""

import tempfile
from pathlib import Path

from p53net import extras
from p53net.errors import ModelError
from p53net.exchange.course import Course

_TITLE = "read-outs"


def copasi(sbml: str, course: Course) -> bytes:
    """The bytes of a file. Raises MissingPackageError without COPASI's Python package."""
    extras.need(extras.COPASI, "writing .cps", "write .xml, which COPASI imports")
    import COPASI

    data = COPASI.CRootContainer.addDatamodel()
    try:
        if not data.importSBMLFromString(sbml):
            raise ModelError(f"COPASI cannot read the model: {data.getImportWarnings()}")
        _set_up(COPASI, data, course)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.cps"
            if not data.saveModel(str(file), True):
                raise ModelError("COPASI could not save the model; write .xml instead")
            return file.read_bytes()
    finally:
        COPASI.CRootContainer.removeDatamodel(data)


def _set_up(copasi: "COPASI", data: "COPASI.CDataModel", course: Course) -> None:  # type: ignore[name-defined]  # noqa: F821
    """The course, and what it shows: COPASI's table of a course leaves read-outs out, for they are
    global quantities, so a report and a plot have them."""
    task = data.getTask("Time-Course")
    task.setScheduled(True)
    problem = task.getProblem()
    problem.setDuration(course.end)
    problem.setOutputStartTime(course.begin)
    problem.setStepNumber(round(course.steps * course.end / (course.end - course.begin)))
    problem.setTimeSeriesRequested(True)
    method = task.getMethod()
    method.getParameter("Relative Tolerance").setDblValue(1e-10)
    method.getParameter("Absolute Tolerance").setDblValue(1e-14)
    model = data.getModel()
    parts = {one.getSBMLId(): one for one in (*model.getModelValues(), *model.getCompartments())}
    values = {name: one.getValueReference() for name, one in parts.items()}
    values |= {one.getSBMLId(): one.getConcentrationReference() for one in model.getMetabolites()}
    clock = copasi.CRegisteredCommonName(model.getValueReference().getCN())
    shown = {name: copasi.CRegisteredCommonName(values[name].getCN())
             for name in course.shown if name in values}  # fmt: skip
    report = data.getReportDefinitionList().createReportDefinition(_TITLE, "Time and read-outs")
    report.setTaskType(copasi.CTaskEnum.Task_timeCourse)
    report.setIsTable(True)
    report.setSeparator(copasi.CCopasiReportSeparator("\t"))
    for place in (clock, *(shown[name] for name in shown)):
        report.getTableAddr().push_back(place)
    task.getReport().setReportDefinition(report)
    plot = data.getPlotDefinitionList().createPlotSpec(_TITLE, copasi.CPlotItem.plot2d)
    for name in course.drawn:
        if name in shown:
            curve = plot.createItem(name, copasi.CPlotItem.curve2d)
            for place in (clock, shown[name]):
                curve.addChannel(copasi.CPlotDataChannelSpec(place))
