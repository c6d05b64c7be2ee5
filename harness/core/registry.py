"""Registries read from folders: each file is one entry, named like the file.

``Registry("harness.evaluation.metrics").get("fid")`` imports ``harness/evaluation/metrics/fid.py``
and returns its attribute ``fid``. Listing the names imports nothing, so ``--help`` and the
validation of a configuration are fast.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from harness.core.errors import InputError, shown

_ROOT = Path(__file__).resolve().parents[1]


class Registry:
    """The entries of one folder of the package, found by listing its files."""

    def __init__(self, package: str, kind: str) -> None:
        """Use the folder of ``package`` (below ``harness``); ``kind`` is the noun in messages."""
        self.package = package
        self.kind = kind
        self._folder = _ROOT.joinpath(*package.split(".")[1:])

    def names(self) -> list[str]:
        """The sorted names of all entries, without importing any of them."""
        stems = (path.stem for path in self._folder.glob("*.py"))
        return sorted(stem for stem in stems if stem.isidentifier() and not stem.startswith("_"))

    def check(self, name: object) -> str:
        """``name``, if there is such an entry; InputError with the known names otherwise."""
        if not isinstance(name, str) or name not in self.names():
            raise InputError(f"unknown {self.kind} {shown(name)}; known: {', '.join(self.names())}")
        return name

    def get(self, name: str) -> Any:
        """The record registered under ``name``; InputError with the known names otherwise."""
        module = importlib.import_module(f"{self.package}.{self.check(name)}")
        return getattr(module, name)


ARCHITECTURES = Registry("harness.models.architectures", "architecture")
LOSSES = Registry("harness.models.losses", "loss")
PENALTIES = Registry("harness.models.penalties", "penalty")
PROCEDURES = Registry("harness.training.procedures", "procedure")
METRICS = Registry("harness.evaluation.metrics", "metric")
PLOTS = Registry("harness.reporting.plots", "plot")
EXECUTORS = Registry("harness.search.workers.executors", "executor")
TEST_KINDS = Registry("harness.reporting.statistics.kinds", "kind of test")
