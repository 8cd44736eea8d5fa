"""The SBML Test Suite: cases of others, with their results, run by every engine that takes them."""
