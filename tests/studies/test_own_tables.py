"""A drug of a user's own in all studies, from Python and the command line; and a study of their
own."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import p53net as pn
from p53net.cli import own
from tests.support.commands import Command

DRUG = "drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n" + "".join(
    f"mine\t{row}\n"
    for row in (
        "mechanism\tinhibitor\t\t\t\t",
        "synonym\tmy drug\t\t\t\t",
        "molar_mass\t600\tg/mol\tassumed\t\ta test",
        "Ki_inhibitor\t1\tnM\tassumed\t\ta test",
    )
)
IN_HOSTS = "drug_in_host	parameter	value	unit	kind	source	note\n" + "".join(
    f"mine in {host}\t{row}\n"
    for host, scale in (("human", 1.0), ("mouse", 0.0003))
    for row in (
        "route\toral\t\t\t\t",
        "ka_inhibitor\t0.5\tper_hour\tassumed\t\ta test",
        f"CL_inhibitor\t{15 * scale:g}\tL_per_hour\tassumed\t\ta test",
        f"V_central_inhibitor\t{90 * scale:g}\tL\tassumed\t\ta test",
        f"Q_inhibitor\t{5 * scale:g}\tL_per_hour\tassumed\t\ta test",
        f"V_peripheral_inhibitor\t{50 * scale:g}\tL\tassumed\t\ta test",
        "fu_plasma_inhibitor\t0.05\tdimensionless\tassumed\t\ta test",
    )
)
DAILY = pn.regimen(100, "mg", "daily", days=7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "drugs.tsv").write_text(DRUG, encoding="utf-8")
    (made / "pharmacokinetics.tsv").write_text(IN_HOSTS, encoding="utf-8")
    return made


STUDIES = {
    "viability": lambda own: pn.viability("my drug", "RS4;11", tables=own)["ic50"],
    "degradation": lambda own: pn.degradation("mine", tables=own)["MDM2"],
    "caspase": lambda own: pn.caspase("mine", tables=own)["active"],
    "pk": lambda own: pn.pk("mine", DAILY, tables=own)["cmax"],
    "xenograft": lambda own: pn.xenograft(
        "mine", pn.regimen(50, "mg/kg", "daily", days=7), "ST-02-0075", days=7, tables=own
    )["tgi"],
    "patient": lambda own: pn.patient("mine", DAILY, days=7, population=10, tables=own)["rate"],
    "schedules": lambda own: pn.schedules("mine", [DAILY], population=10, days=7, tables=own)[
        "tgi"
    ],
    "escape": lambda own: pn.escape("mine", tables=own)["equal_dose"],
}


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.slow
def test_an_own_drug_in_every_study(study: str, folder: Path) -> None:
    found = STUDIES[study](folder)
    assert np.isfinite(found.values).any()
    mapping = {kind: folder / f"{kind}.tsv" for kind in ("drugs", "pharmacokinetics")}
    np.testing.assert_array_equal(found.values, STUDIES[study](mapping).values)
    with pytest.raises(pn.UnknownNameError, match=r"mine|my drug"):
        STUDIES[study](None)


COMMANDS = {
    "list": ["list"],
    "simulate": ["simulate", "mine", "--dose", "10", "--hours", "4"],
    "escape": ["escape", "mine", "--no-plot"],
    "export": ["export", "mine", "mine.xml"],
    "sweep": ["sweep", "mine", "--vary", "mine=1:10:2", "--measure", "peak:p21", "--out", "s"],
    "viability": ["assay", "viability", "mine", "--no-plot"],
    "degradation": ["assay", "degradation", "mine", "--no-plot"],
    "caspase": ["assay", "caspase", "mine", "--no-plot"],
    "pk": ["pk", "mine", "--dose", "100", "--schedule", "daily", "--no-plot"],
    "xenograft": ["xenograft", "mine", "--dose", "50", "--schedule", "daily", "--days", "7",
                  "--cell-line", "ST-02-0075", "--no-plot"],
    "patient": ["patient", "mine", "--dose", "100", "--schedule", "daily", "--days", "7",
                "--population", "10", "--no-plot"],
    "schedules": ["schedules", "mine", "--regimen", "100 mg daily", "--population", "10",
                  "--days", "7", "--no-plot"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.slow
def test_an_own_drug_in_every_command(name: str, command: Command, folder: Path) -> None:
    done = command(*COMMANDS[name], "--tables", str(folder))
    assert done.returncode == 0, done.stderr
    if name == "list":
        assert "mine" in done.stdout


def test_tables_as_options(command: Command, folder: Path) -> None:
    drugs = f"drugs={folder / 'drugs.tsv'}"
    assert command("simulate", "mine", "--hours", "2", "--tables", drugs).returncode == 0
    for options, said in (
        ((drugs, drugs), "gives drugs twice"),
        ((str(folder), drugs), "give one of both"),
        (("drug=x.tsv",), "unknown table 'drug'; did you mean 'drugs'?"),
        (("nowhere",), "cannot read the folder of tables nowhere"),
    ):
        given = [part for option in options for part in ("--tables", option)]
        done = command("simulate", "mine", "--hours", "2", *given)
        assert done.returncode == 1 and said in done.stderr


def test_a_folder_of_other_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pn.InputError, match=r"holds no table; name them drugs\.tsv"):
        pn.load("milademetan", tables=tmp_path)
    (tmp_path / "drug.tsv").write_text(DRUG)
    with pytest.raises(pn.UnknownNameError, match="unknown table 'drug'; did you mean 'drugs'"):
        pn.load("milademetan", tables=tmp_path)


# --- own studies

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_study.py"


@pytest.mark.slow
def test_a_study_of_ones_own_is_a_command(command: Command, tmp_path: Path) -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 40
    done = command("run", str(EXAMPLE), "ladder", "KT-253", "--hours", "6")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dose,highest\n")
    names = {path.name for path in (tmp_path / "ladder").iterdir()}
    assert names == {"ladder.csv", "ladder.json", "ladder.png", "ladder.svg"}
    record = json.loads((tmp_path / "ladder" / "ladder.json").read_text())
    assert record["call"] == "ladder"
    assert record["arguments"] == {"drug": "KT-253", "cell_line": "generic", "hours": 6.0}
    done = command("rerun", "ladder/ladder.json")
    assert done.returncode == 1 and "is a study of your own" in done.stderr
    done = command("run", str(EXAMPLE), "--help")
    assert done.returncode == 0 and "Highest active p53" in done.stdout
    done = command("run", str(EXAMPLE), "ladder", "--help")
    assert "--cell-line" in done.stdout and "--no-plot" in done.stdout


def test_a_study_of_ones_own_is_drawn_and_made_again() -> None:
    @pn.study(figure=lambda result: __import__("matplotlib.figure").figure.Figure())
    def twice(drug: str, dose: float = 1.0) -> xr.Dataset:
        """One run."""
        run = pn.load(drug).simulate([0.0, 1.0], {drug: dose}, observables=["p21"])
        return run.isel(time=-1)

    result = twice("KT-253", dose=3.0)
    assert result.attrs["study"] == "twice" and pn.plot(result) is not None
    again = pn.rerun(result, functions={"twice": twice})
    assert again["p21"].values.tobytes() == result["p21"].values.tobytes()

    @pn.study()
    def other(drug: str) -> xr.Dataset:
        return pn.load(drug).steady_state().expand_dims("cell")

    with pytest.raises(pn.InputError, match="is not the one"):
        pn.rerun(result, functions={"twice": other})
    with pytest.raises(pn.InputError, match="have a figure"):
        pn.plot(other("KT-253"))


def test_what_is_no_study_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    assert "has no study" in command("run", "empty.py").stderr
    assert "is no Python file" in command("run", "nowhere.py").stderr
    with pytest.raises(pn.InputError, match="viability is a study of p53net"):

        @pn.study()
        def viability() -> xr.Dataset:
            return xr.Dataset()

    @pn.study()
    def nothing() -> xr.Dataset:
        return 5  # type: ignore[return-value]

    with pytest.raises(pn.InputError, match="returned int, no Dataset"):
        nothing()

    @pn.study()
    def odd(given: dict[str, float]) -> xr.Dataset:
        return xr.Dataset()

    with pytest.raises(pn.InputError, match=r"argument given of type .*a command takes str"):
        own.command_of(odd)
