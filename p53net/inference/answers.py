"""Answers of the studies in every draw of an ensemble, by their names, and claims about them.

An answer is a value, arithmetic of values, or a claim that compares them:

    dose_ratio:3["KT-253"]
    ic50["milademetan","SJSA-1"]/ic50["KT-253","RS4;11"]
    tgi["milademetan","260 mg 3/14"] > tgi["milademetan","14/28"]

Two short forms: `dose_ratio:3` is that of both drugs of the study, and `tgi 3/14 > 14/28` that of
milademetan at published doses.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p53net.engines.base import FloatArray
from p53net.ensembles.cells import as_ensemble
from p53net.ensembles.draws import Ensemble
from p53net.ensembles.draws import ensemble as shipped
from p53net.ensembles.identity import digest
from p53net.errors import InputError, unknown_name
from p53net.inference import escape_answers, other_answers
from p53net.inference.per_draw import Numbers
from p53net.measures.candidate import TWIN
from p53net.measures.claims import Value, holds, is_claim, value_of
from p53net.model import cell_line_entries, drug_entries
from p53net.model.tables import resolve
from p53net.studies.escape.study import DRUGS

NAMES = {**escape_answers.ANSWERS, **other_answers.ANSWERS}
"""Every answer to what is said after its colon, and what that is if nothing is said."""

_BARE = re.compile(r"\s*(\w+(?::[\d.]+)?)\s*")
_SHORT = re.compile(r"\s*(\w+(?::[\d.]+)?)\s+([^<>\"\[\]=]+?)\s*((?:[<>]=?\s*[^<>\"\[\]=]+)+)")
_ONE_MORE = re.compile(r"([<>]=?)\s*([^<>=]+?)\s*(?=[<>]|$)")
_KEPT = 512  # values

_known: OrderedDict[tuple[str, str, Value], Numbers] = OrderedDict()


@dataclass(frozen=True)
class Answers:
    """Answers of every draw."""

    values: pd.DataFrame
    """A row for each draw, a column for each answer; claims are 1 or 0, NaN is not defined."""
    reasons: pd.DataFrame
    """Why an answer is not defined; empty where it is."""
    claims: tuple[str, ...]
    """Which columns are claims."""

    @property
    def names(self) -> list[str]:
        """Answers in full, in order."""
        return [str(name) for name in self.values]

    def undefined(self, answer: str) -> dict[str, int]:
        """Draws without an answer by reason."""
        why = self.reasons[answer]
        return {str(name): int(n) for name, n in why[why != ""].value_counts().items()}


def as_given(ensemble: Ensemble | None) -> Ensemble:
    """The ensemble of a user, or the shipped one. Raises InputError."""
    given = as_ensemble(ensemble)
    return shipped() if given is None else given


def answers_of(ensemble: Ensemble, names: Iterable[str]) -> Answers:
    """Answers in every draw, by name; those of one ensemble are kept in memory.

    Raises InputError for what cannot be read, UnknownNameError for an unknown name in it.
    """
    texts = list(dict.fromkeys(full for name in names for full in in_full(name)))
    if not texts:
        raise InputError("no answer is named; give one, such as dose_ratio:3")
    wanted = {text: values_in(text) for text in texts}
    found = numbers_of(ensemble, [value for each in wanted.values() for value in each])
    columns, reasons = {}, {}
    for text, needed in wanted.items():
        lookup = _looked_up(found)
        read = holds if is_claim(text) else value_of
        columns[text] = np.broadcast_to(read(text, lookup), len(ensemble)).astype(float)
        reasons[text] = _why(columns[text], [found[value] for value in needed])
    return Answers(
        pd.DataFrame(columns), pd.DataFrame(reasons), tuple(t for t in texts if is_claim(t))
    )


def in_full(name: str) -> list[str]:
    """What an answer means, without short forms. Raises InputError."""
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"an answer is {name!r}, but must be a text such as dose_ratio:3")
    if match := _BARE.fullmatch(name):
        return [f'{match[1]}["{drug}"]' for drug in DRUGS]
    if match := _SHORT.fullmatch(name):
        places = [match[2], *(place for _, place in _ONE_MORE.findall(match[3]))]
        words = [compared for compared, _ in _ONE_MORE.findall(match[3])]
        values = [f'{match[1]}["{DRUGS[0]}","{place}"]' for place in places]
        rest = [f"{word} {value}" for word, value in zip(words, values[1:], strict=True)]
        return [" ".join([values[0], *rest])]
    return [name.strip()]


def values_in(text: str) -> list[Value]:
    """Values that an answer in full needs, checked. Raises InputError, UnknownNameError."""
    needed: dict[Value, None] = {}

    def note(value: Value) -> FloatArray:
        needed[checked(value)] = None
        return np.asarray(1.0)

    (holds if is_claim(text) else value_of)(text, note)
    if not needed:
        raise InputError(f"`{text}` has no value of a drug in it; write dose_ratio:3, for example")
    return list(needed)


def checked(value: Value) -> Value:
    """A value with its names in full. Raises InputError, UnknownNameError."""
    name, at, drug, place = value
    if name not in NAMES:
        raise unknown_name("answer", name, NAMES)
    what, usual = NAMES[name]
    if at is not None and not what:
        raise InputError(f"{name}:{at:g} is taken at one place only; write {name}")
    if at is None and what and usual is None:
        raise InputError(f"{name} needs a {what} after a colon, such as {name}:3")
    if at is not None and what == "fold" and at <= 1.0:
        raise InputError(f"{name}:{at:g}: the fold must be above 1")
    if at is not None and what == "grade" and at not in (1.0, 2.0, 3.0, 4.0):
        raise InputError(f"{name}:{at:g}: the grade must be 1, 2, 3 or 4")
    if at is not None and at <= 0.0:
        raise InputError(f"{name}:{at:g}: the {what} must be above 0")
    twin = drug.endswith(TWIN) and name in escape_answers.ANSWERS
    parent = resolve("drug", drug.removesuffix(TWIN) if twin else drug, drug_entries()).name
    if twin and drug_entries()[parent].facts["mechanism"] != "degrader":
        raise InputError(f"{parent} is no degrader, so it has no non-catalytic twin")
    if name in other_answers.OF_PATIENTS:
        if not place:
            raise InputError(f'{name} needs a regimen: {name}["{parent}","260 mg 3/14"]')
        other_answers.regimen_of(place, parent)
    elif place:
        place = resolve("cell_line", place, cell_line_entries()).name
    return Value(name, at if at is not None else usual, parent + (TWIN if twin else ""), place)


def numbers_of(ensemble: Ensemble, wanted: Sequence[Value]) -> dict[Value, Numbers]:
    """Checked values in every draw."""
    key = _key(ensemble)
    missing = [one for one in dict.fromkeys(wanted) if (*key, one) not in _known]
    groups: dict[tuple[Callable[..., dict[Value, Numbers]], str, str], list[Value]] = {}
    for value in missing:
        groups.setdefault((_room(value), value.drug, value.place), []).append(value)
    for (of, drug, place), values in groups.items():
        for value, found in of(ensemble, drug, place, values).items():
            _known[(*key, value)] = found
    result = {value: _known[(*key, value)] for value in wanted}
    while len(_known) > _KEPT:
        _known.popitem(last=False)
    return result


def _room(value: Value) -> Callable[..., dict[Value, Numbers]]:
    if value.name in escape_answers.ANSWERS:
        return escape_answers.in_cells_of
    if value.name in other_answers.OF_PATIENTS:
        return other_answers.patient_answers
    return other_answers.assay_answers


def _looked_up(found: dict[Value, Numbers]) -> Callable[[Value], FloatArray]:
    return lambda value: found[checked(value)].values


def _why(values: FloatArray, parts: Sequence[Numbers]) -> NDArray[np.object_]:
    """Why each draw has no answer: what its first missing value says."""
    why = np.where(np.isnan(values), "not defined", "").astype(object)
    for part in reversed(parts):
        why = np.where(np.isnan(values) & (part.reasons != ""), part.reasons, why)
    return why


def _key(ensemble: Ensemble) -> tuple[str, str]:
    """What tells one ensemble, and the models that it runs in, from another."""
    rows = pd.util.hash_pandas_object(ensemble.table, index=False).to_numpy()
    names = "\n".join(map(str, ensemble.table.columns)).encode()
    return hashlib.sha256(names + rows.tobytes()).hexdigest(), digest()
