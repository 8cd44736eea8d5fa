"""What tests share, and benchmarks use: oracles, models, faults. No tests are here."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Of the repository."""
