"""Lines of one structure that stand where lines of another do: `replace` in a fragment."""

from collections.abc import Iterable

from p53net.errors import InputError, ModelError
from p53net.model.library import Part
from p53net.model.statements import definition, rate_of

_WORD = "replace "


def with_replaced(parts: Iterable[Part]) -> list[str]:
    """The lines of all parts, in order, with each `replace LINE` where the line that it is about
    stands. A line about a drug that the model does not have is left out.

    Raises InputError where two options of a structure replace one line, ModelError where there is
    nothing to replace.
    """
    kept: list[str] = []
    replacing: dict[tuple[str, str], tuple[Part, str]] = {}
    for part in parts:
        for line in part.lines:
            if not line.startswith(_WORD):
                kept.append(line)
                continue
            new = line.removeprefix(_WORD)
            if (key := _key(new)) is None:
                raise ModelError(f"{part.fragment.where}: `{line}` replaces nothing that has an id")
            if key in replacing:
                one, other = replacing[key][0].fragment, part.fragment
                raise InputError(
                    f"{one.choice} and {other.choice} both change {key[1]}; choose one of them"
                )
            replacing[key] = part, new
    for number, line in enumerate(kept):
        if (key := _key(line)) in replacing:
            kept[number] = replacing.pop(key)[1]
    for (_, name), (part, _) in replacing.items():
        if part.fragment.place != "drug":
            raise ModelError(f"{part.fragment.where}: it replaces {name}, which nothing defines")
    return kept


def _key(line: str) -> tuple[str, str]:
    """What a line gives, a rate or a value, and of which id."""
    if (rate := rate_of(line)) is not None:
        return "rate", rate
    found = definition(line)
    return ("", "") if found is None or found[0] in ("unit", "species", "compartment") else (
        "value", found[1])  # fmt: skip
