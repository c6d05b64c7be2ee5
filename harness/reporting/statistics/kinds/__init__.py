"""Kinds of tests: one file each, found by scanning this folder.

A file ``<kind>.py`` holds a function of the same name: (test, results, first) -> Hypothesis, from
the runs in ``results``. first: only the runs of as many seeds, for tests of arms, or as many runs,
in their order; all of them if None. ``core/spec/claims.py`` has the keys that each kind takes.
"""
