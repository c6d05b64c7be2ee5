"""The winner, median and worst of the ranked trials, and how the losses agree with the score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.reporting.results.tables import StudyResults

MIN_TRIALS = 5
"""The fewest completed trials that a rank correlation is computed from."""


def picks(results: StudyResults) -> dict[str, pd.Series]:
    """The winner, the first that is not told apart from it, median and worst, each trial once.

    The median is the trial at the middle rank of the search, the better of two for an even number.
    """
    ranked, winner = results.ranked, results.winner
    if winner is None:
        return {}
    numbers = dict(zip(("winner", "alike"), [winner.trial, *winner.alike], strict=False))
    numbers["median"] = int(ranked["number"].iloc[(len(ranked) - 1) // 2])
    numbers["worst"] = int(ranked["number"].iloc[-1])
    chosen: dict[str, pd.Series] = {}
    for word, number in numbers.items():
        if number not in [int(row["number"]) for row in chosen.values()]:
            chosen[word] = ranked[ranked["number"] == number].iloc[0]
    return chosen


def loss_correlations(results: StudyResults) -> dict[str, tuple[float, int]]:
    """Spearman's rank correlation of the final losses with the objective: loss -> (rho, n).

    Over completed trials that have both; left out below MIN_TRIALS of them.
    """
    ranked = results.ranked
    found = {}
    for loss in ("d_loss", "g_loss"):
        if loss not in ranked:
            continue
        pairs = ranked[[loss, results.objective]].replace([np.inf, -np.inf], np.nan).dropna()
        if len(pairs) < MIN_TRIALS:
            continue
        ranks = pairs.rank()
        if (ranks.nunique() > 1).all():
            rho = float(np.corrcoef(ranks.to_numpy(), rowvar=False)[0, 1])
            found[loss] = (rho, len(pairs))
    return found
