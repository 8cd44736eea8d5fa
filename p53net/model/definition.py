"""A model's definition: what it is made of, as text, as SBML and as tables. Nothing runs here."""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from p53net.errors import InputError, ModelError, TableError, unknown_name
from p53net.model import library
from p53net.model.fragments import Joined, join
from p53net.model.library import Place
from p53net.model.own import FragmentsLike, Tables, TablesLike, Text, as_fragments, as_tables
from p53net.model.strangers import ids, refuse_other_systems, with_own
from p53net.model.structures import StructureLike, differing, library_of
from p53net.model.systems import SYSTEMS, System
from p53net.model.tables import (
    Entry,
    Value,
    cell_line_entries,
    drug_entries,
    host_entries,
    names_of,
    pharmacokinetics_of,
    resolve,
)

GENERIC = "generic"
"""The default cell line: TP53 wild type, two copies of MDM2."""

TIME_LIMIT = 60.0
"""Seconds that reading, compiling or one run of a stranger's model may take."""


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
    """Drug name to its mechanism, such as `inhibitor`."""
    cell_line: str
    drug_names: Mapping[str, str]
    """Names and synonyms of the drugs, in lower case, to the drug."""
    antimony: str
    sbml: str
    """SBML with every start value at zero: engines compute the untreated state."""
    parameters: Mapping[str, Value]
    starts: Mapping[str, str]
    """What starts at the value of a parameter."""
    species: tuple[str, ...]
    derived: tuple[str, ...]
    counters: tuple[str, ...]
    """Species that only accumulate: they have no steady state."""
    divisors: frozenset[str]
    """Parameters and compartments that some rate divides by: they must not be zero."""
    units: Mapping[str, str]
    compartment_of: Mapping[str, str]
    structure: Mapping[str, str] = field(default_factory=dict)
    """Option of every switch: see `structures`."""
    system: str = "dish"
    """One of `SYSTEMS`: where the cell and its drug are."""
    host: str = ""
    """Whose body it is, if it is one."""
    body_weight: float = 0.0
    """Of the host [kg]."""
    dosed: Mapping[str, str] = field(default_factory=dict)
    """Drug to the species that its doses go into."""
    flows: tuple[str, ...] = ()
    """Inputs [nmol/h] that infusions set, where there are any."""
    molar_masses: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Drug to g/mol of each of its forms; the free base is ""."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """Parameters that hold the untreated value of a quantity in the cell."""
    rate_variables: Mapping[str, float] = field(default_factory=dict)
    """What has a rate of its own instead of reactions, such as a volume, and where it starts."""
    read_outs: Mapping[str, str] = field(default_factory=dict)
    """What is shown first, in order, and what it is."""
    fragments: tuple[Text, ...] = ()
    """Fragments in it from outside the package: name, digest and text."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Ids that come from there."""
    twins: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Drug to the parameters that make its non-catalytic twin, if its mechanism has one."""
    cell: "Definition | None" = None
    """The cell alone, where this is more: its state at rest is what the untreated one is."""
    external: bool = False
    """Read from a file that is not ours: runs begin at its own start values, without drugs."""
    time_unit: str = "h"
    states: tuple[str, ...] = ()
    """Of an external model: what reactions, events and rate rules move, in the file's order."""
    on_request: tuple[str, ...] = ()
    """Of an external model: rates and named stoichiometries, which runs return on request."""
    amounts: frozenset[str] = frozenset()
    """Species that are shown as amounts; the others are concentrations."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names in the file, of those ids that have one."""
    switches: tuple[str, ...] = ()
    """What an external model compares the time with: formulas, empty where it is none."""
    windows: Mapping[str, str] = field(default_factory=dict)
    """Events of an external model whose conditions may hold for less than a step, and why."""
    fixed_at_reset: bool = False
    """Whether an external model has what RoadRunner works out in a reset, before it can be set:
    events at the very start, stoichiometries with an initial assignment."""
    delayed: bool = False
    """Whether it has events with delays: RoadRunner keeps those that wait through a reset."""
    scale: float = 1.0
    """Factor of the absolute tolerance: below 1 where an external model has small numbers."""
    equilibrium: "Definition | None" = None
    """Of an external model: its fast reactions alone, at whose rest runs begin."""
    hurry: Mapping[str, float] = field(default_factory=dict)
    """The parameter that the laws of these are multiplied by, and how much that is."""
    remarks: tuple[str, ...] = ()
    """What a user of an external model has to be told."""
    time_limit: float = TIME_LIMIT
    """Of an external model: seconds that compiling, or one run in its own process, may take."""
    loaded: Mapping[str, object] = field(default_factory=dict)
    """What it was loaded from: the arguments of `define`, or the text of a file."""

    @cached_property
    def sha256(self) -> str:
        """Digest of the SBML, with the values of all tables in it: the same model or not."""
        return hashlib.sha256(self.sbml.encode()).hexdigest()

    @property
    def variables(self) -> tuple[str, ...]:
        """All that a run can return: the common read-outs first, then the rest."""
        if self.external:
            return (*self.species, *self.derived)
        known = (*self.species, *self.rate_variables, *self.derived)
        first = [name for name in self.read_outs if name in known]
        return (*first, *(name for name in known if name not in first))

    @property
    def has_loop(self) -> bool:
        """Whether there is a cell with the loop of p53 and MDM2."""
        return not self.external and "feedback" in self.parameters

    @property
    def central_volumes(self) -> dict[str, str]:
        """Drug to the parameter that turns its doses [nmol] into a concentration, in a body."""
        return {drug: f"V_central_{role}" for drug, role in self.drugs.items()}

    @property
    def in_body(self) -> bool:
        """Whether doses are masses that go into a host, instead of concentrations of a medium."""
        return bool(self.host)


_SHOWN = {
    "dimensionless": "1", "per_hour": "1/h", "per_nM": "1/nM", "hour": "h", "L_per_hour": "L/h",
    "mm3_per_hour": "mm3/h", "giga_per_L": "1e9/L", "g_per_dL": "g/dL",
}  # fmt: skip


def shown_unit(unit: str) -> str:
    """A unit of the model as people and other tools write it."""
    return _SHOWN.get(unit, unit)


def define(
    *names: str,
    cell_line: str | None = None,
    system: str = "dish",
    host: str | None = None,
    tables: TablesLike = None,
    fragments: FragmentsLike = None,
    structure: StructureLike = None,
    drawn: Mapping[str, Value] | None = None,
) -> Definition:
    """The definition of a system: the loop in `cell_line` with these drugs, and what is around.

    `tables` hold the user's own rows, `fragments` own model text, `drawn` values that stand for all
    others. Raises UnknownNameError for a name in neither table, InputError for two drugs of one
    mechanism and options that do not go together, ModelError for a fragment that is not sound.
    """
    made = _plan(names, cell_line, system, host, tables, fragments, structure)
    made = made._replace(drawn=drawn)
    kind, parts, chosen, roles, line, body = made[:6]
    taken = ids(parts)
    where, other = [line.name] if line.name != kind.cell_line else [], differing(parts.structure)
    where += [f"{switch}_{option}" for switch, option in other.items()]
    model_id = _model_id(system, list(roles), where, body, taken)
    by_name = {drug.name: drug for drug in chosen}
    for name in sorted(taken & names_of(by_name).keys()):
        if name not in roles.values():
            raise ModelError(
                f"'{name}' is a drug of this model, and defined in a fragment of yours too; choose "
                "another name there"
            )
    outer = _defined(model_id, made.joined(model_id), roles, line, by_name)
    cell = None
    if kind.has_cell and parts.is_more_than_cell(system):
        alone = made.joined(f"{model_id}_cell", alone=True)
        cell = _defined(f"{model_id}_cell", alone, roles, line, by_name)
    twins = {one.mechanism: one.twin for one in parts.chosen if one.twin}
    return replace(
        outer,
        structure=parts.structure,
        system=system,
        host="" if body is None else body.name,
        body_weight=0.0 if body is None else body.quantities["body_weight"].value,
        molar_masses={drug.name: molar_masses(drug) for drug in chosen},
        twins={drug: twins[role] for drug, role in roles.items() if role in twins},
        cell=cell,
        loaded={
            "names": names,
            "cell_line": cell_line,
            "system": system,
            "host": host,
            "tables": made.own,
            **({"fragments": made.texts} if made.texts else {}),
            **({"structure": other} if other else {}),
        },
    )


def values(
    *names: str,
    cell_line: str | None = None,
    system: str = "dish",
    host: str | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
) -> dict[str, float]:
    """Parameters of the model that `define` makes, by id, without making it."""
    found = values_behind(*names, cell_line=cell_line, system=system, host=host, tables=tables,
                          structure=structure)  # fmt: skip
    return {name: row.value for name, row in found.items()}


def values_behind(
    *names: str,
    cell_line: str | None = None,
    system: str = "dish",
    host: str | None = None,
    tables: TablesLike = None,
    structure: StructureLike = None,
) -> Mapping[str, Value]:
    """The same, with unit, source and what the choice of each saw."""
    made = _plan(names, cell_line, system, host, tables, None, structure)
    return made.joined("values").parameters


class _Plan(NamedTuple):
    """What a model is joined from."""

    kind: System
    parts: library.Library
    drugs: list[Entry]
    roles: dict[str, str]
    """Drug to its mechanism."""
    line: Entry
    body: Entry | None
    rows: dict[str, Entry]
    """Of each drug in that body."""
    system: str
    own: Tables
    texts: tuple[Text, ...]
    drawn: Mapping[str, Value] | None = None

    def joined(self, model_id: str, *, alone: bool = False) -> Joined:
        """The text of the model, or of its cell alone."""
        rows = {} if alone else self.rows
        return join(model_id, self.parts, self.system, self.drugs, self.line, rows,
                    alone=alone, drawn=self.drawn)  # fmt: skip


def _plan(
    names: tuple[str, ...], cell_line: str | None, system: str, host: str | None,
    tables: TablesLike, fragments: FragmentsLike, structure: StructureLike,
) -> _Plan:  # fmt: skip
    if not isinstance(system, str) or system not in SYSTEMS:
        raise unknown_name("system", system, SYSTEMS)
    kind = SYSTEMS[system]
    own, texts = as_tables(tables), as_fragments(fragments)
    parts = with_own(library_of(structure), texts)
    refuse_other_systems(parts, system)
    known = drug_entries(own, parts)
    chosen = [resolve("drug", name, known) for name in names]
    wanted = kind.cell_line if cell_line is None else cell_line
    line = resolve("cell_line", wanted, cell_line_entries(own, parts.structure))
    roles: dict[str, str] = {}
    for drug in chosen:
        role = drug.facts["mechanism"]
        if role in roles.values():
            other = next(name for name, taken in roles.items() if taken == role)
            what = "is given twice" if other == drug.name else f"and {other} are both {role}s"
            raise InputError(
                f"{drug.name} {what}; a model takes at most one "
                f"{' and one '.join(parts.mechanisms)}"
            )
        roles[drug.name] = role
    body = _host(kind, system, host, own)
    if not kind.has_cell and not chosen:
        raise InputError(f"the system {system} is about a drug; name one")
    if body is not None and system == "marrow" and body.name != "human":
        raise InputError(
            f"there is no marrow of {body.name}: baselines and maturation are those of patients, "
            "and mouse CRBN binds degraders poorly; choose host='human'"
        )
    rows: dict[str, Entry] = {}
    if body is not None:
        rows = {d.name: pharmacokinetics_of(d.name, body.name, own, parts) for d in chosen}
    return _Plan(kind, parts, chosen, roles, line, body, rows, system, own, texts)


def molar_masses(drug: Entry) -> dict[str, float]:
    """g/mol of each form of a drug; the free base is ""."""
    return {
        name.partition(" of ")[2]: row.value
        for name, row in drug.quantities.items()
        if name.startswith("molar_mass")
    }


def _host(kind: System, system: str, name: str | None, own: Tables) -> Entry | None:
    if not kind.in_body:
        if name is not None:
            raise InputError(
                f"host is {name!r}, but a {system} is in no body; leave host out, or choose a "
                "system that is in one: " + ", ".join(n for n, k in SYSTEMS.items() if k.in_body)
            )
        return None
    return resolve("host", "human" if name is None else name, host_entries(own))


def _model_id(
    system: str, drugs: list[str], more: list[str], host: Entry | None, taken: Set[str]
) -> str:
    where = [] if system == "dish" else [system]
    where += [host.name] if host is not None and host.name != "human" else []
    words = *(drugs or ["p53_loop"]), *where, *more
    model_id = "_".join(_identifier(name) for name in words)
    return f"drug_{model_id}" if model_id.casefold() in _RESERVED | taken else model_id


def _defined(
    model_id: str, text: Joined, roles: Mapping[str, str], line: Entry,
    drugs: Mapping[str, Entry],
) -> Definition:  # fmt: skip
    from p53net.model import sbml  # compiled libraries, which `import p53net` need not load

    try:
        compiled = sbml.to_sbml(text.antimony, model_id, trusted=not text.sources)
    except ModelError as error:
        raise text.with_place(error) from None
    divisors = sbml.divisors_of(compiled)
    for name in sorted(divisors & text.parameters.keys()):
        row = text.parameters[name]
        if row.value == 0 and row.kind != "computed":
            raise TableError(f"{name} is 0 in a table, but the model divides by it; give more")
    if text.sources:
        from p53net.model.check import refuse_faults

        refuse_faults(compiled, text)
    return Definition(
        id=model_id,
        drugs=roles,
        cell_line=line.name,
        drug_names=names_of(drugs),
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
        computed=text.computed,
        dosed={drug: text.dosed[role] for drug, role in roles.items()},
        read_outs=text.read_outs,
        fragments=text.sources,
        places=text.places,
        rate_variables=sbml.rate_variables_of(compiled),
    )


def _identifier(name: str) -> str:
    letters = "".join(c if c.isalnum() and c.isascii() else "_" for c in name)
    return letters if letters[0].isalpha() else f"drug_{letters}"
