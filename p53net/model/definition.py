"""A model's definition: what it is made of, as text, as SBML and as tables. Nothing runs here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from p53net.errors import InputError, TableError
from p53net.model import fragments
from p53net.model.tables import Value, cell_line_entries, drug_entries, names_of, resolve

GENERIC = "generic"
"""The default cell line: TP53 wild type, two copies of MDM2."""

OBSERVABLES = {
    "p53_total": "all p53, free and bound",
    "p53_active": "free p53, phosphorylated or not: transcriptionally active",
    "MDM2_total": "all MDM2, free, bound and ubiquitinated",
    "MDM2_free": "MDM2 bound to nothing",
    "MDM2_mRNA": "MDM2 mRNA, nuclear and cytoplasmic",
    "p21": "p21 (CDKN1A) protein",
    "PUMA": "PUMA (BBC3) protein",
    "GDF15": "GDF15 in the cell",
}
"""Read-outs that every model has, in nM, and what they are."""


# Words that Antimony or the model itself uses, and that a drug may be called.
_RESERVED = frozenset(
    "after at avogadro cell compartment const constraint crbn degrader delete delta dna end event "
    "exponential formula function gamma gene has hill hour import in infinity inhibitor inf is "
    "mdm2 medium model module nan nm normal operator p53 pi poisson reaction residual species time "
    "unit uniform var".split()
)


@dataclass(frozen=True)
class Definition:
    """One model: the loop in one cell line, with the modules of its drugs."""

    id: str
    drugs: Mapping[str, str]
    """Drug name to its module, `inhibitor` or `degrader`."""
    cell_line: str
    drug_names: Mapping[str, str]
    """Names and synonyms of the drugs, in lower case, to the drug."""
    antimony: str
    sbml: str
    """SBML with every start value at zero: engines compute the untreated state."""
    parameters: Mapping[str, Value]
    starts: Mapping[str, str]
    """Species that start at the value of a parameter."""
    species: tuple[str, ...]
    derived: tuple[str, ...]
    counters: tuple[str, ...]
    """Species that only accumulate: they have no steady state."""
    divisors: frozenset[str]
    """Parameters and compartments that some rate divides by: they must not be zero."""
    units: Mapping[str, str]
    compartment_of: Mapping[str, str]
    foreign: bool = False
    """Read from a file that is not ours: runs begin at its own start values, without drugs."""
    time_unit: str = "h"
    states: tuple[str, ...] = ()
    """Of a foreign model: what reactions, events and rate rules move, in the order of the file."""
    amounts: frozenset[str] = frozenset()
    """Species that are shown as amounts; the others are concentrations."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names in the file, of those ids that have one."""
    switches: tuple[str, ...] = ()
    """What a foreign model compares the time with: formulas, empty where it is none."""
    early_events: bool = False
    """Whether events of a foreign model may happen at the very start."""
    scale: float = 1.0
    """Factor of the absolute tolerance: below 1 where a foreign model has small numbers."""

    @cached_property
    def sha256(self) -> str:
        """Digest of the SBML, with the values of all tables in it: the same model or not."""
        return hashlib.sha256(self.sbml.encode()).hexdigest()

    @property
    def variables(self) -> tuple[str, ...]:
        """All that a run can return: the common read-outs first, then the rest."""
        if self.foreign:
            return (*self.species, *self.derived)
        rest = [name for name in (*self.species, *self.derived) if name not in OBSERVABLES]
        return (*OBSERVABLES, *rest)


def shown_unit(unit: str) -> str:
    """A unit of the model as people and other tools write it."""
    return {"dimensionless": "1", "per_hour": "1/h"}.get(unit, unit)


def define(
    *names: str,
    cell_line: str = GENERIC,
    drugs: str | Path | None = None,
    cell_lines: str | Path | None = None,
) -> Definition:
    """The definition of the loop in `cell_line` with these drugs; `drugs` and `cell_lines` are
    tables of the user's own rows.

    Raises UnknownNameError for a name in neither table, InputError for two drugs of one mechanism.
    """
    from p53net.model import sbml  # compiled libraries, which `import p53net` need not load

    known = drug_entries(drugs)
    chosen = [resolve("drug", name, known) for name in names]
    line = resolve("cell_line", cell_line, cell_line_entries(cell_lines))
    roles: dict[str, str] = {}
    for drug in chosen:
        role = drug.facts["mechanism"]
        if role in roles.values():
            other = next(name for name, taken in roles.items() if taken == role)
            what = "is given twice" if other == drug.name else f"and {other} are both {role}s"
            raise InputError(
                f"{drug.name} {what}; a model takes at most one inhibitor and one degrader"
            )
        roles[drug.name] = role
    where = [] if line.name == GENERIC else [line.name]
    model_id = "_".join(_identifier(name) for name in (*(roles or ["p53_loop"]), *where))
    if model_id.casefold() in _RESERVED:
        model_id = f"drug_{model_id}"
    text = fragments.join(model_id, chosen, line)
    compiled = sbml.to_sbml(text.antimony, model_id)
    divisors = sbml.divisors_of(compiled)
    for name in sorted(divisors):
        if text.parameters[name].value == 0:
            raise TableError(f"{name} is 0 in a table, but the model divides by it; give more")
    return Definition(
        id=model_id,
        drugs=roles,
        cell_line=line.name,
        drug_names=names_of({drug.name: drug for drug in chosen}),
        antimony=text.antimony,
        sbml=compiled,
        parameters=text.parameters,
        starts=text.starts,
        species=sbml.species_of(compiled),
        derived=sbml.rules_of(compiled),
        counters=sbml.counters_of(compiled),
        divisors=divisors,
        units=sbml.units_of(compiled),
        compartment_of=sbml.compartments_of(compiled),
    )


def _identifier(name: str) -> str:
    letters = "".join(c if c.isalnum() and c.isascii() else "_" for c in name)
    return letters if letters[0].isalpha() else f"drug_{letters}"
