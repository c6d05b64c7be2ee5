"""What arms were tuned to: the values tried, what they scored, and the one that was chosen."""

from __future__ import annotations

import math

import pandas as pd

from harness.outcomes.tuning import Choice, choices
from harness.reporting import formats
from harness.reporting.parts.tables import Table
from harness.reporting.results.outcomes import ENDED, outcome_table
from harness.reporting.results.tables import StudyResults


def tuning_table(results: StudyResults) -> Table | None:
    """One row per arm that was tuned; None for a study without tuning."""
    tune, tuning = results.spec.tune, results.tuning
    if tune is None or tuning is None or tuning.spec.arms is None:
        return None
    rows = []
    for arm, choice in recorded_choices(results).items():
        values = {
            factor: tuning.spec.arms.fields[tune.arm_name(arm, factor)][tune.field]
            for factor in tune.factors
        }
        levels = [_level(choice.levels[factor]) for factor in tune.factors]
        tried = [f"{levels[k]} at {values[f]:.3g}" for k, f in enumerate(tune.factors)]
        edge = ", at the edge of what was tried" if choice.edge else ""
        rows.append([arm, *tried, f"{values[choice.factor]:.3g}{edge}"])
    note = (
        f"{results.objective} at each {tune.field}, the geometric mean of "
        f"{formats.count(tune.seeds, 'seed')} that no verdict uses; the lowest one is chosen. A "
        f"choice at the edge may have a better value beyond it."
    )
    names = [f"x {factor:g}" for factor in tune.factors]
    columns = ["arm", *names, f"{tune.field} chosen"]
    return Table(columns, rows, [False, *[True] * len(names), False], note) if rows else None


def recorded_choices(results: StudyResults) -> dict[str, Choice]:
    """Arm -> what it was tuned to, by the recorded runs, for those whose tuning is complete."""
    tune, tuning, arms = results.spec.tune, results.tuning, results.spec.arms
    if tune is None or tuning is None or arms is None:
        return {}
    table = outcome_table(tuning, results.objective)
    ended = table[table["ended"].isin(ENDED)]
    scores = {
        str(arm): [None if pd.isna(value) else float(value) for value in part["value"]]
        for arm, part in ended.groupby("arm")
    }
    return choices(tune, scores, arms.names)


def _level(value: float) -> str:
    return formats.score(value) if math.isfinite(value) else "failed"
