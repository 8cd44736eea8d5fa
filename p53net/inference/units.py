"""One independent run of the sampler in one structure, which is stored and taken up again.

A unit is made from its name alone, so that any process gives the same numbers.
"""

import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from p53net.engines.base import FloatArray
from p53net.errors import StoreError
from p53net.inference.bridging import log_evidence
from p53net.inference.directions import Steps
from p53net.inference.guided import follow
from p53net.inference.target import Target
from p53net.inference.tempering import Particles, Residuals, Sampled, Settings, let_in
from p53net.model.own import Tables
from p53net.model.tables import NONE

Told = Callable[[float], None]


_HANDED_ON = 20_000  # evaluations that those who follow know of
_ALL = 10**6  # rounds of evaluations
_ARRAYS = ("chains", "log_likelihood", "labels")  # of a run that is stored by itself


@dataclass(frozen=True)
class Unit:
    """Which run: of a structure, at a width of all priors."""

    structure: str
    run: int
    width: float = 1.0

    @property
    def name(self) -> str:
        """As its file is called."""
        words = self.structure.replace(" ", "-")
        return f"{words}-width-{self.width:g}-run-{self.run}"

    def __str__(self) -> str:
        return self.name

    def seed(self, base: int) -> list[int]:
        """Of its random numbers: those of no other unit."""
        return [base, self.run, *self.name.encode()]


@dataclass
class Drawn:
    """What a unit gave. Draws are those of all particles, one after another set of moves."""

    names: list[str]
    """Of the coordinates, `ENTRY: PARAMETER`."""
    z: FloatArray
    """Draw, particle, coordinate of the whole space; those that reach no row are from the prior."""
    log_likelihood: FloatArray
    """Draw, particle."""
    predicted: dict[str, FloatArray]
    """Row to its prediction: draw, particle."""
    log_evidence: float
    rows: list[str]
    """Those that counted."""
    about: dict[str, object]
    """Degrees, shares accepted, evaluations, failures."""

    def packed(self) -> bytes:
        """As it is stored."""
        buffer = io.BytesIO()
        about = {"names": self.names, "log_evidence": self.log_evidence, "rows": self.rows,
                 **self.about}  # fmt: skip
        np.savez_compressed(
            buffer, z=self.z, log_likelihood=self.log_likelihood, rows=np.array([*self.predicted]),
            predicted=np.array([*self.predicted.values()]), about=np.array(json.dumps(about)),
        )  # fmt: skip
        return buffer.getvalue()


def unpacked(content: bytes, name: str) -> Drawn:
    """What was stored. Raises StoreError where it is damaged."""
    with _reading(name), np.load(io.BytesIO(content), allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        rows = [str(row) for row in file["rows"]]
        return Drawn(
            about.pop("names"), file["z"], file["log_likelihood"],
            dict(zip(rows, file["predicted"], strict=True)),
            about.pop("log_evidence"), about.pop("rows"), about,
        )  # fmt: skip


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, OSError, EOFError, TypeError, RuntimeError, zlib.error,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise StoreError(f"{name} is damaged: {error}; delete it, and run again") from None


@dataclass
class Begun:
    """Particles of a unit that have all of the evidence, and what they saw."""

    z: FloatArray
    """Particle, coordinate that reaches a row."""
    seen: FloatArray
    """Coordinates of the last evaluations."""
    rows: FloatArray
    """Their residuals."""
    evaluations: int
    found: Sampled
    random: dict[str, object]
    """State of the random numbers."""
    failures: dict[str, int]

    def packed(self) -> bytes:
        """As it is stored: what was seen in single precision."""
        buffer = io.BytesIO()
        found = {name: value for name, value in vars(self.found).items() if name not in _ARRAYS}
        about = {"evaluations": self.evaluations, "found": found, "random": self.random,
                 "failures": self.failures}  # fmt: skip
        np.savez_compressed(
            buffer, z=self.z, seen=self.seen.astype(np.float32), rows=self.rows.astype(np.float32),
            about=np.array(json.dumps(about)),
        )  # fmt: skip
        return buffer.getvalue()

    def particles(self, residuals: Residuals) -> Particles:
        """Where they were."""
        random = np.random.default_rng()
        random.bit_generator.state = self.random
        at = Particles(residuals, random, self.z, remember=_ALL)
        at.recall(self.seen, self.rows, self.evaluations)
        return at


def begun_of(content: bytes, name: str) -> Begun:
    """What was stored. Raises StoreError where it is damaged."""
    with _reading(name), np.load(io.BytesIO(content), allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        return Begun(
            file["z"], file["seen"].astype(float), file["rows"].astype(float),
            about["evaluations"], Sampled(**about["found"]), about["random"], about["failures"],
        )  # fmt: skip


def stored(found: Sampled) -> bytes:
    """A run as it is stored."""
    buffer = io.BytesIO()
    rest = {name: value for name, value in vars(found).items() if name not in _ARRAYS}
    np.savez_compressed(
        buffer, about=np.array(json.dumps(rest)), chains=found.chains,
        log_likelihood=found.log_likelihood, labels=found.labels,
    )  # fmt: skip
    return buffer.getvalue()


def sampled_of(content: bytes, name: str) -> Sampled:
    """What was stored. Raises StoreError where it is damaged."""
    with _reading(name), np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {one: file[one] for one in _ARRAYS}
        return Sampled(**arrays, **json.loads(str(file["about"])))


def begin(
    unit: Unit, settings: Settings, seed: int, own: Tables = NONE, told: Told = lambda _s: None
) -> Begun:
    """Let the evidence into the particles of a unit, in one thread. `own` may hold `observations`
    and `priors` of a user."""
    from threadpoolctl import threadpool_limits

    target = Target(unit.structure, width=unit.width, own=own)
    random = np.random.default_rng(unit.seed(seed))
    z = random.standard_normal((settings.particles, len(target.moved)))
    with threadpool_limits(1):
        at = Particles(target.residuals_of, random, z)
        found = let_in(at, target.likelihood.highest, settings, Steps(), told)
    state = dict(random.bit_generator.state)
    return Begun(at.z, *at.seen(_HANDED_ON), at.evaluations, found, state, dict(target.failures))


def follow_on(
    units: Sequence[Unit],
    begun: Sequence[Begun],
    settings: Settings,
    own: Tables = NONE,
    told: Told = lambda _s: None,
) -> list[Drawn]:
    """Draws of all runs of one structure at one width, which share an emulator."""
    target = Target(units[0].structure, width=units[0].width, own=own)
    runs = [one.particles(target.residuals_of) for one in begun]
    found = [one.found for one in begun]
    follow(runs, found, target.likelihood.highest, settings, told)
    evidence = _evidence(target, found)
    failures = sum((Counter(one.failures) for one in begun), target.failures)
    return [_drawn(target, unit, run, one, log, failures if unit is units[0] else Counter())
            for unit, run, one, log in zip(units, runs, found, evidence, strict=True)]  # fmt: skip


def _evidence(target: Target, found: Sequence[Sampled]) -> list[float]:
    """Of each run by its draws, which is surer than what degrees add up to."""

    def log_likelihood(moved: FloatArray) -> FloatArray:
        away = target.residuals_of(moved)
        return np.asarray(target.likelihood.highest - 0.5 * (away**2).sum(axis=1))

    draws = [one.chains.reshape(-1, one.chains.shape[-1]) for one in found]
    return log_evidence(draws, [one.log_likelihood.ravel() for one in found], log_likelihood)


def _drawn(
    target: Target,
    unit: Unit,
    run: Particles,
    found: Sampled,
    log_evidence: float,
    failures: Counter[str],
) -> Drawn:
    draws, particles = found.log_likelihood.shape
    z = run.random.standard_normal((draws, particles, len(target.space)))
    z[..., target.moved] = found.chains
    predicted = _predicted(target, z.reshape(draws * particles, -1))
    return Drawn(
        target.space.names,
        z,
        found.log_likelihood,
        {name: values.reshape(draws, particles) for name, values in predicted.items()},
        log_evidence,
        list(target.rows),
        {
            "unit": asdict(unit),
            "log_evidence_by_degrees": found.log_evidence,
            "degrees": found.degrees,
            "accepted": found.accepted,
            "steps": found.steps,
            "evaluations": found.evaluations,
            "failures": dict(failures),
            "moved": [target.space.names[i] for i in target.moved],
        },
    )


def _predicted(target: Target, z: FloatArray, batch: int = 256) -> Mapping[str, FloatArray]:
    parts = [target.predictions(z[i : i + batch]) for i in range(0, len(z), batch)]
    return {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
