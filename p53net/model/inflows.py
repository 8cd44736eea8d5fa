"""A model into which drugs can flow: an input for infusions, beside the doses given at once.

The input is no part of the model texts: without an infusion there is nothing of it in any model.
"""

from dataclasses import replace
from functools import lru_cache

from p53net.errors import ModelError
from p53net.model.definition import Definition

FLOW_UNIT = "nmol_per_hour"
"""Unit of the input."""

_UNITS = "unit nmol = 1e-9 mole\nunit nmol_per_hour = 1e-9 mole / 3600 second\n"
_END = "end\n"


def infusion_of(role: str) -> str:
    """The parameter [nmol/h] that holds what flows into a body, of the drug of a mechanism."""
    return f"infusion_{role}"


def with_infusions(definition: Definition) -> Definition:
    """The same model with a flow of each of its drugs to where its doses go, which is 0 at first.

    Of an oral drug that is a release in the gut at a constant rate: its volume is apparent, so what
    an infusion into the plasma would give is not known.
    """
    flows = tuple(
        (role, definition.dosed[drug], definition.compartment_of[definition.dosed[drug]],
         definition.central_volumes[drug])
        for drug, role in definition.drugs.items()
    )  # fmt: skip
    text, sbml = _joined(definition.antimony, definition.id, flows, bool(definition.fragments))
    inputs = tuple(map(infusion_of, definition.drugs.values()))
    taken = {*inputs} & {*definition.parameters, *definition.species, *definition.derived}
    for name in sorted(taken):
        raise ModelError(
            f"'{name}' is what an infusion sets, and defined in a fragment of yours too; choose "
            "another name there"
        )
    return replace(definition, antimony=text, sbml=sbml, flows=inputs)


@lru_cache(maxsize=8)
def _joined(
    text: str, model_id: str, flows: tuple[tuple[str, str, str, str], ...], own: bool
) -> tuple[str, str]:
    """Antimony and SBML with a flow for each mechanism, species, compartment and volume."""
    from p53net.model.sbml import to_sbml  # compiled libraries, which `import p53net` need not load

    lines = [line for line in _UNITS.splitlines(keepends=True) if line not in text]
    for role, species, compartment, volume in flows:
        name = infusion_of(role)
        lines.append(f"{name} = 0 {FLOW_UNIT}\n")
        lines.append(f"{role}_infusion: => {species}; {compartment}*{name}/{volume}\n")
    joined = text.removesuffix(_END) + "".join(lines) + _END
    return joined, to_sbml(joined, model_id, trusted=not own)
