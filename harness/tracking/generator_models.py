"""Generators as MLflow's models: one entry for each trial, and the winner's in the registry.

An entry of a trial names the run that keeps the generator, and holds no second copy of the file.
The winner's holds one, with what MLflow needs to load it. Neither imports Keras.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, Metric
from mlflow.exceptions import MlflowException

from harness.core.errors import HarnessError
from harness.core.schema import GENERATOR_FILE, GENERATOR_RECORD_FILE, RunKind, Tag
from harness.tracking.stores.artifact_places import ArtifactPlaces

ALIAS = "winner"
_MODEL_TYPE = "gan-generator"


def registered_name(study_name: str) -> str:
    """The name of a study's model in the registry: ``models:/NAME@winner`` is its winner."""
    return f"{study_name}-generator"


def model_name(number: int) -> str:
    """The name of the generator of the trial ``number`` among the models of its experiment."""
    return f"generator-t{number:02d}"  # as the run's name begins


def link_generator(
    client: MlflowClient,
    experiment_id: str,
    run_id: str,
    number: int,
    params: Mapping[str, str],
    metrics: Iterable[Metric],
) -> None:
    """Show the generator that the run of the trial ``number`` has kept among its study's models.

    params: what the page shows of the model. metrics: as they stand in the run, which is not
    changed: an entry that is written again stays one.
    """
    model = client.create_logged_model(
        experiment_id, model_name(number), run_id, params=dict(params), model_type=_MODEL_TYPE
    )
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    again = [
        Metric(one.key, one.value, one.timestamp, one.step, model.model_id, run_id=run_id)
        for one in metrics
    ]
    client.log_batch(run_id, metrics=again)
    client.finalize_logged_model(model.model_id, "READY")


def register_generator(
    client: MlflowClient,
    places: ArtifactPlaces,
    experiment_id: str,
    study_name: str,
    number: int,
    description: str,
) -> None:
    """Let ``models:/STUDY-generator@winner`` be the generator of the study's trial ``number``.

    A trial that was registered before keeps its version. Raises HarnessError for a trial that has
    kept no generator in one of the ``places``, MlflowException for a registry that refuses.
    """
    run_id = _run_of(client, places, experiment_id, number)
    name = registered_name(study_name)
    version = _version_of(client, name, run_id)
    if version is None:
        model = _with_files(client, experiment_id, run_id, number)
        source = model.artifact_location
        if client.tracking_uri.startswith(("http://", "https://")):
            source = f"models:/{model.model_id}"  # a server resolves the address itself
        made = client.create_model_version(
            name, source, run_id, description=description, model_id=model.model_id
        )
        version = made.version
    client.set_registered_model_alias(name, ALIAS, version)


def _run_of(client: MlflowClient, places: ArtifactPlaces, experiment_id: str, number: int) -> str:
    """The id of the run with the trial's files: its last one, or that which it was taken from."""
    found = client.search_runs(
        [experiment_id],
        f"tags.{Tag.KIND} = '{RunKind.TRIAL}' and tags.{Tag.TRIAL_NUMBER} = '{number}'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    if not found:
        raise HarnessError(f"trial {number} has no run")
    run = found[0]
    if holder := run.data.tags.get(Tag.REUSED_FROM):  # the run that trained it, and kept its files
        run = client.get_run(holder)
    if not places.allow(run.info.run_id, run.info.artifact_uri):
        raise HarnessError(f"the files of trial {number} are outside of {places.words}")
    return str(run.info.run_id)


def _version_of(client: MlflowClient, name: str, run_id: str) -> str | None:
    """The version of the model that is the run's generator; creates the model if need be."""
    found = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    if found:
        return str(found[0].version)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return None


def _with_files(client: MlflowClient, experiment_id: str, run_id: str, number: int) -> LoggedModel:
    """The run's model with a copy of the generator, and with what MLflow needs to load it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (GENERATOR_FILE, GENERATOR_RECORD_FILE):
            if name not in {file.path for file in client.list_artifacts(run_id)}:
                raise HarnessError(f"run {run_id} has kept no {name}")
            client.download_artifacts(run_id, name, folder)
        found = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
        model = found[0] if found else _new_model(client, experiment_id, run_id, number)
        _write_model_file(Path(folder), model.model_id, run_id)
        client.log_model_artifacts(model.model_id, folder)
    client.finalize_logged_model(model.model_id, "READY")
    return client.get_logged_model(model.model_id)


def _new_model(client: MlflowClient, experiment_id: str, run_id: str, number: int) -> LoggedModel:
    name = model_name(number)
    return client.create_logged_model(experiment_id, name, run_id, model_type=_MODEL_TYPE)


def _write_model_file(folder: Path, model_id: str, run_id: str) -> None:
    """Write the file by which MLflow loads the generator in ``folder``, with Keras alone.

    The flavor's ``data`` is the generator's file without its suffix, which MLflow adds.
    """
    data = GENERATOR_FILE.removesuffix(".keras")
    model = {
        "run_id": run_id,
        "model_id": model_id,
        "mlflow_version": mlflow.__version__,
        "utc_time_created": str(datetime.now(UTC).replace(tzinfo=None)),
        "flavors": {
            "keras": {"data": data, "save_exported_model": False},
            "python_function": {
                "loader_module": "mlflow.keras",
                "python_version": platform.python_version(),
            },
        },
    }
    (folder / "MLmodel").write_text(json.dumps(model, indent=2), "utf-8")  # JSON is YAML
