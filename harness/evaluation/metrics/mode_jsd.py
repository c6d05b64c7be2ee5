"""Jensen-Shannon divergence between the class histograms."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import rel_entr

from harness.evaluation.metrics import Sample, metric


@metric(
    direction="minimize",
    judges="diversity",
    low=0.0,
    high=math.log(2.0),
    unit="nats",
    source="Lin 1991, section IV, equal weights",
    needs_classes=True,
)
def mode_jsd(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Jensen-Shannon divergence of the class shares p (real), q (fake), in [0, ln 2] nats.

    (KL(p | m) + KL(q | m)) / 2 with m = (p + q) / 2; 0 for equal shares, ln 2 when no class is
    shared. Finite where a class is missing, and symmetric in its arguments. Biased upward by
    sampling by about (K - 1)(1/N + 1/M) / 8 for K classes and N, M images. Deterministic; ``rng``
    is unused.
    """
    p, q = real.class_shares, fake.class_shares
    middle = (p + q) / 2.0
    divergence = (rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2.0
    return float(np.clip(divergence, 0.0, math.log(2.0)))
