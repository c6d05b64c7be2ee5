"""Studies and trials as MLflow runs: one experiment and one parent run per study, trials below.

Uses MlflowClient only. The fluent interface keeps the tracking address and the active run in global
state, and ends a run as FINISHED after an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, RunTag, ViewType
from mlflow.exceptions import MlflowException

from harness.core.errors import HarnessError, InputError, first_line, plain_markdown
from harness.core.schema import RunKind, Tag
from harness.core.secrets import hide_passwords
from harness.core.spec.names import check_case
from harness.core.spec.study_spec import StudySpec
from harness.tracking.generator_models import ALIAS, register_generator, registered_name
from harness.tracking.mlflow_runs import MlflowStudy, as_text, source_tags
from harness.tracking.reconcile import trial_runs
from harness.tracking.stores.artifact_places import artifact_places
from harness.tracking.stores.databases import prepare_tracking_store
from harness.tracking.stores.locks import TABLES, TABLES_SECONDS, lock
from harness.tracking.stores.mlflow_server import enable_retries, is_server_uri
from harness.tracking.stores.reconnect import enable_reconnection
from harness.tracking.stores.sqlite import roll_back_on_interrupt
from harness.tracking.tracker import Tracker
from harness.tracking.ui.view import LONGEST_TAGS, VIEW_TAG, view_of

_LONGEST_NOTE = LONGEST_TAGS[-1]  # a run's tag takes 8,000 characters


class MlflowTracker(Tracker):
    """Studies in the MLflow store at ``tracking_uri``.

    The store is prepared first: InputError, one line, if the store cannot be used. Artifacts go
    below ``artifact_root``, except with an MLflow server, which chooses their place itself.
    ``system_metrics``: whether trials record what the machine does; InputError where they cannot.
    """

    def __init__(
        self, tracking_uri: str, artifact_root: Path, *, system_metrics: bool = False
    ) -> None:
        """Connect, and create the tables at first use."""
        if system_metrics:
            from harness.tracking.system_metrics import check_variables  # needs psutil

            check_variables()
        self._system_metrics = system_metrics
        self.tracking_uri = prepare_tracking_store(tracking_uri, artifact_root)
        self._artifact_root = artifact_root.absolute()
        enable_reconnection()
        roll_back_on_interrupt()
        enable_retries()
        self._client = MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)

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
        where = self._client, experiment_id, run_id, spec
        return MlflowStudy(*where, system_metrics=self._system_metrics)

    def tag_study(self, study_name: str, tags: Mapping[str, str]) -> None:
        """Set ``tags`` of the run of the study of that name, which may have ended.

        Nothing is done where the store has lost the run; the report says that.
        """
        experiment = self._find(study_name)
        run_id = self._parent(experiment.experiment_id) if experiment else None
        if run_id is not None:
            self._client.log_batch(run_id, tags=[RunTag(*item) for item in tags.items()])

    def describe(self, study_name: str, note: str, trial_notes: Mapping[int, str]) -> None:
        """Set the notes of the experiment, of the parent run and of the trials' runs."""
        experiment = self._find(study_name)
        if experiment is None:
            return
        key, note = experiment.experiment_id, note[:_LONGEST_NOTE]
        try:
            self._client.set_experiment_tag(key, Tag.NOTE.value, note)
            self.tag_study(study_name, {Tag.NOTE.value: note})
            for run in trial_runs(self._client, key):
                text = trial_notes.get(run.number)
                if text is not None and run.tags.get(Tag.NOTE) != text:
                    self._client.set_tag(run.run_id, Tag.NOTE.value, text)
        except MlflowException as error:
            raise HarnessError(hide_passwords(first_line(error))) from error

    def register_winner(self, study_name: str, number: int, description: str) -> str:
        """The address ``models:/STUDY-generator@winner``, after it is that of the trial."""
        experiment = self._find(study_name)
        if experiment is None:
            raise HarnessError(f"no study {study_name} in MLflow")
        where = (artifact_places(self.tracking_uri), experiment.experiment_id)
        try:
            register_generator(self._client, *where, study_name, number, description)
        except (MlflowException, OSError, ValueError) as error:
            raise HarnessError(hide_passwords(first_line(error))) from error
        return f"models:/{registered_name(study_name)}@{ALIAS}"

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
        """Let the UI's link to the study open on its trials, columns and charts.

        A server of an earlier version than this client takes shorter tags.
        """
        there = self._client.get_experiment(experiment_id).tags.get(Tag.VIEW)
        views = [view_of(spec, longest) for longest in LONGEST_TAGS]
        if there in dict(views):
            return
        for number, (key, text) in enumerate(views, 1):
            try:
                self._client.set_experiment_tag(experiment_id, VIEW_TAG + key, text)
            except MlflowException:
                if number == len(views):
                    raise
                continue
            self._client.set_experiment_tag(experiment_id, Tag.VIEW.value, key)
            return

    def _names_like(self, study_name: str) -> list[str]:
        """The names of experiments, deleted ones too, that are ``study_name`` but for the case."""
        like = f"name ILIKE '{study_name}'"  # a study's name holds no quote
        found = self._client.search_experiments(ViewType.ALL, filter_string=like)
        return [experiment.name for experiment in found]

    def _new_experiment(self, spec: StudySpec) -> str:
        location = None
        if not is_server_uri(self.tracking_uri):
            location = (self._artifact_root / spec.name).as_uri()
        tags = {Tag.NOTE: plain_markdown(spec.question)[:_LONGEST_NOTE]}
        try:
            return str(self._client.create_experiment(spec.name, location, as_text(tags)))
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
            Tag.NOTE: plain_markdown(spec.question)[:_LONGEST_NOTE],
        }
        run = self._client.create_run(experiment_id, tags=as_text(tags), run_name=spec.name)
        return str(run.info.run_id)
