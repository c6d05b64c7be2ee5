"""Checkpoints: one file per trial, from which an interrupted trial resumes bit for bit.

A file is found by what is trained: study and configuration. It is written whole or not at all, and
used only if it is unaltered and was made for the same trial, data and versions. What is not used is
set aside under another name, with a message, and never read again. Other threads or another
processor do not keep a file from being used: they change scores as another seed does, and a study
that moves between machines must come to an end. But they are told.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.core.config import TrialConfig
from harness.data.dataset import Dataset
from harness.data.record_file import (
    RecordError,
    canonical,
    read_record_file,
    write_record_file,
)

FORMAT = 1
MAX_SHARE = 0.01
"""The share of a trial's time that saving it may take."""

BETWEEN_SECONDS = 30.0
"""Between two milestones a checkpoint is at least this old before the next is written."""

NO_CONDITIONS: Mapping[str, Any] = MappingProxyType({})

SUFFIX, SET_ASIDE = ".npz", ".refused"
_GUESSED_BYTES_PER_SECOND = 150e6  # what a two-core machine with a local disk was measured at


@dataclass(frozen=True)
class Snapshot:
    """A moment of a trial: ``arrays`` by name, and ``record``, plain types ready for JSON."""

    arrays: dict[str, NDArray[Any]]
    record: dict[str, Any]


class CheckpointFile:
    """The checkpoint of one trial, at ``path``."""

    def __init__(
        self,
        folder: Path,
        study_name: str,
        config: TrialConfig,
        dataset: Dataset,
        setting: Mapping[str, Any],
        conditions: Mapping[str, Any] = NO_CONDITIONS,
    ) -> None:
        """Below ``folder``, for ``config`` in the study ``study_name`` on ``dataset``.

        ``setting``: what else must be the same for the checkpoint to be of use, plain types.
        ``conditions``: what may differ and is then told by ``differences``: threads, processor.
        """
        trial = {"study": study_name, "config": config.identity()}
        key = hashlib.sha256(canonical(trial)).hexdigest()[:32]
        self.path = folder / study_name / f"{key}{SUFFIX}"
        identity = {
            **trial,
            "dataset": dataset.fingerprint,
            "setting": dict(setting),
            "versions": {module.__name__: module.__version__ for module in (tf, keras, np)},
            "format": FORMAT,
        }
        self._identity: dict[str, Any] = json.loads(canonical(identity))  # as it is read back
        self._conditions: dict[str, Any] = json.loads(canonical(dict(conditions)))
        self._other_conditions: list[dict[str, Any]] = []

    @property
    def differences(self) -> tuple[str, ...]:
        """The conditions that were different while a part of what was loaded was trained."""
        now = self._conditions
        names = {name for one in self._other_conditions for name in {**one, **now}}
        return tuple(
            name
            for name in sorted(names)
            if any(one.get(name) != now.get(name) for one in self._other_conditions)
        )

    def load(self) -> Snapshot | None:
        """What was saved last, or None; RecordError if it is damaged or made for something else.

        What a writer that was killed midway left beside it is removed.
        """
        for leftover in self.path.parent.glob(f"{self.path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)
        try:
            arrays, record = read_record_file(self.path)
        except FileNotFoundError:
            return None
        found = record.pop("identity", None)
        if not isinstance(found, dict):
            raise RecordError("it does not say what it was made for")
        different = [name for name in self._identity if found.get(name) != self._identity[name]]
        if different:
            raise RecordError(f"it was made for another {', '.join(different)}")
        made_under = record.pop("conditions", [{}])  # earlier versions did not record any
        self._other_conditions = [one for one in made_under if one != self._conditions]
        return Snapshot(arrays, record)

    def save(self, snapshot: Snapshot) -> None:
        """Replace what was saved before, whole or not at all; OSError if it cannot be written."""
        conditions = [*self._other_conditions, self._conditions]
        record = {**snapshot.record, "identity": self._identity, "conditions": conditions}
        write_record_file(self.path, snapshot.arrays, record)

    def set_aside(self) -> Path:
        """The new name of the file, under which nothing looks for it."""
        aside = self.path.with_name(f"{self.path.name}{SET_ASIDE}")
        os.replace(self.path, aside)
        self._other_conditions = []
        return aside

    def remove(self) -> None:
        """Delete the file, if there is one, and its folder, if that is now empty."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()


class Schedule:
    """When to save: often, but for no more than ``MAX_SHARE`` of the time."""

    def __init__(self, num_bytes: int, clock: Callable[[], float] = time.perf_counter) -> None:
        """For snapshots of about ``num_bytes``; ``clock`` gives seconds."""
        self._clock = clock
        self._cost = num_bytes / _GUESSED_BYTES_PER_SECOND
        self._last = clock()

    def is_due(self, *, at_milestone: bool) -> bool:
        """Whether the time since the last save allows another; between milestones it takes longer.

        What a save costs is what the last one took; before the first, a guess by its size.
        """
        wait = self._cost / MAX_SHARE
        if not at_milestone:
            wait = max(wait, BETWEEN_SECONDS)
        return self._clock() - self._last >= wait

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Measure the save that happens inside, also if it fails."""
        began = self._clock()
        try:
            yield
        finally:
            self._last = self._clock()
            self._cost = self._last - began


def capture(variables: Iterable[keras.Variable]) -> dict[str, NDArray[Any]]:
    """The values of ``variables`` by position; names of layers depend on what was built before."""
    return {
        _name(position): np.asarray(keras.ops.convert_to_numpy(variable))
        for position, variable in enumerate(variables)
    }


def assign(variables: Iterable[keras.Variable], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give ``variables`` the values that ``capture`` took from others of the same configuration.

    Raises RecordError, before anything is changed, if number, shapes or types differ.
    """
    targets = {_name(position): variable for position, variable in enumerate(variables)}
    if targets.keys() != arrays.keys():
        raise RecordError(f"it holds {len(arrays)} variables, {len(targets)} are needed")
    for name, variable in targets.items():
        if arrays[name].shape != tuple(variable.shape) or arrays[name].dtype != variable.dtype:
            raise RecordError(f"{name} is {arrays[name].dtype} {arrays[name].shape}")
    for name, variable in targets.items():
        variable.assign(arrays[name])


def size_of(variables: Iterable[keras.Variable]) -> int:
    """The bytes that ``capture`` would take."""
    return sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables)


def _name(position: int) -> str:
    return f"variable-{position:04d}"
