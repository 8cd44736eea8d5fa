"""What notebooks show: cards of models and results, bars of what takes long."""
