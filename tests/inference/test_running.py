"""Units are stored as they end, taken up again, and never mixed with those of another posterior."""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from p53net.errors import InputError, StoreError
from p53net.inference import running
from p53net.inference.running import run_units
from p53net.inference.tempering import Sampled, Settings
from p53net.inference.units import Begun, Drawn, Unit, begun_of, unpacked
from p53net.model.own import Tables, Text
from p53net.model.tables import NONE

SETTINGS = Settings(particles=6, moves=1, draws=2, between=1)
UNITS = [Unit("default", run) for run in range(3)]
NAMES = ["model: a", "model: b"]


def made(unit: Unit, seed: int = 1) -> Drawn:
    random = np.random.default_rng(unit.seed(seed))
    z = random.standard_normal((2, 6, 2))
    predicted = {"row": np.exp(z[..., 0])}
    return Drawn(NAMES, z, -(z**2).sum(axis=2), predicted, -3.25, ["row"], {"failures": {}})


def begun(unit: Unit, seed: int = 1) -> Begun:
    random = np.random.default_rng(unit.seed(seed))
    z = random.standard_normal((6, 2))
    found = Sampled(-3.5, degrees=[0.5, 1.0])
    return Begun(z, z, z[:, :1], 12, found, dict(random.bit_generator.state), {"late": 1})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Unit]:
    """A quick sampler, and which units it was asked to begin."""
    found: list[Unit] = []

    def quick(
        unit: Unit, settings: Settings, seed: int, own: Tables, told: Callable[[float], None]
    ) -> Begun:
        found.append(unit)
        told(0.5)
        if unit.run == 99:
            raise KeyboardInterrupt
        told(1.0)
        return begun(unit, seed)

    def quickly(
        units: list[Unit], several: list[Begun], settings: Settings, own: Tables,
        told: Callable[[float], None],
    ) -> list[Drawn]:  # fmt: skip
        told(1.0)
        assert [one.packed() for one in several] == [begun(unit).packed() for unit in units]
        return [made(unit) for unit in units]

    monkeypatch.setattr(running, "begin", quick)
    monkeypatch.setattr(running, "follow_on", quickly)
    return found


def run(
    folder: Path, units: list[Unit] = UNITS, *, settings: Settings = SETTINGS, seed: int = 1,
    own: Tables = NONE, told: Callable[[str, float], None] = lambda _n, _s: None,
) -> dict[Unit, Drawn]:  # fmt: skip
    return run_units(units, settings, seed, folder, own, 1, told)


def same(one: Drawn, other: Drawn) -> bool:
    return one.packed() == other.packed()


def test_a_unit_comes_back_as_it_was_stored() -> None:
    one = made(UNITS[0])
    back = unpacked(one.packed(), "a unit")
    assert back.names == NAMES and back.log_evidence == -3.25 and back.about == one.about
    assert back.z.tobytes() == one.z.tobytes()
    assert back.log_likelihood.tobytes() == one.log_likelihood.tobytes()
    assert {name: v.tobytes() for name, v in back.predicted.items()} == {
        name: v.tobytes() for name, v in one.predicted.items()
    }


def test_what_was_begun_goes_on_with_the_random_numbers_that_come_next() -> None:
    random = np.random.default_rng(UNITS[0].seed(1))
    random.standard_normal((6, 2))
    back = begun_of(begun(UNITS[0]).packed(), "a unit")
    at = back.particles(lambda z, _labels: z[:, :1])
    assert at.random.random() == random.random() and at.evaluations == 12
    assert back.found.degrees == [0.5, 1.0] and back.found.log_evidence == -3.5
    assert back.failures == {"late": 1}
    np.testing.assert_array_equal(at.z, begun(UNITS[0]).z)


def test_a_damaged_beginning_is_refused_by_name(tmp_path: Path, asked: list[Unit]) -> None:
    run(tmp_path)
    (tmp_path / f"{UNITS[0].name}.npz").unlink()
    (tmp_path / f"{UNITS[1].name}.begun.npz").write_bytes(b"PK")
    with pytest.raises(StoreError, match=f"{UNITS[1].name}.begun.npz is damaged"):
        run(tmp_path)


def test_names_and_seeds_are_those_of_no_other_unit() -> None:
    units = [Unit(s, r, w) for s in ("default", "no partner") for r in (0, 1) for w in (0.5, 1, 2)]
    assert len({one.name for one in units}) == len(units)
    assert len({tuple(one.seed(7)) for one in units}) == len(units)
    assert Unit("no partner", 2, 0.5).name == "no-partner-width-0.5-run-2"


def test_an_interrupted_run_goes_on_where_it_ended(tmp_path: Path, asked: list[Unit]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, [UNITS[0], UNITS[1], Unit("default", 99), UNITS[2]])
    asked.clear()
    found = run(tmp_path)
    assert asked == [UNITS[2]] and list(found) == UNITS
    assert all(same(one, made(unit)) for unit, one in found.items())
    asked.clear()
    again = run(tmp_path)
    assert asked == [] and all(same(again[unit], found[unit]) for unit in UNITS)


def test_progress_is_of_what_is_left(tmp_path: Path, asked: list[Unit]) -> None:
    run(tmp_path, UNITS[:2])
    told: list[tuple[str, float]] = []
    run(tmp_path, told=lambda name, share: told.append((name, share)))
    assert [name for name, _ in told] == [UNITS[2].name, UNITS[2].name, "default, width 1"]
    assert [share for _, share in told] == [pytest.approx(one) for one in (0.2, 0.4, 1.0)]


def test_a_folder_of_another_posterior_is_refused(
    tmp_path: Path, asked: list[Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    own = Tables({"priors": Text("priors.tsv", "entry\n")})
    with pytest.raises(StoreError, match="other settings"):
        run(tmp_path, settings=Settings(particles=7, moves=1, draws=2, between=1))
    with pytest.raises(StoreError, match="other seed"):
        run(tmp_path, seed=2)
    with pytest.raises(StoreError, match="other own"):
        run(tmp_path, own=own)
    monkeypatch.setattr(running, "digest", lambda: "0" * 16)
    with pytest.raises(StoreError, match="other models"):
        run(tmp_path)


@pytest.mark.parametrize("notes", ["", "[]", "{}", "{", '"x"', "\x00", "{}" * 2**20])
def test_notes_that_are_damaged_are_refused(tmp_path: Path, asked: list[Unit], notes: str) -> None:
    run(tmp_path)
    (tmp_path / "infer.json").write_text(notes)
    with pytest.raises((StoreError, InputError), match=r"infer\.json"):
        run(tmp_path)
    assert len(asked) == 3


def test_a_damaged_unit_is_refused_by_name_and_made_again_without_it(
    tmp_path: Path, asked: list[Unit]
) -> None:
    found = run(tmp_path)
    file = tmp_path / f"{UNITS[1].name}.npz"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(StoreError, match=f"{UNITS[1].name} is damaged"):
        run(tmp_path)
    file.unlink()
    assert same(run(tmp_path)[UNITS[1]], found[UNITS[1]])


def test_no_damage_goes_unseen() -> None:
    """Cut anywhere, or with a byte changed: refused, or nothing that counts has changed."""
    content = made(UNITS[0]).packed()
    for end in range(0, len(content), 37):
        with pytest.raises(StoreError, match="is damaged"):
            unpacked(content[:end], "it")
    refused = 0
    for place in range(0, len(content), 11):
        other = bytearray(content)
        other[place] ^= 0x55
        try:
            assert same(unpacked(bytes(other), "it"), made(UNITS[0]))
        except StoreError:
            refused += 1
    assert refused > len(content) / 11 / 2


def test_a_second_writer_is_kept_away(tmp_path: Path, asked: list[Unit]) -> None:
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with FileLock(tmp_path / ".lock"):
            taken.set()
            done.wait(20)

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert taken.wait(20)
        with pytest.raises(StoreError, match="another process is writing"):
            run(tmp_path)
    finally:
        done.set()
        other.join()
    assert asked == [] and len(run(tmp_path)) == 3


def test_what_was_asked_of_the_folder_is_written_beside_it(
    tmp_path: Path, asked: list[Unit]
) -> None:
    run(tmp_path)
    notes = json.loads((tmp_path / "infer.json").read_text())
    assert notes["seed"] == 1 and notes["settings"]["particles"] == 6 and notes["own"] == {}


@pytest.mark.slow
def test_units_are_the_same_bits_for_any_number_of_workers(tmp_path: Path) -> None:
    units = [Unit("default", 0), Unit("default", 1)]
    told: list[float] = []

    def note(_name: str, share: float) -> None:
        told.append(share)

    one = run_units(units, SETTINGS, 3, tmp_path / "one", Tables(), 1, note)
    two = run_units(units, SETTINGS, 3, tmp_path / "two", Tables(), 2, note)
    assert all(same(one[unit], two[unit]) for unit in units)
    assert not same(one[units[0]], one[units[1]])
    assert all(0.0 <= share <= 1.0 for share in told) and max(told) == 1.0
    for unit, found in one.items():
        says_what_it_is_made_of(found, unit)


def says_what_it_is_made_of(found: Drawn, unit: Unit) -> None:
    assert found.z.shape == (2, 6, len(found.names)) and found.about["unit"] == asdict(unit)
    moved = found.about["moved"]
    assert isinstance(moved, list)
    assert set(found.rows) <= set(found.predicted) and 50 < len(moved) < len(found.names)
    assert all(one.shape == (2, 6) for one in found.predicted.values())
    unread = [i for i, name in enumerate(found.names) if name not in moved]
    apart = found.z[..., unread].reshape(-1)
    assert abs(apart.mean()) < 5 / np.sqrt(apart.size) and 0.8 < apart.std() < 1.2
