"""Models with data in other hands: a PEtab problem in a folder, or in a COMBINE archive."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import pandas as pd

from p53net.errors import InputError
from p53net.exchange.course import Course
from p53net.exchange.omex import ABOUT, LICENCE, MODEL, RUN, about, licence, packed
from p53net.exchange.sedml import Arm, as_sedml
from p53net.files import as_path, made_folder, read_bytes, write_bytes, write_text
from p53net.model.sbml import compartments_of, language_of, targets_of, with_values
from p53net.model.untouched import REST
from p53net.petab.folder import LARGEST_YAML, files_of
from p53net.petab.reading import read_petab

PROBLEM = "problem.yaml"
_FOLDER = "petab"
_STEPS = 144
_ARCHIVE = ".omex"
_OTHERS = (".xml", ".sbml", ".ant", ".cps", ".yaml", ".yml", ".zip")  # names of files, not folders


class WithData(Protocol):
    """What has data, beside models: a fit."""

    def petab_files(self) -> Mapping[str, bytes]:
        """Files of a PEtab problem of version 1, by name: `problem.yaml` and those that it names,
        the model as `model.xml`, and `fit.json`, which says how many hours it settles."""


def write_problem(found: WithData, path: str | Path) -> Path:
    """Write the problem of a fit into a folder, and return its YAML file; or, where `path` ends in
    .omex, an archive that also says how each condition is run. Raises InputError, OutputError."""
    suffix = Path(path).suffix.lower()
    if suffix in _OTHERS:
        raise InputError(
            f"'{path}' does not say what to write: of a fit a folder is written, "
            'pn.export(found, "folder/"), or an archive, "study.omex"'
        )
    files = found.petab_files()
    if suffix == _ARCHIVE:
        return write_bytes(path, _archive(files))
    place = made_folder(path)
    for name, content in files.items():
        write_text(place / name, content.decode())
    return place / PROBLEM


def problem_members(path: object) -> dict[str, bytes]:
    """A PEtab problem as members of an archive, in a folder of their own there. `path` is its YAML
    file, or its folder. Raises what `read_petab` raises: what is no sound problem is not packed."""
    file = as_path(path, "the PEtab problem")
    file = file / PROBLEM if file.is_dir() else file
    read_petab(file)
    found = files_of(file)
    whole = {
        file.name: read_bytes(file, LARGEST_YAML, "the PEtab problem"),
        str(found.model.relative_to(file.parent.resolve())): found.model.read_bytes(),
        **{one.name: one.content for several in found.tables.values() for one in several},
    }
    return {str(PurePosixPath(_FOLDER, name)): content for name, content in whole.items()}


def _table(files: Mapping[str, bytes], name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(files[name]), sep="\t", keep_default_na=False)


class _Condition(NamedTuple):
    """One run of the problem."""

    name: str
    said: str
    values: Mapping[str, float]
    end: float
    shown: Sequence[str]
    """Words in formulas of what was measured."""


def _archive(files: Mapping[str, bytes]) -> bytes:
    sbml = files[MODEL].decode()
    begin = float(json.loads(files["fit.json"])["settling"])
    conditions, texts = _conditions(files), _Texts(sbml)
    targets = targets_of(sbml, [word for one in conditions for word in one.shown])
    changed = targets_of(sbml, list(conditions[0].values))
    arms = [
        Arm(
            one.name,
            _course(begin, one, targets),
            texts.of(one.values),
            {f"{changed[name]}/@value": value
             for name, value in one.values.items() if name not in texts.sizes},
        )
        for one in conditions
    ]  # fmt: skip
    names = {one.name: one.said for one in conditions}
    members = {
        **files, **texts.members, LICENCE: licence(),
        RUN: as_sedml(arms, language_of(sbml), targets, names).encode(),
        ABOUT: about("a fit of p53net: models with data", own=True).encode(),
    }  # fmt: skip
    return packed(members, language_of(sbml))


def _course(begin: float, one: _Condition, targets: Mapping[str, str]) -> Course:
    """What was measured in a condition, from the first dose on; what rests is not drawn."""
    shown = tuple(word for word in one.shown if word in targets)
    drawn = tuple(word for word in shown if not re.match(rf"(m\d+_)?{REST}_", word))
    return Course(begin, one.end, _STEPS, shown, drawn)


class _Texts:
    """The model once for all sizes of its compartments: what tools do with the amounts in one
    whose size SED-ML changes is not the same in all."""

    def __init__(self, sbml: str) -> None:
        self._sbml, self.sizes = sbml, set(compartments_of(sbml).values())
        self._names: dict[tuple[tuple[str, float], ...], str] = {}
        self.members: dict[str, bytes] = {}

    def of(self, values: Mapping[str, float]) -> str:
        """The member with these sizes."""
        sizes = tuple((name, value) for name, value in values.items() if name in self.sizes)
        if not sizes:
            return MODEL
        if sizes not in self._names:
            self._names[sizes] = name = f"model_{len(self._names) + 1}.xml"
            self.members[name] = with_values(self._sbml, dict(sizes), {}).encode()
        return self._names[sizes]


def _conditions(files: Mapping[str, bytes]) -> list[_Condition]:
    """Conditions at the nominal parameters, each to its last measurement."""
    known = _table(files, "parameters.tsv").set_index("parameterId")["nominalValue"].to_dict()
    measured = _table(files, "measurements.tsv")
    last = measured.groupby("simulationConditionId")["time"].max().to_dict()
    formulas = _table(files, "observables.tsv").set_index("observableId")["observableFormula"]
    found = []
    for row in _table(files, "conditions.tsv").to_dict("records"):
        name, said = row.pop("conditionId"), row.pop("conditionName")
        values = {str(one): float(known.get(value, value)) for one, value in row.items()}
        own = measured.loc[measured["simulationConditionId"] == name, "observableId"]
        text = " ".join(str(formulas[one]) for one in dict.fromkeys(own))
        shown = list(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", text)))
        found.append(_Condition(name, said, values, float(last[name]), shown))
    return found
