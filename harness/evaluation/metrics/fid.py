"""Fréchet distance between two sets of features, each taken as a Gaussian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from harness.evaluation.metrics import Sample, metric


@metric(
    direction="minimize",
    judges="both",
    low=0.0,
    unit="squared feature distance",
    source="Heusel et al. 2017, eq. 6; Dowson and Landau 1982, eq. 4",
)
def fid(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Fréchet distance of the features, means (d,) and unbiased covariances (d, d); 0 is best.

    The features are the reference classifier's, so this is not the Inception FID. It is biased
    upward by finite samples: between two samples of size N of one isotropic Gaussian it is about
    2 d/N + d(d + 1)/(2N) times the variance, so compare at equal sample sizes only. Deterministic;
    ``rng`` is unused.
    """
    root = real.derived("covariance_root", lambda: _symmetric_root(real.covariance))
    return _distance(real.mean, real.covariance, root, fake.mean, fake.covariance)


def frechet_distance(
    mean_1: NDArray[np.float64],
    covariance_1: NDArray[np.float64],
    mean_2: NDArray[np.float64],
    covariance_2: NDArray[np.float64],
) -> float:
    """Squared Fréchet (2-Wasserstein) distance of two Gaussians, in squared feature units.

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (A S2 A)^(1/2) with A = S1^(1/2) (Dowson and Landau 1982,
    eq. 4). Means (d,), covariances (d, d), symmetric. A S2 A is symmetric and has no negative
    eigenvalue, so the root is real for singular covariances too. The result is within
    about 3e-8 d (tr S1 + tr S2) of the true value when a covariance is singular, much closer
    otherwise; what rounds below 0 is returned as 0.
    """
    return _distance(mean_1, covariance_1, _symmetric_root(covariance_1), mean_2, covariance_2)


def _symmetric_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root of a covariance (d, d); rounding below 0 counts as 0."""
    values, vectors = linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _distance(
    mean_1: NDArray[np.float64],
    covariance_1: NDArray[np.float64],
    root_1: NDArray[np.float64],
    mean_2: NDArray[np.float64],
    covariance_2: NDArray[np.float64],
) -> float:
    eigenvalues = linalg.eigvalsh(root_1 @ covariance_2 @ root_1)
    trace_of_root = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    difference = mean_1 - mean_2
    traces = np.trace(covariance_1) + np.trace(covariance_2)
    return max(0.0, float(difference @ difference + traces - 2.0 * trace_of_root))
