"""Runs and verdicts together: what a study trains, what its page says, what is still open."""
