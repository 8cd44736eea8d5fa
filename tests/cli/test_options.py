"""Every option of every study command changes the argument that it names, and no other."""

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import numpy as np
import pytest
from click import Command
from click.testing import CliRunner, Result
from typer.main import get_command

import p53net as pn
from p53net.cli import app, assays, bodies, checkerboards, matching
from p53net.dosing.regimens import Regimen
from p53net.studies.body.rules import hold_rule
from tests.support.draws import drawn


class Study(NamedTuple):
    """A command, and the function that it calls."""

    words: tuple[str, ...]
    module: str
    function: str
    base: tuple[str, ...]
    """What it needs at least."""
    options: Mapping[str, tuple[str, dict[str, Any]]]
    """Of each option a value, and the arguments that it changes."""


def mg(amount: float, schedule: Any = "3/14", unit: str = "mg", **more: Any) -> Regimen:
    return pn.regimen(amount, unit, schedule, **more)


COMMON: dict[str, tuple[str, dict[str, Any]]] = {
    "--engine": ("roadrunner", {"engine": "roadrunner"}),
    "--accuracy": ("1e-5", {"accuracy": 1e-5}),
    "--set": ("k_deg_p53=0.5", {"parameters": {"k_deg_p53": 0.5}}),
    "--structure": ("partner=capacity", {"structure": {"partner": "capacity"}}),
    "--tables": ("mine", {"tables": ["drugs"]}),
    "--ensemble": ("drawn.parquet", {"ensemble": ["default", "MDMX"]}),
}
PLATE = {
    **COMMON,
    "--cell-line": ("RS4;11", {"cell_line": "RS4;11"}),
    "--hours": ("3,5", {"hours": [3.0, 5.0]}),
    "--concentrations": ("1:100:3", {"concentrations": [1.0, 10.0, 100.0]}),
    "--beside": ("nutlin-3a=1,3", {"beside": {"nutlin-3a": [1.0, 3.0]}}),
    "--start": ("2", {"start": 2.0}),
}
ASSAYS, BODIES = "p53net.studies.dish.", "p53net.studies.body."
DOSE = mg(50.0, "daily", "mg/kg", days=28.0)
STUDIES = (
    Study(
        ("assay", "viability"), ASSAYS + "viability_assay", "viability", ("KT-253",),
        {
            **PLATE,
            "--cell-line": ("SJSA-1", {"cell_lines": ["SJSA-1"]}),
            "--hours": ("36", {"hours": 36.0}),
            "--replicates": ("5", {"replicates": 5}),
            "--noise": ("0.2", {"noise": 0.2}),
            "--seed": ("7", {"seed": 7}),
        },
    ),
    Study(
        ("assay", "degradation"), ASSAYS + "degradation_assay", "degradation", ("KT-253",), PLATE
    ),
    Study(("assay", "caspase"), ASSAYS + "caspase_assay", "caspase", ("KT-253",), PLATE),
    Study(
        ("pk",), BODIES + "pharmacokinetics", "pk", ("milademetan", "--dose", "60"),
        {
            **COMMON,
            "--dose": ("90", {"regimens": [mg(60.0, days=14.0), mg(90.0, days=14.0)]}),
            "--schedule": ("daily", {"regimens": [mg(60.0, "daily", days=14.0)]}),
            "--days": ("21", {"regimens": [mg(60.0, days=21.0)]}),
            "--form": (
                "tosylate hydrate",
                {"regimens": [mg(60.0, days=14.0, form="tosylate hydrate")]},
            ),
            "--flat": ("", {"regimens": [mg(60.0, days=14.0, allow_flat=True)]}),
            "--host": ("mouse", {"host": "mouse",
                                 "regimens": [mg(60.0, unit="mg/kg", days=14.0)]}),
            "--hours": ("36", {"hours": 36.0}),
            "--beside": ("KT-253=2 mg once", {"beside": {"KT-253": mg(2.0, "once")}}),
        },
    ),
    Study(
        ("xenograft",), BODIES + "xenografts", "xenograft", ("milademetan", "--dose", "50"),
        {
            **COMMON,
            "--dose": ("75", {"regimens": [DOSE, mg(75.0, "daily", "mg/kg", days=28.0)]}),
            "--schedule": ("q2d", {"regimens": [mg(50.0, "q2d", "mg/kg", days=28.0)]}),
            "--cell-line": ("SJSA-1", {"cell_line": "SJSA-1"}),
            "--days": ("14", {"days": 14.0,
                              "regimens": [mg(50.0, "daily", "mg/kg", days=14.0)]}),
            "--form": ("tosylate hydrate", {"regimens": [
                mg(50.0, "daily", "mg/kg", days=28.0, form="tosylate hydrate")]}),
            "--flat": ("", {"regimens": [
                mg(50.0, "daily", "mg/kg", days=28.0, allow_flat=True)]}),
            "--beside": ("KT-253=2 mg/kg once", {"beside": {"KT-253": mg(2.0, "once", "mg/kg")}}),
        },
    ),
    Study(
        ("patient",), BODIES + "patients", "patient", ("milademetan",),
        {
            **COMMON,
            "--dose": ("90", {"regimen": mg(90.0, days=56.0)}),
            "--beside": ("KT-253=2 mg once", {"beside": {"KT-253": mg(2.0, "once")}}),
            "--schedule": ("daily", {"regimen": mg(260.0, "daily", days=56.0)}),
            "--days": ("14", {"days": 14.0, "regimen": mg(260.0, days=14.0)}),
            "--cell-line": ("SJSA-1", {"cell_line": "SJSA-1"}),
            "--population": ("5", {"population": 5}),
            "--seed": ("7", {"seed": 7}),
            "--hold": ("", {"hold": True}),
            "--hold-rule": ("anaemia grade 3", {"hold": [hold_rule("anaemia", grade=3)]}),
            "--workers": ("0", {"workers": 0}),
            "--form": (
                "tosylate hydrate", {"regimen": mg(260.0, days=56.0, form="tosylate hydrate")}
            ),
        },
    ),
    Study(
        ("schedules",), BODIES + "comparison", "schedules", ("milademetan",),
        {
            **COMMON,
            "--regimen": ("90 mg daily", {"regimens": [mg(90.0, "daily", days=56.0)]}),
            "--days": ("14", {"days": 14.0}),
            "--cell-line": ("SJSA-1", {"cell_line": "SJSA-1"}),
            "--population": ("5", {"population": 5}),
            "--seed": ("7", {"seed": 7}),
            "--grade": ("4", {"grade": 4}),
            "--beside": ("KT-253=none", {"beside": {"KT-253": [None]}}),
            "--hold": ("", {"hold": True}),
            "--hold-rule": ("anaemia grade 3", {"hold": [hold_rule("anaemia", grade=3)]}),
            "--workers": ("0", {"workers": 0}),
        },
    ),
    Study(
        ("match",), BODIES + "matching", "match",
        ("KT-253", "milademetan", "--regimen", "1 mg once", "--target", "2 mg once", "--by", "tgi"),
        {
            **COMMON,
            "--regimen": ("9 mg q3w", {"regimen": mg(9.0, "q3w", days=56.0)}),
            "--target": ("90 mg daily", {"target": mg(90.0, "daily", days=56.0)}),
            "--by": ("lowest:platelets", {"measures": ["tgi", "lowest:platelets"]}),
            "--between": ("1:100", {"between": (1.0, 100.0)}),
            "--every": ("7:21", {"every": range(7, 22)}),
            "--days": ("14", {"days": 14.0}),
            "--cell-line": ("SJSA-1", {"cell_line": "SJSA-1"}),
            "--population": ("5", {"population": 5}),
            "--seed": ("7", {"seed": 7}),
        },
    ),
    Study(
        ("synergy",), ASSAYS + "synergy_assay", "synergy", ("milademetan", "KT-253"),
        {
            **COMMON,
            "--cell-line": ("SJSA-1", {"cell_line": "SJSA-1"}),
            "--hours": ("36", {"hours": 36.0}),
            "--concentrations": ("1:100:3", {"concentrations": [1.0, 10.0, 100.0]}),
            "--other-concentrations": ("1,3", {"other_concentrations": [1.0, 3.0]}),
            "--switch": ("12", {"switch": 12.0}),
            "--levels": ("20,80", {"levels": [20.0, 80.0]}),
        },
    ),
    Study(
        ("escape",), "p53net.studies.escape.study", "escape", ("KT-253",),
        {
            **{name: COMMON[name] for name in COMMON if name != "--set"},
            "--cell-line": ("SJSA-1", {"cell_line": "SJSA-1"}),
            "--hours": ("36", {"hours": 36.0}),
            "--pulse": ("5", {"pulse_hours": 5.0}),
            "--fold": ("2", {"fold": 2.0}),
            "--beside": ("nutlin-3a=1", {"beside": {"nutlin-3a": [1.0]}}),
            "--structures": ("v0.1,capacity", {"structures": ["v0.1", "capacity"]}),
        },
    ),
)  # fmt: skip
OF_RESULTS = {"--out", "--no-plot", "--help"}
"""Of what is made of a result: looked at below, and of `escape` in test_cli."""
OF_OTHERS = {"--draws", "--beside-hours", "--fit", "--data", "--published", "--size"}
"""Of what is about another option: looked at below."""


class Stop(Exception):
    """Raised in the place of a study, with its arguments."""


def plain(value: Any) -> Any:
    """An argument as something that compares by all of its content."""
    if isinstance(value, Regimen):
        return value.amount, value.unit, value.times, value.form, value.allow_flat
    if isinstance(value, pn.Ensemble):
        return list(value.structures)
    if isinstance(value, np.ndarray):
        return [round(float(one), 9) for one in value]
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


@cache
def tree() -> Command:
    """All commands, which are made anew whenever Typer is asked."""
    return get_command(app)


def invoked(words: list[str]) -> Result:
    return CliRunner().invoke(tree(), words)


def arguments(study: Study, words: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the study is called with."""
    module = import_module(study.module)
    signature = inspect.signature(getattr(module, study.function))

    def stopped(*given: Any, **named: Any) -> None:
        raise Stop(signature.bind(*given, **named).arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, study.function, stopped)
        done = invoked([*study.words, *study.base, *words])
    assert isinstance(done.exception, Stop), (done.output, done.exception)
    (found,) = done.exception.args
    found.pop("progress", None)
    found["tables"] = [kind for kind, _ in found["tables"]]
    return {name: plain(value) for name, value in found.items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a folder of tables of a user's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    header = "drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n"
    (tmp_path / "mine" / "drugs.tsv").write_text(header, encoding="utf-8")
    drawn(2).save(tmp_path / "drawn.parquet")
    monkeypatch.setattr("p53net.ensembles.draws.SHIPPED", "none.parquet")  # nor is one shipped
    return tmp_path


@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.function)
@pytest.mark.usefixtures("folder")
def test_an_option_is_the_argument_that_it_says(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = arguments(study, [], monkeypatch)
    for option, (value, expected) in study.options.items():
        changed = arguments(study, [option, value] if value else [option], monkeypatch)
        differ = {name: value for name, value in changed.items() if value != usual.get(name)}
        assert differ == {name: plain(value) for name, value in expected.items()}, option
        assert usual.keys() <= changed.keys()


@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.function)
@pytest.mark.usefixtures("folder")
def test_so_many_draws_are_taken(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--ensemble", "drawn.parquet", "--draws"]
    assert arguments(study, [*words, "2"], monkeypatch)["ensemble"] == ["default", "MDMX"]
    assert arguments(study, [*words, "1"], monkeypatch)["ensemble"] == ["default"]
    done = invoked([*study.words, *study.base, "--draws", "1"])
    assert "give --ensemble" in str(done.exception)


@pytest.mark.parametrize("study", STUDIES[:3], ids=lambda one: one.function)
@pytest.mark.usefixtures("folder")
def test_another_drug_is_washed_out(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--beside", "nutlin-3a=3", "--beside-hours", "2"]
    found = arguments(study, words, monkeypatch)["beside"]
    assert found == {"nutlin-3a": [pn.pulse(3.0, hours=2.0)]}


def options_of(words: tuple[str, ...]) -> set[str]:
    node: Any = tree()
    for word in words:
        node = node.commands[word]
    return {max(one.opts, key=len) for one in node.params if one.param_type_name == "option"}


def test_no_option_is_left_out() -> None:
    for study in STUDIES:
        assert options_of(study.words) - OF_RESULTS - OF_OTHERS == set(study.options), study.words


@pytest.mark.parametrize("study", STUDIES[:-1], ids=lambda one: one.function)
@pytest.mark.usefixtures("folder")
def test_results_go_where_they_are_told(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a figure is drawn unless it is not wanted."""
    told: list[tuple[Path, bool]] = []
    monkeypatch.setattr(import_module(study.module), study.function, lambda *_, **__: MagicMock())
    for module in (assays, bodies, checkerboards, matching):
        monkeypatch.setattr(
            module, "finish", lambda _result, _tables, *rest, **_: told.append(rest[:2])
        )
    for words in ([], ["--out", "there"], ["--no-plot"]):
        done = invoked([*study.words, *study.base, *words])
        assert done.exception is None, done.exception
    usual = Path(study.function)
    assert told == [(usual, False), (Path("there"), False), (usual, True)]
