"""Level and spread of a recorded study's outcomes: what a final fid, and what an average is worth.

``python -m tests.benchmarks.outcomes STUDY`` prints a table of a study of arms that was run, from
the store that ``python -m harness.study`` writes to.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import stats

from harness.reporting.results.load import load_results
from harness.reporting.results.tables import StudyResults
from harness.tracking.stores.layout import default_layout

OUTCOMES = ("fid", "fid_raw", "fid_late")


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per arm and outcome: arm, outcome, n, level, spread, low, high, within, sampling.

    level: geometric mean over the seeds. spread: standard deviation of the outcome's logarithm over
    the seeds, with its 95 % interval low to high (chi-squared, for normal logarithms). within: root
    mean square of fid_late_spread, the spread between the late reports of one trial. sampling: the
    standard error of log fid from the sampling of images, by the interval of fid, at the median.
    """
    done = results.trials[results.trials["outcome"] == "complete"]
    rows = []
    for arm in results.spec.arms.names if results.spec.arms else ():
        part = done[done["arm"] == arm]
        for outcome in OUTCOMES:
            values = part[outcome].dropna() if outcome in part else pd.Series(dtype="float64")
            if len(values) > 1:
                rows.append({"arm": arm, "outcome": outcome, **_figures(part, np.log(values))})
    return pd.DataFrame(rows)


def _figures(part: pd.DataFrame, logs: pd.Series) -> dict[str, float]:
    n, spread = len(logs), float(logs.std())
    width = (part["fid_high"] - part["fid_low"]) / (2 * stats.norm.ppf(0.975))
    return {
        "n": n,
        "level": float(np.exp(logs.mean())),
        "spread": spread,
        "low": spread * float(np.sqrt((n - 1) / stats.chi2.ppf(0.975, n - 1))),
        "high": spread * float(np.sqrt((n - 1) / stats.chi2.ppf(0.025, n - 1))),
        "within": float(np.sqrt((part["fid_late_spread"] ** 2).mean())),
        "sampling": float((width / part["fid_debiased"]).median()),
    }


def main(study: str) -> None:
    """Read and print."""
    results = load_results(default_layout().tracking_uri, study)
    columns = ("seeds", "level", "spread over seeds", "within a trial", "sampling")
    table = Table(
        "arm", "outcome", *columns, title="Level, and standard deviations of the logarithm"
    )
    for _, row in summarise(results).iterrows():
        spread = f"{row['spread']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        sizes = (f"{row['level']:.2f}", spread, f"{row['within']:.3f}", f"{row['sampling']:.3f}")
        table.add_row(row["arm"], row["outcome"], str(row["n"]), *sizes)
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1])
