"""Where the cell and its drug are: in a dish, in a tumour, in marrow.

Which fragments make each system stands in the header of each fragment: see `library`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """One kind of model."""

    description: str
    has_cell: bool = True
    in_body: bool = False
    """Whether the drug comes from a host's plasma instead of a medium."""
    cell_line: str = "generic"


DISH = "dish"
"""Where a cell rests that is taken out of what surrounds it."""

SYSTEMS = {
    DISH: System("cells in medium"),
    "culture": System("cells in medium that divide and die"),
    "plasma": System("a drug in a host's plasma, without any cell", has_cell=False, in_body=True),
    "tumour": System("a tumour in a host", in_body=True),
    "marrow": System(
        "marrow and blood of a host, and GDF-15 in serum", in_body=True, cell_line="progenitor"
    ),
}
"""What `pn.load(system=...)` takes."""

WITH_CELL = tuple(name for name, kind in SYSTEMS.items() if kind.has_cell)
