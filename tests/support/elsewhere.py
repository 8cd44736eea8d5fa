"""Files of ours in other tools, each in a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

_TELLURIUM = """
import json, sys
import numpy as np
import tellurium as te
path, names, times = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
runner = te.loadSBMLModel(path)
runner.integrator.relative_tolerance = 1e-11
runner.integrator.absolute_tolerance = 1e-16
species = set(runner.model.getFloatingSpeciesIds()) | set(runner.model.getBoundarySpeciesIds())
runner.timeCourseSelections = [f"[{n}]" if n in species else n for n in names]
table = np.array(runner.simulate(times=times))
print("RESULT" + json.dumps(table.T.tolist()))
"""


def output_of(code: str, *arguments: str) -> str:
    """What a script of Python says, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def tellurium_solution(path: Path, names: list[str], times: np.ndarray) -> dict[str, np.ndarray]:
    """Curves of an SBML file in tellurium."""
    said = output_of(_TELLURIUM, str(path), json.dumps(names), json.dumps(times.tolist()))
    rows = json.loads(said.partition("RESULT")[2])
    return dict(zip(names, map(np.array, rows), strict=True))


def with_parameter(path: Path, name: str, value: float) -> None:
    """Change a parameter of an SBML file, as somebody in another tool would."""
    text = path.read_text()
    text, count = re.subn(rf'(<parameter id="{name}" value=)"[^"]*"', rf'\1"{value!r}"', text)
    assert count == 1
    path.write_text(text)


_ARCHIVE_IN_TELLURIUM = """
import os, sys
os.environ["MPLBACKEND"] = "Agg"
import tellurium  # first, as its users do
from tellurium.sedml import tesedml
tesedml.executeCombineArchive(
    sys.argv[1], workingDir=sys.argv[2], createOutputs=True, saveOutputs=True, outputDir=sys.argv[2]
)
"""

_IN_COPASI = """
import json, sys
import COPASI
data = COPASI.CRootContainer.addDatamodel()
file, target = sys.argv[1:3]
assert data.openCombineArchive(file) if file.endswith(".omex") else data.loadModel(file)
task = data.getTask("Time-Course")
task.getReport().setTarget(target)
assert task.initialize(COPASI.CCopasiTask.OUTPUT_UI) and task.process(True)
task.restore()
series = task.getTimeSeries()
rows = range(series.getRecordedSteps())
curves = {
    series.getTitle(i).removeprefix("Values").strip("[]"):
    [series.getConcentrationData(row, i) for row in rows]
    for i in range(series.getNumVariables())
}
plots = [
    data.getPlotSpecification(i).getObjectName() for i in range(data.getNumPlotSpecifications())
]
COPASI.CRootContainer.removeDatamodel(data)
print("RESULT" + json.dumps({"curves": curves, "plots": plots}))
"""

_SOUND = """
import sys, libsedml
found = libsedml.readSedMLFromFile(sys.argv[1])
assert not found.getNumErrors(), found.getErrorLog().toString()
"""


def archive_in_tellurium(path: Path, folder: Path) -> Path:
    """Run an archive in tellurium, in this folder. The table that it wrote."""
    output_of(_ARCHIVE_IN_TELLURIUM, str(path), str(folder))
    return folder / "simulation_curves.csv"


def run_in_copasi(path: Path, report: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Curves of the time course in an archive or a file of COPASI, as that says it is run, and the
    names of plots."""
    found = json.loads(output_of(_IN_COPASI, str(path), str(report)).partition("RESULT")[2])
    return {name: np.array(one) for name, one in found["curves"].items()}, found["plots"]


def assert_sound_sedml(path: Path) -> None:
    """libSEDML finds nothing wrong. It is imported apart, for it disturbs libSBML."""
    output_of(_SOUND, str(path))
