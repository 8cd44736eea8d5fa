"""A name for everything that a posterior depends on: equations, values, priors and evidence."""

import csv
import hashlib
import io

from p53net.model.content import content_of
from p53net.model.library import models_folder

_TABLES = {
    "drugs.tsv": ("drug", "parameter", "value"),
    "cell_lines.tsv": ("cell_line", "parameter", "value"),
    "pharmacokinetics.tsv": ("drug_in_host", "parameter", "value"),
    "hosts.tsv": ("host", "parameter", "value"),
    "variability.tsv": ("variation", "parameter", "value"),
    "structures.tsv": ("structure", "choices"),
    "refitted.tsv": ("structure", "entry", "parameter", "value"),
    "observations.tsv": ("id", "value", "low", "high", "unit", "interval_origin"),
    "priors.tsv": ("entry", "parameter", "distribution", "centre", "spread", "low", "high"),
}
"""What counts of each table; notes and sources may change."""


def digest() -> str:
    """Sixteen hexadecimal digits that change with any equation, value, prior or observation."""
    found = hashlib.sha256()
    for name, text in content_of(models_folder()):
        if name.endswith(".ant"):
            lines = (line.partition("//")[0].strip() for line in text.splitlines())
            kept = "\n".join(line for line in lines if line)
        elif name in _TABLES:
            rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
            kept = "\n".join("\t".join(row.get(c) or "" for c in _TABLES[name]) for row in rows)
        else:
            continue
        found.update(f"{name}\n{kept}\n".encode())
    return found.hexdigest()[:16]
