"""The settings of a search: metric, sampler, pruner, and number of reports per trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.config import BOUNDS, check_keys, check_whole
from harness.core.errors import InputError, shown, within
from harness.core.registry import METRICS
from harness.core.schema import FID_LATE

PRUNERS = ("hyperband", "median", "none")
SAMPLERS = ("random", "tpe")

MEDIAN_STARTUP_TRIALS = 4
"""How many trials the median pruner spares, which are what it compares the others with."""


@dataclass(frozen=True)
class SearchSpec:
    """How the space is searched.

    ``metric``: a registered one, or ``fid_late``, the geometric mean of fid over a trial's late
    reports. ``reports``: how often a trial is scored at equal distances, its end included; for
    ``fid_late`` it is scored more often in the last quarter (``StudySpec.milestones``).
    ``collapse_alarm``: whether a trial whose generator stays collapsed is stopped before its end;
    off until few good trials are known to be stopped so (``harness.evidence.stopping``).

    Raises InputError for an unknown metric, sampler or pruner, for counts out of range, and for a
    direction that is not the metric's own.
    """

    metric: str = FID_LATE
    direction: str = "minimize"
    num_trials: int = 20
    sampler: str = "tpe"
    pruner: str = "median"
    reports: int = 9
    seed: int = 0
    collapse_alarm: bool = False

    def __post_init__(self) -> None:
        """Validate every field."""
        better = _direction(self.metric)
        if self.direction != better:
            raise InputError(f"{self.metric} is to {better}, got {shown(self.direction)}")
        check_whole("num_trials", self.num_trials, 1, 1_000_000)
        check_whole("reports", self.reports, 1, 1_000)
        check_whole("seed", self.seed, 0, int(BOUNDS["seed"][1]))
        for key, allowed in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
            value = getattr(self, key)
            if value not in allowed:
                raise InputError(f"{key} is {shown(value)}; allowed: {', '.join(allowed)}")
        if not isinstance(self.collapse_alarm, bool):
            raise InputError(f"collapse_alarm is true or false, got {shown(self.collapse_alarm)}")

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a study file."""
        return {self.direction: self.metric, **{key: getattr(self, key) for key in _SEARCH_KEYS}}


_SEARCH_KEYS = ("num_trials", "sampler", "pruner", "reports", "seed", "collapse_alarm")


def parse_search(table: Mapping[str, Any]) -> SearchSpec:
    """The search declared by the table ``[search]``; InputError for keys and values."""
    with within("[search]"):
        check_keys(table, ("minimize", "maximize", *_SEARCH_KEYS), "the table")
        if "minimize" in table and "maximize" in table:
            raise InputError("minimize and maximize exclude each other")
        direction = "maximize" if "maximize" in table else "minimize"
        return SearchSpec(
            metric=table.get(direction, FID_LATE),
            direction=direction,
            **{key: table[key] for key in _SEARCH_KEYS if key in table},
        )


def _direction(metric: object) -> str:
    """``minimize`` or ``maximize``; InputError, with the list, for what cannot be searched by."""
    if metric == FID_LATE:
        return "minimize"
    if not isinstance(metric, str) or metric not in METRICS.names():
        known = ", ".join([FID_LATE, *METRICS.names()])
        raise InputError(f"unknown metric {shown(metric)}; known: {known}")
    return str(METRICS.get(metric).direction)
