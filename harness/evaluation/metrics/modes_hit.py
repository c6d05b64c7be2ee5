"""How many of the real classes any generated image falls into."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    unit="classes",
    source="Metz et al. 2017, section 3.3; Lin et al. 2018, section 4.2 (stacked MNIST)",
    needs_classes=True,
)
def modes_hit(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Number of real classes that at least one fake is classified as.

    The published count of stacked MNIST: of 1,000 modes, with 26,000 samples. It grows with the
    number of samples and counts the classifier's mistakes, so it compares at equal counts only;
    with few classes ``modes_captured`` is the one to read, since a class that was dropped is still
    hit by mistake. Deterministic; ``rng`` is unused.
    """
    return float(np.count_nonzero((real.class_shares > 0) & (fake.class_shares > 0)))
