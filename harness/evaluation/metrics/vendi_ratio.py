"""Diversity of the fakes relative to the real images, by the Vendi score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.special import entr

from harness.evaluation.metrics import Sample, metric


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    target=1.0,
    unit="ratio",
    source="Friedman and Dieng 2023, section 3 (Vendi score), fake over real",
)
def vendi_ratio(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Vendi score of the fakes over that of the real images, at equal numbers of images.

    1 is as diverse as the real images, above 1 more diverse (noise is, too, so read it with
    ``fid``), near 0 collapsed. The score grows with the sample size, so of the larger side as
    many images are drawn by ``rng`` as the smaller has.
    """
    size = min(len(real), len(fake))
    return _score_of(fake.take(size, rng)) / _score_of(real.take(size, rng))


def vendi_score(features: NDArray[np.float64]) -> float:
    """Effective number of different rows of ``features`` (N, d), in [1, min(N, d + 1)].

    exp(-sum_i l_i ln l_i), l_i the eigenvalues of K/N, K the cosine similarities of the rows
    (Friedman and Dieng 2023, section 3). The (d, d) and (N, N) forms share their eigenvalues; the
    smaller is used. A zero row has no direction: zero rows count as equal to each other and unlike
    every other row.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", features, features))
    directed = norms > 0
    unit = features[directed] / norms[directed, None]
    gram = unit.T @ unit if len(unit) > unit.shape[1] else unit @ unit.T
    eigenvalues = np.maximum(linalg.eigvalsh(gram) / len(features), 0.0) if len(unit) else []
    share_of_zero_rows = 1.0 - len(unit) / len(features)
    return float(np.exp(entr(np.append(eigenvalues, share_of_zero_rows)).sum()))


def _score_of(sample: Sample) -> float:
    return sample.derived("vendi_score", lambda: vendi_score(sample.features))
