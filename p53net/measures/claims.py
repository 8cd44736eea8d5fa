"""Claims about measures, as text: comparisons of arithmetic, read without running anything.

    dose_ratio:3["KT-253"] < dose_ratio:3["milademetan"]
    0.95 < MDM2_mRNA_fold["KT-253"] / MDM2_mRNA_fold["milademetan"] < 1.05
    ic50["milademetan","SJSA-1"] > 10*ic50["KT-253","RS4;11"]

A value is NAME["DRUG"], or NAME:AT["DRUG"] of a measure that is taken at several places; a second
word in the brackets says where: a cell line, or a regimen. `and` joins comparisons. What holds is
1, what does not 0, and NaN where a value is not defined.
"""

import operator
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import InputError

_TOKEN = re.compile(
    r"""\s*(?:(?!and\b)(?P<name>[A-Za-z_]\w*)(?::(?P<at>\d+\.?\d*))?
      (?:\["(?P<drug>[^"\]]+)"\s*(?:,\s*"(?P<place>[^"\]]+)"\s*)?\])?
    | (?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?) | (?P<word>and\b|<=|>=|[-+*/()<>]))""",
    re.VERBOSE | re.ASCII,
)
_COMPARED = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
_ADDED = {"+": operator.add, "-": operator.sub}
_MULTIPLIED = {"*": operator.mul, "/": operator.truediv}
_LONGEST, _DEEPEST = 500, 20


class Value(NamedTuple):
    """A measure of a drug, where it is taken at several places at one of them."""

    name: str
    at: float | None
    drug: str
    place: str = ""
    """A cell line or a regimen; empty for the usual one."""


Lookup = Callable[[Value], FloatArray]
"""The numbers of a value: one, or one for each of many cells."""


def is_claim(text: str) -> bool:
    """Whether a text compares, outside of the words in its brackets."""
    return re.search(r"[<>]", re.sub(r'"[^"]*"', "", text)) is not None


def value_of(text: str, lookup: Lookup, *, bare: bool = False) -> FloatArray:
    """The number of a text that only computes: no comparison. With `bare` a value may stand
    without a drug. Raises InputError."""
    reader = _Reader(text, lookup, bare=bare)
    result = reader.sum()
    if reader.tokens:
        raise reader.error()
    return result


def holds(claim: str, lookup: Lookup) -> FloatArray:
    """Where the claim holds: 1, 0, or NaN where one of its values is NaN. Raises InputError."""
    reader = _Reader(claim, lookup)
    result = reader.comparison()
    while reader.take("and"):
        result = result * reader.comparison()
    if reader.tokens:
        raise reader.error()
    return result


class _Reader:
    """Reads a claim from left to right, and computes what it reads."""

    def __init__(self, claim: str, lookup: Lookup, *, bare: bool = False) -> None:
        self._claim, self._lookup, self._depth = claim, lookup, 0
        self.tokens: list[re.Match[str]] = []
        place = 0
        if len(claim) > _LONGEST:
            raise InputError(f"a claim has at most {_LONGEST} characters")
        while claim[place:].strip():
            match = _TOKEN.match(claim, place)
            if match is None or (match["name"] and not match["drug"] and not bare):
                raise self.error(claim[place:].strip())
            self.tokens.append(match)
            place = match.end()

    def error(self, rest: str | None = None) -> InputError:
        """What to say of a claim from some place on."""
        left = rest if rest is not None else "".join(one[0] for one in self.tokens).strip()
        return InputError(
            f"`{self._claim}` is no claim from '{left[:30]}' on; write comparisons of measures, "
            'such as dose_ratio:3["KT-253"] < 1.1*dose_ratio:3["milademetan"]'
        )

    def take(self, *words: str) -> str:
        """The next word, where it is one of these."""
        if self.tokens and self.tokens[0]["word"] in words:
            return self.tokens.pop(0)["word"]
        return ""

    def comparison(self) -> FloatArray:
        left, compared, result = self.sum(), False, np.asarray(1.0)
        while word := self.take(*_COMPARED):
            right = self.sum()
            true = np.asarray(_COMPARED[word](left, right), dtype=float)
            result = result * np.where(np.isfinite(left) & np.isfinite(right), true, np.nan)
            left, compared = right, True
        if not compared:
            raise self.error()
        return result

    def sum(self) -> FloatArray:
        """What the next terms add up to."""
        return self._chain(self._product, _ADDED)

    def _product(self) -> FloatArray:
        return self._chain(self._value, _MULTIPLIED)

    def _chain(
        self,
        part: Callable[[], FloatArray],
        operations: dict[str, Callable[[FloatArray, FloatArray], FloatArray]],
    ) -> FloatArray:
        result = part()
        while word := self.take(*operations):
            with np.errstate(divide="ignore", invalid="ignore"):
                result = operations[word](result, part())
        return result

    def _value(self) -> FloatArray:
        if self.take("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise InputError(f"a claim has at most {_DEEPEST} parentheses in one another")
            result = self.sum()
            if not self.take(")"):
                raise self.error()
            self._depth -= 1
            return result
        if self.take("-"):
            return -self._value()
        if not self.tokens or self.tokens[0]["word"]:
            raise self.error()
        token = self.tokens.pop(0)
        if token["number"]:
            return np.asarray(float(token["number"]))
        at = None if token["at"] is None else float(token["at"])
        value = Value(token["name"], at, token["drug"] or "", token["place"] or "")
        return np.asarray(self._lookup(value), dtype=float)
