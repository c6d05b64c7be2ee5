"""The interface of trackers: one study, its trials, their metrics and files.

The checks are made in these base classes, so that all trackers make the same ones.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

from harness.core.config import TrialConfig
from harness.core.schema import (
    GENERATOR_FILE,
    GENERATOR_RECORD_FILE,
    FinalState,
    Tag,
    sample_path,
)
from harness.core.spec.study_spec import StudySpec
from harness.tracking.failures import failure_reason
from harness.tracking.reconcile import Endings, RecordedRun, final_tags, without_run

StudyStatus = Literal["FINISHED", "FAILED", "KILLED"]
"""How a study's run ends: done, after an error, or interrupted by a person."""

NO_TAGS: Mapping[str, str] = MappingProxyType({})

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


class ArtifactLog(ABC):
    """A run that stores files under relative POSIX paths, such as ``samples/000000100.png``."""

    run_id: str

    def log_text(self, path: str, text: str) -> None:
        """Store ``text``, UTF-8, at ``path``."""
        self._write_bytes(_checked_path(path), text.encode())

    def log_json(self, path: str, obj: object) -> None:
        """Store ``obj`` as indented JSON at ``path``.

        Raises ValueError for NaN and infinities, which JSON cannot express, and TypeError for
        objects without a JSON form.
        """
        self.log_text(path, json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def log_image(self, path: str, png_bytes: bytes) -> None:
        """Store a PNG at ``path``; ValueError if the bytes are not a PNG."""
        if not png_bytes.startswith(_PNG_MAGIC):
            raise ValueError(f"{path}: the bytes are not a PNG")
        self._write_bytes(_checked_path(path), png_bytes)

    def log_file(self, path: str, local_path: Path) -> None:
        """Store a copy of the file ``local_path`` at ``path``."""
        self._write_file(_checked_path(path), local_path)

    @abstractmethod
    def _write_bytes(self, path: PurePosixPath, data: bytes) -> None: ...

    @abstractmethod
    def _write_file(self, path: PurePosixPath, local_path: Path) -> None: ...


class TrialRun(ArtifactLog):
    """The run of one trial, ended exactly once by ``finish``.

    Used as a context manager, an exception that leaves the block ends the trial as FAIL with the
    reason in tag ``failure``, unless ``finish`` was called before.
    """

    state: FinalState | None = None
    """How the trial ended; None while it runs."""

    def log_metrics(self, values: Mapping[str, float], images_seen: int) -> None:
        """Record ``values`` (name -> finite number) after ``images_seen`` training images.

        All are written in one call. Raises ValueError for a NaN or an infinity, since failure is a
        state and not a number, and RuntimeError when the trial has ended.
        """
        self._check_running()
        if images_seen < 0:
            raise ValueError(f"images_seen is {images_seen}; allowed: 0 and above")
        numbers = {name: float(value) for name, value in values.items()}
        for name, number in numbers.items():
            if not math.isfinite(number):
                raise ValueError(f"{name} is {number} at {images_seen:,} images seen; end as FAIL")
        if numbers:
            self._write_metrics(numbers, int(images_seen))

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Set ``tags`` of the running trial; RuntimeError when it has ended."""
        self._check_running()
        self._write_tags({str(key): value for key, value in tags.items()})

    def log_system_metrics(self) -> None:
        """Record what the machine does until the trial ends, if the tracker was made to do so."""
        self._check_running()
        self._start_system_metrics()

    def log_dataset(self, name: str, fingerprint: str, source: str) -> None:
        """Say what data the trial is trained on.

        fingerprint: of its content, 64 hexadecimal digits. source: where it came from, in words.
        """
        self._check_running()
        self._write_dataset(name, fingerprint, source)

    def log_samples(self, png_bytes: bytes, images_seen: int) -> None:
        """Store the grid of samples, a PNG, drawn after ``images_seen`` training images.

        Once for the report of a study, and once so that a person can step through all of them.
        """
        self._check_running()
        self.log_image(sample_path(images_seen), png_bytes)
        self._show_samples(png_bytes, images_seen)

    def log_generator(self, local_path: Path, record: Mapping[str, Any]) -> None:
        """Store the trial's generator, a ``.keras`` file, and the ``record`` that its use needs."""
        self._check_running()
        self.log_file(GENERATOR_FILE, local_path)
        self.log_json(GENERATOR_RECORD_FILE, record)
        self._link_generator()

    def finish(self, state: FinalState, tags: Mapping[str, str] = NO_TAGS) -> None:
        """End the trial in ``state``, with ``tags``.

        FAIL requires the tag ``failure``, PRUNED the tag ``pruned_by``: ValueError without.
        Raises RuntimeError when the trial has ended already.
        """
        self._check_running()
        needed = {FinalState.FAIL: Tag.FAILURE, FinalState.PRUNED: Tag.PRUNED_BY}.get(state)
        if needed is not None and not tags.get(needed):
            raise ValueError(f"a trial that ends as {state} needs the tag {needed.value!r}")
        self._write_end(state, final_tags(state, {str(key): tags[key] for key in tags}))
        self.state = state

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the trial as FAIL if it has not ended; RuntimeError if nothing was raised either."""
        if self.state is not None:
            return
        if error is None:
            self.finish(FinalState.FAIL, {Tag.FAILURE: "left without a final state"})
            raise RuntimeError(f"trial run {self.run_id} was left without a final state")
        try:
            self.finish(FinalState.FAIL, {Tag.FAILURE: failure_reason(error)})
        except Exception as second:
            error.add_note(f"ending the trial's run {self.run_id} failed too: {second}")

    def _check_running(self) -> None:
        if self.state is not None:
            raise RuntimeError(f"trial run {self.run_id} has ended as {self.state}")

    @abstractmethod
    def _write_metrics(self, values: Mapping[str, float], images_seen: int) -> None: ...

    @abstractmethod
    def _write_tags(self, tags: Mapping[str, str]) -> None: ...

    @abstractmethod
    def _start_system_metrics(self) -> None: ...

    @abstractmethod
    def _write_dataset(self, name: str, fingerprint: str, source: str) -> None: ...

    @abstractmethod
    def _show_samples(self, png_bytes: bytes, images_seen: int) -> None: ...

    @abstractmethod
    def _link_generator(self) -> None: ...

    @abstractmethod
    def _write_end(self, state: FinalState, tags: Mapping[str, str]) -> None: ...


@dataclass(frozen=True)
class TrainedRun:
    """A completed trial of any study in the store. history: metric -> {images_seen: value}."""

    run_id: str
    study: str
    history: Mapping[str, Mapping[int, float]]


class StudyTracker(ArtifactLog):
    """The run of one study, parent of its trials' runs.

    One process of a session ends the run by ``finish``; a worker that only adds trials does not.
    """

    experiment_id: str
    status: StudyStatus | None = None
    """How this session of the study ended; None while it runs."""

    @abstractmethod
    def start_trial(
        self, number: int, config: TrialConfig | None, tags: Mapping[str, str] = NO_TAGS
    ) -> TrialRun:
        """The new run of trial ``number``, counted from 0, with the parameters ``config``.

        ``config`` is None for a trial interrupted before all its parameters were set.
        """

    @abstractmethod
    def reconcile(self, read_endings: Callable[[], Endings]) -> list[int]:
        """Give every run the state that ``read_endings`` returns; the trial numbers changed.

        Creates the run of a trial that was interrupted before it had one. Must not run in two
        processes at once.
        """

    @abstractmethod
    def find_trained(self, trains: str) -> TrainedRun | None:
        """The completed trial with the tag ``trains``, of any study; None without one."""

    @abstractmethod
    def log_best(self, metric: str, values: Mapping[int, float]) -> None:
        """Record ``values`` by trial number as a curve of the study; one that is there stays."""

    def _record(self, runs: Sequence[RecordedRun], endings: Endings) -> list[int]:
        """Create the missing runs of interrupted trials; the numbers of these trials."""
        missing = without_run(runs, endings)
        for number in missing:
            ending = endings[number]
            assert ending is not None
            with self.start_trial(number, ending.config) as run:
                run.finish(ending.state, ending.tags)
        return missing

    def finish(self, status: StudyStatus) -> None:
        """End the study's run as ``status``; ``open_study`` sets it to RUNNING again."""
        self._write_status(status)
        self.status = status

    @abstractmethod
    def _write_status(self, status: StudyStatus) -> None: ...


class Tracker(ABC):
    """A store in which studies are recorded."""

    @abstractmethod
    def open_study(self, spec: StudySpec) -> StudyTracker:
        """The run of the study called ``spec.name``, set to RUNNING; created if there is none."""

    @abstractmethod
    def tag_study(self, study_name: str, tags: Mapping[str, str]) -> None:
        """Set ``tags`` of the run of the study of that name, which is there; it may have ended."""

    @abstractmethod
    def describe(self, study_name: str, note: str, trial_notes: Mapping[int, str]) -> None:
        """Set the descriptions, Markdown, of the study of that name and of its trials by number.

        Trials without a run are left out. Raises HarnessError, one line, where the store refuses.
        """

    @abstractmethod
    def register_winner(self, study_name: str, number: int, description: str) -> str:
        """The address of the study's winner in the registry of models, its trial ``number``.

        Raises HarnessError, one line, where the registry does not take the generator.
        """

    @abstractmethod
    def trial_numbers(self, study_name: str) -> Set[int]:
        """The numbers of the trials that have a run in the study of that name, empty without one.

        Changes nothing. Raises InputError for a study that cannot be opened.
        """


def _checked_path(path: str) -> PurePosixPath:
    checked = PurePosixPath(path)
    if not checked.name or checked.is_absolute() or ".." in checked.parts or "\\" in path:
        raise ValueError(f"{path!r} is not a relative artifact path")
    return checked
