"""Reactions without a kinetic law: they stand still, and a user is told."""

import libsbml

from p53net.errors import ModelError


def without_rate(model: "libsbml.Model") -> list["libsbml.Reaction"]:
    """Reactions of which nothing says how fast they are."""
    return [
        one for one in model.getListOfReactions()
        if one.getKineticLaw() is None or one.getKineticLaw().getMath() is None
    ]  # fmt: skip


def stand_still(model: "libsbml.Model", name: str) -> str:
    """Give such reactions the rate 0, and say so; "" where there are none.

    Raises ModelError for a model of nothing but such reactions: it was made for flux balance, and
    in a run of it nothing would move.
    """
    found = without_rate(model)
    if not found:
        return ""
    first, count = found[0], len(found)
    if count == model.getNumReactions() and not model.getNumRules() + model.getNumEvents():
        line = f"line {first.getLine()}, " if first.getLine() else ""
        others = f" and {count - 1} more have" if count > 1 else " has"
        raise ModelError(
            f"{name}: reaction {first.getId()}, {line}{others.lstrip()} no rate, as in models for "
            "flux balance, and nothing else moves; give it a kinetic law"
        )
    for reaction in found:
        law = reaction.getKineticLaw() or reaction.createKineticLaw()
        law.setMath(libsbml.parseL3Formula("0"))
    return said_of(found)


def said_of(found: list["libsbml.Reaction"]) -> str:
    """What to say of them."""
    first, more = found[0].getId(), len(found) - 1
    if not more:
        return f"reaction {first} has no kinetic law, and stands still"
    return f"reaction {first} and {more} more have no kinetic law, and stand still"
