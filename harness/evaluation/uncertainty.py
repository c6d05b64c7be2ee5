"""How far scores can be trusted: intervals from the features at hand, and the level of no error.

Nothing is generated or embedded again. The Fréchet distance is a smooth function of two means and
two covariances, so its first and second derivatives at the samples give standard error and bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special, stats

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics.kid import kid_standard_error

Array = NDArray[np.float64]

CONFIDENCE = 0.95
HALVINGS = 3  # each more changes the result by less than a tenth of its standard error
ROWS_FOR_SPREAD = 256  # of each side; second-order spread matters near 0 only and is an average
KID_BLOCKS = 10
IMAGES_PER_FEATURE = 5  # of each side; with fewer, the intervals of fid may miss
SINGULAR = 1e-12  # eigenvalues below this share of the largest are rounding


class DebiasedDistance(NamedTuple):
    """A Fréchet distance without its sample-size bias, and the ends of its 95 % interval."""

    low: float
    high: float
    value: float


def fid_interval(real: Sample, fake: Sample, rng: np.random.Generator) -> DebiasedDistance:
    """95 % interval for the Fréchet distance between the distributions, and its debiased estimate.

    It is about the two populations, the generator and what the real images were drawn from: both
    samples count as random. ``fid`` itself is biased upward and may lie above the interval. The
    value may be below 0, the ends are not. Squared feature distances.

    Standard error: influence function (delta method; Hampel 1974) of eq. 4 of Dowson and Landau
    1982, floored by the second-order term, which is all there is when the distributions agree.
    Bias: second derivatives with the sample's own fourth moments, so the features need not be
    Gaussian; what is left, of order 1/N^2, by extrapolation from random halves drawn by ``rng``
    (Schucany, Gray and Owen 1971). On Gaussians 93 to 98 % of intervals cover, for N from about
    5 d. Raises InputError for fewer than 4 images of a side.
    """
    for sample in (real, fake):
        if len(sample) < 4:
            raise InputError(f"an interval takes at least 4 images of a side, got {len(sample)}")
    x, y = (sample.features[sample.content_order] for sample in (real, fake))
    whole = _expand(x, y)
    halves = [
        _expand(x[rows], y[columns]).debiased
        for _ in range(HALVINGS)
        for rows, columns in zip(_halves(len(x), rng), _halves(len(y), rng), strict=True)
    ]
    value = (4.0 * whole.debiased - float(np.mean(halves))) / 3.0
    second = whole.second_order_variance(rng)
    # At the samples' moments the first-order variance holds the second-order one twice.
    variance = max(whole.first_order_variance - second, second)
    reach = float(special.ndtri((1.0 + CONFIDENCE) / 2.0) * np.sqrt(variance))
    return DebiasedDistance(max(0.0, value - reach), max(0.0, value + reach), value)


def enough_for_fid_interval(num_real: int, num_fake: int, num_features: int) -> bool:
    """Whether both sides have the IMAGES_PER_FEATURE that ``fid_interval`` needs."""
    return min(num_real, num_fake) >= IMAGES_PER_FEATURE * num_features


def fid_interval_words(num_real: int, num_fake: int, num_features: int) -> str:
    """What the interval of ``fid`` covers at these sizes, or why there is none, as a phrase."""
    if enough_for_fid_interval(num_real, num_fake, num_features):
        return (
            "95 %, around fid_debiased, over new samples of images of the same generator and of "
            "real ones: neither how fid swings between reports nor other seeds"
        )
    return (
        f"none: {num_real:,} real and {num_fake:,} generated images are fewer than "
        f"{IMAGES_PER_FEATURE} for each of {num_features:,} features"
    )


def fid_null_level(real: Sample, num_fake: int) -> float:
    """What ``fid`` reads on average for ``num_fake`` images of a generator without any error.

    (1/N + 1/M) (tr S + 1/2 sum_ij l_i l_j / (l_i + l_j) Var(z_i z_j)) with the eigenvalues l of
    the real covariance S and the whitened features z; Var is 1 + (i = j) for Gaussian ones. This
    is the expectation to first order in 1/N and 1/M, in squared feature distances.
    """
    centred = real.features - real.mean
    values, vectors = linalg.eigh(real.covariance)
    whitened = centred @ (vectors * _inverse(np.sqrt(np.maximum(values, 0.0))))
    side = _Side(centred, whitened, np.maximum(values, 0.0), np.zeros(len(values)))
    return side.bias * (1.0 + len(real) / num_fake)


def kid_half_width(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Half the width of the 95 % interval around ``kid``, from at most 10 blocks, in its units.

    Student's t with one degree of freedom less than blocks. It errs on the wide side, as
    ``kid_standard_error`` says. Raises InputError for fewer than 4 images of a side.
    """
    blocks = min(KID_BLOCKS, min(len(real), len(fake)) // 2)
    error = kid_standard_error(real, fake, rng, blocks)
    return float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, blocks - 1) * error)


@dataclass(frozen=True)
class _Side:
    """One sample in the coordinates in which the distance is expanded.

    centred: (N, d). whitened: (N, d), in the basis that both sides share. roots: (d,), square
    roots of the eigenvalues of S1 S2. difference: (d,), own mean minus the other's.
    """

    centred: Array
    whitened: Array
    roots: Array
    difference: Array

    @property
    def influence(self) -> Array:
        """First derivative of the distance in the direction of each image, (N,), up to a shift."""
        square = np.einsum("ij,ij->i", self.centred, self.centred)
        return np.asarray(
            2.0 * self.centred @ self.difference + square - self.whitened**2 @ self.roots
        )

    @property
    def bias(self) -> float:
        """How much this sample's finite size adds to the distance on average, to first order."""
        size = len(self.centred)
        squares = self.whitened**2
        fourth = squares.T @ squares / size - np.eye(len(self.roots))
        trace = np.einsum("ij,ij->", self.centred, self.centred) / (size - 1)
        return float(trace + 0.5 * (self._weights * fourth).sum()) / size

    def second_order_map(self, rows: NDArray[np.int64]) -> Array:
        """Vectors (rows, d + d(d + 1)/2): near 0 the distance is the squared gap of their means."""
        i, j = np.triu_indices(len(self.roots))
        weights = np.sqrt(self._weights[i, j] * np.where(i == j, 0.5, 1.0))
        z = self.whitened[rows]
        return np.hstack([self.centred[rows], (z[:, i] * z[:, j] - (i == j)) * weights])

    @property
    def _weights(self) -> Array:
        """r_i r_j / (r_i + r_j), (d, d); 0 where both are 0."""
        sums = self.roots[:, None] + self.roots
        return np.outer(self.roots, self.roots) / np.where(sums > 0.0, sums, 1.0)


@dataclass(frozen=True)
class _Expansion:
    """The Fréchet distance of two samples with its derivatives by the images of either."""

    distance: float
    sides: tuple[_Side, _Side]

    @property
    def debiased(self) -> float:
        """The distance less its bias of order 1/N."""
        return self.distance - sum(side.bias for side in self.sides)

    @property
    def first_order_variance(self) -> float:
        """Variance of the distance by its first derivatives."""
        return sum(float(np.var(s.influence, ddof=1)) / len(s.centred) for s in self.sides)

    def second_order_variance(self, rng: np.random.Generator) -> float:
        """Variance of the distance when the first derivatives vanish: 2 tr (C1/N + C2/M)^2.

        C are the covariances of ``second_order_map``; tr C C' is the mean squared inner product
        of independent rows, here of those that ``rng`` draws.
        """
        sizes = [len(side.centred) for side in self.sides]
        a, b = (
            side.second_order_map(rng.choice(n, min(n, ROWS_FOR_SPREAD), replace=False)) / n**0.5
            for side, n in zip(self.sides, sizes, strict=True)
        )
        between = float(np.square(a @ b.T).mean())
        return 2.0 * (_mean_off_diagonal(a) + _mean_off_diagonal(b) + 2.0 * between)


def _expand(x: Array, y: Array) -> _Expansion:
    """The distance of features (N, d) and (M, d), expanded around it."""
    difference = x.mean(axis=0) - y.mean(axis=0)
    centred_x, centred_y = x - x.mean(axis=0), y - y.mean(axis=0)
    covariance_x = centred_x.T @ centred_x / (len(x) - 1)
    covariance_y = centred_y.T @ centred_y / (len(y) - 1)
    values, vectors = linalg.eigh(covariance_x)
    scales = np.sqrt(np.maximum(values, 0.0))
    root = (vectors * scales) @ vectors.T
    inverse_root = (vectors * _inverse(scales)) @ vectors.T
    values, basis = linalg.eigh(root @ covariance_y @ root)
    roots = np.sqrt(np.maximum(values, 0.0))
    traces = np.trace(covariance_x) + np.trace(covariance_y)
    distance = float(difference @ difference + traces - 2.0 * roots.sum())
    whitened_x = centred_x @ (inverse_root @ basis)
    whitened_y = centred_y @ (root @ basis * _inverse(roots))
    return _Expansion(
        distance,
        (
            _Side(centred_x, whitened_x, roots, difference),
            _Side(centred_y, whitened_y, roots, -difference),
        ),
    )


def _inverse(scales: Array) -> Array:
    """1 / scales; 0 where a scale is 0 up to rounding."""
    kept = scales > scales.max() * SINGULAR**0.5
    return np.where(kept, 1.0 / np.where(kept, scales, 1.0), 0.0)


def _halves(size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    return np.array_split(rng.permutation(size), 2)


def _mean_off_diagonal(rows: Array) -> float:
    """Mean squared inner product of different rows."""
    squares = np.square(rows @ rows.T)
    return float(squares.sum() - np.trace(squares)) / (len(rows) * (len(rows) - 1))
