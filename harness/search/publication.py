"""What a complete study leaves in MLflow for its readers: its winner, descriptions, its model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import optuna

from harness.core.errors import HarnessError, plain_markdown
from harness.core.schema import COLLAPSE_PROBABILITY, FID_LATE, StudyAttribute
from harness.core.spec.arms import confirmation_name
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.late import LATE_WORDS
from harness.search.confirmation import best_first, tag_winner
from harness.search.plan import StudyPlan
from harness.search.study.storage import open_storage
from harness.search.study.trials import StudyOutcome, trial_record

if TYPE_CHECKING:
    from harness.tracking.tracker import Tracker

_SHOWN_SCORES = ("fid", "kid", "precision", "recall", "modes_captured", "vendi_ratio")


def publish(outcome: StudyOutcome, plan: StudyPlan, *, confirmed: bool) -> Iterator[str]:
    """Write what readers of MLflow look for; yields a line for each thing that was not written.

    For a study that is complete, ``confirmed`` if its confirmation is too. Nothing is written
    twice: Optuna's storage notes what MLflow has.
    """
    if outcome.winner:
        tag_winner(outcome, plan)
    study = optuna.load_study(study_name=outcome.name, storage=open_storage(plan.storage_url))
    try:
        _describe(study, outcome, plan, confirmed)
    except HarnessError as error:
        yield f"the descriptions in MLflow were not written: {error}"
    if outcome.winner and plan.spec.space:
        number = outcome.winner["trial"]
        if study.user_attrs.get(StudyAttribute.REGISTERED) == number:
            return
        try:
            words = plain_markdown(outcome.winner["words"])
            _tracker(plan).register_winner(outcome.name, number, f"{words} {_use(outcome.name)}")
            study.set_user_attr(StudyAttribute.REGISTERED, number)
        except HarnessError as error:
            yield f"the winner was not registered as a model: {error}"


def study_note(spec: StudySpec, answer: str = "") -> str:
    """The description of a study: question, answer, where the report is; Markdown."""
    name = spec.name
    parts = [f"**Question.** {plain_markdown(spec.question)}"]
    if answer:
        parts.append(f"**Answer.** {plain_markdown(answer)}")
    parts.append(
        f"**Report.** `reports/{name}/index.html`; `python -m harness.report {name}` writes it."
    )
    if answer:
        parts.append(f"**Use.** {_use(name)}")
    return "\n\n".join(parts)


def trial_note(record: Mapping[str, Any], place: int, of: int, spec: StudySpec) -> str:
    """The description of a completed trial: its place among ``of``, its scores; Markdown.

    record: number, value and scores, as ``trial_record`` gives them.
    """
    search, scores = spec.search, record["scores"]
    better = "lower" if search.direction == "minimize" else "higher"
    names = dict.fromkeys([search.metric, *_SHOWN_SCORES, COLLAPSE_PROBABILITY])
    rows = [f"| {plain_markdown(name)} | {scores[name]:.4g} |" for name in names if name in scores]
    lines = [
        f"**Place {place} of {of}** of the completed trials of {plain_markdown(spec.name)} by "
        f"{plain_markdown(search.metric)} ({better} is better), each with one seed.",
        "\n".join(["| score | value |", "|---|---|", *rows]) if rows else "",
        LATE_WORDS if FID_LATE in scores else "",
    ]
    return "\n\n".join(line for line in lines if line)


def _use(name: str) -> str:
    return f"`python -m harness.generate {name}` draws images from the winner."


def _describe(study: optuna.Study, outcome: StudyOutcome, plan: StudyPlan, confirmed: bool) -> None:
    spec, answer = plan.spec, outcome.winner["words"] if outcome.winner else ""
    done = best_first(study) if spec.space else []
    notes = {
        trial.number: trial_note(trial_record(trial), place, len(done), spec)
        for place, trial in enumerate(done, 1)
    }
    described = {spec.name: (study_note(spec, answer), notes)}
    if confirmed:
        name = confirmation_name(spec.name)
        question = f"Do the best configurations of the study {spec.name} hold on fresh seeds?"
        described[name] = (study_note(spec.replace(question=question), answer), {})
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    if study.user_attrs.get(StudyAttribute.DESCRIBED) == digest:
        return
    tracker = _tracker(plan)
    for name, (note, trial_notes) in described.items():
        tracker.describe(name, note, trial_notes)
    study.set_user_attr(StudyAttribute.DESCRIBED, digest)


def _tracker(plan: StudyPlan) -> Tracker:
    from harness.tracking.mlflow_tracker import MlflowTracker

    return MlflowTracker(plan.tracking_uri, plan.layout.artifact_root)
