"""What is installed, and which combinations are known not to work."""

import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from p53net import children

REQUIRED = (
    "p53net",
    "libroadrunner",
    "llvmlite",
    "antimony",
    "python-libsbml",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "pyarrow",
    "filelock",
    "pint",
    "matplotlib",
    "typer",
    "rich",
    "tellurium",
    "six",
)
OPTIONAL = {
    "python-copasi": "exports .cps and runs models; install p53net[copasi]",
    "SALib": "Sobol indices; install p53net[sensitivity]",
    "arviz": "draws of a fit; install p53net[fit]",
    "emcee": "draws of a fit; install p53net[fit]",
    "scikit-learn": "infer; install p53net[infer]",
    "distributed": "sweeps in processes and on clusters; install p53net[workers]",
    "cryptography": "sweeps in processes; install p53net[workers]",
}


@dataclass(frozen=True)
class Diagnosis:
    """One line of the report: what was looked at, its version, and whether it works."""

    item: str
    found: str
    status: str
    """`ok`, `optional` for something that may be missing, or `broken`."""
    remedy: str = ""


def diagnose() -> Iterator[Diagnosis]:
    """Look at each package, then try what is known to break."""
    yield Diagnosis("python", f"{platform.python_version()} on {platform.platform()}", "ok")
    for name in REQUIRED:
        found = _version(name)
        status = "broken" if found == "missing" else "ok"
        yield Diagnosis(name, found, status, "" if status == "ok" else f"pip install {name}")
    for name, use in OPTIONAL.items():
        found = _version(name)
        yield Diagnosis(name, found, "optional" if found == "missing" else "ok", use)
    yield _attempt(
        "tellurium imports",
        "import tellurium",
        "tellurium needs six and does not declare it: pip install six",
    )
    yield _attempt(
        "engine runs",
        "import numpy, p53net; p53net.load().simulate(numpy.array([0.0, 1.0]))",
        "reinstall libroadrunner: pip install --force-reinstall libroadrunner",
    )
    yield _attempt(
        "batch engine runs",
        "import numpy, p53net; p53net.load().simulate(numpy.array([0.0, 1.0]), engine='batch')",
        "reinstall llvmlite: pip install --force-reinstall llvmlite",
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _attempt(item: str, code: str, remedy: str) -> Diagnosis:
    """Run in another process: a broken engine can end the one that tries it."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        children.command("-c", code),
        capture_output=True,
        text=True,
        check=False,
        env=children.environment(),
    )
    if done.returncode == 0:
        return Diagnosis(item, "yes", "ok")
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return Diagnosis(item, lines[-1][:200], "broken", remedy)
