"""Where the cell and its drug are: in a dish, in a tumour, in marrow. Which fragments make each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FRAME = "units"
LOOP = "core"
SHARED = "drug"
"""What every drug in a cell has."""

ROUTES = {"oral": "gut", "intravenous": "plasma"}
"""Ways into the body, and where a dose arrives."""

_DISH, _PLASMA, _GUT = "dish", "pk_intravenous", "pk_oral"


@dataclass(frozen=True)
class System:
    """One kind of model: what is in the cell besides loop and drug, and what is around it."""

    description: str
    cell: tuple[str, ...] | None
    """Fragments in the cell besides the loop; None where there is no cell at all."""
    around: tuple[str, ...] = ()
    """Fragments outside the cell that follow it."""
    in_body: bool = False
    """Whether the drug comes from a host's plasma instead of a medium."""
    cell_line: str = "generic"

    def surroundings(
        self, routes: Mapping[str, str], alone: bool
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """Fragments outside the cell, and the mechanisms that each is written for.

        `routes` map the mechanism of each drug to its way into the body. A cell that is `alone`
        has a dish around it, where it rests, and nothing that follows it.
        """
        mechanisms = list(routes)
        if mechanisms and (alone or not self.in_body):
            yield _DISH, mechanisms
        elif mechanisms:
            yield _PLASMA, mechanisms
            yield _GUT, [name for name in mechanisms if routes[name] == "oral"]
        for name in () if alone else self.around:
            yield name, mechanisms


SYSTEMS = {
    "dish": System("cells in medium", cell=()),
    "culture": System("cells in medium that divide and die", ("cell_fate",), ("culture",)),
    "plasma": System("a drug in a host's plasma, without any cell", None, in_body=True),
    "tumour": System("a tumour in a host", ("cell_fate",), ("tumour",), in_body=True),
    "marrow": System(
        "marrow and blood of a host, and GDF-15 in serum",
        (),
        ("haematology", "biomarker"),
        in_body=True,
        cell_line="progenitor",
    ),
}
"""What `pn.load(system=...)` takes."""

FOLLOWING = ("cell_fate", "culture", "tumour", "haematology", "biomarker")
"""Fragments whose parameters a cell line may set, besides loop and drug."""


def dosed_species(mechanism: str, system: System, route: str) -> str:
    """The species that a dose of a drug goes into."""
    return f"{mechanism}_{ROUTES[route]}" if system.in_body else f"{mechanism}_medium"


def templates(route: str) -> Sequence[str]:
    """Fragments with pharmacokinetics of a route."""
    return (_PLASMA, _GUT) if route == "oral" else (_PLASMA,)
