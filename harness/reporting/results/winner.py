"""The winner of a recorded search, from its tables: what ``outcomes.winner`` decides of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.core.spec.arms import confirmed_trial
from harness.outcomes.winner import Candidate, Winner, find_winner
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults, param_column

Fresh = tuple[tuple[float, ...], int]
"""Scores on fresh seeds, in the order of the seeds, and how many of these runs failed."""

NONE: Fresh = ((), 0)


def recorded_winner(results: StudyResults) -> Winner | None:
    """The winner, by the confirmation as far as it was run; None without a completed trial."""
    if results.spec.arms is not None:
        return None
    if results.ranked.empty:
        return None
    fresh, space = _fresh_scores(results), results.spec.space
    columns = ["number", results.objective, *map(param_column, space)]
    candidates = [
        Candidate(
            row["number"],
            row[results.objective],
            {name: _known(row[param_column(name)]) for name in space},
            *fresh.get(row["number"], NONE),
        )
        for row in results.ranked[columns].to_dict("records")
    ]
    return find_winner(candidates, space, lower_is_better=results.lower_is_better)


def _known(value: Any) -> Any:
    """``value``, None for a missing one."""
    return None if pd.isna(value) else value


def _fresh_scores(results: StudyResults) -> Mapping[int, Fresh]:
    """Number of a confirmed trial -> what its configuration scored on fresh seeds."""
    again = results.confirmation
    if again is None or again.spec.arms is None:
        return {}
    table = outcome_table(again, results.objective).sort_values("seed")
    found = {}
    for arm in again.spec.arms.names:
        runs, number = table[table["arm"] == arm], confirmed_trial(arm)
        if number is not None:
            values = runs["value"].dropna().astype("float64")
            found[number] = (tuple(values), int(runs["ended"].eq("failed").sum()))
    return found
