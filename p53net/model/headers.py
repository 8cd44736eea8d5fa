"""Fragments of model text, and what each says of itself in its header.

A fragment begins with comments. Those that name a key are read, the others describe it:

    // NOXA, a p53 target
    // for: dish, culture        systems that it is part of; left out, all that have a cell
    // in: cell                  its place, one of `PLACES`
    // mechanism: covalent       it is what a drug of this mechanism does in a cell
    // route: oral               only for drugs that are given so
    // dose: drug_gut            the species that a dose goes into
    // after: inhibitor          it is joined after that one
    // twin: k_ub_MDM2 = 0       what makes a drug's non-catalytic twin
    // structure: partner = MDMX it is part of structures with this option, or with one of several
                              joined by `or`: see `structures`
    // needs: core = p53net      with what else it goes; several options with `or`

`// read-out NAME: meaning`, anywhere, names what is shown first, in that order.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from p53net.model.systems import SYSTEMS, WITH_CELL

PLACES = {
    "frame": "units of every model",
    "loop": "the cell, with its loop of p53 and MDM2",
    "drug": "what a drug does in the cell",
    "cell": "what else is in the cell",
    "outside": "where the drug comes from",
    "around": "what follows the cell",
}
"""Where a fragment stands, in the order of joining."""

_KEYS = ("for", "in", "mechanism", "route", "dose", "after", "twin", "structure", "needs")
_KEY = re.compile(r"// *(?P<key>[A-Za-z-]+): *(?P<value>.+)")
_NAME = re.compile(r"[A-Za-z]\w{0,39}", re.ASCII)
_TWIN = re.compile(r"(?P<id>\w+) = (?P<value>[\d.]+)", re.ASCII)
_CHOICE = re.compile(r"(?P<switch>\w+) = (?P<options>\w+( or \w+)*)", re.ASCII)
_READ_OUT = re.compile(r"// *read-out (?P<id>\w+): *(?P<meaning>.+)", re.ASCII)


@dataclass(frozen=True)
class Fragment:
    """One file of model text, and what its header says."""

    name: str
    text: str
    where: str
    """The file, for messages."""
    own: bool = False
    """Given by a user, from outside the package."""
    description: str = ""
    systems: tuple[str, ...] = ()
    place: str = "cell"
    mechanism: str = ""
    route: str = ""
    dose: str = ""
    after: tuple[str, ...] = ()
    twin: Mapping[str, float] = field(default_factory=dict)
    switch: str = ""
    options: tuple[str, ...] = ("",)
    """Of which structures it is part: of all, or of those with one of these options of the
    switch."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Switches to the options that it goes with."""
    faults: tuple[str, ...] = ()
    """What is wrong with the header. A fragment of the package that has any is left out."""

    @property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.splitlines()

    @property
    def choice(self) -> str:
        """The choice that makes it part of a structure: `partner=MDMX`; empty if it is of all."""
        return f"{self.switch}={' or '.join(self.options)}" if self.switch else ""

    @property
    def read_outs(self) -> dict[str, str]:
        """What it names as read-outs, with their meaning."""
        found = (_READ_OUT.fullmatch(line.strip()) for line in self.lines)
        return {match["id"]: match["meaning"].strip() for match in found if match}


def described(name: str, text: str, where: str, *, own: bool = False) -> Fragment:
    """A fragment with what its header says. What is wrong with that is in its `faults`."""
    facts: dict[str, str] = {}
    said: list[str] = []
    faults: list[str] = []
    for line in text.splitlines():
        if not line.startswith("//") or line.startswith("// ---"):
            break
        match = _KEY.fullmatch(line.strip())
        key = match["key"].casefold() if match else ""
        if match is None or key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.87)
            if near and match:
                faults.append(f"`{line.strip()}` is no key of a header; did you mean '{near[0]}'?")
            if not _READ_OUT.fullmatch(line.strip()):
                said.append(line.removeprefix("//").strip())
        elif key in facts:
            faults.append(f"the header says `{key}` twice; say it once")
        else:
            facts[key] = match["value"].strip()
    one = Fragment(name, text, where, own, " ".join(said))
    if not facts and not own:
        fault = "no system uses it, as it has no header; see the one of models/core.ant"
        return replace(one, faults=(*faults, fault))
    return _with(one, facts, faults)


def _with(one: Fragment, facts: Mapping[str, str], faults: list[str]) -> Fragment:
    """The fragment with its facts, checked."""
    mechanism, route = facts.get("mechanism", ""), facts.get("route", "")
    usual = "drug" if mechanism else "outside" if route else "cell"
    place = facts.get("in", usual)
    places = [name for name in PLACES if not (one.own and name in ("frame", "loop"))]
    if place not in places:
        faults.append(f"its place `in: {place}` is unknown; use {', '.join(places)}")
    elif mechanism and place != "drug":
        faults.append(f"a mechanism is in a drug, not `in: {place}`; leave that out")
    elif route and place != "outside":
        faults.append(f"a route is outside the cell, not `in: {place}`; leave that out")
    for key in ("mechanism", "route"):
        if key in facts and not _NAME.fullmatch(facts[key]):
            faults.append(f"the {key} '{facts[key]}' is no name; use letters, digits and _")
    systems = tuple(word.strip() for word in facts["for"].split(",")) if "for" in facts else None
    if systems is None and place in ("outside", "around"):
        faults.append(
            f"it is `in: {place}` but not for a system; add `// for: {', '.join(SYSTEMS)}`"
        )
    for name in systems or ():
        if name not in SYSTEMS:
            faults.append(f"the system '{name}' is unknown; use {', '.join(SYSTEMS)}")
        elif name not in WITH_CELL and place not in ("frame", "outside"):
            faults.append(f"the system '{name}' has no cell; leave it out")
    twin: dict[str, float] = {}
    for text in facts["twin"].split(",") if "twin" in facts else ():
        if match := _TWIN.fullmatch(text.strip()):
            twin[match["id"]] = float(match["value"])
        else:
            faults.append(f"the twin '{text.strip()}' is no change; write `k_ub_MDM2 = 0`")
    choices: dict[str, dict[str, tuple[str, ...]]] = {"structure": {}, "needs": {}}
    for key, said in choices.items():
        for text in facts[key].split(",") if key in facts else ():
            if one.own or not (choice := _CHOICE.fullmatch(text.strip())):
                faults.append(f"`{key}: {text.strip()}` is no choice of a structure of the package")
            else:
                said[choice["switch"]] = tuple(choice["options"].split(" or "))
    switch, options = next(iter(choices["structure"].items()), ("", ("",)))
    if len(choices["structure"]) > 1:
        faults.append("it is part of options of one switch; name one switch")
    return replace(
        one,
        switch=switch,
        options=options,
        needs=choices["needs"],
        systems=systems or (tuple(SYSTEMS) if place == "frame" else WITH_CELL),
        place=place,
        mechanism=mechanism,
        route=route,
        dose=facts.get("dose", ""),
        after=tuple(word.strip() for word in facts["after"].split(",")) if "after" in facts else (),
        twin=twin,
        faults=tuple(faults),
    )
