"""What results say of themselves, as attributes."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from p53net.dosing.medium import Given
from p53net.model.structures import differing, name_of

if TYPE_CHECKING:
    from p53net.simulation.workings import Workings


VERSION = version("p53net")


def of_settings(model: "Workings") -> dict[str, str]:
    """Engine, tolerances and version."""
    structure = model.definition.structure
    other = {"structure": name_of(structure)} if differing(structure) else {}
    if "draw" in model.definition.loaded:
        other["draw"] = str(model.definition.loaded["draw"])
    return {
        **other,
        "engine": model.runner().engine.label,
        "tolerances": model.tolerances_text,
        "version": VERSION,
    }


def of_run(
    model: "Workings", doses: Mapping[str, Given], changed: Mapping[str, float], feedback: bool
) -> dict[str, str]:
    """What a run was made of."""
    definition = model.definition
    if definition.external:
        return {
            "model": definition.id,
            "parameters": json.dumps(dict(changed)),
            "model_sha256": definition.sha256,
            **model.run_settings,
        }
    own = {text.name: text.sha256 for text in definition.fragments}
    return {
        "model": definition.id,
        "drugs": ", ".join(definition.drugs),
        "cell_line": definition.cell_line,
        "system": definition.system,
        **({"host": definition.host} if definition.in_body else {}),
        "doses": json.dumps({drug: str(dose) for drug, dose in doses.items()}),
        "parameters": json.dumps(dict(changed)),
        "feedback": "closed" if feedback else "open",
        "model_sha256": definition.sha256,
        **({"fragments": json.dumps(own)} if own else {}),
        **model.run_settings,
    }
