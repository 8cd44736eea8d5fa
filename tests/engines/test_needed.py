"""Only states that decide the outputs are integrated, and nothing else changes."""

import numpy as np
import pytest

import p53net as pn
from p53net.engines.base import Tolerances
from p53net.engines.batch.needed import part_of
from p53net.model.rates import system_of

TIMES = np.linspace(0.0, 48.0, 49)


def test_read_outs_are_left_out_and_the_loop_is_not() -> None:
    system = system_of(pn.load("milademetan", "KT-253").definition.sbml)
    part = part_of(system, ["p53_active", "MDM2_total"])
    gone = set(system.states) - set(part.states)
    assert gone == {"GDF15", "GDF15_mRNA", "MDM2_destroyed", "PUMA", "PUMA_mRNA", "p21", "p21_mRNA"}
    assert set(part_of(system, ["p21"]).states) - set(part.states) == {"p21", "p21_mRNA"}
    assert part_of(system, system.states).states == system.states
    assert part_of(system, ["p21", "PUMA"]).states == part_of(system, ["PUMA", "p21"]).states


def test_what_depends_on_no_state_needs_the_whole() -> None:
    system = system_of(pn.load("milademetan").definition.sbml)
    assert part_of(system, []).states == system.states


@pytest.mark.parametrize(
    ("model", "doses"),
    [
        (pn.load("milademetan", "KT-253"),
         {"milademetan": 100.0, "KT-253": pn.pulse(1.0, hours=8)}),
        (pn.load("milademetan", system="marrow"),
         {"milademetan": pn.regimen(260, "mg", "once")}),
    ],
    ids=["dish", "marrow"],
)  # fmt: skip
@pytest.mark.slow
def test_a_part_gives_what_the_whole_does(model: pn.Model, doses: dict[str, object]) -> None:
    exact = pn.Model(model.definition, Tolerances(1e-11, 1e-18))
    whole = exact.simulate(TIMES, doses, engine="batch")
    for name in ("p53_active", "MDM2_total", "p21"):
        alone = exact.simulate(TIMES, doses, observables=[name], engine="batch")
        peak = float(np.abs(whole[name]).max())
        np.testing.assert_allclose(alone[name], whole[name], rtol=0, atol=1e-9 * peak)
