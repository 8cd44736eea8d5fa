"""One record for every result: it tells inputs apart, and makes it again to the last bit."""

import json
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import p53net as pn
from p53net.children import source_of
from p53net.engines.base import Tolerances
from tests.support.files import TRANSPORT, compiled

TIMES = np.linspace(0.0, 12.0, 13)
DRUG = "drug\tparameter\tvalue\tunit\tkind\tsource\tnote\n"


def own_drug(ki: float) -> str:
    """A table of one drug, `mine`."""
    return (
        DRUG
        + "mine\tmechanism\tinhibitor\t\t\t\t\n"
        + f"mine\tKi_inhibitor\t{ki}\tnM\tassumed\t\ta test\n"
        + "mine\tmolar_mass\t600\tg/mol\tassumed\t\ta test\n"
    )


def table(folder: Path, ki: float, name: str = "mine.tsv") -> dict[str, Path]:
    path = folder / name
    path.write_text(own_drug(ki), encoding="utf-8")
    return {"drugs": path}


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """To the last bit."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        a, b = np.asarray(one[name].values), np.asarray(other[name].values)
        if a.dtype.kind in "fiub":
            assert a.tobytes() == b.tobytes(), name
        else:
            assert a.astype(str).tolist() == b.astype(str).tolist(), name


def model() -> pn.Model:
    return pn.load("KT-253", cell_line="RS4;11")


def tight() -> pn.Model:
    return pn.Model(pn.load("milademetan").definition, Tolerances(1e-7, 1e-14))


def daily(days: float = 7.0) -> pn.Regimen:
    return pn.regimen(260, "mg", "daily", days=days)


def half(_times: np.ndarray, active: np.ndarray) -> float:
    return float(active.max()) / 2.0


HALF = pn.measures.own("half", half, ["p53_active"], "nM")
POINTS = pd.DataFrame({"KT-253": [1.0, 10.0], "k_deg_p53": [0.2, 0.4]})
RESULTS: dict[str, Callable[[], xr.Dataset]] = {
    "simulate": lambda: model().simulate(TIMES, {"KT-253": pn.pulse(5, 4)}, {"k_deg_p53": 0.3}),
    "batch": lambda: model().simulate(TIMES, {"KT-253": [(0, 1), (3, 0)]}, engine="batch"),
    "opened": lambda: model().simulate(TIMES, {"KT-253": pn.closed_dish(5.0, 20)}, feedback=False),
    "tolerances": lambda: tight().simulate(TIMES, {"milademetan": 100.0}),
    "body": lambda: pn.load("milademetan", system="plasma", host="mouse").simulate(
        TIMES, {"milademetan": pn.regimen(1, "mg", "once", allow_flat=True)}
    ),
    "steady_state": lambda: model().steady_state({"KT-253": 5.0}),
    "sweep": lambda: pn.sweep(
        model(),
        {"KT-253": np.geomspace(1, 100, 4), "k_deg_p53": pn.log_uniform(0.1, 1)},
        points=4,
        measures=["escape_index", pn.measures.at("p53_active", 24.0)],
        observables=["p21"],
    ),
    "table": lambda: pn.sweep(model(), POINTS, measures=["peak:p21"], engine="roadrunner"),
    "own measure": lambda: pn.sweep(model(), {"KT-253": [1.0, 10.0]}, measures=[HALF]),
    "tornado": lambda: pn.tornado(
        model(), "peak:p53_active", moved=["k_deg_p53"], doses={"KT-253": 10.0}
    ),
    "gradient": lambda: model().gradient(
        ["peak:p53_active", HALF],
        ["k_deg_p53", "KT-253"],
        times=TIMES,
        doses={"KT-253": pn.pulse(5, 4)},
        observables=["p21"],
    ),
    "slopes": lambda: pn.sweep(
        model(), {"KT-253": [1.0, 10.0]}, measures=["peak:p21"], gradient=["k_deg_p53"]
    ),
    "local": lambda: pn.tornado(
        model(), "peak:p53_active", moved=["k_deg_p53"], local=True, doses={"KT-253": 10.0}
    ),
    "sobol": lambda: pn.sobol_indices(
        model(),
        {"k_deg_p53": pn.log_uniform(0.1, 1), "Kd_p53": pn.uniform(50, 200)},
        "peak:p53_active",
        points=4,
        doses={"KT-253": 10.0},
    ),
    "escape": lambda: pn.escape("milademetan"),
    "viability": lambda: pn.viability(iter(["KT-253"]), ["RS4;11"], noise=0.1),
    "degradation": lambda: pn.degradation("KT-253"),
    "caspase": lambda: pn.caspase("milademetan"),
    "pk": lambda: pn.pk("milademetan", daily()),
    "xenograft": lambda: pn.xenograft(
        "milademetan", pn.regimen(50, "mg/kg", "daily", days=7), "ST-02-0075", days=7
    ),
    "patient": lambda: pn.patient("milademetan", daily(), days=7),
    "population": lambda: pn.patient("milademetan", daily(), days=7, population=10),
    "schedules": lambda: pn.schedules("milademetan", [daily()], population=10, days=7),
    "calibrate": lambda: pn.calibrate(["degradation"], starts=1, profiles=False),
}


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.slow
def test_every_result_is_made_again_to_the_last_bit(kind: str) -> None:
    result = RESULTS[kind]()
    record = pn.record(result)
    assert record["schema"] == 1 and record["engine"] and record["software"]["p53net"]
    again = pn.rerun(
        result, functions={"half": half} if kind in ("own measure", "gradient") else None
    )
    same(result, again)
    assert pn.record(again) == record
    assert json.loads(json.dumps(record)) == record


def test_a_file_of_a_stranger_is_in_the_record(tmp_path: Path) -> None:
    path = compiled(TRANSPORT, tmp_path)
    result = pn.read_sbml(path).simulate(TIMES, parameters={"k1": 0.5})
    path.unlink()
    same(result, pn.rerun(result))


@pytest.mark.slow
def test_the_evidence_is_made_again() -> None:
    result = pn.validate()
    same(result, pn.rerun(result))


def test_a_file_of_points_is_in_the_record(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    POINTS.to_csv(path, index=False)
    run = pn.sweep(model(), path, measures=["peak:p21"])
    path.unlink()
    same(run, pn.rerun(run))


@pytest.mark.slow
def test_two_tables_of_one_name_have_two_records(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    runs = [
        pn.viability("mine", "RS4;11", tables=table(tmp_path / folder, ki))
        for folder, ki in (("a", 1.0), ("b", 100.0))
    ]
    assert runs[0]["ic50"].item() < runs[1]["ic50"].item() / 10
    records = [pn.record(run) for run in runs]
    assert records[0] != records[1]
    assert "a test" in json.dumps(records[0])  # the rows themselves
    for folder in ("a", "b"):
        (tmp_path / folder / "mine.tsv").unlink()
    for run in runs:
        same(run, pn.rerun(run))


@pytest.mark.parametrize(
    "changed",
    [
        {"doses": {"KT-253": 5.0000001}},
        {"parameters": {"k_deg_p53": 0.3}},
        {"feedback": False},
        {"times": np.nextafter(TIMES, np.inf) * (TIMES > 0)},
        {"engine": "batch"},
        {"observables": ["p21"]},
    ],
    ids=str,
)
@pytest.mark.slow
def test_records_tell_inputs_apart(changed: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"times": TIMES, "doses": {"KT-253": 5.0}}
    one, other = (model().simulate(**given) for given in (usual, usual | changed))
    assert pn.record(one) != pn.record(other)
    assert pn.record(one) == pn.record(model().simulate(**usual))


TYPED = """
def typed(drug: str = "KT-253") -> "xr.Dataset":
    return model().simulate(TIMES, {drug: LEVEL})
"""


def test_an_argument_that_is_unknown_is_said_with_its_function() -> None:
    with pytest.raises(TypeError, match=r"^viability\(\) got an unexpected .* 'doses'$"):
        pn.viability("KT-253", doses=[1.0])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"^tornado\(\) missing a required argument: 'measure'$"):
        pn.tornado(model())  # type: ignore[call-arg]


def test_a_study_typed_at_a_prompt_is_run_again() -> None:
    studies = []
    for level in (5.0, 5.0, 6.0):
        around = {"model": model, "TIMES": TIMES}
        exec(TYPED.replace("LEVEL", str(level)), around)
        studies.append(pn.study()(around["typed"]))
    one, again, other = studies
    result = one()
    same(result, pn.rerun(result, functions={"typed": again}))
    with pytest.raises(pn.InputError, match="is not the one that the record was made with"):
        pn.rerun(result, functions={"typed": other})


def test_functions_without_source_are_told_apart_by_all_they_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where something else that was typed is known by the same name, as in Python 3.13."""
    other = "import sys\n"
    monkeypatch.setitem(linecache.cache, "<string>", (len(other), None, [other], "<string>"))
    texts = ["a.peak(1)", "a.auc(1)", "a.auc(2)", "a in {'b', 'c'}", "[a(b) for b in (1,)]"]
    twice = [[source_of(eval(f"lambda a: {text}")) for text in texts] for _ in range(2)]
    assert twice[0] == twice[1] and len(set(twice[0])) == len(texts)
    assert " at 0x" not in "".join(twice[0])


@pytest.mark.slow
def test_what_cannot_be_made_again_is_refused(tmp_path: Path) -> None:
    own = RESULTS["own measure"]()
    with pytest.raises(pn.InputError, match=r"half is a measure of your own.*functions="):
        pn.rerun(own)
    with pytest.raises(pn.InputError, match="is not the one that the record was made with"):
        pn.rerun(own, functions={"half": lambda _times, active: float(active.max())})
    record = pn.record(RESULTS["steady_state"]())
    record["software"]["numpy"] = "0.1"
    with pytest.raises(pn.InputError, match=r"made with numpy 0\.1, and here is .*anyway=True"):
        pn.rerun(record)
    same(pn.rerun(record, anyway=True), RESULTS["steady_state"]())
    for text in ("", "{", "[]", '{"schema": 99}', "\x00"):
        path = tmp_path / "record.json"
        path.write_text(text)
        with pytest.raises(pn.InputError, match="record"):
            pn.rerun(path)
    with pytest.raises(pn.InputError):
        pn.record(xr.Dataset())


@pytest.mark.parametrize(
    "harm",
    [
        lambda r: r.update(call="os:system"),
        lambda r: r["arguments"].update(doses={"unknown": "x"}),
        lambda r: r["arguments"].update(times={"array": {"dtype": "O", "shape": [1]}}),
        lambda r: r["arguments"].update(times={"array": {"shape": [10**12], "dtype": "<f8"}}),
        lambda r: r["arguments"]["self"]["model"].update(sha256="0"),
        lambda r: r["arguments"]["self"]["model"].update(loaded={"mapping": []}),
        lambda r: r["arguments"].update(self={"model": {}}),
        lambda r: r["arguments"].update(doses={"dose": [[["a", "b"]], None]}),
        lambda r: r.update(arguments=[]),
        lambda r: r.pop("arguments"),
        lambda r: r["arguments"].update(nonsense=1),
    ],
)
@pytest.mark.slow
def test_a_record_of_a_stranger_ends_in_our_errors(harm: Callable[[Any], object]) -> None:
    record = pn.record(RESULTS["simulate"]())
    harm(record)
    with pytest.raises(pn.P53NetError):
        pn.rerun(record)


def test_a_large_table_is_in_the_record_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from p53net.simulation import provenance

    monkeypatch.setattr(provenance, "LARGEST", 100)
    own = table(tmp_path, 5.0)
    run = pn.degradation("mine", hours=2.0, tables=own)
    assert "a test" not in run.attrs["record"]
    with pytest.raises(pn.InputError, match="files=True"):
        pn.rerun(run)
    same(run, pn.rerun(run, files=True))
    table(tmp_path, 6.0)
    with pytest.raises(pn.InputError, match="is not what the record was made with"):
        pn.rerun(run, files=True)


def test_a_stored_sweep_keeps_its_record(tmp_path: Path) -> None:
    result = pn.sweep(model(), {"KT-253": [1.0, 10.0]}, measures=["peak:p21"], store=tmp_path / "s")
    read = pn.read_sweep(tmp_path / "s")
    assert pn.record(read) == pn.record(result)
    same(read, pn.rerun(read))
