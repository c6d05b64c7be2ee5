"""The doctor on stores that a crash or a move left behind: what it says, mends and leaves alone."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import optuna
import pytest
from filelock import FileLock
from mlflow import MlflowClient

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.schema import FinalState, TrialAttribute
from harness.core.spec.study_spec import StudySpec
from harness.diagnostics.consistency import examine_addresses, examine_studies, repair_stores
from harness.reporting.pages import study as page_module
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_results
from harness.search.study.open_study import open_study
from harness.search.study.storage import open_storage
from harness.search.workers.heartbeat import WorkerIdentity
from harness.tracking.image_grid import grid_png
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout, Stores

SPEC = StudySpec.from_dict(
    {
        "question": "Which slope?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"minimize": "fid"},
    },
    name="slopes",
)
GRID = grid_png(np.zeros((4, 8, 8, 1), np.uint8))


@pytest.fixture
def study(layout: Layout):
    """Trial 0 is complete in both stores; the study's run is FINISHED."""
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    with open_study(SPEC, open_storage(layout.storage_url), tracker) as opened:
        search, parent = opened.study, opened.run
        parent.log_json(schema.STUDY_FILE, SPEC.to_dict())
        parent.log_image(schema.REAL_SAMPLES_FILE, GRID)
        trial = search.ask()
        config = TrialConfig.from_dict({**SPEC.base, "leaky_slope": suggest(trial)})
        with parent.start_trial(0, config) as run:
            run.log_metrics({"fid": 3.0}, 1_000)
            run.log_image(schema.sample_path(1_000), GRID)
            run.finish(FinalState.COMPLETE)
        search.tell(trial, 3.0)
    return search, parent


def suggest(trial: optuna.Trial) -> float:
    return trial.suggest_float("leaky_slope", 0.0, 0.4)


def said(findings) -> list[tuple[str, bool | None, str]]:
    return [(finding.part, finding.works, finding.detail) for finding in findings]


def leave_a_trial_running(study, number: int) -> str:
    """As a worker that is killed does; the id of its run."""
    search, parent = study
    config = TrialConfig.from_dict({**SPEC.base, "leaky_slope": suggest(search.ask())})
    return str(parent.start_trial(number, config).run_id)


def test_a_study_that_is_whole_is_said_to_be(layout: Layout, study):
    sound = "1 trials, the same in both stores"
    assert said(examine_studies(Stores.of(layout))) == [("study slopes", True, sound)]
    assert list(examine_addresses(Stores.of(layout))) == []
    assert list(repair_stores(Stores.of(layout))) == []


def test_what_a_dead_worker_left_is_named_ended_and_then_gone(layout: Layout, study):
    run_id = leave_a_trial_running(study, 1)
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    client.update_run(study[1].run_id, status="RUNNING")
    ((part, works, detail),) = said(examine_studies(Stores.of(layout)))
    assert (part, works) == ("study slopes", None)
    assert "trials 1 stale; run" in detail
    assert "the study's run is still RUNNING; run" in detail
    assert "--repair" in detail
    (repaired,) = repair_stores(Stores.of(layout))
    assert "ended trials 1, runs of trials 1, and 1 runs of the study itself" in repaired.detail
    assert [trial.state.name for trial in study[0].trials] == ["COMPLETE", "FAIL"]
    assert study[0].trials[1].user_attrs["failure"] == "interrupted"
    run = client.get_run(run_id)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "interrupted")
    ((_, works, _),) = said(examine_studies(Stores.of(layout)))
    assert works is True
    assert list(repair_stores(Stores.of(layout))) == []


def test_a_study_that_runs_is_left_alone(layout: Layout, study):
    run_id = leave_a_trial_running(study, 1)
    lock = layout.study_lock("slopes")
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):
        assert said(examine_studies(Stores.of(layout))) == [
            ("study slopes", True, "is running now")
        ]
        assert list(repair_stores(Stores.of(layout))) == []
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    assert client.get_run(run_id).info.status == "RUNNING"
    assert study[0].trials[1].state.name == "RUNNING"


def test_a_study_with_a_living_worker_runs_and_is_left_alone(layout: Layout, study):
    search, _ = study
    storage = open_storage(layout.storage_url)
    leave_a_trial_running(study, 1)
    with WorkerIdentity() as worker:
        trial_id = storage.get_trial_id_from_study_id_trial_number(1, 1)
        storage.record_heartbeat(trial_id)
        storage.set_trial_user_attr(trial_id, TrialAttribute.WORKER, worker.name)
        assert said(examine_studies(Stores.of(layout))) == [
            ("study slopes", True, "is running now")
        ]
        assert list(repair_stores(Stores.of(layout))) == []
        assert search.trials[1].state.name == "RUNNING"
        trial_file = Path(worker.path)
    trial_file.touch()  # as a killed process leaves it: there, and not locked
    assert "ended trials 1" in next(repair_stores(Stores.of(layout))).detail
    assert search.trials[1].state.name == "FAIL"
    trial_file.unlink()


def test_what_is_in_one_store_alone_and_files_that_are_gone_are_named(layout: Layout, study):
    search, parent = study
    search.tell(search.ask(), 2.0)
    parent.start_trial(7, TrialConfig.from_dict(SPEC.base)).finish(FinalState.COMPLETE)
    (run_folder,) = (
        path.parent
        for path in layout.artifact_root.glob("*/*/artifacts/samples")
        if (path / "000001000.png").exists()
    )
    shutil.rmtree(run_folder.parent)
    ((_, works, detail),) = said(examine_studies(Stores.of(layout)))
    assert works is None
    assert "trials 1 without a run in MLflow" in detail
    assert "trials 7 with a run and no trial in Optuna" in detail
    assert "trials 0, 7 without files" in detail


def test_write_ahead_logging_comes_back(layout: Layout):
    for name in ("mlflow.db", "optuna.db"):
        with closing(sqlite3.connect(layout.root / name)) as connection:
            assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    parts = [(finding.part, finding.detail) for finding in repair_stores(Stores.of(layout))]
    assert parts == [
        (name, "repaired: set to write-ahead logging") for name in ("mlflow.db", "optuna.db")
    ]
    with closing(sqlite3.connect(layout.root / "optuna.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def images_in(layout: Layout, folder: Path) -> int:
    """The number of images in the study's report, written into ``folder``."""
    page = write_report(load_results(layout.tracking_uri, "slopes"), folder)
    return len(re.findall(r"data:image/png;base64", page.read_text()))


def test_a_moved_folder_reports_with_images_before_and_after_its_repair(
    layout: Layout, study, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])  # plots are no images
    expected = images_in(layout, tmp_path / "before")
    assert expected > 0
    new = Layout(tmp_path / "elsewhere" / "runs")
    new.root.parent.mkdir()
    shutil.move(layout.root, new.root)
    assert images_in(new, tmp_path / "moved") == expected
    ((part, works, detail),) = said(examine_addresses(Stores.of(new)))
    assert (part, works) == ("files of slopes", None)
    assert "--repair" in detail
    (repaired,) = repair_stores(Stores.of(new))
    assert "repaired: 3 addresses" in repaired.detail  # the study, its run, its trial's run
    assert list(examine_addresses(Stores.of(new))) == []
    client = MlflowClient(tracking_uri=new.tracking_uri)
    assert client.list_artifacts(study[1].run_id)
    assert images_in(new, tmp_path / "after") == expected


@pytest.mark.slow
def test_the_door_repairs_and_answers_in_json(layout: Layout, study, monkeypatch, capsys):
    from harness import doctor

    leave_a_trial_running(study, 1)
    monkeypatch.setenv("HARNESS_MLRUNS", str(layout.root))
    assert doctor.doctor(None, repair=True, as_json=True) == 0
    rows = json.loads(capsys.readouterr().out)
    states = [(row["part"], row["state"]) for row in rows]
    assert states[0] == ("study slopes", "ok")
    assert rows[0]["found"].startswith("repaired: ")
    assert states.count(("study slopes", "ok")) == 2


def test_a_database_of_another_version_fails_with_what_to_do(layout: Layout, monkeypatch, capsys):
    from harness import doctor

    with closing(sqlite3.connect(layout.root / "optuna.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
    monkeypatch.setenv("HARNESS_MLRUNS", str(layout.root))
    assert doctor.doctor(None, as_json=True) == 1
    rows = json.loads(capsys.readouterr().out)
    (failed,) = (row for row in rows if row["state"] == "fail")
    assert "optuna storage upgrade" in failed["found"]


def test_a_damaged_store_is_not_repaired(layout: Layout, monkeypatch, capsys):
    from harness import doctor

    (layout.root / "optuna.db").write_bytes(b"SQLite format 3\0" + bytes(4_096))
    before = (layout.root / "optuna.db").read_bytes()
    monkeypatch.setenv("HARNESS_MLRUNS", str(layout.root))
    assert doctor.doctor(None, repair=True, as_json=True) == 1
    assert (layout.root / "optuna.db").read_bytes() == before
    rows = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in rows if row["part"] == "optuna.db"] == ["fail"]


def test_checkpoints_are_counted_and_refused_ones_named(layout: Layout):
    from harness.diagnostics.machine import find_checkpoints

    assert list(find_checkpoints(layout)) == []
    folder = layout.checkpoint_dir / "slopes"
    folder.mkdir(parents=True)
    (folder / "a.npz").write_bytes(bytes(2_000_000))
    (folder / "b.npz.refused").touch()
    kept, refused = find_checkpoints(layout)
    assert "1 of running or interrupted trials, 2.0 MB" in kept.detail
    assert refused.works is None
    assert "1 damaged, set aside" in refused.detail
