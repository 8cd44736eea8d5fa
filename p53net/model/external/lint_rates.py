"""Reactions of a stranger's model that are not run at a rate that is written for them."""

from collections.abc import Iterator

import libsbml

from p53net.model.external import fast, still
from p53net.model.external.findings import WARNING, Finding, Lines


def _fast(model: "libsbml.Model", _lines: Lines) -> Iterator[Finding]:
    """At equilibrium here, at another speed elsewhere."""
    if found := fast.fast_ones(model):
        every = len(found) == model.getNumReactions()
        text = fast.said_of([str(one.getId()) for one in found], every)
        yield Finding(WARNING, "rates", str(found[0].getId()), int(found[0].getLine()), text)


def _without_rate(model: "libsbml.Model", _lines: Lines) -> Iterator[Finding]:
    """What nothing says the speed of."""
    if found := still.without_rate(model):
        text = still.said_of(found)
        yield Finding(WARNING, "rates", str(found[0].getId()), int(found[0].getLine()), text)


CHECKS = (_fast, _without_rate)
