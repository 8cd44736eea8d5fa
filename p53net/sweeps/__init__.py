"""Sweeps: design (which points) -> plan (how a point becomes a row) -> rows -> store -> result."""
