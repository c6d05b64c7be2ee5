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


def within_run_correlations(results: StudyResults) -> dict[str, pd.Series]:
    """Spearman's rank correlation of each loss with fid over a trial's reports: loss -> (trials,).

    By trial number. Trials with fewer than MIN_TRIALS reports of both, or without any spread in
    one of them, are left out; so is a loss without any trial.
    """
    history = results.history
    rows = history[history["metric"].isin(["fid", "d_loss", "g_loss"])]
    rows = rows[np.isfinite(rows["value"])]
    wide = rows.pivot_table(
        index=["trial", "images_seen"], columns="metric", values="value", aggfunc="last"
    )
    found = {}
    for loss in ("g_loss", "d_loss"):
        if not {"fid", loss} <= set(wide.columns):
            continue
        pairs = wide[[loss, "fid"]].dropna().astype("float64")
        ranks = pairs.groupby("trial").rank()
        spread = ranks.groupby("trial").nunique().min(axis=1)
        enough = ranks.groupby("trial").size() >= MIN_TRIALS
        kept = ranks[
            ranks.index.get_level_values("trial").isin(spread[enough & (spread > 1)].index)
        ]
        if not kept.empty:
            found[loss] = _correlation_by_trial(kept, loss)
    return found


def _correlation_by_trial(ranks: pd.DataFrame, loss: str) -> pd.Series:
    """trial -> Pearson's correlation of two columns of ranks."""
    centred = ranks - ranks.groupby("trial").transform("mean")
    products = (centred[loss] * centred["fid"]).groupby("trial").sum()
    squares = (centred**2).groupby("trial").sum()
    return products / np.sqrt(squares[loss] * squares["fid"])
