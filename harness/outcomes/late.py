"""``fid_late``: the level of a trial's fid, averaged over the reports of its last quarter.

A GAN's fid swings from report to report: on the digits about half of the variance of a final fid
over seeds is the swing within a trial (docs/outcomes.md). An average over the last reports holds
still where the last report is one draw of the swing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.core.schema import FID_LATE, FID_LATE_SPREAD
from harness.core.spec.milestones import is_recent

LATE_WORDS = (
    "fid_late is the geometric mean of fid over the reports in the last quarter of a trial. The "
    "generator that is kept and the images are those of the last report alone."
)


def late_scores(course: Sequence[tuple[int, float]], images: int) -> dict[str, float]:
    """``fid_late`` and ``fid_late_spread`` of a trial after its last report so far.

    course: (images_seen, fid) of every report, in order. images: the trial's budget. Both are
    about the reports in the quarter of the budget that ends at the last of them: at the end of the
    trial, in its last quarter; it is one report at least. fid_late is their geometric mean, 0 if
    one is 0. fid_late_spread is the sample standard deviation of log fid over them (divisor n - 1);
    left out for a single report, and where one is 0.
    """
    now = course[-1][0]
    recent = np.array([fid for seen, fid in course if is_recent(seen, now, images)])
    if len(recent) == 1 or not (recent > 0).all():
        return {FID_LATE: float(recent.min())}  # the report itself, or 0
    logs = np.log(recent)
    return {FID_LATE: float(np.exp(logs.mean())), FID_LATE_SPREAD: float(logs.std(ddof=1))}


def late_record(fid: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader must know of ``fid_late``, as the evaluation's record of ``fid`` says it.

    Range, unit, and what perfect and no error read are those of fid.
    """
    return {
        **fid,
        "summary": "Geometric mean of fid over the reports in the last quarter of the budget; the "
        "generator that is kept is that of the last report alone.",
        "source": "this project",
    }
