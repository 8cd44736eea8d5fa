"""Feedback escape: the study, its words and its figure."""
