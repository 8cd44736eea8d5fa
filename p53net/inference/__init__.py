"""Priors, likelihood, sampling, and what follows from posterior draws."""
