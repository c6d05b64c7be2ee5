"""Studies and trials as MLflow runs: one experiment and one parent run per study, trials below.

Uses MlflowClient only. The fluent interface keeps the tracking address and the active run in global
state, and ends a run as FINISHED after an exception.
"""

from __future__ import annotations

import getpass
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Set
from pathlib import Path, PurePosixPath
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, Metric, RunTag, ViewType
from mlflow.exceptions import MlflowException

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.schema import RUN_STATUS, FinalState, RunKind, Tag
from harness.core.spec.names import check_case
from harness.core.spec.study_spec import StudySpec
from harness.tracking.environment import git_state
from harness.tracking.reconcile import Endings, end_runs, log_parameters, trial_runs, without_run
from harness.tracking.stores.databases import prepare_tracking_store
from harness.tracking.stores.locks import TABLES, TABLES_SECONDS, lock
from harness.tracking.stores.mlflow_server import enable_retries, is_server_uri
from harness.tracking.stores.reconnect import enable_reconnection
from harness.tracking.stores.sqlite import roll_back_on_interrupt
from harness.tracking.tracker import (
    NO_TAGS,
    ArtifactLog,
    StudyStatus,
    StudyTracker,
    Tracker,
    TrainedRun,
    TrialRun,
    trial_title,
)
from harness.tracking.trained_runs import find_trained
from harness.tracking.ui_view import VIEW_TAG, view_of

_LONGEST_NOTE = 4_000  # an experiment's tag takes 5,000 characters


class _MlflowRun(ArtifactLog):
    """The files of one MLflow run."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.run_id = run_id
        self._client = client

    def _write_bytes(self, path: PurePosixPath, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / path.name
            local.write_bytes(data)
            self._upload(path, local)

    def _write_file(self, path: PurePosixPath, local_path: Path) -> None:
        if local_path.name == path.name:
            self._upload(path, local_path)
            return
        with tempfile.TemporaryDirectory() as folder:
            self._upload(path, Path(shutil.copy(local_path, Path(folder) / path.name)))

    def _upload(self, path: PurePosixPath, local: Path) -> None:
        folder = str(path.parent) if len(path.parts) > 1 else None
        self._client.log_artifact(self.run_id, str(local), folder)


class MlflowTrialRun(_MlflowRun, TrialRun):
    """The run of one trial in MLflow."""

    def _write_metrics(self, values: Mapping[str, float], images_seen: int) -> None:
        now = _milliseconds()
        metrics = [Metric(name, value, now, images_seen) for name, value in values.items()]
        self._client.log_batch(self.run_id, metrics=metrics)

    def _write_tags(self, tags: Mapping[str, str]) -> None:
        self._client.log_batch(self.run_id, tags=[RunTag(*item) for item in tags.items()])

    def _write_end(self, state: FinalState, tags: Mapping[str, str]) -> None:
        self._write_tags(tags)
        self._client.set_terminated(self.run_id, RUN_STATUS[state])


class MlflowStudy(_MlflowRun, StudyTracker):
    """The parent run of one study in MLflow."""

    def __init__(
        self, client: MlflowClient, experiment_id: str, run_id: str, spec: StudySpec
    ) -> None:
        """Wrap the existing run ``run_id`` of the study ``spec``."""
        super().__init__(client, run_id)
        self.experiment_id = experiment_id
        self._spec = spec
        self._source = source_tags()

    def start_trial(
        self, number: int, config: TrialConfig | None, tags: Mapping[str, str] = NO_TAGS
    ) -> MlflowTrialRun:
        """The new run of trial ``number``, with its parameters and its number as tag and metric."""
        own = {
            Tag.KIND: RunKind.TRIAL,
            Tag.PARENT: self.run_id,
            Tag.STUDY_NAME: self._spec.name,
            Tag.TRIAL_NUMBER: str(number),
        }
        run = self._client.create_run(
            self.experiment_id,
            tags=_as_text({**self._source, **tags, **own}),
            run_name=trial_title(self._spec, number, config, tags.get(Tag.ARM)),
        )
        trial = MlflowTrialRun(self._client, run.info.run_id)
        try:
            log_parameters(self._client, trial.run_id, number, config)
        except BaseException as error:
            trial.__exit__(type(error), error, None)
            raise
        return trial

    def reconcile(self, read_endings: Callable[[], Endings]) -> list[int]:
        """Give every run the state that ``read_endings`` returns; the trial numbers changed."""
        # Runs are read before endings: a trial exists before its run does, so a trial that starts
        # in between is not mistaken for an unknown one. Runs are read again before missing ones
        # are created, since they may have been created in between.
        runs = trial_runs(self._client, self.experiment_id)
        endings = read_endings()
        reconciled = end_runs(self._client, runs, endings)
        if without_run(runs, endings):
            reconciled += self._record(trial_runs(self._client, self.experiment_id), endings)
        return sorted(reconciled)

    def find_trained(self, trains: str) -> TrainedRun | None:
        """The completed trial with the tag ``trains``, of any study; None without one."""
        return find_trained(self._client, trains)

    def _write_status(self, status: StudyStatus) -> None:
        self._client.set_terminated(self.run_id, status)


class MlflowTracker(Tracker):
    """Studies in the MLflow store at ``tracking_uri``.

    The store is prepared first: InputError, one line, if the store cannot be used. Artifacts go
    below ``artifact_root``, except with an MLflow server, which chooses their place itself.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        """Connect, and create the tables at first use."""
        self.tracking_uri = prepare_tracking_store(tracking_uri, artifact_root)
        self._artifact_root = artifact_root.absolute()
        enable_reconnection()
        roll_back_on_interrupt()
        enable_retries()
        self._client = MlflowClient(tracking_uri=self.tracking_uri)

    def open_study(self, spec: StudySpec) -> MlflowStudy:
        """The run of the study called ``spec.name``, set to RUNNING; created if there is none.

        Raises InputError if the study was deleted in the MLflow UI.
        """
        with lock(self.tracking_uri, TABLES, TABLES_SECONDS):
            experiment_id = self._experiment(spec)
            run_id = self._parent(experiment_id)
            if run_id is None:
                run_id = self._new_parent(experiment_id, spec)
            else:
                self._client.update_run(run_id, status="RUNNING")
            self._prepare_view(experiment_id, spec)
        return MlflowStudy(self._client, experiment_id, run_id, spec)

    def tag_study(self, study_name: str, tags: Mapping[str, str]) -> None:
        """Set ``tags`` of the run of the study of that name, which may have ended.

        Nothing is done where the store has lost the run; the report says that.
        """
        experiment = self._find(study_name)
        run_id = self._parent(experiment.experiment_id) if experiment else None
        if run_id is not None:
            self._client.log_batch(run_id, tags=[RunTag(*item) for item in tags.items()])

    def trial_numbers(self, study_name: str) -> Set[int]:
        """The numbers of the trials that have a run; InputError if the study was deleted."""
        experiment = self._find(study_name)
        if experiment is None:
            return frozenset()
        return {run.number for run in trial_runs(self._client, experiment.experiment_id)}

    def _experiment(self, spec: StudySpec) -> str:
        experiment = self._find(spec.name)
        return str(experiment.experiment_id) if experiment else self._new_experiment(spec)

    def _find(self, study_name: str) -> Experiment | None:
        """The study's experiment or None; InputError if it was deleted, or written otherwise."""
        experiment: Experiment | None = self._client.get_experiment_by_name(study_name)
        names = [experiment.name] if experiment else self._names_like(study_name)
        check_case(study_name, names, "MLflow")  # some databases ignore case when they look it up
        if experiment and experiment.lifecycle_stage != LifecycleStage.ACTIVE:
            raise InputError(
                f"study {study_name!r} was deleted in MLflow; take another --study-name, or "
                f"restore it: mlflow experiments restore --experiment-id {experiment.experiment_id}"
            )
        return experiment

    def _prepare_view(self, experiment_id: str, spec: StudySpec) -> None:
        """Let the UI's link to the study open on its trials, columns and charts."""
        key, text = view_of(spec)
        if self._client.get_experiment(experiment_id).tags.get(Tag.VIEW) != key:
            self._client.set_experiment_tag(experiment_id, VIEW_TAG + key, text)
            self._client.set_experiment_tag(experiment_id, Tag.VIEW.value, key)

    def _names_like(self, study_name: str) -> list[str]:
        """The names of experiments, deleted ones too, that are ``study_name`` but for the case."""
        like = f"name ILIKE '{study_name}'"  # a study's name holds no quote
        found = self._client.search_experiments(ViewType.ALL, filter_string=like)
        return [experiment.name for experiment in found]

    def _new_experiment(self, spec: StudySpec) -> str:
        location = None
        if not is_server_uri(self.tracking_uri):
            location = (self._artifact_root / spec.name).as_uri()
        tags = {Tag.NOTE: spec.question[:_LONGEST_NOTE]}
        try:
            return str(self._client.create_experiment(spec.name, location, _as_text(tags)))
        except MlflowException:  # created by another machine: a file lock holds on this one only
            experiment = self._client.get_experiment_by_name(spec.name)
            if experiment is None:
                raise
            return str(experiment.experiment_id)

    def _parent(self, experiment_id: str) -> str | None:
        """The run id of the study's first parent run; None without one."""
        runs = self._client.search_runs(
            [experiment_id],
            filter_string=f"tags.{Tag.KIND} = '{RunKind.STUDY}'",
            max_results=1,
            order_by=["attributes.start_time ASC"],
        )
        return str(runs[0].info.run_id) if runs else None

    def _new_parent(self, experiment_id: str, spec: StudySpec) -> str:
        tags = {
            **source_tags(),
            Tag.KIND: RunKind.STUDY,
            Tag.STUDY_NAME: spec.name,
            Tag.NOTE: spec.question[:_LONGEST_NOTE],
        }
        run = self._client.create_run(experiment_id, tags=_as_text(tags), run_name=spec.name)
        return str(run.info.run_id)


def source_tags() -> dict[str, str]:
    """MLflow's own tags for user, source (``gan-harness``) and, if there is one, the commit."""
    tags = {"mlflow.source.name": "gan-harness", "mlflow.source.type": "LOCAL"}
    try:
        tags["mlflow.user"] = getpass.getuser()
    except (KeyError, OSError, ImportError):  # in a container the user id may have no name
        tags["mlflow.user"] = "unknown"
    git = git_state()
    if git is not None:
        tags["mlflow.source.git.commit"] = git["commit"]
        tags["mlflow.source.git.dirty"] = str(git["dirty"]).lower()
    return tags


def _as_text(tags: Mapping[Any, Any]) -> dict[str, str]:
    """``tags`` with enum members turned into ``str``, which the database drivers require."""
    return {str(key): str(value) for key, value in tags.items()}


def _milliseconds() -> int:
    """Now, in milliseconds since 1970, as MLflow counts."""
    return time.time_ns() // 1_000_000
