"""How many of the real classes the generator produces."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric

MIN_RELATIVE_SHARE = 0.1


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    unit="classes",
    source="class counts as in Metz et al. 2017, section 3.3 (stacked MNIST), with a threshold",
    needs_classes=True,
)
def modes_captured(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Number of real classes whose share among the fakes is at least a tenth of the real share.

    Work on stacked MNIST counts a class as soon as any one sample falls into it (Metz et al. 2017;
    Srivastava et al. 2017; Lin et al. 2018). With few classes and thousands of samples that rule
    counts the classifier's mistakes: at 1 % errors a class that was dropped still collects several
    of 5,000 samples. A tenth of the real share is above those and far below any share that a
    person would call present. ``modes_hit`` counts by the published rule. Deterministic; ``rng``
    is unused.
    """
    present = real.class_shares > 0
    enough = fake.class_shares >= MIN_RELATIVE_SHARE * real.class_shares
    return float(np.count_nonzero(present & enough))
