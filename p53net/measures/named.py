"""A function for every kind of measure, made of the table of kinds: `pn.measures.peak("p21")`."""

import inspect
from collections.abc import Callable
from functools import cache

from p53net.errors import InputError
from p53net.measures.definition import Measure, own
from p53net.measures.kinds import KINDS

_TYPES = {"observable": str, "drug": str}


def names() -> list[str]:
    """All of them, in the order of the table; `own` makes one of a user's function."""
    return [*KINDS, "own"]


@cache
def constructor(name: str) -> Callable[..., Measure]:
    """What makes a measure of this kind. Raises AttributeError, as a module does."""
    if name == "own":
        return own
    if name not in KINDS:
        raise AttributeError(f"there is no measure {name!r}; there are {', '.join(names())}")
    kind = KINDS[name]
    signature = inspect.Signature(
        [
            inspect.Parameter(
                argument,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=_TYPES.get(argument, float),
                # A model with one drug says which; only that may be left out, and it comes last.
                default=None if argument == "drug" else inspect.Parameter.empty,
            )
            for argument in kind.arguments
        ],
        return_annotation="Measure",  # as help shows it
    )

    def make(*positional: object, **given: object) -> Measure:
        try:
            bound = signature.bind(*positional, **given)
        except TypeError as error:
            raise InputError(f"measures.{name}{signature}: {error}") from None
        for argument, value in bound.arguments.items():
            if not isinstance(value, str | float | int) or isinstance(value, bool):
                raise InputError(f"measures.{name}: {argument} is {value!r}, no text or number")
        return Measure(name, tuple(bound.arguments.values()))

    words = {argument: f"`{argument}`" for argument in kind.arguments}
    meaning = kind.meaning.format(*words.values())
    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"{meaning[0].upper()}{meaning[1:]} [{kind.unit.format(unit='unit')}]."
    make.__signature__ = signature  # type: ignore[attr-defined]
    return make
