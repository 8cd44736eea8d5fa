"""Engines turn a model's SBML into trajectories, and say where it rests.

An engine's own file imports its compiled library and is imported when a model first runs on it.
"""
