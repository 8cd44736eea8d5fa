"""Mutants of valid models and odd arguments: each ends in a run or in an error of ours."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.callers import FINE, Caller
from tests.support.mutations import INFUSION, arguments, mutants, seeds

pytestmark = pytest.mark.slow

FILES = 150
ARGUMENTS = 600
_MODEL = INFUSION.encode()
_fuzz = {"deadline": None, "database": None, "phases": (Phase.generate, Phase.shrink),
         "suppress_health_check": list(HealthCheck)}  # fmt: skip


@pytest.fixture(scope="module")
def caller():
    with Caller((_MODEL,)) as one:
        yield one


@settings(max_examples=int(os.environ.get("P53NET_FUZZ", FILES)), **_fuzz)
@given(content=mutants(seeds()))
def test_a_mutant_runs_or_is_refused(caller: Caller, content: bytes) -> None:
    what, said = caller.outcome(content, times=[0.0, 0.5, 3.0])
    assert what in FINE, said


@settings(max_examples=ARGUMENTS, **_fuzz)
@given(options=arguments())
def test_odd_arguments_run_or_are_refused(caller: Caller, options: dict[str, Any]) -> None:
    what, said = caller.outcome(_MODEL, **options)
    assert what in FINE, said
