"""What the page of claims says of the arms' independence over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.reporting import formats
from harness.reporting.statistics.correlations import mean_correlation
from harness.reporting.statistics.verdicts import Verdict


def correlation_words(verdicts: Sequence[Verdict]) -> str:
    """How far arms correlate over seeds, which the level takes to be not at all; "" if unknown."""
    known = [
        (one.hypothesis.correlation, one.hypothesis.common_seeds)
        for one in verdicts
        if one.hypothesis.common_seeds > 3 and abs(one.hypothesis.correlation) < 1
    ]
    if not known:
        return ""
    found = mean_correlation(*np.array(known).T)
    mean, low, high = (f"{value:.2f}".replace("-", "\N{MINUS SIGN}") for value in found)
    return (
        f"Found over {formats.count(len(known), 'comparison')}: a mean correlation of the arms of "
        f"{mean} (95 % interval {low} to {high}, as if no two of them shared runs)."
    )
