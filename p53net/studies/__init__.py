"""Experiments from the dish to the patient: each a function that gives a labelled table."""
