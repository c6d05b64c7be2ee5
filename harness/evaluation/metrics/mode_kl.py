"""Kullback-Leibler divergence between the class histograms."""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from harness.evaluation.metrics import Sample, metric


@metric(
    direction="minimize",
    judges="diversity",
    low=0.0,
    unit="nats",
    source="Srivastava et al. 2017, section 4.1 (stacked MNIST); Lin et al. 2018, section 4",
    needs_classes=True,
)
def mode_kl(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """KL(q | p) of the fakes' class shares q from the real ones p, in nats, at least 0.

    The direction of the stacked MNIST tables: against uniform p, one single class of K gives ln K,
    and a class that is missing costs little; ``mode_jsd`` is symmetric. A class that the real
    sample happens to lack counts as half a real image, so that the value stays finite.
    Deterministic; ``rng`` is unused.
    """
    p = np.where(real.class_shares > 0, real.class_shares, 0.5 / len(real))
    return max(0.0, float(rel_entr(fake.class_shares, p / p.sum()).sum()))
