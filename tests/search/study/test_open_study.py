"""An open study: begun in both stores or in none, and closed in both however its block ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import optuna
import pytest

from harness.core.errors import InputError
from harness.core.schema import StudyAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.study.open_study import open_study
from harness.search.study.storage import open_storage
from harness.tracking.stores.layout import Layout
from tests.support.memory_tracker import MemoryTracker

SPEC = StudySpec.from_dict(
    {
        "question": "Which slope?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
    },
    name="slopes",
)


@pytest.fixture
def storage(layout: Layout) -> Iterator[optuna.storages.RDBStorage]:
    opened = open_storage(layout.storage_url)
    yield opened
    opened.remove_session()
    opened.engine.dispose()


class Refusing(MemoryTracker):
    def open_study(self, spec: StudySpec):
        raise InputError("was deleted in MLflow")


def test_a_study_that_the_tracker_refuses_is_not_created(storage) -> None:
    with pytest.raises(InputError, match="was deleted"):
        open_study(SPEC, storage, Refusing())
    assert optuna.get_all_study_names(storage) == []


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (KeyboardInterrupt(), "KILLED"), (RuntimeError("broken"), "FAILED")],
)
def test_the_block_closes_the_study_in_both_stores(storage, error, status) -> None:
    opened = open_study(SPEC, storage, MemoryTracker())
    assert opened.study.user_attrs[StudyAttribute.OPEN] is True
    trial = opened.study.ask()
    run = opened.run.start_trial(trial.number, SPEC.base_config())  # its process is killed here
    opened.study.tell(trial, state=optuna.trial.TrialState.FAIL)
    with pytest.raises(type(error)) if error else nullcontext(), opened:
        if error:
            raise error
    assert (opened.run.status, opened.run.run_status) == (status, status)
    assert (run.run_status, run.tags["failure"]) == ("FAILED", "interrupted")
    assert opened.study.user_attrs[StudyAttribute.OPEN] is False


def test_a_failure_to_close_is_a_note_of_the_error_that_ended_the_block(storage) -> None:
    opened = open_study(SPEC, storage, MemoryTracker())

    def refuse(status):
        raise OSError("the server is gone")

    opened.run._write_status = refuse
    with pytest.raises(RuntimeError, match="broken") as caught, opened:
        raise RuntimeError("broken")
    assert any("the server is gone" in note for note in caught.value.__notes__)
    with pytest.raises(OSError, match="the server is gone"), opened:
        pass


@pytest.mark.parametrize(
    ("attribute", "words"),
    [(StudyAttribute.DATASET, "on other data"), (StudyAttribute.WEIGHTS, "extractor weights")],
)
def test_a_study_is_resumed_with_the_inputs_that_it_began_with(storage, attribute, words) -> None:
    tracker = MemoryTracker()
    open_study(SPEC, storage, tracker, {attribute: "a" * 64})
    assert open_study(SPEC, storage, tracker, {attribute: "a" * 64}).study.user_attrs[attribute]
    assert open_study(SPEC, storage, tracker, {attribute: None}).study.user_attrs[attribute]
    with pytest.raises(InputError, match=f"{words}.*aaaaaaaaaaaa, now bbbbbbbbbbbb.*--study-name"):
        open_study(SPEC, storage, tracker, {attribute: "b" * 64})
