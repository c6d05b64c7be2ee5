"""The tidy tables of one study, which every statistic, plot and page is made from."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from harness.core.config import ADDED, FIELD_TYPES
from harness.core.schema import INTERRUPTED, OUTCOME, Tag, final_state
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.winner import Winner

OUTCOMES = ("complete", "pruned", "failed", "interrupted", "running")
"""How a trial ended. interrupted: by a person or a kill; running: it has not ended yet."""

HISTORY_COLUMNS = ("trial", "metric", "images_seen", "value")
_TAG_COLUMNS = {
    "failure": Tag.FAILURE,
    "pruned_by": Tag.PRUNED_BY,
    "retry_of": Tag.RETRY_OF,
    "arm": Tag.ARM,
    "reused_from": Tag.REUSED_FROM,
    "trains": Tag.TRAINS,
}
_TEXTS = ("outcome", "state", "run_id", *_TAG_COLUMNS)
_FIXED = ("number", "outcome", "state", *_TAG_COLUMNS, "run_id", "images_seen", "started", "ended")
RESERVED = (*_FIXED, "rank", "trial")
"""Names of columns of the tables and of frames made from them; no metric can have one of them."""

_DTYPES = {"str": "object", "int": "Int64", "float": "float64"}


class SampleGrids(Protocol):
    """The image grids of a study, loaded on demand: PNG bytes, None where not recorded."""

    def real(self) -> bytes | None:
        """The grid of real images."""

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        """The last grid of generated images of the trial that is run ``run_id``.

        images_seen: grids drawn after more images than this are left out.
        """

    def steps(self, run_id: str) -> list[int]:
        """After how many images the run's grids of generated images were drawn, ascending."""

    def image(self, run_id: str, path: str) -> bytes | None:
        """The image that is the artifact ``path`` of a trial's run."""

    def record(self, run_id: str, path: str) -> dict[str, Any]:
        """The JSON object that is the artifact ``path`` of a trial's run; empty without one."""


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


@dataclass(frozen=True)
class UnreadableRun:
    """A trial run that is left out because an entry of the store is malformed.

    entry: the entry and its value, such as ``trial_number is '7a'``.
    """

    run_id: str
    entry: str


class RunTables(NamedTuple):
    """The tables of a study's runs; see ``tabulate``."""

    trials: pd.DataFrame
    history: pd.DataFrame
    metrics: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StudyResults:
    """Everything that was recorded of one study, with its trials ranked and counted.

    trials, history, metrics: the tables of ``tabulate``.
    evaluation, untrained, environment: artifacts of the study, empty where not recorded.
    gaps: artifacts that could not be read, one phrase each.
    unreadable: the trial runs that are missing in the tables, with the reasons.
    pixels: what each pixel scaling does to the dataset, {scaling: {name: number}}; empty where the
    study did not record it.
    confirmation: the winners of a search on fresh seeds, a study of arms; None where not run.
    tuning: what the arms' values were chosen by, a study of arms; None where not run.
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
    unreadable: tuple[UnreadableRun, ...] = ()
    pixels: dict[str, Any] = field(default_factory=dict)
    confirmation: StudyResults | None = None
    tuning: StudyResults | None = None

    @property
    def objective(self) -> str:
        """The name of the metric that the search minimizes or maximizes."""
        return self.spec.search.metric

    @property
    def lower_is_better(self) -> bool:
        """Whether the search minimizes the objective."""
        return self.spec.search.direction == "minimize"

    @property
    def left_out(self) -> tuple[UnreadableRun, ...]:
        """The malformed runs of the study, of its tuning and of its confirmation."""
        others = [one.unreadable for one in (self.tuning, self.confirmation) if one]
        return (*self.unreadable, *itertools.chain(*others))

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The ``ranking`` of the trials; computed once, so readers must not change the frame."""
        return ranking(self.trials, self.objective, lower_is_better=self.lower_is_better)

    @cached_property
    def winner(self) -> Winner | None:
        """The winner of the search; None before a trial was completed, and for arms."""
        from harness.reporting.results.winner import recorded_winner  # it reads these tables

        return recorded_winner(self)

    @property
    def winning_trial(self) -> pd.Series | None:
        """The row of the winner in ``ranked``; of arms the first one; None without any."""
        if self.winner is None:
            return None if self.ranked.empty else self.ranked.iloc[0]
        return self.ranked[self.ranked["number"] == self.winner.trial].iloc[0]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many trials ended in each of OUTCOMES, zeros included, in that order."""
        tally = self.trials["outcome"].value_counts()
        return MappingProxyType({outcome: int(tally.get(outcome, 0)) for outcome in OUTCOMES})


def ranking(trials: pd.DataFrame, objective: str, *, lower_is_better: bool) -> pd.DataFrame:
    """The completed trials from best to worst by the objective, with a column ``rank`` from 1.

    Ties keep the order of trial numbers. A trial without the objective is left out. So are trials
    that did not complete: a pruned trial was scored after fewer images, a failed one has no score.
    The column of the objective is there even if no trial has it.
    """
    if objective not in trials:
        empty = {objective: pd.Series(dtype="float64"), "rank": pd.Series(dtype="int64")}
        return trials.iloc[:0].assign(**empty)
    done = trials[(trials["outcome"] == "complete") & trials[objective].notna()]
    done = done.sort_values([objective, "number"], ascending=[lower_is_better, True])
    return done.reset_index(drop=True).assign(rank=np.arange(1, len(done) + 1))


def param_column(field: str) -> str:
    """The column of a TrialConfig field; its prefix parts it from a metric of the same name."""
    return f"params.{field}"


def tabulate(runs: Iterable[RunRecord]) -> RunTables:
    """The tables of the ``runs``, which are read once, one after the other.

    trials: one row per run, by trial number. Columns: number; outcome (one of OUTCOMES); state
    (Optuna's, "RUNNING" without one); failure, pruned_by, retry_of, arm, reused_from, trains (text,
    missing where there is none); run_id; images_seen (the last one reported, 0 without any);
    started, ended (UTC, NaT where not ended); ``params.`` and the name of every TrialConfig field,
    in its type, missing where not recorded, and for a field that a run of an earlier version lacks
    what that version did; the final value of every metric, NaN where a trial has none.

    history: one row per logged value, by trial, metric and images: the columns HISTORY_COLUMNS.

    metrics: the sorted names of all metrics that any run logged, trial_number excepted.
    """
    rows: list[dict[str, Any]] = []
    codes: dict[str, int] = {}
    points = _Points()
    for run in runs:
        for name, values in run.history.items():
            if name != Tag.TRIAL_NUMBER:
                points.add(len(rows), codes.setdefault(name, len(codes)), values)
        rows.append(_row(run))
    order = sorted(range(len(rows)), key=lambda k: (rows[k]["number"], rows[k]["started"]))
    metrics = tuple(sorted(codes))
    history = points.table([row["number"] for row in rows], order, tuple(codes))
    return RunTables(_trial_table([rows[k] for k in order], metrics), history, metrics)


class _Points:
    """Logged values in compact columns: a study may have millions."""

    def __init__(self) -> None:
        self._run, self._metric, self._images = array("q"), array("q"), array("q")
        self._value = array("d")

    def add(self, run: int, metric: int, values: list[tuple[int, float]]) -> None:
        """Append the ``values`` of one metric, in their order; run and metric are indices."""
        self._run.extend([run] * len(values))
        self._metric.extend([metric] * len(values))
        self._images.extend([images_seen for images_seen, _ in values])
        self._value.extend([value for _, value in values])

    def table(self, numbers: list[int], order: list[int], names: tuple[str, ...]) -> pd.DataFrame:
        """The history; numbers: of each run. order: runs as they follow. names: of the metrics."""
        run, metric = (np.frombuffer(column, np.int64) for column in (self._run, self._metric))
        images, value = np.frombuffer(self._images, np.int64), np.frombuffer(self._value)
        place, letter = np.empty(len(order), np.int64), np.empty(len(names), np.int64)
        place[order] = np.arange(len(order))
        letter[np.argsort(np.array(names, dtype=object))] = np.arange(len(names))
        rows = np.lexsort((letter[metric], place[run]))  # stable: points keep their order
        columns = {
            "trial": np.array(numbers, np.int64)[run[rows]],
            "metric": np.array(names, dtype=object)[metric[rows]],
            "images_seen": images[rows],
            "value": value[rows],
        }
        return pd.DataFrame(columns).astype({"metric": "object"})


def _trial_table(rows: list[dict[str, Any]], metrics: tuple[str, ...]) -> pd.DataFrame:
    columns = [*_FIXED, *map(param_column, FIELD_TYPES), *metrics]
    table = pd.DataFrame(rows, columns=columns)
    dtypes = {param_column(name): _DTYPES[kind] for name, kind in FIELD_TYPES.items()}
    dtypes |= {"number": "int64", "images_seen": "int64"} | dict.fromkeys(metrics, "float64")
    dtypes |= dict.fromkeys(_TEXTS, "object")
    for time in ("started", "ended"):
        table[time] = pd.to_datetime(table[time], unit="ms", utc=True)
    return table.astype(dtypes)


def _row(run: RunRecord) -> dict[str, Any]:
    state = final_state(run.status, run.tags.get(Tag.OUTCOME))
    outcome = "running" if state is None else OUTCOME[state]
    if outcome == "failed" and run.tags.get(Tag.FAILURE) == INTERRUPTED:
        outcome = "interrupted"
    added = {name: str(before) for name, before in ADDED.items()}
    params = {**added, **run.params} if run.params else {}
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
        **{name: points[-1][1] for name, points in run.history.items() if points},
    }


def _typed(kind: str, value: str | float | None) -> str | int | float | None:
    """A param, which MLflow keeps as text, in its field's type; None where it was not recorded."""
    if value is None or kind == "str":
        return value
    return int(float(value)) if kind == "int" else float(value)
