"""The runs of studies and trials in MLflow, as they are written."""

from __future__ import annotations

import getpass
import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag
from PIL import Image

from harness.core.config import TrialConfig
from harness.core.schema import RUN_STATUS, FinalState, RunKind, Tag
from harness.core.spec.study_spec import StudySpec
from harness.tracking.environment import git_state
from harness.tracking.generator_models import link_generator
from harness.tracking.reconcile import Endings, end_runs, log_parameters, trial_runs, without_run
from harness.tracking.tracker import (
    NO_TAGS,
    ArtifactLog,
    StudyStatus,
    StudyTracker,
    TrainedRun,
    TrialRun,
)
from harness.tracking.trained_runs import find_trained
from harness.tracking.ui.run_title import trial_title
from harness.tracking.ui.view import SCORES, STEPPED_IMAGES

if TYPE_CHECKING:
    from harness.tracking.system_metrics import MachineMonitor

_LONGEST_NAME = 500  # of a dataset
_DIGEST_DIGITS = 36  # all that MLflow keeps of a dataset's digest


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

    def __init__(
        self,
        client: MlflowClient,
        run_id: str,
        study: MlflowStudy,
        number: int,
        shown: Mapping[str, str],
    ) -> None:
        """Wrap the existing run ``run_id``; ``shown``: what the page of models says of it."""
        super().__init__(client, run_id)
        self._study = study
        self._number = number
        self._shown = shown
        self._last: dict[str, Metric] = {}
        self._monitor: MachineMonitor | None = None

    def _write_metrics(self, values: Mapping[str, float], images_seen: int) -> None:
        now = _milliseconds()
        metrics = [Metric(name, value, now, images_seen) for name, value in values.items()]
        self._client.log_batch(self.run_id, metrics=metrics)
        self._last |= {metric.key: metric for metric in metrics}

    def _start_system_metrics(self) -> None:
        if self._study.system_metrics:
            from harness.tracking.system_metrics import MachineMonitor  # needs psutil

            self._monitor = MachineMonitor(self.run_id, self._client.tracking_uri)
            self._monitor.start()

    def _write_dataset(self, name: str, fingerprint: str, source: str) -> None:
        record = json.dumps({"source": source, "sha256": fingerprint})
        dataset = Dataset(name[-_LONGEST_NAME:], fingerprint[:_DIGEST_DIGITS], "local", record)
        context = InputTag("mlflow.data.context", "training")
        self._client.log_inputs(self.run_id, [DatasetInput(dataset, [context])])

    def _show_samples(self, png_bytes: bytes, images_seen: int) -> None:
        with Image.open(io.BytesIO(png_bytes)) as image:
            stepped = {"key": STEPPED_IMAGES, "step": images_seen}
            self._client.log_image(self.run_id, image, **stepped, synchronous=True)

    def _link_generator(self) -> None:
        names = {*SCORES, self._study.spec.search.metric}
        scores = [metric for name, metric in self._last.items() if name in names]
        where = self._study.experiment_id, self.run_id
        link_generator(self._client, *where, self._number, self._shown, scores)

    def _write_tags(self, tags: Mapping[str, str]) -> None:
        self._client.log_batch(self.run_id, tags=[RunTag(*item) for item in tags.items()])

    def _write_end(self, state: FinalState, tags: Mapping[str, str]) -> None:
        if self._monitor is not None:
            self._monitor.finish()
        self._write_tags(tags)
        self._client.set_terminated(self.run_id, RUN_STATUS[state])


class MlflowStudy(_MlflowRun, StudyTracker):
    """The parent run of one study in MLflow."""

    def __init__(
        self,
        client: MlflowClient,
        experiment_id: str,
        run_id: str,
        spec: StudySpec,
        *,
        system_metrics: bool,
    ) -> None:
        """Wrap the existing run ``run_id`` of the study ``spec``.

        ``system_metrics``: whether trials record what the machine does.
        """
        super().__init__(client, run_id)
        self.experiment_id = experiment_id
        self.spec = spec
        self.system_metrics = system_metrics
        self._source = source_tags()

    def start_trial(
        self, number: int, config: TrialConfig | None, tags: Mapping[str, str] = NO_TAGS
    ) -> MlflowTrialRun:
        """The new run of trial ``number``, with its parameters and its number as tag and metric."""
        own = {
            Tag.KIND: RunKind.TRIAL,
            Tag.PARENT: self.run_id,
            Tag.STUDY_NAME: self.spec.name,
            Tag.TRIAL_NUMBER: str(number),
        }
        run = self._client.create_run(
            self.experiment_id,
            tags=as_text({**self._source, **tags, **own}),
            run_name=trial_title(self.spec, number, config, tags.get(Tag.ARM)),
        )
        shown = {name: str(getattr(config, name)) for name in self.spec.varied} if config else {}
        shown = {Tag.TRIAL_NUMBER.value: str(number), **shown}
        trial = MlflowTrialRun(self._client, run.info.run_id, self, number, shown)
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

    def log_best(self, metric: str, values: Mapping[int, float]) -> None:
        """Record ``values`` as a metric of the parent run, whose steps are trial numbers."""
        there = {one.step for one in self._client.get_metric_history(self.run_id, metric)}
        new = [(number, value) for number, value in values.items() if number not in there]
        now = _milliseconds()
        points = [Metric(metric, value, now, number) for number, value in new]
        if points:
            self._client.log_batch(self.run_id, metrics=points)

    def _write_status(self, status: StudyStatus) -> None:
        self._client.set_terminated(self.run_id, status)


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


def as_text(tags: Mapping[Any, Any]) -> dict[str, str]:
    """``tags`` with enum members turned into ``str``, which the database drivers require."""
    return {str(key): str(value) for key, value in tags.items()}


def _milliseconds() -> int:
    """Now, in milliseconds since 1970, as MLflow counts."""
    return time.time_ns() // 1_000_000
