"""Processes that run trials: started, supervised, replaced, stopped."""
