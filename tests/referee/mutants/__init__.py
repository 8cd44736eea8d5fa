"""Planted errors in copies of the model texts, and whether the referee sees them."""
