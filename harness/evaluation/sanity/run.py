"""Runs the checks: the values of every score on every curve, and what passes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.core.registry import METRICS
from harness.evaluation.metrics import Metric, Sample
from harness.evaluation.sanity.checks import BOUNDS, Check
from harness.evaluation.sanity.criteria import Curve
from harness.evaluation.sanity.draws import Rows, Variant

PASSED, FAILED, OPEN = "passed", "failed", "not applicable"
COLUMNS = ("check", "variant", "point", "score", "value", "perfect")

_NO_BOUNDS = "no bounds of its own: read relative to the curve"


def measure(
    checks: Mapping[str, Check],
    names: Sequence[str],
    repeats: int,
    seed: int,
    on_progress: Callable[[str], None],
) -> pd.DataFrame:
    """The mean of each score over ``repeats`` draws: one row per check, variant, point and score.

    Columns COLUMNS; perfect is what the score reads for further rows of the real distribution in
    place of generated ones. A score that needs classes is read where the real rows have modes,
    which are its classes. Values are NaN where a score does not exist.
    """
    metrics = {name: METRICS.get(name) for name in names}
    rows: list[tuple[str, str, float, str, float, float]] = []
    for key, check in checks.items():
        on_progress(check.title)
        for variant in check.variants:
            able = [n for n, one in metrics.items() if applies(one, variant)]
            found = np.array(
                [
                    _values(variant, [metrics[name] for name in able], [seed, repeat, _hash(key)])
                    for repeat in range(repeats)
                ]
            ).mean(axis=0)
            rows += [
                (key, variant.name, point, name, *found[index, column])
                for index, point in enumerate(variant.points)
                for column, name in enumerate(able)
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judge(table: pd.DataFrame, checks: Mapping[str, Check], names: Sequence[str]) -> pd.DataFrame:
    """What passes: one row per score, check and desideratum that the check asks of any score.

    Columns: score, judges, check, desideratum, verdict (PASSED, FAILED, OPEN), reason ("" or the
    first criterion that fails, with variant and values). A score passes if every criterion holds
    for every variant.
    """
    rows = []
    for name in names:
        metric = METRICS.get(name)
        own = table[table["score"] == name]
        for key, check in checks.items():
            asked = check.criteria(metric.judges)
            everyone = {
                one: None for j in ("fidelity", "diversity", "both") for one in check.criteria(j)
            }
            curves = _curves(own[own["check"] == key], metric)
            for desideratum in everyone:
                if desideratum not in asked or not curves:
                    verdict, reason = OPEN, ""
                else:
                    reason = _fault(curves, desideratum, asked[desideratum], metric)
                    verdict = FAILED if reason else PASSED
                rows.append((name, metric.judges, key, desideratum, verdict, reason))
    columns = ["score", "judges", "check", "desideratum", "verdict", "reason"]
    return pd.DataFrame(rows, columns=columns)


def applies(metric: Metric, variant: Variant) -> bool:
    """Whether ``variant`` has what the score needs."""
    return not metric.needs_training and (not metric.needs_classes or variant.modes is not None)


def goodness(
    metric: Metric, values: NDArray[np.float64], perfect: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``values`` of a curve as 1 for perfect and 0 for the worst, not clipped.

    A score with a target of 1, or a share of which more is better, is taken as it is. Another is
    read from its perfect value to the worst that it can have; where that has no bound, to the worst
    of the curve.
    """
    if metric.target == 1.0 or (metric.direction == "maximize" and metric.high == 1.0):
        return values
    if metric.direction == "maximize":
        worst = 0.0 if metric.low is None else metric.low
    else:
        worst = float(np.nanmax(values)) if metric.high is None else metric.high
    room = np.where(perfect == worst, 1.0, perfect - worst)
    return np.asarray((values - worst) / room)


def _curves(rows: pd.DataFrame, metric: Metric) -> dict[str, Curve]:
    curves = {}
    for variant, part in rows.groupby("variant", sort=False):
        part = part.sort_values("point")
        y = goodness(metric, part["value"].to_numpy(), part["perfect"].to_numpy())
        curves[str(variant)] = Curve(part["point"].tolist(), y.tolist())
    return curves


def _fault(
    curves: Mapping[str, Curve], desideratum: str, criteria: Mapping[str, object], metric: Metric
) -> str:
    bounded = metric.target is not None or None not in (metric.low, metric.high)
    if desideratum == BOUNDS and not bounded:
        return _NO_BOUNDS
    for variant, curve in curves.items():
        if not all(math.isfinite(value) for value in curve.y):
            return f"{variant}: no value"
        for words, criterion in criteria.items():
            assert callable(criterion)
            if fault := criterion(curve):
                return f"{variant}, {words}: {fault}"
    return ""


def _values(variant: Variant, metrics: Sequence[Metric], stream: Sequence[int]) -> Rows:
    """(points, scores, 2): each score of the fakes, and of further real rows."""
    stream = [*stream, _hash(variant.name)]
    found = np.empty((len(variant.points), len(metrics), 2))
    real: Sample | None = None
    perfect = np.empty(len(metrics))
    for index, point in enumerate(variant.points):
        rng = np.random.default_rng([*stream, index])
        if real is None or not variant.fixed:
            real = _sample(variant.real(rng, point), variant.modes)
            perfect = _scores(metrics, real, _sample(variant.real(rng, point), variant.modes))
        found[index, :, 0] = _scores(
            metrics, real, _sample(variant.fake(rng, point), variant.modes)
        )
        found[index, :, 1] = perfect
    return found


def _scores(metrics: Sequence[Metric], real: Sample, fake: Sample) -> NDArray[np.float64]:
    values = []
    for metric in metrics:
        try:
            values.append(metric(real, fake, np.random.default_rng(0)))
        except InputError:
            values.append(math.nan)
    return np.array(values)


def _sample(rows: Rows, modes: Rows | None) -> Sample:
    """``rows`` as features; their class is the nearest mode."""
    if modes is None:
        probabilities = np.ones((len(rows), 1))
    else:
        nearest = ((rows[:, None, :] - modes) ** 2).sum(axis=2).argmin(axis=1)
        probabilities = np.eye(len(modes))[nearest]
    return Sample(np.zeros((len(rows), 1, 1, 1), np.uint8), rows, probabilities)


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())
