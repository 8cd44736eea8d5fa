"""One file for each fragment: what docs/model.md says of it, written again."""
