"""The fit of the collapse alarm to planted collapses and to labelled snapshots of generators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from harness.core.errors import InputError
from harness.evaluation.collapse import EVIDENCE, INPUTS, POOR_INPUTS, Logistic, collapse_inputs

PARTS = ("fit", "check")
REAL = "real"
"""Name, in place of a plant's, of samples of real images: the null."""

ALIKE = ("collapsed", "untrained")
"""Labels of snapshots whose images are all alike, which the alarm is to call collapsed."""


def fit(responses: pd.DataFrame, snapshots: pd.DataFrame) -> tuple[Logistic, Logistic]:
    """The models of (collapsed, poor if not collapsed); see ``CollapseModel``.

    responses: those of part ``fit`` whose verdict is beyond dispute are fitted. snapshots: the
    labelled ones. Planted and generated images weigh the same, and in each both verdicts do,
    however many samples they have. Poor are the snapshots with that label, against good ones and
    real images. Raises InputError without a snapshot that is poor or without one that is good.
    """
    planted = responses[(responses["part"] == "fit") & responses["collapsed"].notna()]
    labelled = snapshots[snapshots["label"] != ""]
    y = planted["collapsed"].astype(bool).to_numpy(), labelled["label"].isin(ALIKE).to_numpy()
    x = np.vstack([_inputs(planted), _inputs(labelled)])
    groups = np.concatenate([y[0], 2 + y[1]])
    collapsed = _logistic(INPUTS, x, np.concatenate(y), groups)
    real = planted[planted["plant"] == REAL]
    readable = labelled[~labelled["label"].isin(ALIKE)]
    if readable["label"].nunique() < 2:
        raise InputError("the fit of the alarm takes snapshots labelled good and others poor")
    poor = np.concatenate([np.zeros(len(real), bool), (readable["label"] == "poor").to_numpy()])
    table = pd.concat([real[list(POOR_INPUTS)], readable[list(POOR_INPUTS)]]).astype(float)
    groups = np.where(np.arange(len(poor)) < len(real), 0, 1 + poor)
    return collapsed, _logistic(POOR_INPUTS, table.to_numpy(), poor, groups)


def _inputs(table: pd.DataFrame) -> NDArray[np.float64]:
    """INPUTS of each row, (N, inputs)."""
    rows = table[list(EVIDENCE)].astype(float).to_dict("records")
    found = [collapse_inputs({str(k): v for k, v in row.items()}) for row in rows]
    return pd.DataFrame(found, columns=list(INPUTS)).to_numpy(dtype=np.float64)


def _logistic(
    names: Sequence[str],
    x: NDArray[np.float64],
    y: NDArray[np.bool_],
    groups: NDArray[np.int64],
) -> Logistic:
    """The likeliest model with no negative coefficient, each of the ``groups`` of equal weight.

    Inputs are standardised and the coefficients held back by a Gaussian prior of unit variance, as
    planted collapses are separable and the likelihood alone would make the alarm certain of
    everything.
    """
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    z, sign = x / scale, np.where(y, 1.0, -1.0)
    _, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = len(y) / (len(counts) * counts[place])

    def loss(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = z @ b[:-1] + b[-1]
        wrong = -sign * weights / (1.0 + np.exp(np.clip(sign * logit, -700.0, 700.0)))
        value = 0.5 * b[:-1] @ b[:-1] + weights @ np.logaddexp(0.0, -sign * logit)
        return float(value), np.append(b[:-1] + z.T @ wrong, wrong.sum())

    bounds = [(0.0, None)] * len(names) + [(None, None)]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    coefficients = dict(zip(names, (found.x[:-1] / scale).tolist(), strict=True))
    return Logistic(coefficients, float(found.x[-1]))
