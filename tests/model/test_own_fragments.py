"""Model text from outside the package: a read-out, a mechanism, and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson

import p53net as pn
from p53net import drawing
from p53net.exchange.files import SHIPPED
from p53net.model import check, library
from tests.support import ROOT
from tests.support.commands import Command
from tests.support.own_fragments import COVALENT, DRUG, NOXA, TABLE

TIMES = np.linspace(0.0, 24.0, 49)


# --- a read-out


def test_a_read_out_from_outside_runs_on_both_engines(folder: Path) -> None:
    model = pn.load("milademetan", fragments="noxa.ant")
    runs = [
        model.simulate(TIMES, {"milademetan": 300.0}, engine=e) for e in ("roadrunner", "batch")
    ]
    for run in runs:
        assert float(run["NOXA"][-1]) > 1.5 * float(run["NOXA"][0])
        assert run["NOXA"].attrs["units"] == "nM"
        assert run["NOXA"].attrs["long_name"] == "NOXA, a p53 target"
        assert run["NOXA"].attrs["fragment"] == "noxa"
    np.testing.assert_allclose(runs[1]["NOXA"], runs[0]["NOXA"], rtol=1e-5)
    at_rest = model.simulate(TIMES)["NOXA"]
    assert float(abs(at_rest / at_rest[0] - 1.0).max()) < 1e-9
    assert "NOXA" in model.definition.variables
    assert model.parameters.set_index("id").loc["k_syn_NOXA", "source"] == "a read-out's scale"


def test_it_changes_nothing_else(folder: Path) -> None:
    usual, own = (
        pn.load("KT-253", fragments=given).simulate(TIMES, {"KT-253": 1.0})
        for given in (None, "noxa.ant")
    )
    for name in usual.data_vars:
        np.testing.assert_allclose(own[name], usual[name], rtol=1e-6, atol=1e-9)
    assert own.attrs["model_sha256"] != usual.attrs["model_sha256"]


@pytest.mark.parametrize("system", ["culture", "tumour", "marrow"])
@pytest.mark.slow
def test_it_is_in_the_cell_of_every_system(folder: Path, system: str) -> None:
    model = pn.load("milademetan", system=system, fragments=[folder / "noxa.ant"])
    dose = pn.regimen(260, "mg", "once") if model.definition.in_body else 300.0
    run = model.simulate(TIMES, {"milademetan": dose})
    assert float(run["NOXA"].max()) > 1.5 * float(run["NOXA"][0])


def test_sweeps_measures_exports_and_figures_know_it(folder: Path) -> None:
    model = pn.load("milademetan", fragments="noxa.ant")
    found = pn.sweep(
        model,
        {"k_syn_NOXA": [1.0, 2.0], "milademetan": [10.0, 300.0]},
        times=TIMES,
        measures=["peak:NOXA", "fold:NOXA"],
        keep_trajectories=True,
        observables=["NOXA"],
    )
    assert (found["status"] == "ok").all()
    np.testing.assert_allclose(found["peak_NOXA"][1], 2.0 * found["peak_NOXA"][0], rtol=1e-6)
    assert json.loads(found.attrs["fragments"]) == {
        "noxa.ant": model.definition.fragments[0].sha256
    }
    text = pn.export(model, folder / "noxa.xml").read_text(encoding="utf-8")
    assert '<species id="NOXA"' in text
    assert "NOXA" in pn.antimony(model)
    figure = drawing.plot(model.simulate(TIMES, {"milademetan": 300.0}))
    assert "noxa" in [panel.get_title(loc="left") for panel in figure.axes]


@pytest.mark.slow
def test_the_record_is_enough_to_load_it_again(folder: Path) -> None:
    model = pn.load("milademetan", fragments="noxa.ant")
    (source,) = model.definition.fragments
    assert (source.name, source.text) == ("noxa.ant", NOXA)
    run = model.simulate(TIMES)
    assert json.loads(run.attrs["fragments"]) == {"noxa.ant": source.sha256}
    (folder / "noxa.ant").unlink()
    again = pn.load("milademetan", fragments=model.definition.fragments)
    assert again.definition.sha256 == model.definition.sha256
    assert pn.rerun(run)["NOXA"].values.tobytes() == run["NOXA"].values.tobytes()
    assert "fragments" not in pn.load("milademetan").simulate(TIMES).attrs


def test_a_cell_line_may_set_its_parameters(folder: Path) -> None:
    row = "mine\tk_syn_NOXA\t0.004\tuM/h\tassumed\t\tguess\n"
    (folder / "lines.tsv").write_text(TABLE.format("cell_line") + row, encoding="utf-8")
    own = {"cell_lines": "lines.tsv"}
    model = pn.load(cell_line="mine", fragments="noxa.ant", tables=own)
    assert model.definition.parameters["k_syn_NOXA"].value == 4.0
    with pytest.raises(pn.TableError, match="k_syn_NOXA"):
        pn.load(cell_line="mine", tables=own)


@pytest.mark.slow
def test_quantities_say_what_they_are_and_follow_the_drug(folder: Path) -> None:
    text = """// for: dish, culture
// in: around
share_drug := drug_in_cell/(drug_in_cell + drug_medium)  // share of the drug in the cell
share_drug has dimensionless
serum_p21 = 0 nM           // start: none
k_serum = 0.1 per_hour     // assumed: slow
serum_p21' = k_serum*(p21 - serum_p21)
// read-out serum_p21: p21 outside
"""
    (folder / "around.ant").write_text(text, encoding="utf-8")
    model = pn.load("milademetan", "KT-253", fragments="around.ant")
    for engine in ("roadrunner", "batch"):
        run = model.simulate(TIMES, {"milademetan": 30.0, "KT-253": 1.0}, engine=engine)
        assert run["share_inhibitor"].attrs["long_name"] == "share of the drug in the cell"
        assert run["share_degrader"].attrs["units"] == "1"
        assert run["serum_p21"].attrs["long_name"] == "p21 outside"
        assert float(run["serum_p21"][0]) == 0.0 < float(run["serum_p21"][-1])
    assert "serum_p21" not in model.cell.definition.variables


def test_a_term_can_be_added_to_a_quantity_of_the_package(folder: Path) -> None:
    """What binds p53 counts in its total, wherever the rule stands."""
    text = """// A partner of p53
species p53_partner in cell
k_bind_partner = 1 per_hour     // assumed: fast
k_loose_partner = 1 per_hour    // assumed: fast
partner_binding: p53 => p53_partner; cell*k_bind_partner*p53
partner_loss: p53_partner => p53; cell*k_loose_partner*p53_partner
p53_total += p53_partner
"""
    (folder / "partner.ant").write_text(text, encoding="utf-8")
    state = pn.load(fragments="partner.ant").steady_state()
    parts = ("p53", "p53_phospho", "MDM2_p53", "MDM2_p53_phospho", "p53_partner")
    assert float(state["p53_total"]) == pytest.approx(sum(float(state[name]) for name in parts))
    assert float(state["p53_partner"]) == pytest.approx(float(state["p53"]))


def test_values_that_hold_the_untreated_state(folder: Path) -> None:
    more = """NOXA_untreated = 1 nM  // computed: untreated NOXA of the same parameter set
NOXA_fold := NOXA/NOXA_untreated
NOXA_fold has dimensionless
"""
    (folder / "fold.ant").write_text(NOXA + more, encoding="utf-8")
    run = pn.load("milademetan", fragments="fold.ant").simulate(TIMES, {"milademetan": 300.0})
    np.testing.assert_allclose(run["NOXA_fold"], run["NOXA"] / run["NOXA"][0], rtol=1e-9)


# --- a mechanism


@pytest.mark.parametrize("engine", ["roadrunner", "batch"])
def test_a_third_mechanism_is_one_fragment_and_rows(folder: Path, engine: str) -> None:
    model = pn.load("mydrug", fragments="covalent.ant", tables={"drugs": "drugs.tsv"})
    table = model.parameters.set_index("id")
    assert table.loc["k_inact_covalent", "value"] == 1.8
    times = np.linspace(0.0, 24.0, 2401)
    run = model.simulate(times, {"mydrug": pn.closed_dish(100.0, 20.0)}, engine=engine)
    cell = model.definition.parameters["cell"].value
    drug = 20.0 * run["covalent_medium"] + cell * (run["covalent_in_cell"] + run["covalent_spent"])
    assert float(abs(drug / drug[0] - 1.0).max()) < 1e-9
    p = {name: value.value for name, value in model.definition.parameters.items()}
    undrugged = run["MDM2"] + run["MDM2_p53"] + run["MDM2_p53_phospho"]
    np.testing.assert_allclose(run["MDM2_total"], undrugged + run["MDM2_covalent"], rtol=1e-9)
    change = p["k_transl_MDM2"] * run["MDM2_mRNA_cytoplasmic"] - p["k_deg_MDM2"] * run["MDM2_total"]
    total = run["MDM2_total"].values
    made = cumulative_simpson(change.values, x=times, initial=0.0)
    np.testing.assert_allclose(total - total[0], made, atol=1e-4)
    assert float(run["p53_active"].max()) > 2.0 * float(run["p53_active"][0])
    assert model.definition.counters == ("covalent_spent",)


@pytest.mark.slow
def test_it_goes_with_the_others_and_into_a_body(folder: Path) -> None:
    given = {
        "fragments": ["covalent.ant", "noxa.ant"],
        "tables": {"drugs": "drugs.tsv", "pharmacokinetics": "plasma.tsv"},
    }
    three = pn.load("mydrug", "milademetan", "KT-253", **given)
    run = three.simulate(TIMES, {"mydrug": 10.0, "milademetan": 30.0, "KT-253": 1.0})
    assert float(run["p53_active"].max()) > 2.0 * float(run["p53_active"][0])
    tumour = pn.load("mydrug", system="tumour", **given)
    assert tumour.definition.dosed == {"mydrug": "covalent_gut"}
    run = tumour.simulate(TIMES, {"mydrug": pn.regimen(100, "mg", "once")})
    assert float(run["MDM2_covalent"].max()) > 1.0
    assert run["covalent_plasma"].attrs["long_name"] == "covalent in plasma"


def test_measures_take_a_drug_of_the_new_mechanism(folder: Path) -> None:
    model = pn.load("mydrug", fragments="covalent.ant", tables={"drugs": "drugs.tsv"})
    found = pn.sweep(model, {"mydrug": [1.0, 10.0]}, measures=["escape_index"], times=TIMES)
    assert (found["status"] == "ok").all()


def test_two_drugs_of_the_new_mechanism_are_one_too_many(folder: Path) -> None:
    rows = "other\tmechanism\tcovalent\t\t\t\t\n"
    (folder / "drugs.tsv").write_text(DRUG + rows, encoding="utf-8")
    with pytest.raises(pn.InputError, match="one inhibitor and one degrader and one covalent"):
        pn.load("mydrug", "other", fragments="covalent.ant", tables={"drugs": "drugs.tsv"})


def test_a_mechanism_without_its_fragment_says_what_to_do(folder: Path) -> None:
    with pytest.raises(pn.TableError, match=r"'covalent' is unknown.*fragments="):
        pn.load("mydrug", tables={"drugs": "drugs.tsv"})
    (folder / "half.ant").write_text("// mechanism: half\nspecies half in cell\n")
    with pytest.raises(pn.ModelError, match="needs k_perm_half, half_in_cell"):
        pn.load(fragments="half.ant")


def test_a_drug_may_bear_the_name_of_its_mechanism(folder: Path) -> None:
    (folder / "drugs.tsv").write_text(DRUG.replace("mydrug", "covalent"), encoding="utf-8")
    model = pn.load("covalent", fragments="covalent.ant", tables={"drugs": "drugs.tsv"})
    run = model.simulate(TIMES, {"covalent": 10.0})
    assert float(run["p53_active"].max()) > float(run["p53_active"][0])


def test_a_twin_follows_from_the_header() -> None:
    assert pn.load("milademetan", "KT-253").definition.twins == {"KT-253": {"k_ub_MDM2": 0.0}}


# --- commands


@pytest.mark.slow
def test_commands_take_fragments(folder: Path, command: Command) -> None:
    done = command("simulate", "milademetan", "--dose", "300", "--fragments", "noxa.ant")
    assert done.returncode == 0, done.stderr
    assert ",NOXA," in done.stdout.splitlines()[0]
    done = command("list", "--fragments", "noxa.ant")
    assert 'observable,NOXA,nM,"NOXA, a p53 target"' in done.stdout.splitlines()
    done = command("export", "loop", "loop.xml", "--fragments", "noxa.ant")
    assert done.returncode == 0 and "NOXA" in (folder / "loop.xml").read_text()
    sweep = ("sweep", "milademetan", "--vary", "milademetan=10,300", "--measure", "peak:NOXA")
    done = command(*sweep, "--fragments", "noxa.ant", "--workers", "0")
    assert done.returncode == 0, done.stderr
    tornado = ("tornado", "--measure", "at:NOXA:24", "--parameter", "k_syn_NOXA", "--workers", "0")
    done = command(*tornado, "--fragments", "noxa.ant")
    assert done.returncode == 0 and "k_syn_NOXA" in done.stdout, done.stderr
    drug = ("simulate", "mydrug", "--dose", "10", "--tables", "drugs=drugs.tsv")
    assert command(*drug, "--fragments", "covalent.ant", "--fragments", "noxa.ant").returncode == 0


@pytest.mark.slow
def test_check_reports_missing_annotation_with_its_line(folder: Path, command: Command) -> None:
    done = command("check", "loop", "--fragments", "noxa.ant")
    assert done.returncode == 1
    assert 'p53_loop,sbo,NOXA,"no SBO term (noxa.ant, line 2)"' in done.stdout.splitlines()
    kinds = {line.split(",")[1] for line in done.stdout.splitlines()[1:]}
    assert kinds == {"sbo", "miriam"}
    done = command("check", "loop", "--fragments", "covalent.ant")
    assert "fragment,covalent" in done.stdout
    done = command("check", "mydrug", "--fragments", "covalent.ant", "--tables", "drugs=drugs.tsv")
    assert "MDM2_covalent_binding" in done.stdout and "fragment" not in done.stdout


@pytest.mark.slow
def test_an_annotated_fragment_has_no_finding(folder: Path, command: Command) -> None:
    more = "".join(
        f'{name}.sboTerm = {term} ; {name} hypernym "https://identifiers.org/{uri}"\n'
        for name, term, uri in (
            ("NOXA", 252, "uniprot:Q13794"),
            ("NOXA_synthesis", 184, "GO:0006412"),
            ("NOXA_degradation", 179, "GO:0030163"),
        )
    )
    (folder / "noxa.ant").write_text(NOXA + more, encoding="utf-8")
    done = command("check", "loop", "milademetan", "--fragments", "noxa.ant")
    assert done.returncode == 0, done.stdout


# --- the package's own fragments


def test_every_fragment_of_the_package_says_what_it_is_for() -> None:
    files = library.shipped_files()
    assert not [one.name for one in files if one.faults or not one.description]
    assert library.shipped().mechanisms == ("inhibitor", "degrader")
    assert set(library.shipped().routes) == {"oral", "intravenous"}
    assert library.shipped().used() == {one.name for one in files}
    assert check.unused_fragments() == []


@pytest.mark.slow
def test_read_outs_of_the_package_are_quantities_of_its_models() -> None:
    seen: set[str] = set()
    for one in SHIPPED:
        definition = pn.load(*one.drugs, system=one.system, host=one.host).definition
        assert set(definition.read_outs) <= set(definition.variables)
        seen |= set(definition.read_outs)
    assert set(pn.OBSERVABLES) < seen


PLANTED = {
    "without a header": (NOXA, "no system uses it"),
    "for a system that is not there": ("// for: dsh\n" + NOXA, "the system 'dsh' is unknown"),
    "for a route that its system lacks": (
        "// for: dish\n// in: outside\n// route: oral\nseen_drug := drug_medium\n",
        "no system uses it",
    ),
    "after nothing": ("// in: cell\n// after: nothing\n" + NOXA, "'nothing', which is not there"),
}


@pytest.mark.parametrize(("text", "said"), PLANTED.values(), ids=PLANTED)
def test_a_fragment_that_no_system_uses_is_a_finding(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(ROOT / "models", folder, ignore=shutil.ignore_patterns("sbml"))
    (folder / "noxa.ant").write_text(text, encoding="utf-8")
    monkeypatch.setattr(library, "models_folder", lambda: folder)
    (found,) = check.unused_fragments()
    assert (found.check, found.subject) == ("fragment", "noxa")
    assert said in found.message
    monkeypatch.setattr("p53net.exchange.files.SHIPPED", SHIPPED[:1])
    done = command("check")
    assert done.returncode == 1
    assert "models,fragment,noxa," in done.stdout


@pytest.mark.slow
def test_a_fragment_with_a_header_is_in_the_models(tmp_path: Path) -> None:
    """In a copy of the package, as its authors would add it: no Python is touched."""
    for name in ("p53net", "models"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    header = "// NOXA, a p53 target\n// in: cell\n// read-out NOXA: NOXA (PMAIP1) protein\n"
    (tmp_path / "models" / "noxa.ant").write_text(header + NOXA, encoding="utf-8")
    (tmp_path / "models" / "covalent.ant").write_text(COVALENT, encoding="utf-8")
    (tmp_path / "models" / "drugs.tsv").open("a", encoding="utf-8").write(DRUG.partition("\n")[2])
    code = (
        "import p53net as pn; m = pn.load('mydrug', 'KT-253');"
        "r = m.simulate([0.0, 24.0], {'mydrug': 10.0}, engine='batch');"
        "print(r['NOXA'].attrs['long_name'], float(r['NOXA'][1]) > float(r['NOXA'][0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.strip() == "NOXA (PMAIP1) protein True", done.stderr
