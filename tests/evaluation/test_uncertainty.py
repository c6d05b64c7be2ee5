"""Intervals of the scores: they cover a known truth; debiasing and null level follow the laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics.fid import fid, frechet_distance
from harness.evaluation.metrics.kid import kid_standard_error
from harness.evaluation.uncertainty import fid_interval, fid_null_level, kid_half_width

D = 8
SPECTRUM = 1.0 / np.arange(1, D + 1)
ROTATION = np.linalg.qr(np.random.default_rng(9).normal(size=(D, D)))[0]
WORLDS = {
    "shifted mean": (np.full(D, 0.5), np.diag(np.sqrt(SPECTRUM))),
    "other covariance": (np.zeros(D), 1.2 * np.diag(np.sqrt(SPECTRUM)) @ ROTATION),
    "both": (np.full(D, 0.3), 0.8 * np.diag(np.sqrt(SPECTRUM)) @ ROTATION),
    "half the directions": (np.zeros(D), np.diag(np.sqrt(SPECTRUM) * (np.arange(D) < 4))),
    "hardly any": (np.full(D, 0.05), np.diag(np.sqrt(SPECTRUM))),
    "none": (np.zeros(D), np.diag(np.sqrt(SPECTRUM))),
}


def sample(features: np.ndarray) -> Sample:
    features = np.ascontiguousarray(features, dtype=np.float64)
    images = np.frombuffer(features.tobytes(), np.uint8).reshape(len(features), -1, 8, 1)
    return Sample(images, features, np.full((len(features), 2), 0.5))


def draws(world: str, repetitions: int, sizes: tuple[int, int], seed: int = 1):
    """Pairs of samples of N(0, diag SPECTRUM) and of the world's Gaussian."""
    mean, factor = WORLDS[world]
    rng = np.random.default_rng(seed)
    for _ in range(repetitions):
        real = rng.normal(size=(sizes[0], D)) * np.sqrt(SPECTRUM)
        yield sample(real), sample(mean + rng.normal(size=(sizes[1], D)) @ factor), rng


def distance(world: str) -> float:
    mean, factor = WORLDS[world]
    return frechet_distance(np.zeros(D), np.diag(SPECTRUM), mean, factor.T @ factor)


@pytest.mark.slow
@pytest.mark.parametrize("world", [world for world in WORLDS if world != "none"])
def test_95_percent_intervals_cover_the_true_distance(world):
    # Of 500 repetitions 95 % cover within 4 standard errors of sqrt(.95 * .05 / 500) = 0.0097:
    # 0.911 to 0.989; near a distance of 0 the upper end is only asked to stay within 0.98.
    truth = distance(world)
    found = [fid_interval(real, fake, rng) for real, fake, rng in draws(world, 500, (400, 300))]
    covered = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert 0.90 <= covered <= 0.98
    values = np.array([interval.value for interval in found])
    # The debiased estimate is unbiased within 4 standard errors of its mean.
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(500))


def test_intervals_between_equal_distributions_begin_at_0():
    found = [fid_interval(real, fake, rng) for real, fake, rng in draws("none", 100, (400, 300))]
    # One-sided here, 97.5 %; 100 repetitions allow 4 standard errors of 0.016 below it.
    assert np.mean([interval.low == 0.0 for interval in found]) >= 0.91
    assert all(interval.low <= interval.high for interval in found)
    values = np.array([interval.value for interval in found])
    assert abs(values.mean()) < 4 * values.std() / 10
    assert (values < 0).any()  # unbiased at a distance of 0 means below it about half the time


@pytest.mark.slow
def test_debiasing_holds_with_fewer_images_than_make_the_first_order_enough():
    # d = 40 and 200 against 300 images: fid reads 1.3 too high, the first-order correction leaves
    # about 0.1 of it; 25 repetitions.
    rng = np.random.default_rng(4)
    pairs = [
        (sample(rng.normal(size=(300, 40))), sample(rng.normal(size=(200, 40)))) for _ in range(25)
    ]
    values = np.array([fid_interval(real, fake, rng).value for real, fake in pairs])
    assert np.mean([fid(real, fake, rng) for real, fake in pairs]) > 3.5
    assert abs(values.mean()) < 4 * values.std() / 5


def test_the_standard_error_is_that_of_the_mean_shift_in_closed_form():
    # In one dimension with equal spread the distance is (m1 - m2)^2 + (s1 - s2)^2; its first-order
    # variance at m1 - m2 = 3, s = 1 is (2 * 3)^2 (1/N + 1/M).
    rng = np.random.default_rng(5)
    real, fake = sample(rng.normal(size=(4000, 1))), sample(rng.normal(3.0, 1.0, size=(1000, 1)))
    interval = fid_interval(real, fake, rng)
    expected = stats.norm.ppf(0.975) * 6 * np.sqrt(1 / 4000 + 1 / 1000)
    # Estimated moments move it by their own relative error, about 1/sqrt(2 * 1000) = 2 %; 4 times.
    assert (interval.high - interval.low) / 2 == pytest.approx(expected, rel=0.09)


def test_intervals_do_not_depend_on_the_order_of_the_images():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(90, 5)), rng.normal(0.5, 1.0, size=(70, 5))
    first = fid_interval(sample(x), sample(y), np.random.default_rng(0))
    again = fid_interval(
        sample(rng.permutation(x)), sample(rng.permutation(y)), np.random.default_rng(0)
    )
    np.testing.assert_allclose(again, first, rtol=1e-9)


def test_a_constant_generator_has_a_finite_interval_around_its_distance():
    rng = np.random.default_rng(7)
    real, constant = sample(rng.normal(size=(500, 6))), sample(np.full((300, 6), 2.0))
    interval = fid_interval(real, constant, rng)
    assert interval.low < 6 * 4 + 6 < interval.high  # |mu|^2 + tr S, nothing else
    assert fid_interval(constant, constant, rng) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("spectrum", [np.ones(12), 1.0 / np.arange(1, 13)])
def test_the_null_level_is_the_law_for_gaussians(spectrum):
    # (1/N + 1/M) (tr S + 1/2 [sum_ij l_i l_j / (l_i + l_j) + tr S / 2]).
    rng = np.random.default_rng(8)
    real = sample(rng.normal(size=(20_000, 12)) * np.sqrt(spectrum))
    pairs = np.outer(spectrum, spectrum) / (spectrum[:, None] + spectrum)
    law = (1 / 20_000 + 1 / 500) * (1.25 * spectrum.sum() + 0.5 * pairs.sum())
    # tr S is known within sqrt(2/20000) = 1 %, the fourth moments better than that on average.
    assert fid_null_level(real, 500) == pytest.approx(law, rel=0.03)


def test_the_null_level_is_what_fid_reads_where_features_are_not_gaussian():
    # Two narrow classes: fourth moments far from Gaussian, which the Gaussian law misses by 13 %.
    rng = np.random.default_rng(10)

    def draw(size: int) -> Sample:
        centre = np.where(rng.random((size, 1)) < 0.5, 3.0, -3.0)
        return sample(centre * [1, 0, 0] + rng.normal(size=(size, 3)))

    read = np.array([fid(draw(400), draw(300), rng) for _ in range(300)])
    level = fid_null_level(draw(400), 300)
    # The mean of the readings within 4 of its standard errors, the level within 3 % for its one
    # sample of 400 and its neglected next order.
    assert level == pytest.approx(read.mean(), abs=4 * read.std() / 300**0.5 + 0.03 * level)


def test_the_half_width_of_kid_is_students():
    rng = np.random.default_rng(11)
    real, fake = sample(rng.normal(size=(60, 4))), sample(rng.normal(0.2, 1.0, size=(50, 4)))
    error = kid_standard_error(real, fake, np.random.default_rng(0), 10)
    half = kid_half_width(real, fake, np.random.default_rng(0))
    assert half == pytest.approx(2.262157 * error, rel=1e-6)  # t table, 9 degrees of freedom


@pytest.mark.parametrize("function", [fid_interval, kid_half_width])
def test_too_few_images_are_refused(function):
    rng = np.random.default_rng(0)
    few, enough = sample(rng.normal(size=(3, 2))), sample(rng.normal(size=(9, 2)))
    with pytest.raises(InputError, match=r"4 images of a side, got 3|at least 2 images each"):
        function(enough, few, rng)
