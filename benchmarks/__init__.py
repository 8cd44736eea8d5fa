"""Measurements of speed and error; run as modules from the repository root."""
