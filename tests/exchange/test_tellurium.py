"""`Model.tellurium`, and that p53net works unharmed in a process with tellurium."""

import pytest

import p53net as pn
from tests.support.elsewhere import output_of

AFTER = """
import sys
if sys.argv[1] == "tellurium first":
    import tellurium
elif sys.argv[1] == "imported between":
    import p53net as pn, libsbml
    pn.load().sbml()
    import tellurium
import numpy as np
import p53net as pn
times, doses = np.linspace(0, 72, 145), {"KT-253": pn.pulse(5.0, hours=6.1)}
model = pn.load("KT-253")
own = model.simulate(times, doses)
runner = model.tellurium(doses)
assert type(runner).__name__ == "ExtendedRoadRunner"
table = runner.simulate(0, 72, 145)
names = [name.strip("[]") for name in table.colnames]
assert set(own.data_vars) == set(names[1:])
for i, name in enumerate(names[1:], start=1):
    scale = max(float(np.abs(own[name]).max()), 1e-9)
    assert float(np.abs(own[name].values - table[:, i]).max()) <= 1e-6 * scale, name
runner.k_deg_p53 = 0.5  # as tellurium's users do
again = pn.load("KT-253").simulate(times, doses)
assert all(np.array_equal(own[name], again[name]) for name in own)
file = pn.export(model, sys.argv[2] + "/m.xml", doses)
other = pn.read_sbml(file)
np.testing.assert_allclose(other.simulate(times)["p53_total"], own["p53_total"], rtol=1e-6)
other.simulate(times, engine="batch")
pn.lint(file)
pn.run_archive(pn.export(model, sys.argv[2] + "/m.omex", doses))
from p53net.model.check import findings
assert not findings(model.sbml(), model.definition.parameters)
print("unharmed")
"""


@pytest.mark.parametrize("order", ["p53net first", "tellurium first", "imported between"])
@pytest.mark.slow
def test_p53net_is_unharmed_beside_tellurium(order: str, tmp_path: object) -> None:
    assert output_of(AFTER, order, str(tmp_path)).strip().endswith("unharmed")


def test_wrong_doses_are_said_before_tellurium_is_imported() -> None:
    with pytest.raises(pn.InputError, match="dose of"):
        pn.load("KT-253").tellurium({"KT-253": "much"})
