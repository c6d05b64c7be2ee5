"""Whether both stores hold the same study: a store that was lost is reported, never replaced."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from optuna.trial import FrozenTrial, TrialState

from harness.core.errors import InputError
from harness.core.secrets import mask

_MAX_LISTED = 5  # trial numbers in a message


def check_agreement(
    study_name: str, trials: Sequence[FrozenTrial], recorded: Collection[int], storage_url: str
) -> None:
    """Pass if the study's ``trials`` in Optuna and the numbers ``recorded`` in MLflow fit together.

    A trial is in Optuna before it has a run. So a run without a trial means that the storage was
    lost or is another one, and its numbers would be given a second time. Trials that ended without
    a single run mean that the tracking store was lost. Raises InputError for both.
    """
    unknown = sorted(set(recorded) - {trial.number for trial in trials})
    if unknown:
        listed = ", ".join(map(str, unknown[:_MAX_LISTED]))
        listed += ", ..." if len(unknown) > _MAX_LISTED else ""
        raise InputError(
            f"study {study_name!r} has runs in MLflow whose trials ({listed}) are not in the "
            f"storage {mask(storage_url)}; give the --storage that it began with, restore a copy "
            "of it, delete these runs in MLflow, or take another --study-name"
        )
    if not recorded and num_ended(trials):
        raise runs_lost(study_name, num_ended(trials), storage_url)


def num_ended(trials: Sequence[FrozenTrial]) -> int:
    """How many of ``trials`` are complete or pruned: each of them has had a run in MLflow."""
    return sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials)


def runs_lost(study_name: str, num_trials: int, storage_url: str) -> InputError:
    """The error for a study whose trials are in Optuna's storage and whose runs are not."""
    url = mask(storage_url)
    command = ["optuna", "delete-study", "--storage", url, "--study-name", study_name]
    return InputError(
        f"study {study_name!r} has {num_trials} trials in {url}, but no runs in MLflow; give the "
        "--tracking-uri that it began with, restore a copy of it, take another --study-name, or "
        f"begin again after: {shlex.join(command)}"
    )
