"""The outcome of each run, which the tests of a claim compare: a number, NaN without one."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.core.schema import COLLAPSE_PROBABILITY
from harness.core.spec.claims import IMAGES_TO_FID
from harness.outcomes.alarm import alarm_word
from harness.reporting.results.tables import StudyResults, param_column

ENDED = ("complete", "failed")
"""The ends of a run that count as an outcome: a pruned, interrupted or running run has none."""


def outcome_table(results: StudyResults, outcome: str, level: float = 0.0) -> pd.DataFrame:
    """One row per arm and seed: number, run_id, arm, seed, ended, value; by trial number.

    ended: one of the words of ``tables.OUTCOMES``. value: the outcome of a completed run, NaN for
    others and where it was not recorded; an infinite value counts as not recorded. Of repeated runs
    of an arm and seed, the first that completed or failed is kept. level: of ``images_to_fid``.
    """
    trials = results.trials
    table = pd.DataFrame(
        {
            "number": trials["number"],
            "run_id": trials["run_id"],
            "arm": trials["arm"],
            "seed": trials[param_column("seed")],
            "ended": trials["outcome"],
            "value": _values(results, outcome, level),
        }
    )
    table["value"] = table["value"].where((table["ended"] == "complete") & np.isfinite(table.value))
    first = table.assign(open=~table["ended"].isin(ENDED)).sort_values(["open", "number"])
    if results.spec.arms is not None:
        first = first.drop_duplicates(["arm", "seed"])
    return first.drop(columns="open").sort_values("number").reset_index(drop=True)


def collapse_level(results: StudyResults) -> float | None:
    """The ``collapse_probability`` at and above which the alarm is raised; None if not recorded."""
    records = results.evaluation.get("metrics")
    record = records.get(COLLAPSE_PROBABILITY) if isinstance(records, Mapping) else None
    level = record.get("alarm_level") if isinstance(record, Mapping) else None
    return level if isinstance(level, float) else None


def alarm_of(results: StudyResults, row: pd.Series) -> str:
    """What the alarm said of the trial's last images: COLLAPSED, POOR or "".

    "" too where no level was recorded. Runs of versions that did not tell poor images from a
    collapse were called collapsed for either.
    """
    level = collapse_level(results)
    return "" if level is None else alarm_word(dict(row), level)


def _values(results: StudyResults, outcome: str, level: float) -> pd.Series:
    """The outcome of every trial, in the order of the table of trials."""
    if outcome == "imbalance":
        return results.trials["number"].map(_imbalance(results.history))
    if outcome == "fid_course":
        return results.trials["number"].map(_fid_course(results.history))
    if outcome == IMAGES_TO_FID:
        return _images_to_fid(results, level)
    if outcome == "d_loss_gap":
        return _d_loss_gap(results)
    if outcome in results.metrics:
        return results.trials[outcome]
    return pd.Series(np.nan, index=results.trials.index)


def _imbalance(history: pd.DataFrame) -> pd.Series:
    """trial -> mean over its reports of |(d_real_accuracy + d_fake_accuracy) / 2 - 1/2|."""
    names = ["d_real_accuracy", "d_fake_accuracy"]
    both = by_report(history, names).dropna()
    return _mean_over_images((both.mean(axis=1) - 0.5).abs())


def _fid_course(history: pd.DataFrame) -> pd.Series:
    """trial -> geometric mean of fid over its reports; NaN where a fid is not above 0."""
    fid = by_report(history, ["fid"])["fid"]
    return _mean_over_images(fid.where(fid > 0).map(math.log, na_action="ignore")).map(math.exp)


def _images_to_fid(results: StudyResults, level: float) -> pd.Series:
    """The images after which fid is ``level``, of every trial; its budget if fid never is.

    Of the first report at the level or below; log fid is interpolated from the report before it.
    """
    fid = by_report(results.history, ["fid"])["fid"].dropna()
    found = {trial: _crossing(one.droplevel("trial"), level) for trial, one in fid.groupby("trial")}
    numbers, budget = results.trials["number"], results.trials[param_column("images")]
    reached = numbers.map(found).astype("float64").fillna(budget.astype("float64"))
    return reached.where(numbers.isin(fid.index.get_level_values("trial")))


def _crossing(fid: pd.Series, level: float) -> float:
    """The images_seen at which ``fid``, by images_seen, is ``level``; NaN if it never is."""
    seen, values = fid.index.to_numpy(dtype="float64"), fid.to_numpy()
    below = np.flatnonzero(values <= level)
    if not below.size:
        return math.nan
    at = int(below[0])
    if at == 0 or values[at] <= 0:
        return float(seen[at])
    before, after = math.log(values[at - 1]), math.log(values[at])
    share = (before - math.log(level)) / (before - after)
    return float(seen[at - 1] + share * (seen[at] - seen[at - 1]))


def _d_loss_gap(results: StudyResults) -> pd.Series:
    """The gap of every trial; NaN for other losses, and for smoothed labels."""
    trials = results.trials
    budget = trials.set_index("number")[param_column("images")].astype("float64")
    loss = by_report(results.history, ["d_loss"])["d_loss"]
    means = _mean_over_images((loss - 2 * math.log(2)).abs(), budget / 2)
    gap = trials["number"].map(means)
    original = trials[param_column("loss")].isin(["nonsaturating", "minimax"])
    return gap.where(original & trials[param_column("real_label")].eq(1.0))


def _mean_over_images(values: pd.Series, after: pd.Series | None = None) -> pd.Series:
    """trial -> mean of its reports, each weighted by the images since the report before it.

    values: by (trial, images_seen), ascending. NaN for a trial of which one value is missing.
    after: trial -> images; reports after more than these alone.
    """
    images = values.index.get_level_values("images_seen").to_series(index=values.index)
    weights = images.groupby("trial").diff().fillna(images)
    if after is not None:
        trials = images.index.get_level_values("trial")
        late = images > after.reindex(trials).to_numpy(dtype="float64")
        values, weights = values[late], weights[late]
    whole = values.notna().groupby("trial").all()
    sums = (values * weights).groupby("trial").sum() / weights.groupby("trial").sum()
    return sums.where(whole)


def by_report(history: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """One row per (trial, images_seen), one column per name; NaN where not reported."""
    rows = history[history["metric"].isin(names)]
    wide = rows.pivot_table(
        index=["trial", "images_seen"], columns="metric", values="value", aggfunc="last"
    )
    return wide.reindex(columns=names).astype("float64")
