"""All tables of README and docs, of every part of the package that makes some."""

from p53net.evidence import pages
from p53net.inference import (
    coverage,
    credibility,
    kept_pages,
    likelihood_pages,
    prior_pages,
    schedule_pages,
    shipped_pages,
    study_pages,
)

_MAKERS = (
    pages,
    prior_pages,
    likelihood_pages,
    shipped_pages,
    study_pages,
    schedule_pages,
    kept_pages,
    coverage,
    credibility,
)

TABLES = tuple(table for maker in _MAKERS for table in maker.TABLES)
