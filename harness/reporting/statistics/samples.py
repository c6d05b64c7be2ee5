"""The runs that a test compares: of both arms seed by seed, or of a search in their order."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pandas as pd

from harness.core.schema import FID_LATE
from harness.core.spec.claims import ClaimTest
from harness.reporting.results.outcomes import ENDED, outcome_table
from harness.reporting.results.tables import StudyResults

UNTRAINED_FACTOR = 2.0
"""A run whose fid is an untrained generator's over this factor, or more, has failed."""


def by_seed(results: StudyResults, test: ClaimTest, first: int | None = None) -> pd.DataFrame:
    """One row per seed with which an arm of a comparison was trained, by seed.

    first: only that many of the study's seeds. Columns better, than: the outcome of each arm's run,
    NaN without one; better_ended, than_ended: how the run ended, "missing" if there is none;
    better_failed, than_failed: whether it failed (``failures.failed_runs``), with NaN for its
    outcome then; better_run, than_run: run ids.
    """
    frame = _by_seed(results, test)
    if first is None:
        return frame
    return frame[frame.index < results.spec.base_config().seed + first]


@lru_cache(maxsize=256)
def _by_seed(results: StudyResults, test: ClaimTest) -> pd.DataFrame:
    """The frame of all seeds; cached, since every look of a test asks for it."""
    table = outcome_table(results, test.outcome, test.level)
    failed = failed_runs(results, table)
    table = table.assign(failed=failed, value=table["value"].mask(failed))
    sides = []
    for side, arm in (("better", test.better), ("than", test.than)):
        rows = table[table["arm"] == arm].set_index("seed")
        rows = rows[["value", "ended", "failed", "run_id"]]
        names = [side, f"{side}_ended", f"{side}_failed", f"{side}_run"]
        sides.append(rows.set_axis(names, axis=1))
    joined = sides[0].join(sides[1], how="outer").sort_index()
    ends, fails = ["better_ended", "than_ended"], ["better_failed", "than_failed"]
    joined[ends] = joined[ends].astype("object").fillna("missing")
    return joined.assign(**{name: joined[name].eq(True) for name in fails})


def sides(frame: pd.DataFrame, test: ClaimTest) -> tuple[pd.Series, pd.Series]:
    """The usable outcomes of both arms, ``better`` first, in a frame of ``by_seed``.

    Logarithms for the scale "ratio", where a value that is not above 0 is not usable.
    """
    values = frame[["better", "than"]].astype("float64")
    if test.scale == "ratio":
        values = values.where(values > 0).transform("log")
    return values["better"].dropna(), values["than"].dropna()


def num_ended(test: ClaimTest, results: StudyResults) -> int:
    """How many seeds, or runs, of ``test`` have ended without a gap before them.

    Seeds count from the study's first one, as far as every arm that the test compares has ended
    with them. Runs of a search count by trial number, up to the first that has not ended; a pruned
    or interrupted one is passed over.
    """
    table = outcome_table(results, test.outcome)
    if not by_seeds(test, results):
        running = table["ended"].eq("running")
        before = table[~running.cummax()]
        return int(before["ended"].isin(ENDED).sum())
    compared = test.arms or (results.spec.arms.names if results.spec.arms else ())
    ended = table[table["ended"].isin(ENDED)]
    seeds = [set(ended.loc[ended["arm"] == arm, "seed"]) for arm in compared]
    start, count = results.spec.base_config().seed, 0
    while all(start + count in found for found in seeds):
        count += 1
    return count


def by_seeds(test: ClaimTest, results: StudyResults) -> bool:
    """Whether ``test`` counts seeds of arms; otherwise it counts runs."""
    return bool(test.arms) or (test.kind == "gain" and results.spec.arms is not None)


@lru_cache(maxsize=64)
def first_runs(results: StudyResults, first: int) -> StudyResults:
    """The results with the ``first`` ended runs alone, by trial number."""
    ended = results.trials[results.trials["outcome"].isin(ENDED)]
    return replace(results, trials=ended.iloc[:first])


def predictor_table(
    results: StudyResults, test: ClaimTest, first: int | None = None
) -> pd.DataFrame:
    """The runs of ``outcome_table`` with a column ``predictor`` beside ``value``.

    Those of the test's arm alone, if it names one. first: only as many of its seeds, or runs.
    """
    if first is not None and not test.arm:
        results = first_runs(results, first)
    table = outcome_table(results, test.outcome)
    predictor = outcome_table(results, test.predictor).set_index("run_id")["value"]
    table = table.assign(predictor=table["run_id"].map(predictor))
    return of_arm(table, results, test, first) if test.arm else table


def of_arm(
    table: pd.DataFrame, results: StudyResults, test: ClaimTest, first: int | None
) -> pd.DataFrame:
    """The rows of an ``outcome_table`` of the test's arm, with the ``first`` of its seeds."""
    table = table[table["arm"] == test.arm]
    start = results.spec.base_config().seed
    return table if first is None else table[table["seed"] < start + first]


def readable(table: pd.DataFrame, results: StudyResults, test: ClaimTest) -> pd.DataFrame:
    """The rows of an ``outcome_table`` whose images are readable, by the test's least precision.

    All of them where the test asks for none. Runs without a precision stay: they count as lost.
    """
    if not test.readable or "precision" not in results.trials:
        return table
    precision = table["run_id"].map(results.trials.set_index("run_id")["precision"])
    return table[~(precision < test.readable)]


def failed_runs(results: StudyResults, table: pd.DataFrame) -> pd.Series:
    """Whether each run of an ``outcome_table`` has failed; False for runs that have not ended.

    A run has failed if it ended without a score, as by losses that are not finite, or if it is
    ``hardly_trained``. The mean over a mixture of failed and trained generators tells of neither,
    so that failures are counted apart.
    """
    complete = table["ended"].eq("complete")
    return table["ended"].eq("failed") | (complete & hardly_trained(results, table["run_id"]))


def hardly_trained(results: StudyResults, run_ids: pd.Series) -> pd.Series:
    """Whether the fid of each run is at least half of an untrained generator's.

    Its ``fid_late``, or the final fid of a run without it: a trained generator may be caught at a
    bad moment. False where a fid or the untrained one was not recorded.
    """
    untrained = results.untrained.get("fid")
    if untrained is None or "fid" not in results.metrics:
        return pd.Series(False, index=run_ids.index)
    trials = results.trials.set_index("run_id")
    fid = trials[FID_LATE].fillna(trials["fid"]) if FID_LATE in trials else trials["fid"]
    return run_ids.map(fid) >= untrained / UNTRAINED_FACTOR
