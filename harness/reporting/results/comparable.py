"""Whether the scores of studies compare, and their trials on one leaderboard if they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.core.errors import InputError, shown
from harness.reporting.results.tables import StudyResults

COMPARED = ("dataset", "classifier", "extractor", "num_fake_samples")
"""What of evaluation.json two studies must share for their scores to compare."""


def joint_ranking(studies: Sequence[StudyResults]) -> pd.DataFrame:
    """The completed trials of all ``studies``, the best first: ``ranked`` of each, put together.

    A column ``study`` comes first and ``rank`` is over all; of equal scores those of the study that
    was named first come first. Raises InputError where scores do not compare: another objective,
    dataset, classifier, features or number of samples.
    """
    first = studies[0]
    for other in studies[1:]:
        if fault := _difference(first, other):
            raise InputError(f"{first.spec.name} and {other.spec.name} do not compare: {fault}")
    parts = [one.ranked.assign(study=one.spec.name) for one in studies]
    both = pd.concat(parts).drop(columns="rank")
    both = both.sort_values(first.objective, ascending=first.lower_is_better, kind="stable")
    both.insert(0, "study", both.pop("study"))
    return both.reset_index(drop=True).assign(rank=range(1, len(both) + 1))


def _difference(one: StudyResults, other: StudyResults) -> str:
    """What keeps the scores of two studies from comparing; "" for nothing."""
    if one.objective != other.objective:
        return f"their objectives are {one.objective} and {other.objective}"
    for name in COMPARED:
        values = [_named(results.evaluation.get(name)) for results in (one, other)]
        if values[0] != values[1]:
            return f"{name.replace('_', ' ')}: {shown(values[0])} and {shown(values[1])}"
    return ""


def _named(record: Any) -> Any:
    """What identifies an entry of evaluation.json: its fingerprint or hash, else all of it."""
    if not isinstance(record, dict):
        return record
    return record.get("fingerprint") or record.get("sha256") or record
