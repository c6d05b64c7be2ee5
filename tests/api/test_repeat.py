"""A run that is repeated by its id: which study that makes, what is refused, and equal scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from harness.api.repeat import repeated
from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.schema import FinalState
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from harness.trial import trial
from tests.api.conftest import BASE, record_study
from tests.support.stores import copy_stores
from tests.support.wrong_input import check_refusal, pass_door


def run_of(layout: Layout, study: str, number: int | None = 0) -> str:
    """The id of the run of a trial; of the study itself for None."""
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    experiment = client.get_experiment_by_name(study)
    kind = "tags.kind = 'study'" if number is None else f"tags.trial_number = '{number}'"
    (run,) = client.search_runs([experiment.experiment_id], kind)
    return str(run.info.run_id)


def refusal(*given: str) -> str:
    """The one line with which the command refuses."""
    code, said, complaint = pass_door(trial, *given)
    assert said == ""
    check_refusal(code, complaint)
    return complaint


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout) -> Layout:
    """A search on the digits as they are here, and one on other data."""
    layout = copy_stores(empty_stores, tmp_path_factory.mktemp("repeat") / "mlruns")
    digits = load_dataset("digits")
    here = {"name": "digits", "fingerprint": digits.fingerprint, "source": digits.source}
    record_study(layout, "slopes", {0.1: 4.0, 0.2: 3.0}, dataset=here)
    record_study(layout, "elsewhere", {0.1: 4.0})
    return layout


def test_the_study_of_a_repeated_run_has_its_configuration_and_seed(recorded: Layout) -> None:
    spec = repeated(run_of(recorded, "slopes", 1), recorded.tracking_uri, None)
    expected = TrialConfig(**{**BASE, "leaky_slope": 0.2, "seed": 1})
    assert spec.base_config() == expected
    assert (spec.space, spec.search.num_trials, spec.search.metric) == ({}, 1, "fid")
    # `harness.trial` names the same configuration so: the trial is found again.
    declared = {"name": "slopes", "question": "?", "base": expected.to_dict()}
    named = StudySpec.from_dict({**declared, "search": {"minimize": "fid"}}).single_trial()
    assert spec.name == named.name


@pytest.mark.parametrize(
    ("study", "number", "says"),
    [
        ("slopes", None, "is of a study; allowed: the run of a trial"),
        ("elsewhere", 0, "its dataset digits was another (sha256 dddddddddddd, here"),
    ],
)
def test_what_cannot_be_repeated_is_one_line(
    recorded: Layout, study: str, number: int | None, says: str
) -> None:
    given = ["--from-run", run_of(recorded, study, number)]
    assert says in refusal(*given, "--tracking-uri", recorded.tracking_uri)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--from-run", "a" * 32], f"no run {'a' * 32} in sqlite"),
        (["--from-run", "../mlruns"], "32 hexadecimal digits"),
        (["quickstart", "--from-run", "a" * 32], "--from-run takes no STUDY"),
        (["--from-run", "a" * 32, "--seed", "0"], "--from-run takes no --seed"),
        (["--from-run", "a" * 32, "--set", "width=1"], "--from-run takes no --set"),
        (["--from-run", "a" * 32, "--smoke"], "--from-run takes no --smoke"),
    ],
)
def test_other_ids_and_options_that_would_change_the_run_are_one_line(
    recorded: Layout, given: list[str], says: str
) -> None:
    assert says in refusal(*given, "--tracking-uri", recorded.tracking_uri)


def test_a_run_of_another_program_is_none_of_a_trial(layout: Layout) -> None:
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    run = client.create_run(client.create_experiment("theirs")).info.run_id
    given = ["--from-run", run, "--tracking-uri", layout.tracking_uri]
    assert "is of another program" in refusal(*given)


def test_a_run_without_a_configuration_is_not_repeated(layout: Layout) -> None:
    spec = StudySpec(name="cut", question="?")
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(spec)
    study.log_json(schema.STUDY_FILE, spec.to_dict())
    run = study.start_trial(0, None)
    run.finish(FinalState.FAIL, {"failure": "interrupted"})
    given = ["--from-run", run.run_id, "--tracking-uri", layout.tracking_uri]
    assert "before its configuration was recorded" in refusal(*given)


def test_a_run_whose_reports_depend_on_its_search_is_not_repeated(layout: Layout) -> None:
    base = {"width": 0.0625, "images": 3_200, "dataset": "digits"}
    space = {"batch_size": {"choices": [32, 256]}}
    spec = StudySpec.from_dict({"name": "b", "question": "?", "base": base, "space": space})
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(spec)
    study.log_json(schema.STUDY_FILE, spec.to_dict())
    digits = {"fingerprint": load_dataset("digits").fingerprint}
    study.log_json(schema.EVALUATION_FILE, {"dataset": digits})
    run = study.start_trial(0, spec.base_config().replace(batch_size=32))
    run.finish(FinalState.COMPLETE)
    given = ["--from-run", run.run_id, "--tracking-uri", layout.tracking_uri]
    assert "would report elsewhere" in refusal(*given)


@pytest.mark.slow
def test_a_repeated_run_has_exactly_the_same_scores(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_MLRUNS", str(layout.root))
    monkeypatch.chdir(tmp_path)
    first = ["quickstart", "--smoke", "--seed=5", "--set=leaky_slope=0.3", "--study-name=first"]
    code, said, complained = pass_door(trial, *first, "--json")
    assert code == 0, complained
    again = ["--from-run", run_of(layout, "first"), "--study-name=again", "--json"]
    code, repeat, complained = pass_door(trial, *again)
    assert code == 0, complained
    assert json.loads(repeat) == json.loads(said)
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    runs = [client.get_run(run_of(layout, name)) for name in ("first", "again")]
    assert runs[0].data.params == runs[1].data.params
    timed = {*schema.TIME_METRICS, "images_per_second"}
    scores = [
        {name: value for name, value in run.data.metrics.items() if name not in timed}
        for run in runs
    ]
    assert scores[0] == scores[1]
