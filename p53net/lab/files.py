"""What the page of a model from a file holds."""

from pathlib import Path

from p53net.engines.batch import cost
from p53net.errors import UnsupportedError
from p53net.lab.pieces import Contents, Sources, system_in
from p53net.lab.systems import LAYOUTS
from p53net.model.rates import system_of
from p53net.simulation.attributes import VERSION
from p53net.simulation.loading import read_sbml


def contents_of_file(source: str | Path) -> Contents:
    """The model in an SBML file that is not ours. Raises what `read_sbml` raises, and
    UnsupportedError."""
    definition = read_sbml(source).definition
    if definition.hurry:
        raise UnsupportedError(
            f"{definition.id} has fast reactions, which the lab does not run; give them rates"
        )
    system = system_of(definition.sbml)
    cost.check(system)
    found, sources = Contents(), Sources()
    kind = system_in(definition, found)
    # What has an initial assignment follows it.
    free = {name: sources.row(row) for name, row in definition.parameters.items()
            if name in system.parameters and name not in system.starts}  # fmt: skip
    found.data = {
        "version": VERSION,
        "layouts": LAYOUTS,
        "kinds": {"file": kind},
        "bodies": {},
        "file": {
            "name": Path(source).name,
            "time": definition.time_unit,
            "variables": list(definition.variables),
            "free": free,
        },
    }
    return found
