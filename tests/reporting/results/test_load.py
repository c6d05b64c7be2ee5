"""Reading a study from an MLflow store: everything arrives, typed, and nothing is written."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.core.config import ADDED
from harness.core.errors import InputError
from harness.core.spec.study_spec import STUDY_KEYS, StudySpec
from harness.reporting.results import database
from harness.reporting.results import load as results_module
from harness.reporting.results.load import load_recorded, load_results
from harness.reporting.results.tables import StudyResults, tabulate
from tests.support import reports as builder
from tests.support.reports import Store


@pytest.fixture(scope="module")
def demo(store: Store) -> StudyResults:
    return load_results(store.uri, "demo")


def test_the_store_gives_the_same_tables_as_the_records_it_was_written_from(
    demo: StudyResults, store: Store
) -> None:
    expected = builder.results(store.runs)
    # Run ids are the store's own; all the rest was written from the records.
    pd.testing.assert_frame_equal(
        demo.trials.drop(columns="run_id"), expected.trials.drop(columns="run_id")
    )
    pd.testing.assert_frame_equal(demo.history, expected.history)


def test_outcomes_tell_interrupted_and_running_from_failed(demo: StudyResults) -> None:
    assert list(demo.trials["outcome"]) == [
        "complete",
        "pruned",
        "failed",
        "interrupted",
        "complete",
        "running",
    ]
    assert list(demo.trials["state"]) == [
        "COMPLETE",
        "PRUNED",
        "FAIL",
        "FAIL",
        "COMPLETE",
        "RUNNING",
    ]
    assert demo.trials["failure"][2] == "d_loss is not finite"
    assert demo.trials["pruned_by"][1] == "pruner"
    assert demo.trials["retry_of"][5] == "3"


def test_pruned_runs_of_before_are_pruned_ones() -> None:
    now = builder.record(0, "pruned")
    before = dataclasses.replace(now, number=1, status="KILLED", tags={"kind": "trial"})
    assert list(tabulate([now, before]).trials["outcome"]) == ["pruned", "pruned"]


def test_params_come_back_in_their_types(demo: StudyResults) -> None:
    row = demo.trials.iloc[4]
    assert (row["params.optimizer"], row["params.leaky_slope"], row["params.batch_size"]) == (
        "sgd",
        0.1,
        128,
    )
    assert demo.trials["params.batch_size"].dtype == "Int64"
    assert demo.trials["params.learning_rate"].dtype == np.float64


def test_final_values_are_those_of_the_last_step_and_missing_where_none_was_logged(
    demo: StudyResults,
) -> None:
    assert list(demo.trials["fid"][:2]) == [12.5, 200.0]
    assert np.isnan(demo.trials["fid"][2])
    assert demo.trials["images_seen"][2] == 0
    assert "trial_number" not in demo.metrics


def test_artifacts_arrive(demo: StudyResults, store: Store) -> None:
    assert demo.spec == store.spec
    assert demo.evaluation == builder.EVALUATION
    assert demo.untrained == {"fid": 400.0}  # a score that is null is none
    assert demo.environment == {"python": "3.11.9"}
    assert demo.gaps == ()


SEARCH = builder.spec(
    search={"minimize": "kid"}, evaluation={"num_samples": 300}, confirm={"top": 2}
)
ARMS = builder.arms_spec(tests=[builder.comparison_test()], tune={"seeds": 3})


@pytest.mark.parametrize("spec", [SEARCH, ARMS])
def test_a_study_is_read_back_as_it_was_declared(spec: StudySpec) -> None:
    assert tuple(spec.to_dict()) == STUDY_KEYS
    assert results_module._spec({**spec.to_dict(), "resolved": {}}, spec.name) == spec


@pytest.mark.parametrize("key", ARMS.to_dict())
def test_every_key_of_a_study_is_read(key: str) -> None:
    """Without a key, one of two studies that together set every key is another, or is refused."""

    def without(spec: StudySpec) -> StudySpec | None:
        declared = {name: value for name, value in spec.to_dict().items() if name != key}
        try:
            return results_module._spec(declared, "renamed" if key == "name" else spec.name)
        except InputError:
            return None

    assert [without(SEARCH), without(ARMS)] != [SEARCH, ARMS]


def test_grids_are_the_last_ones_and_found_by_run_id(demo: StudyResults) -> None:
    assert demo.grids.real() == builder.png(99)
    assert demo.grids.last(demo.trials["run_id"][0]) == builder.png(1)
    assert demo.grids.last(demo.trials["run_id"][4]) is None


def test_a_study_without_artifacts_is_read_and_says_what_is_missing(store: Store) -> None:
    bare = load_results(store.uri, "bare")
    assert len(bare.trials) == 3
    assert bare.spec.name == "bare"
    assert bare.evaluation == bare.untrained == bare.environment == {}
    assert [gap.split()[0] for gap in bare.gaps] == [
        "study.json",
        "evaluation.json",
        "untrained.json",
        "environment.json",
    ]
    assert bare.grids.real() is None


def test_more_trials_than_fit_one_page_of_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RUNS_AT_ONCE", 2)  # 6 trials
    assert len(load_results(store.uri, "demo").trials) == 6


def test_an_unknown_study_lists_those_there(store: Store) -> None:
    with pytest.raises(
        InputError,
        match=r"no study 'nope' in .*; there: bare, c01_centering, demo, empty, won, won-confirm",
    ):
        load_results(store.uri, "nope")


def test_an_experiment_without_a_study_is_no_study(store: Store) -> None:
    with pytest.raises(InputError, match="'empty' holds no study"):
        load_results(store.uri, "empty")


def test_reading_changes_no_byte_of_the_store(store: Store) -> None:
    path = Path(store.uri.removeprefix("sqlite:///"))
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    load_results(store.uri, "demo")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_store_that_does_not_exist_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run a study first"):
        load_results(f"sqlite:///{tmp_path}/mlflow.db", "demo")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("somewhere", "'somewhere' is not a database URL"),
        ("sqlite:///{tmp}/text.db", "is not a SQLite database"),
        ("sqlite:///{tmp}/torn.db", "torn.db"),
        ("http://127.0.0.1:9", "127.0.0.1"),
    ],
)
def test_a_store_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, says: str
) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    (tmp_path / "text.db").write_text("hello")
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)
    with pytest.raises(InputError) as caught:
        load_results(uri.format(tmp=tmp_path), "demo")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    # A study of the same process may come after a report, and has to wait for its server.
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_a_password_in_the_uri_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_results("postgresql://me:hunter2@127.0.0.1:9/x", "demo")
    assert "hunter2" not in str(caught.value)


def test_a_metric_may_have_the_name_of_a_field():
    """``precision`` is both: the arithmetic of a trial and a score."""
    runs = [builder.record(0, precision=0.75, config={"precision": "bfloat16"})]
    table = builder.results(runs).trials
    assert table.columns.is_unique
    assert table["precision"].tolist() == [0.75]
    assert table["params.precision"].tolist() == ["bfloat16"]


def test_a_field_of_later_versions_has_the_value_of_what_was_done_before():
    complete = builder.record(0)
    params = {name: value for name, value in complete.params.items() if name not in ADDED}
    runs = [
        dataclasses.replace(complete, params=params),
        dataclasses.replace(builder.record(1, "interrupted"), params={}),  # killed before
        builder.record(2, config={"convolution": "auto"}),
    ]
    column = builder.results(runs).trials["params.convolution"]
    assert column.fillna("missing").tolist() == ["direct", "missing", "auto"]


def test_a_search_comes_with_its_confirmation(store: Store) -> None:
    results = load_results(store.uri, "won")
    assert results.confirmation is not None
    assert results.confirmation.spec.name == "won-confirm"
    assert list(results.confirmation.trials["arm"]) == ["trial-001", "trial-001"]
    assert results.confirmation.pixels == {"unit": {"low": 0.0}}
    assert load_results(store.uri, "demo").confirmation is None


def test_recorded_studies_are_read_and_others_left_out(store: Store) -> None:
    found = load_recorded(store.uri, ["nope", "won"])
    assert list(found) == ["won"]
    with pytest.raises(InputError, match="run a study first"):
        load_recorded("sqlite:///none.db", ["won"])


def test_a_grid_up_to_some_images(store: Store) -> None:
    results = load_results(store.uri, "demo")
    run_id = str(results.trials["run_id"].iloc[0])
    assert results.grids.last(run_id, 99_999) == builder.png(2)
    assert results.grids.last(run_id, 100_000) == results.grids.last(run_id) == builder.png(1)
    assert results.grids.last(run_id, 49_999) is None
