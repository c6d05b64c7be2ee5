"""Bringing the runs of dead workers to an end: what Optuna says of a trial holds for its run too.

A worker that is killed leaves its run RUNNING for ever, and one that is killed between its two last
writes leaves a run that ended while its trial did not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, RUN_STATUS, FinalState, RunKind, Tag

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUNNING = "RUNNING"
_PAGE_SIZE = 1_000


@dataclass(frozen=True)
class Ending:
    """How a trial ended, and the tags that its run carries for it.

    config: of a trial that was interrupted, in case it has no run yet; None if it never had all
    parameters.
    """

    state: FinalState
    tags: dict[str, str] = field(default_factory=dict)
    config: TrialConfig | None = None


Endings = Mapping[int, Ending | None]
"""Trial number -> how it ended, None while it runs; a number that is missing was never a trial."""

INTERRUPTED_ENDING = Ending(FinalState.FAIL, {Tag.FAILURE.value: INTERRUPTED})


@dataclass(frozen=True)
class RecordedRun:
    """A trial's run as it stands in the tracking store; ``artifact_uri`` is where its files are.

    bare: its process was killed before it had written the parameters.
    """

    run_id: str
    number: int
    status: str
    artifact_uri: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False


@dataclass(frozen=True)
class RecordedStudy:
    """A study as it stands in the tracking store: its runs of trials, oldest first.

    ``open_parents`` are its own runs that are RUNNING.
    """

    name: str
    open_parents: tuple[str, ...]
    runs: tuple[RecordedRun, ...]


def disagreeing(runs: Sequence[RecordedRun], ends: Endings) -> list[tuple[RecordedRun, Ending]]:
    """The runs, oldest first, whose status or reason is not what ``ends`` says, with what it says.

    Of several runs of one number only the last stands for the trial, and the others merely must
    not be RUNNING: a search that was begun anew counts from 0 again. A running trial's run is left
    alone.
    """
    last = {run.number: run.run_id for run in runs}
    found = []
    for run in runs:
        end = ends.get(run.number, INTERRUPTED_ENDING)
        if run.run_id != last[run.number] or run.number not in ends:
            end = INTERRUPTED_ENDING if run.status == RUNNING else None
        if end is not None and not _agrees(run, end):
            found.append((run, end))
    return found


def _agrees(run: RecordedRun, end: Ending) -> bool:
    """Whether the run tells the same, for the same reason: a failure of its own is no cut-off."""
    if run.bare and end.config is not None:
        return False
    return run.status == RUN_STATUS[end.state] and end.tags.items() <= run.tags.items()


def without_run(runs: Sequence[RecordedRun], ends: Endings) -> list[int]:
    """The trials that were interrupted before they had a run, as when their worker was killed."""
    recorded = {run.number for run in runs}
    return [
        number
        for number, end in ends.items()
        if end and end.tags.get(Tag.FAILURE) == INTERRUPTED and number not in recorded
    ]


def end_runs(client: MlflowClient, runs: Sequence[RecordedRun], ends: Endings) -> list[int]:
    """The numbers of the trials whose ``runs`` were ended as ``ends`` says, lowest first."""
    found = disagreeing(runs, ends)
    for run, end in found:
        if run.bare:
            log_parameters(client, run.run_id, run.number, end.config)
        for name, value in end.tags.items():
            client.set_tag(run.run_id, name, value)
        client.set_terminated(run.run_id, RUN_STATUS[end.state])
    return sorted(run.number for run, _ in found)


def recorded_studies(tracking_uri: str) -> list[RecordedStudy]:
    """All studies in the store, by name; an experiment of something else has no runs here.

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


def reconcile_study(tracking_uri: str, study: RecordedStudy, ends: Endings) -> list[int]:
    """End everything of ``study`` that nobody works on; the numbers of the trials concerned.

    Only for the holder of the study's lock.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri)
    numbers = end_runs(client, study.runs, ends)
    for parent in study.open_parents:
        client.set_terminated(parent, "KILLED")
    return numbers


def log_parameters(
    client: MlflowClient, run_id: str, number: int, config: TrialConfig | None
) -> None:
    """Write what a trial's run begins with: its number, and the fields of ``config`` if known."""
    from mlflow.entities import Metric, Param

    fields = config.to_dict() if config else {}
    params = [Param(name, str(value)) for name, value in fields.items()]
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
        if run.data.tags.get(Tag.TRIAL_NUMBER, "").isdigit()
    ]


def _search(client: MlflowClient, experiment_id: str, kind: RunKind) -> Iterator[Any]:
    """All runs of that kind, oldest first, page by page."""
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
