"""Ensembles: draws of structures and parameters that studies take in place of one set of values."""
