"""What a calibration found: which dose is seen by which score, and what the alarm is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from harness.core.errors import HarnessError
from harness.core.registry import METRICS
from harness.evaluation.collapse import INPUTS, LEVEL, SCORES, CollapseModel, evidence

PARTS = ("fit", "check")
REAL = "real"
"""Name, in place of a plant's, of samples of real images: the null."""

FALSE_ALARMS = 0.05
"""Share of real samples beyond a score's threshold, by which the threshold is set."""

DETECTED = 0.95
"""Share of the samples of a dose that must be beyond the threshold for the dose to be seen."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The responses of a calibration.

    responses: one row per sample: part, plant (or REAL), dose, size, collapsed (True, False, or
    None where opinions may differ), and a column for each score. real: the real side's own values.
    """

    responses: pd.DataFrame
    real: Mapping[str, float]

    @property
    def inputs(self) -> pd.DataFrame:
        """The alarm's inputs for each row of ``responses``, columns INPUTS."""
        columns = {name: self.responses[name].tolist() for name in SCORES}
        rows = [dict(zip(SCORES, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return pd.DataFrame([evidence(row, self.real) for row in rows], columns=list(INPUTS))


@dataclass(frozen=True, eq=False)
class Findings:
    """A calibration's responses, the alarm fitted to them, and the three tables made of both."""

    measured: Measured
    model: CollapseModel
    alarm: pd.DataFrame
    sensitivity: pd.DataFrame
    smallest: pd.DataFrame

    @classmethod
    def of(
        cls, measured: Measured, metrics: Sequence[str], provenance: Mapping[str, Any]
    ) -> Findings:
        """All that follows from ``measured``; ``provenance`` goes into the model."""
        model = replace(fit(measured), provenance=dict(provenance))
        table = sensitivity(measured, metrics)
        alarm = alarm_table(measured, model)
        return cls(measured, model, alarm, table, smallest_doses(table))


def fit(measured: Measured) -> CollapseModel:
    """The alarm fitted to the samples of part ``fit`` whose verdict is beyond dispute.

    Both verdicts weigh the same however many samples they have; inputs are standardised and the
    coefficients held back by a Gaussian prior of unit variance (scikit-learn's C = 1), as planted
    collapses are separable and the likelihood alone would make the alarm certain of everything.
    Raises HarnessError if a coefficient comes out negative.
    """
    chosen = (measured.responses["part"] == "fit") & measured.responses["collapsed"].notna()
    x = measured.inputs[chosen.to_numpy()].to_numpy()
    y = measured.responses.loc[chosen, "collapsed"].astype(bool).to_numpy()
    scale = x.std(axis=0)
    found = LogisticRegression(class_weight="balanced").fit(x / scale, y)
    coefficients = dict(zip(INPUTS, (found.coef_[0] / scale).tolist(), strict=True))
    if min(coefficients.values()) < 0:
        raise HarnessError(f"the alarm is not monotone: {coefficients}")
    return CollapseModel(coefficients, float(found.intercept_[0]))


def alarm_table(measured: Measured, model: CollapseModel) -> pd.DataFrame:
    """How often the alarm is up in part ``check``: one row per plant, dose and size.

    Columns: plant, dose, size, collapsed, n, alarms (share of the n samples).
    """
    inputs = zip(*(measured.inputs[name] for name in INPUTS), strict=True)
    up = [model.probability(dict(zip(INPUTS, row, strict=True))) >= LEVEL for row in inputs]
    table = measured.responses.assign(up=up)
    table = table[table["part"] == "check"]
    groups = table.groupby(["plant", "dose", "size"], sort=False)
    return groups.agg(
        collapsed=("collapsed", "first"), n=("up", "size"), alarms=("up", "mean")
    ).reset_index()


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
