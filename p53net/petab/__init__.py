"""PEtab problems: a model, its conditions and data, as one likelihood of many vectors at once."""
