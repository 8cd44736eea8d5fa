"""Assays of cells in a dish: plates, what is read of them, figures."""
