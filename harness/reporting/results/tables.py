"""The tidy tables of one study, which every statistic, plot and page is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pandas as pd

from harness.core.config import ADDED, FIELD_TYPES
from harness.core.schema import INTERRUPTED, RUN_STATUS, FinalState, Tag
from harness.core.spec.study_spec import StudySpec

OUTCOMES = ("complete", "pruned", "failed", "interrupted", "running")
"""How a trial ended. interrupted: by a person or a kill; running: it has not ended yet."""

HISTORY_COLUMNS = ("trial", "metric", "images_seen", "value")
_STATE_OF_STATUS = {status: state for state, status in RUN_STATUS.items()}
_OUTCOME_OF_STATE = {
    FinalState.COMPLETE: "complete",
    FinalState.PRUNED: "pruned",
    FinalState.FAIL: "failed",
}
_TAG_COLUMNS = {
    "failure": Tag.FAILURE,
    "pruned_by": Tag.PRUNED_BY,
    "retry_of": Tag.RETRY_OF,
    "arm": Tag.ARM,
}
_DTYPES = {"str": "object", "int": "Int64", "float": "float64"}


class SampleGrids(Protocol):
    """The image grids of a study, loaded on demand: PNG bytes, None where not recorded."""

    def real(self) -> bytes | None:
        """The grid of real images."""

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        """The last grid of generated images of the trial that is run ``run_id``.

        images_seen: grids drawn after more images than this are left out.
        """


@dataclass(frozen=True)
class RunRecord:
    """One trial run as the store keeps it: texts, numbers and the history of each metric.

    status: MLflow's run status. started, ended: milliseconds since 1970, UTC; ended is None while
    the trial runs. history: metric -> [(images_seen, value)] in the order of images_seen.
    """

    run_id: str
    number: int
    status: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    history: Mapping[str, list[tuple[int, float]]]
    started: int
    ended: int | None


@dataclass(frozen=True, eq=False)
class StudyResults:
    """Everything that was recorded of one study, with its trials ranked and counted.

    trials: one row per trial, by number; the columns of ``trial_table``.
    history: one row per logged value; the columns HISTORY_COLUMNS.
    metrics: names of the metric columns of ``trials``.
    evaluation, untrained, environment: artifacts of the study, empty where not recorded.
    gaps: what could not be read, one phrase each.
    pixels: what each pixel scaling does to the dataset, {scaling: {name: number}}; empty where the
    study did not record it.
    confirmation: the winners of a search on fresh seeds, a study of arms; None where not run.
    """

    spec: StudySpec
    trials: pd.DataFrame
    history: pd.DataFrame
    grids: SampleGrids
    metrics: tuple[str, ...] = ()
    evaluation: dict[str, Any] = field(default_factory=dict)
    untrained: dict[str, float] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    pixels: dict[str, Any] = field(default_factory=dict)
    confirmation: StudyResults | None = None

    @property
    def objective(self) -> str:
        """The name of the metric that the search minimizes or maximizes."""
        return self.spec.search.metric

    @property
    def lower_is_better(self) -> bool:
        """Whether the search minimizes the objective."""
        return self.spec.search.direction == "minimize"

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The ``ranking`` of the trials; computed once, so readers must not change the frame."""
        return ranking(self.trials, self.objective, lower_is_better=self.lower_is_better)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many trials ended in each of OUTCOMES, zeros included, in that order."""
        tally = self.trials["outcome"].value_counts()
        return MappingProxyType({outcome: int(tally.get(outcome, 0)) for outcome in OUTCOMES})


def ranking(trials: pd.DataFrame, objective: str, *, lower_is_better: bool) -> pd.DataFrame:
    """The completed trials from best to worst by the objective, with a column ``rank`` from 1.

    Ties keep the order of trial numbers. A trial without the objective is left out. So are trials
    that did not complete: a pruned trial was scored after fewer images, a failed one has no score.
    """
    if objective not in trials:
        return trials.iloc[:0].assign(rank=pd.Series(dtype="int64"))
    done = trials[(trials["outcome"] == "complete") & trials[objective].notna()]
    done = done.sort_values([objective, "number"], ascending=[lower_is_better, True])
    return done.reset_index(drop=True).assign(rank=np.arange(1, len(done) + 1))


def param_column(field: str) -> str:
    """The column of a TrialConfig field; its prefix parts it from a metric of the same name."""
    return f"params.{field}"


def metric_names(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """The sorted names of all metrics that any of the ``runs`` logged, trial_number excepted."""
    return tuple(sorted({name for run in runs for name in run.history} - {Tag.TRIAL_NUMBER.value}))


def trial_table(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """One row per run, by trial number.

    Columns: number; outcome (one of OUTCOMES); state (Optuna's, "RUNNING" without one); failure,
    pruned_by, retry_of, arm (text, missing where there is none); run_id; images_seen (the last one
    reported, 0 without any); started, ended (UTC, NaT where not ended); ``params.`` and the name
    of every TrialConfig field, in its type, missing where not recorded, and for a field that a
    run of an earlier version lacks what that version did; the final value of every
    metric, NaN where a trial has none.
    """
    runs = sorted(runs, key=lambda run: (run.number, run.started))
    metrics = metric_names(runs)
    fixed = ["number", "outcome", "state", *_TAG_COLUMNS, "run_id", "images_seen"]
    columns = [*fixed, "started", "ended", *map(param_column, FIELD_TYPES), *metrics]
    table = pd.DataFrame([_row(run, metrics) for run in runs], columns=columns)
    dtypes = {param_column(name): _DTYPES[kind] for name, kind in FIELD_TYPES.items()}
    dtypes |= {"number": "int64", "images_seen": "int64"} | dict.fromkeys(metrics, "float64")
    dtypes |= dict.fromkeys(("outcome", "state", "run_id", *_TAG_COLUMNS), "object")
    for time in ("started", "ended"):
        table[time] = pd.to_datetime(table[time], unit="ms", utc=True)
    return table.astype(dtypes)


def history_table(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """One row per logged value: trial, metric, images_seen, value; by trial, metric, images."""
    rows = [
        (run.number, metric, images_seen, value)
        for run in sorted(runs, key=lambda run: (run.number, run.started))
        for metric, points in sorted(run.history.items())
        if metric != Tag.TRIAL_NUMBER
        for images_seen, value in points
    ]
    dtypes = {"trial": "int64", "metric": "object", "images_seen": "int64", "value": "float64"}
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS)).astype(dtypes)


def _row(run: RunRecord, metrics: tuple[str, ...]) -> dict[str, Any]:
    state = _STATE_OF_STATUS.get(run.status)
    outcome = "running" if state is None else _OUTCOME_OF_STATE[state]
    if outcome == "failed" and run.tags.get(Tag.FAILURE) == INTERRUPTED:
        outcome = "interrupted"
    params = {**ADDED, **run.params} if run.params else {}
    return {
        "number": run.number,
        "outcome": outcome,
        "state": "RUNNING" if state is None else state.value,
        **{column: run.tags.get(tag) for column, tag in _TAG_COLUMNS.items()},
        "run_id": run.run_id,
        "images_seen": max((p[-1][0] for p in run.history.values() if p), default=0),
        "started": run.started,
        "ended": run.ended,
        **{
            param_column(name): _typed(kind, params.get(name)) for name, kind in FIELD_TYPES.items()
        },
        **{name: run.history[name][-1][1] for name in metrics if run.history.get(name)},
    }


def _typed(kind: str, text: str | None) -> str | int | float | None:
    """A param, which MLflow keeps as text, in its field's type; None where it was not recorded."""
    if text is None or kind == "str":
        return text
    return int(float(text)) if kind == "int" else float(text)
