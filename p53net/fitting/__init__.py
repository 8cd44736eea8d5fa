"""Data of a user's own fitted: a tidy table, its likelihood, optimum, profiles, draws, figure."""
