"""The winner of a recorded search, from its tables: what ``outcomes.winner`` decides of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.core.spec.arms import confirmed_trial
from harness.outcomes.race import Fresh
from harness.outcomes.winner import Candidate, Winner, find_winner
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults, param_column


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
            fresh.get(row["number"], ()),
        )
        for row in results.ranked[columns].to_dict("records")
    ]
    looks = results.spec.confirm.looks if results.spec.confirm else ()
    lower = results.lower_is_better
    return find_winner(candidates, space, looks=looks, lower_is_better=lower)


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
            ended = runs[runs["value"].notna() | runs["ended"].eq("failed")]
            values = zip(ended["value"], ended["ended"], strict=True)
            found[number] = tuple(None if how == "failed" else float(x) for x, how in values)
    return found
