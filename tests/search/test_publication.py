"""What a complete study leaves in MLflow: descriptions, the best so far, the winner as a model."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient

from harness.core.errors import HarnessError
from harness.core.schema import FinalState
from harness.core.spec.study_spec import StudySpec
from harness.search import publication
from harness.search.plan import StudyPlan
from harness.search.publication import publish, study_note, trial_note
from harness.search.study.open_study import open_study
from harness.search.study.space import config_of, distributions
from harness.search.study.storage import open_storage
from harness.search.study.trials import StudyOutcome, best_so_far
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout

SPEC = StudySpec.from_dict(
    {
        "name": "slopes",
        "question": "Which <b>slope</b> is *best*?",
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
    }
)
RECORD = {"label_shares": []}
VALUES = (4.0, 2.0, 3.0)


@pytest.fixture
def plan(layout: Layout, tmp_path: Path) -> StudyPlan:
    """The plan of a search whose trials have the VALUES, and whose last has no generator."""
    storage = open_storage(layout.storage_url)
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    local = tmp_path / "saved.keras"
    local.write_bytes(b"weights")
    with open_study(SPEC, storage, tracker) as opened:
        for number, value in enumerate(VALUES):
            trial = opened.study.ask(distributions(SPEC))
            with opened.run.start_trial(number, config_of(SPEC, trial.params)) as run:
                if number < 2:
                    run.log_generator(local, RECORD)
                run.finish(FinalState.COMPLETE)
            trial.set_user_attr("scores", {"fid_late": value, "fid": value + 0.5})
            opened.study.tell(trial, value)
    return StudyPlan(SPEC, layout, layout.storage_url, layout.tracking_uri)


def outcome(winner: int) -> StudyOutcome:
    words = {"trial": winner, "alike": [], "words": f"Trial {winner} is the best of 3 trials."}
    facts = ("slopes", "fid_late", 3, 3, {"COMPLETE": 3}, 3, False, 60.0, {}, {})
    return StudyOutcome(*facts, {"trial": winner}, {}, words)


def stored(plan: StudyPlan) -> tuple[MlflowClient, str]:
    client = MlflowClient(plan.tracking_uri, registry_uri=plan.tracking_uri)
    return client, client.get_experiment_by_name("slopes").experiment_id


def notes(plan: StudyPlan) -> dict[str, str]:
    """Number of a trial, or "study" -> its description."""
    client, experiment = stored(plan)
    runs = client.search_runs([experiment])
    return {
        run.data.tags.get("trial_number", "study"): run.data.tags.get("mlflow.note.content", "")
        for run in runs
    }


def test_descriptions_say_question_answer_place_and_scores(plan: StudyPlan) -> None:
    assert list(publish(outcome(1), plan, confirmed=False)) == []
    found = notes(plan)
    assert found["study"].startswith(
        "**Question.** Which &lt;b&gt;slope&lt;/b&gt; is \\*best\\*?\n\n"
        "**Answer.** Trial 1 is the best of 3 trials.\n\n**Report.** `reports/slopes/index.html`"
    )
    client, experiment = stored(plan)
    assert client.get_experiment(experiment).tags["mlflow.note.content"] == found["study"]
    for number, place in (("0", 3), ("1", 1), ("2", 2)):
        assert f"**Place {place} of 3**" in found[number]
    assert "| fid_late | 2 |\n| fid | 2.5 |" in found["1"]


def test_the_winner_is_a_model_of_the_registry_and_a_new_winner_replaces_it(
    plan: StudyPlan,
) -> None:
    client, _ = stored(plan)
    for winner in (1, 0):
        assert list(publish(outcome(winner), plan, confirmed=False)) == []
        version = client.get_model_version_by_alias("slopes-generator", "winner")
        run = client.get_run(version.run_id)
        assert run.data.tags["trial_number"] == str(winner)


def test_what_cannot_be_registered_is_one_line_and_is_tried_again(plan: StudyPlan) -> None:
    for _ in range(2):
        (line,) = publish(outcome(2), plan, confirmed=False)
        assert line.startswith("the winner was not registered as a model: run ")
    assert notes(plan)["study"]  # described all the same


def test_a_study_that_is_published_is_not_written_again(
    plan: StudyPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(publish(outcome(1), plan, confirmed=False)) == []

    def refuse(plan: StudyPlan) -> None:
        raise HarnessError("asked")

    monkeypatch.setattr(publication, "_tracker", refuse)
    assert list(publish(outcome(1), plan, confirmed=False)) == []


def test_the_study_has_a_chart_of_the_best_so_far(plan: StudyPlan) -> None:
    client, experiment = stored(plan)
    (study,) = client.search_runs([experiment], "tags.kind = 'study'")
    points = client.get_metric_history(study.info.run_id, "best_fid_late")
    assert [(point.step, point.value) for point in points] == [(0, 4.0), (1, 2.0), (2, 2.0)]


def test_the_best_so_far_waits_for_trials_that_run() -> None:
    study = optuna.create_study(direction="maximize")
    for state, value in (("PRUNED", None), ("COMPLETE", 1.0), ("FAIL", None), ("COMPLETE", 5.0)):
        frozen = optuna.trial.create_trial(state=optuna.trial.TrialState[state], value=value)
        study.add_trial(frozen)
    study.ask()
    study.add_trial(optuna.trial.create_trial(value=9.0))
    assert best_so_far(study) == {1: 1.0, 2: 1.0, 3: 5.0}


def test_a_study_without_an_answer_has_none_in_its_description() -> None:
    assert "Answer" not in study_note(SPEC)
    note = trial_note({"scores": {}}, 1, 1, SPEC)
    assert note.count("\n") == 0
