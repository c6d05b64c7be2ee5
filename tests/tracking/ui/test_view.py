"""The prepared view of a study in the MLflow UI, and the names of its runs."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.utils import validation

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from harness.tracking.ui.run_title import LONGEST_TITLE, trial_title
from harness.tracking.ui.view import LONGEST_TAGS, VIEW_TAG, view_address, view_of

SPACE = {
    "optimizer": {"choices": ["adam", "sgd"]},
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "leaky_slope": {"low": 0.0, "high": 0.4},
}
SPEC = StudySpec.from_dict({"name": "shown", "question": "Is it shown?", "space": SPACE})


def test_it_shows_trials_by_the_objective_with_their_fields_and_scores():
    key, text = view_of(SPEC)
    assert key == hashlib.sha256(text.encode()).hexdigest()
    state = json.loads(text)
    objective = SPEC.search.metric
    assert state["searchFilter"] == "tags.kind = 'trial'"
    assert (state["orderByKey"], state["orderByAsc"]) == (f"metrics.`{objective}`", True)
    first = ["tags.`outcome`", "tags.`alarm`", f"metrics.`{objective}`"]
    assert state["selectedColumns"][:3] == first
    assert [f"params.`{name}`" for name in SPACE] == [
        column for column in state["selectedColumns"] if column.startswith("params")
    ]
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == sections
    (parallel,) = [c for c in state["compareRunCharts"] if c["type"] == "PARALLEL"]
    assert parallel["selectedParams"] == list(SPACE)
    (images,) = [c for c in state["compareRunCharts"] if c["type"] == "IMAGE"]
    assert (images["imageKeys"], images["showRunParams"]) == (["samples"], False)
    assert images["step"] == SPEC.base_config().images  # the last report


def test_it_fits_into_a_tag_however_many_fields_are_searched():
    space = {
        name: {"choices": [0.1, 0.2]} for name in ("dropout", "leaky_slope", "beta_1", "width")
    }
    space |= {"discriminator_learning_rate_ratio": {"low": 0.5, "high": 2.0}, **SPACE}
    spec = StudySpec.from_dict({"name": "x", "question": "?", "space": space})
    # As MLflow 3.17 has it; those of 3.13 to 3.16 take 5,000.
    assert LONGEST_TAGS[0] == validation.MAX_EXPERIMENT_TAG_VAL_LENGTH
    _, whole = view_of(spec)
    assert all(f"params.`{name}`" in whole for name in space)
    _, short = view_of(spec, longest=len(whole) - 1)
    assert len(short) < len(whole)
    assert short.count("params.") == len(space) - 1


def test_its_address_names_the_view_or_does_without():
    query = parse_qs(urlsplit(urlsplit(view_address("7", {"view": "a1"})).fragment).query)
    assert query["viewStateShareKey"] == ["a1"]
    plain = view_address("7", {f"{VIEW_TAG}b2": "shared by a person"})
    assert plain.startswith("/#/experiments/7/runs?workflowType=machine_learning&searchFilter=")


def test_it_is_kept_with_the_study_and_follows_it(layout: Layout):
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    other = SPEC.replace(space={name: SPEC.space[name] for name in ("optimizer", "leaky_slope")})
    for spec in (SPEC, SPEC, other):
        study = tracker.open_study(spec)
        tags = client.get_experiment(study.experiment_id).tags
        key, text = view_of(spec)
        assert (tags["view"], tags[VIEW_TAG + key]) == (key, text)


@pytest.mark.parametrize(
    ("fields", "arm", "title"),
    [
        ({"optimizer": "adam", "learning_rate": 3.1e-4}, None, "t07 adam .00031 slope .18"),
        ({"optimizer": "sgd", "learning_rate": 2e-5}, None, "t07 sgd 2e-5 slope .18"),
        ({"seed": 3}, "trial-005", "t07 trial-005 seed 3"),
    ],
)
def test_runs_are_named_by_what_is_searched(fields, arm, title):
    config = TrialConfig(leaky_slope=0.18, **fields)
    assert trial_title(SPEC, 7, config, arm) == title


def test_a_run_of_an_unknown_configuration_has_its_number():
    assert trial_title(SPEC, 7, None) == "t07"
    assert len(trial_title(SPEC, 7, TrialConfig(), "a" * 200)) == LONGEST_TITLE


def test_seeds_of_one_configuration_share_an_id():
    assert TrialConfig(seed=1).config_id == TrialConfig(seed=2).config_id
    assert TrialConfig(leaky_slope=0.1).config_id != TrialConfig().config_id
    assert len(TrialConfig().config_id) == 10
