"""Reads a recorded study from its MLflow store: a database or an MLflow server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import pandas as pd

from harness.core import schema
from harness.core.errors import InputError, guess, shown, within
from harness.core.secrets import mask
from harness.core.spec.arms import confirmation_name, tuning_name
from harness.core.spec.names import check_study_name
from harness.core.spec.study_spec import STUDY_KEYS, StudySpec
from harness.reporting.formats import count
from harness.reporting.results.artifacts import Source, StudyArtifacts
from harness.reporting.results.database import DatabaseRuns, open_database
from harness.reporting.results.evaluation import checked_evaluation
from harness.reporting.results.json_object import finite
from harness.reporting.results.server import ServerRuns, open_server
from harness.reporting.results.stored_runs import StoredRun, is_run_id, readable_runs
from harness.reporting.results.tables import StudyResults, UnreadableRun, tabulate
from harness.tracking.stores.artifact_places import artifact_places
from harness.tracking.stores.mlflow_server import is_server_uri


def load_results(tracking_uri: str, study_name: str) -> StudyResults:
    """Everything recorded of the study ``study_name`` in the store at ``tracking_uri``.

    Writes nothing to the store. A missing, malformed or misplaced artifact becomes a phrase in
    ``gaps``, a missing sample grid None, a malformed run an entry of ``unreadable``. InputError for
    a store that cannot be read, and for an unknown study, with the list of those in the store.
    """
    check_study_name(study_name)
    found = _load(tracking_uri, study_name)
    if found.spec.confirm is not None:
        name = confirmation_name(study_name)
        again = load_recorded(tracking_uri, [name])
        return dataclasses.replace(found, confirmation=again.get(name))
    if found.spec.tune is not None:
        name = tuning_name(study_name)
        before = load_recorded(tracking_uri, [name])
        return dataclasses.replace(found, tuning=before.get(name))
    return found


def load_recorded(tracking_uri: str, study_names: Iterable[str]) -> dict[str, StudyResults]:
    """The results of those studies that the store holds, by name; errors as for load_results."""
    with _open(tracking_uri) as runs:
        there = runs.studies()
    return {name: load_results(tracking_uri, name) for name in study_names if name in there}


def _load(tracking_uri: str, study_name: str) -> StudyResults:
    """The study alone, without its confirmation and its tuning."""
    addresses: dict[str, object] = {}
    unreadable: list[UnreadableRun] = []
    with _open(tracking_uri) as runs:
        experiment_id = _experiment_id(runs, tracking_uri, study_name)
        study_run = _study_run(runs, experiment_id, study_name)

        def trial_runs() -> Iterable[StoredRun]:
            for run in runs.trial_runs(experiment_id, study_run.run_id):
                addresses[run.run_id] = run.address
                yield run

        tables = tabulate(readable_runs(trial_runs(), unreadable))
        sources = _sources(runs, tables.trials)
    addresses[study_run.run_id] = study_run.address
    places = artifact_places(tracking_uri)
    artifacts = StudyArtifacts(
        tracking_uri, places, study_name, study_run.run_id, addresses, sources
    )
    with within(f"run {study_run.run_id}: {schema.STUDY_FILE}"):
        spec = _spec(artifacts.json(schema.STUDY_FILE), study_name)
    evaluation = checked_evaluation(artifacts.json(schema.EVALUATION_FILE), artifacts.gaps)
    untrained = finite(artifacts.json(schema.UNTRAINED_FILE))
    environment = artifacts.json(schema.ENVIRONMENT_FILE)
    if refused := artifacts.refused():
        what = f"the files of {count(len(refused), 'run')} of trials"
        artifacts.gaps.append(f"{what} (not read: their addresses are outside of {places.words})")
    pixels = artifacts.numbers(schema.PIXELS_FILE)
    return StudyResults(
        spec=spec,
        **tables._asdict(),
        grids=artifacts,
        evaluation=evaluation,
        untrained=untrained,
        environment=environment,
        gaps=tuple(artifacts.gaps),
        unreadable=tuple(unreadable),
        pixels=pixels,
    )


def _sources(runs: DatabaseRuns | ServerRuns, trials: pd.DataFrame) -> dict[str, Source]:
    """Run id of a trial that another run has trained -> that run, if the store has it still."""
    reused = trials.loc[trials["reused_from"].notna(), ["run_id", "reused_from"]]
    studies = {key: name for name, key in runs.studies().items()} if len(reused) else {}
    found = {}
    for run_id, holder in reused.itertuples(index=False):
        held = runs.place_of(holder) if is_run_id(holder) else None
        if held is not None and held[0] in studies:
            found[run_id] = Source(studies[held[0]], holder, held[1])
    return found


def _open(tracking_uri: str) -> AbstractContextManager[DatabaseRuns | ServerRuns]:
    opened = open_server if is_server_uri(tracking_uri) else open_database
    return opened(tracking_uri)


def _experiment_id(runs: DatabaseRuns | ServerRuns, tracking_uri: str, study_name: str) -> Any:
    """The id of the study's experiment; InputError listing the studies otherwise."""
    names = runs.studies()
    if study_name not in names:
        known = ", ".join(sorted(set(names) - {"Default"})) or "none"
        raise InputError(
            f"no study {study_name!r} in {mask(tracking_uri)}; there: {known}"
            + guess(study_name, names)
        )
    return names[study_name]


def _study_run(runs: DatabaseRuns | ServerRuns, experiment_id: Any, study_name: str) -> StoredRun:
    """The study's parent run, the oldest if there are several."""
    found = runs.study_runs(experiment_id)
    if not found:
        raise InputError(f"experiment {study_name!r} holds no study (no run tagged kind=study)")
    for run in found:
        if not isinstance(run.started, int):
            raise InputError(f"run {run.run_id}: start_time is {shown(run.started)}")
    return min(found, key=lambda run: (run.started, run.run_id))


def _spec(declared: dict[str, Any], study_name: str) -> StudySpec:
    """The study as declared; without study.json one of that name whose question is not known.

    Keys of study.json that no study file has are left out.
    """
    known = {key: declared[key] for key in STUDY_KEYS if key in declared}
    if "question" not in known:
        return StudySpec(name=study_name, question="(not recorded)")
    return StudySpec.from_dict({**known, "name": study_name})
