"""How every row of the ledger is known to behave, committed: a change either way is news."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from p53net.evidence.published import observations
from p53net.files import write_text
from p53net.model.library import models_folder

_HEAD = "observation\tstructure\tverdict"
_NEWS = {"inside": "an unexpected hit", "outside": "a new miss", "not predicted": "a new miss"}


def changes(result: xr.Dataset) -> list[str]:
    """What is not as the baseline says, a sentence for each row: new misses, unexpected hits, rows
    that are new or gone. Rows of a user's own that add to the published ones are left out."""
    structure, found = str(result.attrs["structure"]), _verdicts(result)
    known = {name: verdict for (name, where), verdict in _committed().items() if where == structure}
    if not known:
        return [f"there is no baseline of the structure '{structure}'; --write-baseline makes one"]
    news = [
        f"{name}: {verdict}, {known[name]} in the baseline ({_NEWS.get(verdict, 'a change')})"
        for name, verdict in found.items()
        if name in known and verdict != known[name]
    ]
    shipped = observations()
    news += [f"{name}: {verdict}, not in the baseline" for name, verdict in found.items()
             if name not in known and name in shipped]  # fmt: skip
    return news + [f"{name}: in the baseline, and no row" for name in known if name not in found]


def write(result: xr.Dataset) -> Path:
    """Commit to these verdicts in the structure of the result; others stay as they are."""
    structure = str(result.attrs["structure"])
    kept = {key: verdict for key, verdict in _committed().items() if key[1] != structure}
    rows = {**kept, **{(name, structure): one for name, one in _verdicts(result).items()}}
    lines = ["\t".join((*key, verdict)) for key, verdict in rows.items()]
    return write_text(_path(), "\n".join([_HEAD, *lines]) + "\n")


def _verdicts(result: xr.Dataset) -> dict[str, str]:
    pairs = zip(result["observation"].values, result["verdict"].values, strict=True)
    return {str(name): str(verdict) for name, verdict in pairs}


def _committed() -> dict[tuple[str, str], str]:
    return dict(_rows()) if _path().is_file() else {}


def _rows() -> Iterator[tuple[tuple[str, str], str]]:
    text = _path().read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE):
        yield (row["observation"], row["structure"]), row["verdict"]


def _path() -> Path:
    return models_folder() / "baseline.tsv"
