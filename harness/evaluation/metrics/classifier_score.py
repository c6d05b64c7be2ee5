"""The formula of the Inception score, on the reference classifier."""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from harness.evaluation.metrics import Sample, metric


@metric(
    direction="maximize",
    judges="both",
    low=1.0,
    unit="effective classes",
    source="Salimans et al. 2016, section 4 (Inception score), on the reference classifier",
    needs_classes=True,
)
def classifier_score(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """exp of the mean KL(p(y|x) | p(y)) over the fakes, in [1, number of classes].

    High when the classifier is sure of every image and sees all classes equally often. It knows
    nothing of the real images or of diversity within a class, and is not the Inception score,
    whose classifier is another. Over all images at once, without splits. Deterministic; ``real``
    and ``rng`` are unused.
    """
    marginal = fake.probabilities.mean(axis=0)
    divergence = rel_entr(fake.probabilities, marginal).sum(axis=1).mean()
    return max(1.0, float(np.exp(divergence)))
