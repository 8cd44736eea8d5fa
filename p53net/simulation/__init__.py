"""Runs of a model: what a user gives -> a problem of n runs -> an engine -> a labelled result."""
