"""Published numbers, what the models predict of them, and what is fitted to them."""
