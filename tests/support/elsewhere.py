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
