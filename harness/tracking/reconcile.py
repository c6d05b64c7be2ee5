"""Reconciles MLflow with Optuna: gives every trial's run the state that its trial has in Optuna.

A worker that is killed leaves its run RUNNING. A worker that is killed between its last two writes
leaves a run that has ended and a trial that has not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.core.config import TrialConfig
from harness.core.schema import (
    CONFIG_ID,
    INTERRUPTED,
    OUTCOME,
    RUN_STATUS,
    FinalState,
    RunKind,
    Tag,
    final_state,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUNNING = "RUNNING"
_NUMBER = re.compile("[0-9]{1,9}")  # what another program wrote there may be any text
_PAGE_SIZE = 1_000


@dataclass(frozen=True)
class Ending:
    """How a trial ended, and the tags that its run gets.

    config: for an interrupted trial, the parameters of a run still to be created; None if the trial
    never had all parameters.
    """

    state: FinalState
    tags: dict[str, str] = field(default_factory=dict)
    config: TrialConfig | None = None


Endings = Mapping[int, Ending | None]
"""Trial number -> how the trial ended, None while it runs. A missing number was never a trial."""

INTERRUPTED_ENDING = Ending(FinalState.FAIL, {Tag.FAILURE.value: INTERRUPTED})


@dataclass(frozen=True)
class RecordedRun:
    """A trial's run as read from the tracking store; ``artifact_uri`` is where its files are.

    bare: the run has no parameters, because its process was killed before writing them.
    """

    run_id: str
    number: int
    status: str
    artifact_uri: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False

    @property
    def state(self) -> FinalState | None:
        """The final state of the trial, as the run says it; None while the run is RUNNING."""
        return final_state(self.status, self.tags.get(Tag.OUTCOME))


@dataclass(frozen=True)
class RecordedStudy:
    """A study as read from the tracking store: the runs of its trials, oldest first.

    ``open_parents`` are the run ids of the study's parent runs that are RUNNING.
    """

    name: str
    open_parents: tuple[str, ...]
    runs: tuple[RecordedRun, ...]


def disagreeing(runs: Sequence[RecordedRun], endings: Endings) -> list[tuple[RecordedRun, Ending]]:
    """The runs whose status or tags differ from ``endings``, oldest first, each with its ending.

    If several runs have the same trial number, only the last one represents the trial; the others
    must merely not be RUNNING. (A search that was restarted counts from 0 again.) The run of a
    trial that is running is skipped.
    """
    last = {run.number: run.run_id for run in runs}
    found = []
    for run in runs:
        ending = endings.get(run.number, INTERRUPTED_ENDING)
        if run.run_id != last[run.number] or run.number not in endings:
            ending = INTERRUPTED_ENDING if run.status == RUNNING else None
        if ending is not None and not _agrees(run, ending):
            found.append((run, ending))
    return found


def _agrees(run: RecordedRun, ending: Ending) -> bool:
    """Whether the run has the state, the tags and, if interrupted, the parameters of ``ending``.

    Tags count because a trial that failed by itself is FAILED like an interrupted one.
    """
    if run.bare and ending.config is not None:
        return False
    return run.state == ending.state and ending.tags.items() <= run.tags.items()


def final_tags(state: FinalState, tags: Mapping[str, str]) -> dict[str, str]:
    """The ``tags`` of a trial that ended in ``state``, and the tag that names the state."""
    return {**tags, Tag.OUTCOME.value: OUTCOME[state]}


def without_run(runs: Sequence[RecordedRun], endings: Endings) -> list[int]:
    """The numbers of the trials that were interrupted before their run was created."""
    recorded = {run.number for run in runs}
    return [
        number
        for number, ending in endings.items()
        if ending and ending.tags.get(Tag.FAILURE) == INTERRUPTED and number not in recorded
    ]


def end_runs(client: MlflowClient, runs: Sequence[RecordedRun], endings: Endings) -> list[int]:
    """End the ``runs`` that differ from ``endings``; their trial numbers, lowest first."""
    found = disagreeing(runs, endings)
    for run, ending in found:
        if run.bare:
            log_parameters(client, run.run_id, run.number, ending.config)
        for name, value in final_tags(ending.state, ending.tags).items():
            client.set_tag(run.run_id, name, value)
        client.set_terminated(run.run_id, RUN_STATUS[ending.state])
    return sorted(run.number for run, _ in found)


def recorded_studies(tracking_uri: str) -> list[RecordedStudy]:
    """All studies in the store, sorted by name; experiments without runs of a study are skipped.

    Raises MlflowException for tables of another version, with what to do.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri)
    token, found = None, []
    while token != "":
        page = client.search_experiments(max_results=_PAGE_SIZE, page_token=token)
        for experiment in page:
            parents = _search(client, experiment.experiment_id, RunKind.STUDY)
            running = [run.info.run_id for run in parents if run.info.status == RUNNING]
            runs = trial_runs(client, experiment.experiment_id)
            if runs or running:
                found.append(RecordedStudy(experiment.name, tuple(running), tuple(runs)))
        token = page.token or ""
    return sorted(found, key=lambda study: study.name)


def reconcile_study(tracking_uri: str, study: RecordedStudy, endings: Endings) -> list[int]:
    """End all runs of ``study`` that no process works on; the trial numbers changed.

    The caller must hold the study lock.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri)
    numbers = end_runs(client, study.runs, endings)
    for parent in study.open_parents:
        client.set_terminated(parent, "KILLED")
    return numbers


def log_parameters(
    client: MlflowClient, run_id: str, number: int, config: TrialConfig | None
) -> None:
    """Write the first entries of a trial's run: its number, and the fields of ``config`` if any."""
    from mlflow.entities import Metric, Param

    fields = config.to_dict() if config else {}
    params = [Param(name, str(value)) for name, value in fields.items()]
    if config is not None:
        params.append(Param(CONFIG_ID, config.config_id))
    position = Metric(Tag.TRIAL_NUMBER.value, float(number), time.time_ns() // 1_000_000, 0)
    client.log_batch(run_id, metrics=[position], params=params)


def trial_runs(client: MlflowClient, experiment_id: str) -> list[RecordedRun]:
    """The runs of trials in an experiment, oldest first."""
    return [
        RecordedRun(
            run.info.run_id,
            int(run.data.tags[Tag.TRIAL_NUMBER]),
            run.info.status,
            run.info.artifact_uri,
            run.data.tags,
            Tag.TRIAL_NUMBER.value not in run.data.metrics,
        )
        for run in _search(client, experiment_id, RunKind.TRIAL)
        if _NUMBER.fullmatch(run.data.tags.get(Tag.TRIAL_NUMBER, ""))
    ]


def _search(client: MlflowClient, experiment_id: str, kind: RunKind) -> Iterator[Any]:
    """All runs of ``kind``, oldest first, requested page by page."""
    token = None
    while token != "":
        page = client.search_runs(
            [experiment_id],
            filter_string=f"tags.{Tag.KIND} = '{kind}'",
            max_results=_PAGE_SIZE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        yield from page
        token = page.token or ""
