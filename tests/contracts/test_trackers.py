"""What every tracker promises, tried on all of them: memory, and MLflow on a store of its own."""

from __future__ import annotations

import io
import itertools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.core.config import FIELDS, TrialConfig
from harness.core.errors import DivergedError
from harness.core.schema import INTERRUPTED, OUTCOME, RUN_STATUS, FinalState, Tag
from harness.core.spec.study_spec import StudySpec
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.reconcile import INTERRUPTED_ENDING, Ending
from harness.tracking.stores.layout import Layout
from harness.tracking.tracker import StudyTracker, Tracker, TrialRun
from tests.support.memory_tracker import MemoryTracker
from tests.support.stores import copy_stores

NUMBERS = itertools.count()
CONFIG = TrialConfig(leaky_slope=0.1, learning_rate=3e-4, images=640)
ENDS = {
    FinalState.COMPLETE: {},
    FinalState.PRUNED: {"pruned_by": "pruner"},
    FinalState.FAIL: {"failure": "d_loss is not finite"},
}


@dataclass
class Seen:
    """A run as it was stored."""

    name: str
    status: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, list[tuple[int, float]]]
    artifacts: dict[str, bytes]


@dataclass
class Backend:
    """A tracker and a way to read what it stored, which does not go through the tracker."""

    tracker: Tracker
    see: Callable[[Any], Seen]


@pytest.fixture(scope="session", params=["memory", "mlflow"])
def backend(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    empty_stores: Layout,
) -> Backend:
    """One tracker for all tests: each finds runs of others beside its own."""
    if request.param == "memory":
        return Backend(MemoryTracker(), _see_in_memory)
    layout = copy_stores(empty_stores, tmp_path_factory.mktemp("trackers") / "mlruns")
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    return Backend(tracker, lambda run: _see_in_mlflow(layout, run))


@pytest.fixture
def spec() -> StudySpec:
    """A study of the test's own."""
    return StudySpec(name=f"study-{next(NUMBERS)}", question="Which slope?")


@pytest.fixture
def study(backend: Backend, spec: StudySpec) -> StudyTracker:
    return backend.tracker.open_study(spec)


@pytest.fixture
def trial(study: StudyTracker) -> TrialRun:
    return study.start_trial(7, CONFIG)


def _see_in_memory(run: Any) -> Seen:
    return Seen(
        run.name,
        run.run_status,
        run.tags,
        getattr(run, "params", {}),
        getattr(run, "metrics", {}),
        run.artifacts,
    )


def _see_in_mlflow(layout: Layout, run: Any) -> Seen:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=layout.tracking_uri)
    stored = client.get_run(run.run_id)
    folder = layout.artifact_root / stored.data.tags["study_name"] / run.run_id / "artifacts"
    return Seen(
        stored.info.run_name,
        stored.info.status,
        dict(stored.data.tags),
        dict(stored.data.params),
        {
            key: [(m.step, m.value) for m in client.get_metric_history(run.run_id, key)]
            for key in stored.data.metrics
        },
        {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()},
    )


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4)).save(buffer, "PNG")
    return buffer.getvalue()


def test_study_run_is_running_and_says_what_it_is(
    backend: Backend, spec: StudySpec, study: StudyTracker
) -> None:
    seen = backend.see(study)
    assert (seen.name, seen.status) == (spec.name, "RUNNING")
    assert seen.tags["kind"] == "study"
    assert seen.tags["study_name"] == spec.name
    assert seen.tags["mlflow.note.content"] == spec.question


def test_trial_run_carries_its_configuration(
    backend: Backend, spec: StudySpec, study: StudyTracker, trial: TrialRun
) -> None:
    seen = backend.see(trial)
    assert (seen.name, seen.status) == ("t07", "RUNNING")
    assert seen.params.pop("config_id") == CONFIG.config_id
    assert tuple(sorted(seen.params)) == tuple(sorted(FIELDS))
    assert {name: str(value) for name, value in CONFIG.to_dict().items()} == seen.params
    assert (
        TrialConfig.from_dict(
            {name: type(getattr(CONFIG, name))(text) for name, text in seen.params.items()}
        )
        == CONFIG
    )
    assert seen.metrics == {"trial_number": [(0, 7.0)]}
    expected = {"kind": "trial", "study_name": spec.name, "trial_number": "7"}
    expected["mlflow.parentRunId"] = study.run_id
    assert {name: seen.tags[name] for name in expected} == expected


def test_own_tags_are_kept_but_do_not_replace_the_names(
    backend: Backend, study: StudyTracker
) -> None:
    seen = backend.see(study.start_trial(1, CONFIG, {"retry_of": "0", "kind": "other"}))
    assert seen.tags["retry_of"] == "0"
    assert seen.tags["kind"] == "trial"


def test_a_running_trial_takes_more_tags(backend: Backend, trial: TrialRun) -> None:
    trial.add_tags({Tag.RESUMED_AT: "1280"})
    assert backend.see(trial).tags["resumed_at"] == "1280"
    trial.finish(FinalState.COMPLETE)
    with pytest.raises(RuntimeError, match="has ended as COMPLETE"):
        trial.add_tags({Tag.RESUMED_AT: "0"})


def test_metrics_stand_at_images_seen(backend: Backend, trial: TrialRun) -> None:
    trial.log_metrics({"d_loss": 0.5, "fid": np.float32(30.5)}, 128)
    trial.log_metrics({"d_loss": 0.25}, 256)
    trial.log_metrics({}, 300)
    seen = backend.see(trial)
    assert seen.metrics["d_loss"] == [(128, 0.5), (256, 0.25)]
    assert seen.metrics["fid"] == [(128, 30.5)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_with_its_whole_batch(
    backend: Backend, trial: TrialRun, value: float
) -> None:
    with pytest.raises(ValueError, match=r"fid is .* at 1,280 images seen"):
        trial.log_metrics({"d_loss": 0.5, "fid": value}, 1280)
    assert set(backend.see(trial).metrics) == {"trial_number"}


def test_negative_progress_is_refused(trial: TrialRun) -> None:
    with pytest.raises(ValueError, match="images_seen is -1"):
        trial.log_metrics({"fid": 1.0}, -1)


@pytest.mark.parametrize("state", list(FinalState))
def test_states_become_statuses(backend: Backend, trial: TrialRun, state: FinalState) -> None:
    with trial:
        trial.finish(state, ENDS[state])
    seen = backend.see(trial)
    assert (seen.status, seen.tags["outcome"]) == (RUN_STATUS[state], OUTCOME[state])
    assert {name: seen.tags[name] for name in ENDS[state]} == ENDS[state]
    assert trial.state == state


@pytest.mark.parametrize("state", [FinalState.PRUNED, FinalState.FAIL])
def test_an_end_without_its_reason_is_refused(
    backend: Backend, trial: TrialRun, state: FinalState
) -> None:
    with pytest.raises(ValueError, match="needs the tag"):
        trial.finish(state)
    assert backend.see(trial).status == "RUNNING"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DivergedError("g_loss", 1_280), "g_loss is not finite at 1,280 images seen"),
        (KeyboardInterrupt(), INTERRUPTED),
        (MemoryError("out of memory\non device"), "MemoryError: out of memory"),
        (LookupError(), "LookupError"),
        (OSError(28, "No space left on device"), INTERRUPTED),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_what_escapes_a_trial_ends_it_as_failed(
    backend: Backend, trial: TrialRun, error: BaseException, reason: str
) -> None:
    with pytest.raises(type(error)), trial:
        raise error
    seen = backend.see(trial)
    assert (seen.status, seen.tags["failure"]) == ("FAILED", reason)


def test_a_trial_cannot_be_left_without_a_state(backend: Backend, trial: TrialRun) -> None:
    with pytest.raises(RuntimeError, match="without a final state"), trial:
        pass
    assert backend.see(trial).status == "FAILED"


def test_an_error_after_the_end_leaves_the_end(backend: Backend, trial: TrialRun) -> None:
    def prune() -> None:
        with trial:
            trial.finish(FinalState.PRUNED, {"pruned_by": "pruner"})
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        prune()
    seen = backend.see(trial)
    assert (seen.status, seen.tags["outcome"]) == ("FINISHED", "pruned")
    assert "failure" not in seen.tags


def test_an_ended_trial_takes_nothing_more(trial: TrialRun) -> None:
    trial.finish(FinalState.COMPLETE)
    with pytest.raises(RuntimeError, match="has ended as COMPLETE"):
        trial.log_metrics({"fid": 1.0}, 640)
    with pytest.raises(RuntimeError, match="has ended as COMPLETE"):
        trial.finish(FinalState.FAIL, {"failure": "late"})


def test_files_are_kept_as_they_came(
    backend: Backend, study: StudyTracker, trial: TrialRun, tmp_path: Path
) -> None:
    local = tmp_path / "written.tmp"
    local.write_bytes(b"\x00weights")
    for run in (study, trial):
        run.log_text("notes/über.txt", "Größe\n")
        run.log_json("config.json", {"slope": 0.1, "name": "é"})
        run.log_image("samples/000000128.png", png())
        run.log_file("generator.keras", local)
        artifacts = backend.see(run).artifacts
        assert artifacts.pop("notes/über.txt").decode() == "Größe\n"
        assert json.loads(artifacts.pop("config.json")) == {"slope": 0.1, "name": "é"}
        assert artifacts == {"samples/000000128.png": png(), "generator.keras": b"\x00weights"}
    assert local.exists()


def test_samples_are_kept_by_the_images_after_which_they_were_drawn(
    backend: Backend, trial: TrialRun
) -> None:
    trial.log_samples(png(), 128)
    with pytest.raises(ValueError, match="not a PNG"):
        trial.log_samples(b"GIF89a", 256)
    artifacts = backend.see(trial).artifacts
    assert artifacts["samples/000000128.png"] == png()
    assert not any("256" in path.partition("+timestamp")[0] for path in artifacts)
    trial.finish(FinalState.COMPLETE)
    with pytest.raises(RuntimeError, match="has ended"):
        trial.log_samples(png(), 384)


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../../x", ".", "a\\b"])
def test_paths_stay_below_the_run(trial: TrialRun, path: str) -> None:
    with pytest.raises(ValueError, match="artifact path"):
        trial.log_text(path, "text")


def test_json_and_images_are_what_they_say(backend: Backend, trial: TrialRun) -> None:
    with pytest.raises(ValueError, match="JSON"):
        trial.log_json("untrained.json", {"fid": math.nan})
    with pytest.raises(ValueError, match="not a PNG"):
        trial.log_image("samples/0.png", b"GIF89a")
    assert backend.see(trial).artifacts == {}


def test_a_generator_is_kept_with_its_record(
    backend: Backend, trial: TrialRun, tmp_path: Path
) -> None:
    local = tmp_path / "saved.keras"
    local.write_bytes(b"weights")
    trial.log_metrics({"fid": 2.5, "d_loss": 0.5}, 640)
    trial.log_dataset("digits", "a" * 64, "scikit-learn")
    trial.log_generator(local, {"label_shares": []})
    trial.log_metrics({"wall_seconds": 3.0}, 640)
    trial.finish(FinalState.COMPLETE)
    seen = backend.see(trial)
    assert seen.artifacts["generator.keras"] == b"weights"
    assert json.loads(seen.artifacts["generator.json"]) == {"label_shares": []}
    assert seen.metrics["fid"] == [(640, 2.5)]  # once, though the models' page has it too
    with pytest.raises(RuntimeError, match="has ended"):
        trial.log_dataset("digits", "a" * 64, "scikit-learn")


def test_the_best_so_far_is_a_curve_of_the_study_that_only_grows(
    backend: Backend, study: StudyTracker
) -> None:
    study.log_best("best_fid", {})
    study.log_best("best_fid", {1: 4.0, 2: 3.0})
    study.log_best("best_fid", {1: 4.0, 2: 3.0, 3: 3.0})
    curve = study.best if backend.see is _see_in_memory else backend.see(study).metrics  # type: ignore
    points = curve["best_fid"]
    assert sorted(points.items() if isinstance(points, dict) else points) == [
        (1, 4.0),
        (2, 3.0),
        (3, 3.0),
    ]


def test_a_study_and_its_trials_are_described(
    backend: Backend, spec: StudySpec, study: StudyTracker
) -> None:
    first, second = (study.start_trial(number, CONFIG) for number in range(2))
    for note in ("**Answer.** 4.0", "**Answer.** 3.0"):
        backend.tracker.describe(spec.name, note, {1: note, 7: "of no run"})
    assert backend.see(study).tags["mlflow.note.content"] == "**Answer.** 3.0"
    assert backend.see(second).tags["mlflow.note.content"] == "**Answer.** 3.0"
    assert "mlflow.note.content" not in backend.see(first).tags


def test_a_study_is_opened_again_not_made_twice(
    backend: Backend, spec: StudySpec, study: StudyTracker
) -> None:
    study.start_trial(0, CONFIG).finish(FinalState.COMPLETE)
    study.finish("FINISHED")
    assert backend.see(study).status == "FINISHED"
    again = backend.tracker.open_study(spec.replace(question="Which slope, again?"))
    assert (again.run_id, again.experiment_id) == (study.run_id, study.experiment_id)
    assert backend.see(again).status == "RUNNING"
    assert backend.see(again.start_trial(1, CONFIG)).tags["mlflow.parentRunId"] == study.run_id


def test_a_study_that_has_ended_is_tagged_and_stays_ended(
    backend: Backend, spec: StudySpec, study: StudyTracker
) -> None:
    study.finish("FINISHED")
    for winner in ("3", "4"):
        backend.tracker.tag_study(spec.name, {"winner": winner, "winner_alike": ""})
    seen = backend.see(study)
    assert (seen.tags["winner"], seen.tags["winner_alike"]) == ("4", "")
    assert seen.status == "FINISHED"
    assert seen.tags["kind"] == "study"


def test_the_trials_that_have_a_run_are_known_before_a_study_is_opened(
    backend: Backend, spec: StudySpec
) -> None:
    assert backend.tracker.trial_numbers(spec.name) == set()
    study = backend.tracker.open_study(spec)
    assert backend.tracker.trial_numbers(spec.name) == set()
    study.start_trial(0, CONFIG).finish(FinalState.COMPLETE)
    study.start_trial(3, None)
    assert backend.tracker.trial_numbers(spec.name) == {0, 3}


def test_two_studies_are_two_experiments(
    backend: Backend, spec: StudySpec, study: StudyTracker
) -> None:
    other = backend.tracker.open_study(spec.replace(name=f"{spec.name}.2"))
    assert other.experiment_id != study.experiment_id
    assert other.run_id != study.run_id


def test_what_killed_processes_left_ends_as_the_search_says(
    backend: Backend, study: StudyTracker
) -> None:
    complete, pruned, cut, running, unknown, done = (
        study.start_trial(number, CONFIG) for number in range(6)
    )
    done.finish(FinalState.COMPLETE)  # killed before it could tell the search
    ends = {
        0: Ending(FinalState.COMPLETE),
        1: Ending(FinalState.PRUNED, {"pruned_by": "collapse"}),
        2: INTERRUPTED_ENDING,
        3: None,
        5: INTERRUPTED_ENDING,
    }
    assert study.reconcile(lambda: ends) == [0, 1, 2, 4, 5]
    assert study.reconcile(lambda: ends) == []
    seen = [backend.see(run) for run in (complete, pruned, cut, running, unknown, done)]
    assert [one.status for one in seen] == [
        "FINISHED",
        "FINISHED",
        "FAILED",
        "RUNNING",
        "FAILED",
        "FAILED",
    ]
    assert seen[1].tags["pruned_by"] == "collapse"
    outcomes = [one.tags.get("outcome") for one in seen]
    assert outcomes == ["complete", "pruned", "failed", None, "failed", "failed"]
    for one in (seen[2], seen[4], seen[5]):
        assert one.tags["failure"] == INTERRUPTED


def test_a_trial_that_was_cut_off_before_its_run_began_gets_one(
    backend: Backend, study: StudyTracker
) -> None:
    study.start_trial(0, CONFIG).finish(FinalState.COMPLETE)
    ends = {
        0: Ending(FinalState.COMPLETE),
        1: Ending(INTERRUPTED_ENDING.state, INTERRUPTED_ENDING.tags, CONFIG),
        2: INTERRUPTED_ENDING,
        3: None,
        4: Ending(FinalState.FAIL, {"failure": "d_loss is not finite"}),
    }
    made: list[TrialRun] = []
    start = study.start_trial
    study.start_trial = lambda *given: made.append(start(*given)) or made[-1]  # type: ignore
    assert study.reconcile(lambda: ends) == [1, 2]
    assert study.reconcile(lambda: ends) == []
    whole, half = (backend.see(run) for run in made)
    assert (whole.name, half.name) == ("t01", "t02")
    assert whole.status == half.status == "FAILED"
    assert whole.tags["failure"] == half.tags["failure"] == INTERRUPTED
    fields = {name: str(value) for name, value in CONFIG.to_dict().items()}
    assert whole.params == {**fields, "config_id": CONFIG.config_id}
    assert half.params == {}
