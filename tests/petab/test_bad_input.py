"""What is no sound PEtab problem: one clear error each, which says where, and nothing else."""

import os
import re
from pathlib import Path

import pytest

import p53net as pn
from p53net.petab import folder
from tests.support.petab import FIRST, SECOND, write

# File, what is replaced in it, by what, and what the error says. In format 1.
REPLACED = [
    ("problem.yaml", "format_version: 1", "format_version: 3", "1 and 2 can be read"),
    ("problem.yaml", "format_version: 1", "", "no format_version"),
    ("problem.yaml", "problems:", "problem:", "no list of problems"),
    ("problem.yaml", "[m.xml]", "[m.xml, m.xml]", "names 2 models"),
    ("problem.yaml", "[m.xml]", "[other.xml]", "other.xml"),
    ("problem.yaml", "[m.xml]", "[../m.xml]", "outside the folder"),
    ("problem.yaml", "[conditions.tsv]", "[/etc/passwd]", "outside the folder"),
    ("problem.yaml", "[conditions.tsv]", "['http://host/conditions.tsv']", "conditions.tsv"),
    ("problem.yaml", "[conditions.tsv]", "[[conditions.tsv]]", "outside the folder"),
    ("problem.yaml", "[conditions.tsv]", "['a\\0b']", "cannot read"),
    ("problem.yaml", "parameters.tsv", "missing.tsv", "cannot read the parameter table .*missing"),
    ("problem.yaml", "  observable_files: [observables.tsv]\n", "", "no observable_files"),
    ("problem.yaml", "problems:", "a: !!python/object/apply:os.getcwd []\nproblems:", "no YAML"),
    ("problem.yaml", "problems:", "a: [", "no YAML"),
    ("problem.yaml", "problems:", "a: &a {b: 1}\nc: {<<: *a}\nproblems:", "it merges mappings"),
    ("problem.yaml", "problems:", "a: !!int ''\nproblems:", "no YAML"),
    ("problem.yaml", "[m.xml]", "[&a [&b [x], *b, *b], *a]", "names 2 models"),
    ("parameters.tsv", "nominalValue", "value", "parameters.tsv has no column nominalValue"),
    ("parameters.tsv", "offset|log", "scale|log", "row 3: parameterId 'scale' is in .*row 2 too"),
    ("parameters.tsv", "offset|log", "off set|log", "row 3: parameterId is 'off set'"),
    ("parameters.tsv", "offset|log", "offset|ln", "row 3: parameterScale is 'ln'"),
    ("parameters.tsv", "0.001|10|0.2|1", "-1|10|0.2|1", "row 3: offset is on the scale log"),
    ("parameters.tsv", "0.001|10|0.2|1", "10|0.001|0.2|1", "row 3: lowerBound 10 is above"),
    ("parameters.tsv", "0.001|10|0.2|1", "0.001|10|0,2|1", "row 3: nominalValue is '0,2'"),
    ("parameters.tsv", "0.001|10|0.2|1", "0.001|10|inf|1", "row 3: nominalValue is inf"),
    ("parameters.tsv", "0.001|10|0.2|1", "|10|0.2|1", "row 3: lowerBound is empty"),
    ("parameters.tsv", "0.001|10|0.2|1", "0.001|10|0.2|yes", "row 3: estimate is 'yes'"),
    ("parameters.tsv", "0.25|0", "|0", "row 6: nominalValue is empty"),
    ("parameters.tsv", "-0.5;0.2", "-0.5", "row 1: objectivePriorParameters is '-0.5'"),
    ("parameters.tsv", "-0.5;0.2", "-0.5;-1", "row 1: .*widths are above 0"),
    ("parameters.tsv", "logNormal", "lognormal", "row 2: objectivePriorType is 'lognormal'"),
    ("parameters.tsv", "fixed|lin", "fixd|lin", "'fixed'"),
    (
        "parameters.tsv",
        "fixed|lin",
        "spare|lin|||1|0||\nfixed|lin",
        "spare is neither in the model",
    ),
    ("parameters.tsv", "fixed|lin", "B|lin|||1|0||\nfixed|lin", "row 6: B changes in time"),
    ("conditions.tsv", "conditionId|A|s", "conditionId|AA|s", "quantity of the model 'AA'"),
    ("conditions.tsv", "conditionId|A|s", "conditionId|A|A", "two columns A"),
    ("conditions.tsv", "conditionId|A|s", "conditionId|A|A_twice", "quantity of the model"),
    ("conditions.tsv", "low|start", "low|strat", "row 1: A: unknown parameter 'strat'"),
    ("conditions.tsv", "low|start", "low|B", "row 1: A is set to 'B', but only numbers"),
    ("conditions.tsv", "low|start", "low|inf", "row 1: A is set to inf"),
    ("conditions.tsv", "off||0", "high||0", "row 3: conditionId 'high'"),
    ("observables.tsv", "* A + offset", "* AA + offset", "row 1: unknown name 'AA'"),
    ("observables.tsv", "* A + offset", "* A + (offset", "row 1: observableFormula: .*too early"),
    ("observables.tsv", "* A + offset", "* A ** 2", "row 1: observableFormula: .*character"),
    ("observables.tsv", "* A + offset", "* __import__('os')", "row 1: observableFormula: "),
    ("observables.tsv", "* A + offset", "* open(A)", "'open', which is no function"),
    ("observables.tsv", "* A + offset", f"* {'(' * 200}A{')' * 200}", "more than 50 brackets"),
    ("observables.tsv", "log10|noise", "log2|noise", "row 2: observableTransformation is 'log2'"),
    ("observables.tsv", "|laplace", "|cauchy", "row 2: noiseDistribution is 'cauchy'"),
    ("observables.tsv", "|sd|normal", "||normal", "row 3: noiseFormula is empty"),
    ("observables.tsv", "observableParameter1_a", "observableParameter2_a", "number from 1"),
    ("measurements.tsv", "a||low|2.9", "aa||low|2.9", "row 1: unknown observable 'aa'"),
    ("measurements.tsv", "a||low|2.9", "a||lo|2.9", "row 1: unknown condition 'lo'"),
    ("measurements.tsv", "b|off|high", "b|of|high", "row 5: unknown condition 'of'"),
    ("measurements.tsv", "a||low|2.9", "a|||2.9", "row 1: simulationConditionId is empty"),
    ("measurements.tsv", "a||low|2.9", "a||low|", "row 1: measurement is empty"),
    ("measurements.tsv", "a||low|2.9", "a||low|2.9 nM", "row 1: measurement is '2.9 nM'"),
    ("measurements.tsv", "a||low|2.9", "a||low|inf", "row 1: measurement is inf"),
    ("measurements.tsv", "0.51|1|", "-0.51|1|", "row 4: measurement is -0.51, but b is compared"),
    ("measurements.tsv", "0.51|1|", "0.51|-1|", "row 4: time is -1"),
    ("measurements.tsv", "0.51|1|", "0.51|1e13|", "row 4: time is 1e.13; give at most"),
    ("measurements.tsv", "|1.25|sd", "||sd", "row 3: observableParameters has 0 of the 1"),
    ("measurements.tsv", "|1.25|sd", "|1.25;2|sd", "row 3: observableParameters has 2 of the 1"),
    ("measurements.tsv", "|1.25|sd", "|1.25|sdd", "row 3: noiseParameters: unknown parameter"),
    ("measurements.tsv", "|1.25|sd", "|1.25|-0.1", "row 3: noiseParameters has -0.1"),
    ("measurements.tsv", "|measurement|", "|value|", "no column measurement"),
]

OF_SECOND = [
    (
        "problem.yaml",
        "format_version",
        "extensions: {x: {required: true}}\nformat_version",
        "x, and",
    ),
    ("problem.yaml", "language: sbml", "language: bngl", "not SBML"),
    ("conditions.tsv", "stopped|k", "stopped|s", "row 5: s is set twice"),
    ("conditions.tsv", "2 * dose", "2 * A", "row 2: A is set to '2 . A', but only numbers"),
    ("conditions.tsv", "2 * dose", "A + B", "row 2: A is set to 'A . B', but only numbers"),
    ("experiments.tsv", "twice|2|given", "twice|2|given\ntwice|3|begin", "both set and added to"),
    ("experiments.tsv", "twice|0|begin", "twice|1|begin", "begins at time 1"),
    ("experiments.tsv", "twice|0|begin", "twice|0|began", "row 2: unknown condition 'began'"),
    ("experiments.tsv", "twice|2|given", "twice|inf|given", "row 3: time is inf"),
    ("measurements.tsv", "a|twice|1", "a|thrice|1", "row 1: unknown experiment 'thrice'"),
    ("parameters.tsv", "normal|0.4", "weibull|0.4", "row 1: priorDistribution is 'weibull'"),
    ("parameters.tsv", "normal|0.4;0.2", "uniform|200;300", "nothing between the bounds"),
]


def _refused(path: Path, message: str) -> None:
    before = sorted(os.listdir(path.parent))
    with pytest.raises((pn.InputError, pn.UnsupportedError)) as error:
        pn.read_petab(path)
    assert re.search(message, str(error.value)), str(error.value)
    assert sorted(os.listdir(path.parent)) == before


@pytest.mark.parametrize(
    ("whole", "file", "old", "new", "message"),
    [*((FIRST, *case) for case in REPLACED), *((SECOND, *case) for case in OF_SECOND)],
    ids=[f"{i}-{case[0]}" for i, case in enumerate([*REPLACED, *OF_SECOND])],
)
def test_unsound_problems_are_refused(
    whole: dict[str, str],
    file: str,
    old: str,
    new: str,
    message: str,
    tmp_path: Path,
    read_once: None,
) -> None:
    assert old in whole[file]
    text = whole[file].replace(old, new, 1)
    _refused(write(tmp_path, {**whole, file: text}), message)


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The model of these cases, which is the same in each, is read in the first."""
    from p53net.petab import reading

    if not _MODEL:
        _MODEL.append(pn.read_sbml(write(tmp_path_factory.mktemp("m"), {}).parent / "m.xml"))
    real = reading.read_sbml

    def read(path: Path, **options: float) -> pn.Model:
        return _MODEL[0] if path.name == "m.xml" else real(path, **options)

    monkeypatch.setattr(reading, "read_sbml", read)


_MODEL = list[pn.Model]()


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, FIRST)
    _refused(tmp_path / "nothing.yaml", "cannot read the PEtab problem")
    for content, message in (
        (b"", "parameters.tsv has no column parameterId; it has none"),
        (b"parameterId\testimate\tnominalValue\nk\t1\t2\t3\n", "row 1 has 4 cells for 3"),
        (b"parameterId\testimate\tnominalValue\n", "has no rows"),
        (b"\xff\xfe\x00", "parameters.tsv is no table"),
        (b"a\tb\0\n", "NUL"),
    ):
        (tmp_path / "parameters.tsv").write_bytes(content)
        _refused(path, message)
    (tmp_path / "parameters.tsv").unlink()
    (tmp_path / "parameters.tsv").symlink_to("/etc/hostname")
    _refused(path, "outside the folder")
    (tmp_path / "problem.yaml").write_bytes(b"- a list\n")
    _refused(path, "names no files")


def test_too_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, FIRST)
    monkeypatch.setattr(folder, "LARGEST_TABLE", 100)
    _refused(path, "too large")
    path.write_bytes(b"#" * (folder.LARGEST_YAML + 1))
    _refused(path, "too large")


def test_folders_above_may_be_named(tmp_path: Path, read_once: None) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path, FIRST)
    text = re.sub(r"(\w+\.(tsv|xml))", r"../\1", FIRST["problem.yaml"])
    (inner / "problem.yaml").write_text(text)
    _refused(inner / "problem.yaml", "folder=")
    assert pn.read_petab(inner / "problem.yaml", folder=tmp_path).names[0] == "k"


def test_formulas_are_never_run(tmp_path: Path, read_once: None) -> None:
    """Names that Python knows are names, and unknown ones."""
    for formula in ("A.__class__", "os.system", "exec(A)", "A; A", "A if A else A", "lambda: A"):
        text = FIRST["observables.tsv"].replace("observableParameter1_a * A + offset", formula)
        _refused(write(tmp_path, {**FIRST, "observables.tsv": text}), "row 1: ")
