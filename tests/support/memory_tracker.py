"""A tracker that keeps everything in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from harness.core.config import TrialConfig
from harness.core.errors import HarnessError
from harness.core.schema import CONFIG_ID, RUN_STATUS, FinalState, RunKind, Tag
from harness.core.spec.study_spec import StudySpec
from harness.tracking.reconcile import Endings, RecordedRun, disagreeing, final_tags
from harness.tracking.tracker import (
    NO_TAGS,
    ArtifactLog,
    StudyStatus,
    StudyTracker,
    Tracker,
    TrainedRun,
    TrialRun,
)
from harness.tracking.ui.run_title import trial_title


class _MemoryRun(ArtifactLog):
    """What a run holds: its name, MLflow status, tags and files (path -> bytes)."""

    def __init__(self, run_id: str, name: str, tags: Mapping[str, str]) -> None:
        self.run_id = run_id
        self.name = name
        self.run_status = "RUNNING"
        self.tags = dict(tags)
        self.artifacts: dict[str, bytes] = {}

    def _write_bytes(self, path: PurePosixPath, data: bytes) -> None:
        self.artifacts[str(path)] = data

    def _write_file(self, path: PurePosixPath, local_path: Path) -> None:
        self.artifacts[str(path)] = local_path.read_bytes()


class MemoryTrialRun(_MemoryRun, TrialRun):
    """A trial: ``params`` (name -> text) and ``metrics`` (name -> [(images_seen, value), ...])."""

    def __init__(
        self,
        run_id: str,
        title: str,
        number: int,
        config: TrialConfig | None,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(run_id, title, tags)
        self.number = number
        fields = config.to_dict() if config else {}
        self.params = {name: str(value) for name, value in fields.items()}
        if config is not None:
            self.params[CONFIG_ID] = config.config_id
        self.metrics = {Tag.TRIAL_NUMBER.value: [(0, float(number))]}

    def _write_metrics(self, values: Mapping[str, float], images_seen: int) -> None:
        for name, value in values.items():
            self.metrics.setdefault(name, []).append((images_seen, value))

    def _write_tags(self, tags: Mapping[str, str]) -> None:
        self.tags.update(tags)

    def _start_system_metrics(self) -> None:
        self.watched = True

    def _write_dataset(self, name: str, fingerprint: str, source: str) -> None:
        self.dataset = (name, fingerprint, source)

    def _show_samples(self, png_bytes: bytes, images_seen: int) -> None:
        self.shown = images_seen

    def _link_generator(self) -> None:
        self.linked = True

    def _write_end(self, state: FinalState, tags: Mapping[str, str]) -> None:
        self._write_tags(tags)
        self.run_status = RUN_STATUS[state]


class MemoryStudy(_MemoryRun, StudyTracker):
    """A study and its ``trials``, in the order in which they were started."""

    def __init__(
        self, experiment_id: str, spec: StudySpec, studies: Mapping[str, MemoryStudy] | None = None
    ) -> None:
        tags = {
            Tag.KIND.value: RunKind.STUDY.value,
            Tag.STUDY_NAME.value: spec.name,
            Tag.NOTE.value: spec.question,
        }
        super().__init__(f"study-{experiment_id}", spec.name, tags)
        self._spec = spec
        self._studies = studies or {}
        self.best: dict[str, dict[int, float]] = {}
        self.experiment_id = experiment_id
        self.trials: list[MemoryTrialRun] = []

    def start_trial(
        self, number: int, config: TrialConfig | None, tags: Mapping[str, str] = NO_TAGS
    ) -> MemoryTrialRun:
        """The new run of trial ``number``."""
        own = {
            Tag.KIND.value: RunKind.TRIAL.value,
            Tag.PARENT.value: self.run_id,
            Tag.STUDY_NAME.value: self.name,
            Tag.TRIAL_NUMBER.value: str(number),
        }
        run_id = f"{self.run_id}-{len(self.trials)}"
        title = trial_title(self._spec, number, config, tags.get(Tag.ARM))
        trial = MemoryTrialRun(run_id, title, number, config, {**dict(tags), **own})
        self.trials.append(trial)
        return trial

    def reconcile(self, read_endings: Callable[[], Endings]) -> list[int]:
        """End the runs that killed processes left open, as ``read_endings`` says; their numbers."""
        runs = {run.run_id: run for run in self.trials}
        recorded = [
            RecordedRun(run.run_id, run.number, run.run_status, tags=run.tags)
            for run in self.trials
        ]
        ends = read_endings()
        found = disagreeing(recorded, ends)
        for recorded_run, end in found:
            tags = final_tags(end.state, end.tags)
            runs[recorded_run.run_id]._write_end(end.state, tags)
        return sorted([*(run.number for run, _ in found), *self._record(recorded, ends)])

    def find_trained(self, trains: str) -> TrainedRun | None:
        """The first completed trial with the tag, of any study of the tracker."""
        for study in self._studies.values():
            for run in study.trials:
                if run.state == FinalState.COMPLETE and run.tags.get(Tag.TRAINS) == trains:
                    history = {name: dict(points) for name, points in run.metrics.items()}
                    return TrainedRun(run.run_id, study.name, history)
        return None

    def log_best(self, metric: str, values: Mapping[int, float]) -> None:
        """Keep ``values`` in ``best``, those of before first."""
        self.best[metric] = {**values, **self.best.get(metric, {})}

    def _write_status(self, status: StudyStatus) -> None:
        self.run_status = status


class MemoryTracker(Tracker):
    """Studies by name, in ``studies``."""

    def __init__(self) -> None:
        """Begin empty."""
        self.studies: dict[str, MemoryStudy] = {}

    def open_study(self, spec: StudySpec) -> MemoryStudy:
        """The running run of the study called ``spec.name``: new, or the one it had before."""
        new = MemoryStudy(str(len(self.studies) + 1), spec, self.studies)
        study = self.studies.setdefault(spec.name, new)
        study.run_status, study.status = "RUNNING", None
        return study

    def tag_study(self, study_name: str, tags: Mapping[str, str]) -> None:
        """Set tags of a study that was opened."""
        self.studies[study_name].tags.update(tags)

    def describe(self, study_name: str, note: str, trial_notes: Mapping[int, str]) -> None:
        """Set the notes of a study that was opened."""
        study = self.studies[study_name]
        study.tags[Tag.NOTE.value] = note
        for trial in study.trials:
            if trial.number in trial_notes:
                trial.tags[Tag.NOTE.value] = trial_notes[trial.number]

    def register_winner(self, study_name: str, number: int, description: str) -> str:
        """Nothing is registered."""
        raise HarnessError("no registry")

    def trial_numbers(self, study_name: str) -> set[int]:
        """The numbers of the trials that were started."""
        study = self.studies.get(study_name)
        return {trial.number for trial in study.trials} if study else set()
