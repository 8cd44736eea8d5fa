"""All fragments of model text, and which of them a model is made of."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from p53net.errors import InputError
from p53net.model.content import Content, content_of
from p53net.model.headers import PLACES, Fragment, described
from p53net.model.systems import DISH, SYSTEMS

DIRECT = "intravenous"
"""The way into the body that needs no fragment of its own."""

_PACKAGE = Path(__file__).resolve().parent.parent
_DRUG = re.compile(r"(?<![A-Za-z0-9])drug(?![A-Za-z0-9])")
_MOST_READ_OUTS_LAST = ("outside",)  # of what is around a drug the concentrations come last


class Place(NamedTuple):
    """Where a user's fragment defines something."""

    fragment: str
    line: str
    """File and number of the line, for messages."""


class Part(NamedTuple):
    """A fragment of one model, and the mechanisms for which its lines about `drug` are written."""

    fragment: Fragment
    mechanisms: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """Its lines, those about `drug` once for each mechanism."""
        return [text for _, text in self.numbered()]

    def numbered(self) -> Iterator[tuple[int, str]]:
        """The same, with the number of the line in the file."""
        for number, line in enumerate(self.fragment.lines, start=1):
            for text in for_each(self.mechanisms, line):
                yield number, text

    @property
    def read_outs(self) -> dict[str, str]:
        """Read-outs and their meaning, those of `drug` once for each mechanism."""
        return {
            _DRUG.sub(role, name): _DRUG.sub(role, meaning)
            for name, meaning in self.fragment.read_outs.items()
            for role in (self.mechanisms if is_template(name) else ("drug",))
        }


@dataclass(frozen=True)
class Library:
    """All fragments that a model may be made of, in the order of joining."""

    fragments: tuple[Fragment, ...]
    structure: Mapping[str, str] = field(default_factory=dict)
    """Switch to the option that its models have."""

    @property
    def chosen(self) -> tuple[Fragment, ...]:
        """The fragments of its structure."""
        return tuple(
            one for one in self.fragments if self.structure.get(one.switch, "") in one.options
        )

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What drugs can do in a cell."""
        return tuple(dict.fromkeys(one.mechanism for one in self.fragments if one.mechanism))

    @property
    def routes(self) -> tuple[str, ...]:
        """Ways into the body."""
        own = dict.fromkeys(one.route for one in self.fragments if one.route)
        return (*own, *(() if DIRECT in own else (DIRECT,)))

    def parts(
        self, system: str, routes: Mapping[str, str], *, alone: bool = False
    ) -> Iterator[Part]:
        """What a system is made of, in order.

        `routes` map the mechanism of each drug to its way into the body, empty in a dish. A cell
        that is `alone` has a dish around it, where it rests, and nothing that follows it.
        """
        in_dish = alone and SYSTEMS[system].in_body
        for one in self.chosen:
            drugs: tuple[str, ...] = tuple(routes)
            if (DISH if in_dish and one.place == "outside" else system) not in one.systems:
                continue
            if one.place == "around" and alone:
                continue
            if one.place in ("drug", "outside"):
                drugs = tuple(
                    role
                    for role, route in routes.items()
                    if one.mechanism in ("", role) and one.route in ("", "" if in_dish else route)
                )
                if not drugs:
                    continue
            self._refuse_other_options(one, system)
            yield Part(one, drugs)

    def _refuse_other_options(self, one: Fragment, system: str) -> None:
        """Raise InputError where a fragment does not go with the rest of the structure."""
        for switch, options in one.needs.items():
            if (chosen := self.structure.get(switch, "")) not in options:
                own = f"{one.switch}={self.structure[one.switch]}, which" if one.switch else "what"
                or_ = f", or another option of {one.switch}" if one.switch else ""
                raise InputError(
                    f"{own} a {system} has, does not go with {switch}={chosen}; choose "
                    f"{switch}={' or '.join(options)}{or_}"
                )

    def is_more_than_cell(self, system: str) -> bool:
        """Whether there is something around the cell of a system, or a body."""
        return SYSTEMS[system].in_body or any(
            one.place == "around" and system in one.systems for one in self.chosen
        )

    def parts_of_drug(self, mechanism: str) -> list[Part]:
        """What the rows of a drug are about: its mechanism, and its medium."""
        return [
            Part(one, (mechanism,))
            for one in self.fragments
            if one.mechanism == mechanism or (one.place == "outside" and not _of_body(one))
        ]

    def parts_of_plasma(self, mechanism: str, route: str) -> list[Part]:
        """What the rows of a drug in a host are about."""
        return [
            Part(one, (mechanism,))
            for one in self.fragments
            if one.place == "outside" and _of_body(one) and one.route in ("", route)
        ]

    def parts_of_line(self) -> list[Part]:
        """What the rows of a cell line are about: all but the body and single drugs."""
        return [
            Part(one, ())
            for one in self.fragments
            if one.place != "frame" and not (one.place == "outside" and _of_body(one))
        ]

    def used(self) -> set[str]:
        """Names of the fragments that at least one model can have, in one structure or another."""
        all_ = Library(
            tuple(replace(one, switch="", options=("",), needs={}) for one in self.fragments)
        )
        return all_._used()

    def _used(self) -> set[str]:
        found: set[str] = set()
        for system in SYSTEMS:
            for route in self.routes:
                routes = dict.fromkeys(self.mechanisms, route if SYSTEMS[system].in_body else "")
                for alone in (False, True):
                    found |= {
                        part.fragment.name for part in self.parts(system, routes, alone=alone)
                    }
        return found


def models_folder() -> Path:
    """Folder of the model texts: inside the installed package, or `models/` of a checkout."""
    installed = _PACKAGE / "_models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def shipped() -> Library:
    """All fragments of the package that are sound, in order; `structures.library_of` chooses."""
    return _sound(content_of(models_folder()))


def shipped_files() -> list[Fragment]:
    """All fragments of the package as they lie in the folder, faulty ones too."""
    return _described(content_of(models_folder()))


@lru_cache(maxsize=2)
def _sound(content: Content) -> Library:
    return in_order(one for one in _described(content) if not one.faults)


def _described(content: Content) -> list[Fragment]:
    files = [
        described(name.removesuffix(".ant"), text, f"models/{name}")
        for name, text in content
        if name.endswith(".ant")
    ]
    names = {one.name for one in files}
    return [
        replace(one, faults=(*one.faults, f"it is joined after '{name}', which is not there"))
        if (name := next((name for name in one.after if name not in names), ""))
        else one
        for one in files
    ]


def in_order(fragments: Iterable[Fragment]) -> Library:
    """The library of these fragments, each behind those that it comes `after`."""
    places, systems = list(PLACES), list(SYSTEMS)
    waiting = sorted(
        fragments,
        key=lambda one: (
            places.index(one.place),
            one.own,
            bool(one.mechanism),
            systems.index(one.systems[0]),
            one.name,
        ),
    )
    ordered: list[Fragment] = []
    while waiting:
        names = {one.name for one in waiting}
        # of those that wait for each other in a circle, the first goes
        first = next((one for one in waiting if not names.intersection(one.after)), waiting[0])
        ordered.append(first)
        waiting.remove(first)
    return Library(tuple(ordered))


def read_outs(parts: Sequence[Part]) -> dict[str, str]:
    """Read-outs of a model, in the order in which they are shown: from the cell outwards, then what
    brings the drug."""
    ordered = sorted(parts, key=lambda part: part.fragment.place in _MOST_READ_OUTS_LAST)
    return {name: meaning for part in ordered for name, meaning in part.read_outs.items()}


def is_template(text: str) -> bool:
    """Whether a piece of text is about `drug`, which stands for the mechanism of a drug."""
    return _DRUG.search(text) is not None


def for_each(mechanisms: Sequence[str], line: str) -> list[str]:
    """The line, one about `drug` once for each mechanism; its comment stays as it is."""
    code = code_of(line)
    if not is_template(code):
        return [line]
    start = line.index(code)
    end = start + len(code)
    return [line[:start] + _DRUG.sub(role, code) + line[end:] for role in mechanisms]


@lru_cache(maxsize=4096)
def code_of(line: str) -> str:
    """The statement of a line, without its comment; a resource's address keeps its slashes."""
    return re.split(r"(?<!:)//", line)[0].strip()


def _of_body(one: Fragment) -> bool:
    return all(SYSTEMS[name].in_body for name in one.systems)
