"""Models that many tests share: compiled once."""

import pytest
from hypothesis import settings

import p53net as pn

# No test depends on chance or on speed.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def loop() -> pn.Model:
    return pn.load()


@pytest.fixture(scope="session")
def inhibitor() -> pn.Model:
    return pn.load("milademetan")


@pytest.fixture(scope="session")
def degrader() -> pn.Model:
    return pn.load("KT-253")


@pytest.fixture(scope="session")
def both() -> pn.Model:
    return pn.load("milademetan", "KT-253")
