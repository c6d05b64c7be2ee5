"""Addresses of artifacts after a move: made right where the files are, left alone elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from harness.core.spec.study_spec import StudySpec
from harness.diagnostics.relocation import find_misplaced, relocate
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout


@pytest.fixture
def runs(layout: Layout) -> dict[str, str]:
    """Study -> its run, which keeps a file; one name begins with the other."""
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    found = {}
    for name in ("slopes", "slopes.2"):
        study = tracker.open_study(StudySpec(name=name, question="Which slope?"))
        study.log_text("notes/a.txt", name)
        found[name] = study.run_id
    return found


def files(layout: Layout, run_id: str) -> list[str]:
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    return [file.path for file in client.list_artifacts(run_id, "notes")]


def moved(layout: Layout, tmp_path: Path) -> Layout:
    new = Layout(tmp_path / "else where" / "runs")
    new.root.parent.mkdir()
    shutil.move(layout.root, new.root)
    return new


def test_after_a_move_the_files_are_found_again(layout: Layout, runs, tmp_path: Path) -> None:
    new = moved(layout, tmp_path)
    database = new.root / "mlflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        # As MLflow notes a logged model: below the experiment's folder, outside the run's.
        connection.execute(
            "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, "
            "creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage) "
            "SELECT 'm-1', experiment_id, 'm', artifact_location || '/models/m-1/artifacts', "
            "0, 0, 1, 'active' FROM experiments WHERE name = 'slopes'"
        )
        # And as its registry notes a version of that model.
        connection.execute(
            "INSERT INTO registered_models (name, creation_time, last_updated_time, workspace) "
            "VALUES ('slopes-generator', 0, 0, 'default')"
        )
        connection.execute(
            "INSERT INTO model_versions (name, version, source, storage_location, workspace) "
            "SELECT 'slopes-generator', 1, artifact_location, artifact_location, 'default' "
            "FROM logged_models"
        )
    assert files(new, runs["slopes"]) == []
    found = find_misplaced(database, new.artifact_root)
    assert sorted(place.study for place in found) == ["slopes", "slopes.2"]
    # two experiments, two runs, the model, both addresses of its version
    assert relocate(database, found) == 7
    for run_id in runs.values():
        assert files(new, run_id) == ["notes/a.txt"]
    with closing(sqlite3.connect(database)) as connection:
        (location,) = connection.execute("SELECT artifact_location FROM logged_models").fetchone()
        version = connection.execute("SELECT source, storage_location FROM model_versions")
        assert version.fetchone() == (location, location)
    assert location == (new.artifact_root / "slopes/models/m-1/artifacts").as_uri()
    assert find_misplaced(database, new.artifact_root) == []


def test_a_copy_beside_the_original_uses_its_own_files(layout: Layout, runs, tmp_path) -> None:
    copy = Layout(tmp_path / "copy")
    shutil.copytree(layout.root, copy.root)
    relocate(copy.root / "mlflow.db", find_misplaced(copy.root / "mlflow.db", copy.artifact_root))
    shutil.rmtree(layout.artifact_root)
    assert files(copy, runs["slopes"]) == ["notes/a.txt"]


def test_a_study_that_was_not_copied_keeps_its_address(layout: Layout, runs, tmp_path) -> None:
    copy = Layout(tmp_path / "copy")
    shutil.copytree(layout.root, copy.root)
    shutil.rmtree(copy.artifact_root / "slopes.2")  # its address begins as that of "slopes"
    database = copy.root / "mlflow.db"
    assert relocate(database, find_misplaced(database, copy.artifact_root)) == 2
    client = MlflowClient(tracking_uri=copy.tracking_uri)
    for name, root in (("slopes", copy.artifact_root), ("slopes.2", layout.artifact_root)):
        uri = client.get_run(runs[name]).info.artifact_uri
        assert uri.startswith((root / name).as_uri() + "/")
    assert files(copy, runs["slopes.2"]) == ["notes/a.txt"]


def test_what_is_in_its_place_is_left_alone(layout: Layout, runs) -> None:
    assert find_misplaced(layout.root / "mlflow.db", layout.artifact_root) == []


def test_a_copy_without_the_files_keeps_the_old_addresses(layout: Layout, runs, tmp_path) -> None:
    copy = Layout(tmp_path / "copy")
    shutil.copytree(layout.root, copy.root)
    shutil.rmtree(copy.artifact_root / "slopes.2")
    shutil.rmtree(copy.artifact_root / "slopes" / runs["slopes"])
    database = copy.root / "mlflow.db"
    (place,) = find_misplaced(database, copy.artifact_root)
    assert (place.study, place.missing) == ("slopes", 1)
    assert relocate(database, [place]) == 0
    assert files(copy, runs["slopes"]) == files(copy, runs["slopes.2"]) == ["notes/a.txt"]
