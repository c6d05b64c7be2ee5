"""What a calibration found: which dose is seen by which score, and what the alarm is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from harness.core.registry import METRICS
from harness.core.schema import COLLAPSED, POOR
from harness.evaluation.calibration.fit import REAL, fit
from harness.evaluation.calibration.snapshots import LABELS
from harness.evaluation.collapse import EVIDENCE, CollapseModel
from harness.outcomes.alarm import alarm_word

FALSE_ALARMS = 0.05
"""Share of real samples beyond a score's threshold, by which the threshold is set."""

DETECTED = 0.95
"""Share of the samples of a dose that must be beyond the threshold for the dose to be seen."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What a calibration rests on.

    responses: one row per sample: part, plant (or REAL), dose, size, collapsed (True, False, or
    None where opinions may differ), and a column for each score and for each of EVIDENCE.
    snapshots: the table of ``read_snapshots``. held_out: the dataset whose snapshots only test.
    """

    responses: pd.DataFrame
    snapshots: pd.DataFrame
    held_out: str


@dataclass(frozen=True, eq=False)
class Findings:
    """What a calibration rests on, the alarm fitted to it, and the four tables made of both."""

    measured: Measured
    model: CollapseModel
    alarm: pd.DataFrame
    confusion: pd.DataFrame
    sensitivity: pd.DataFrame
    smallest: pd.DataFrame

    @classmethod
    def of(
        cls, measured: Measured, metrics: Sequence[str], provenance: Mapping[str, Any]
    ) -> Findings:
        """All that follows from ``measured``; ``provenance`` goes into the model."""
        fitted = measured.snapshots[measured.snapshots["dataset"] != measured.held_out]
        model = CollapseModel(*fit(measured.responses, fitted), dict(provenance))
        table = sensitivity(measured, metrics)
        alarm = alarm_table(measured, model)
        confusion = confusion_table(measured, model)
        return cls(measured, model, alarm, confusion, table, smallest_doses(table))


def alarm_table(measured: Measured, model: CollapseModel) -> pd.DataFrame:
    """How often the alarm is up in part ``check``: one row per plant, dose and size.

    Columns: plant, dose, size, collapsed, n, alarms (share of the n samples).
    """
    table = measured.responses[measured.responses["part"] == "check"]
    table = table.assign(up=words(table, model) == COLLAPSED)
    groups = table.groupby(["plant", "dose", "size"], sort=False)
    return groups.agg(
        collapsed=("collapsed", "first"), n=("up", "size"), alarms=("up", "mean")
    ).reset_index()


def confusion_table(measured: Measured, model: CollapseModel) -> pd.DataFrame:
    """What the alarm says of labelled snapshots: one row per dataset and label, in their order.

    Columns: dataset, fitted (whether its snapshots were), label, n, and how many of the n the alarm
    calls collapsed, poor, or neither.
    """
    table = measured.snapshots[measured.snapshots["label"] != ""]
    table = table.assign(said=words(table, model))
    rows = []
    for dataset, part in table.groupby("dataset"):
        for label in LABELS:
            said = part.loc[part["label"] == label, "said"]
            counts = [int((said == word).sum()) for word in (COLLAPSED, POOR, "")]
            if len(said):
                rows.append((dataset, dataset != measured.held_out, label, len(said), *counts))
    return pd.DataFrame(
        rows, columns=["dataset", "fitted", "label", "n", "collapsed", "poor", "neither"]
    )


def words(table: pd.DataFrame, model: CollapseModel) -> pd.Series:
    """What the alarm says of each row of ``table``, by its columns EVIDENCE."""
    rows = table[list(EVIDENCE)].to_dict("records")
    said = [alarm_word(model.probabilities({str(k): v for k, v in row.items()})) for row in rows]
    return pd.Series(said, index=table.index, dtype="object")


def sensitivity(measured: Measured, metrics: Sequence[str]) -> pd.DataFrame:
    """How well each of ``metrics`` alone tells a dose from real images: one row per dose and size.

    Columns: metric, plant, dose, size, threshold (what 95 % of the real samples of part ``fit``
    stay within, in the metric's declared direction), auroc and detected (share beyond the
    threshold), both in part ``check``.
    """
    table = measured.responses
    rows = []
    for metric in metrics:
        sign = 1.0 if METRICS.get(metric).direction == "minimize" else -1.0
        for size, part in table.groupby("size"):
            null = part[part["plant"] == REAL]
            limit = np.quantile(sign * null.loc[null["part"] == "fit", metric], 1 - FALSE_ALARMS)
            normal = sign * null.loc[null["part"] == "check", metric].to_numpy()
            planted = part[(part["plant"] != REAL) & (part["part"] == "check")]
            for (plant, dose), group in planted.groupby(["plant", "dose"], sort=False):
                values = sign * group[metric].to_numpy()
                rows.append(
                    (metric, plant, dose, size, sign * limit, *_told(normal, values, limit))
                )
    columns = ["metric", "plant", "dose", "size", "threshold", "auroc", "detected"]
    return pd.DataFrame(rows, columns=columns)


def smallest_doses(table: pd.DataFrame) -> pd.DataFrame:
    """The smallest dose from which on every dose is detected: one row per metric, plant and size.

    ``table`` is that of ``sensitivity``; column dose is NaN where not even the largest one is.
    """
    rows = []
    for (metric, plant, size), group in table.groupby(["metric", "plant", "size"], sort=False):
        group = group.sort_values("dose", ascending=False)
        seen = (group["detected"] >= DETECTED).cumprod().astype(bool)
        rows.append((metric, plant, size, group.loc[seen, "dose"].min()))
    return pd.DataFrame(rows, columns=["metric", "plant", "size", "dose"])


def _told(
    normal: NDArray[np.float64], planted: NDArray[np.float64], limit: float
) -> tuple[float, float]:
    truth = np.repeat([0, 1], [len(normal), len(planted)])
    auroc = roc_auc_score(truth, np.concatenate([normal, planted]))
    return float(auroc), float((planted > limit).mean())
