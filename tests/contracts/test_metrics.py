"""What holds for every registered metric, tried on a small world of four classes.

The world is a mixture of four Gaussians in feature space; its images and class probabilities are
functions of the features, so that metrics of any kind see the same planted change.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.core.config import CHOICES
from harness.core.registry import METRICS
from harness.data.scaling import fit_scaling
from harness.evaluation.metrics import Metric, Sample

NUM_CLASSES, DIMENSION, SIZE = 4, 12, 160

# The classes lie so far apart that their mean is nowhere near an image.
CENTERS = 4.0 * np.random.default_rng(0).normal(size=(NUM_CLASSES, DIMENSION))
PATTERNS = 0.3 * np.random.default_rng(1).normal(size=(DIMENSION, 28 * 28))

# A few images among a collapsed mass get huge neighbour balls, which hold the real images.
SEES_ONLY_TOTAL_COLLAPSE = {"recall"}

# They ask for copies of training images, of which one that is none may well be repeated.
BLIND_TO_COLLAPSE = {"memorized_fraction", "authentic_fraction", "copying_ct"}

ENDS_AT = {  # what a generator of one image between the classes reads, by definition
    "precision": 0.0,
    "recall": 0.0,
    "density": 0.0,
    "coverage": 0.0,
    "clipped_density": 0.0,
    "clipped_coverage": 0.0,
    "classifier_score": 1.0,
    "ms_ssim": 1.0,
    "pairwise_distance_ratio": 0.0,
    "support_size": 1.0,
    "two_sample_accuracy": 1.0,
    "mode_kl": math.log(NUM_CLASSES),  # one class of four equally frequent ones
}


def sample_of(features: np.ndarray) -> Sample:
    """The sample with these features (N, 12): softmax of the distances, images waves of them."""
    logits = -((features[:, None] - CENTERS) ** 2).sum(axis=2) / 4.0
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    images = np.rint(128 + 100 * np.sin(features @ PATTERNS)).astype(np.uint8)
    return Sample(
        images.reshape(-1, 28, 28, 1), features, weights / weights.sum(axis=1, keepdims=True)
    )


def real_of(features: np.ndarray) -> Sample:
    """The real side with these features: held out from 400 training images."""
    return replace(sample_of(features), training=sample_of(draw(9, 400)))


def draw(seed: int, size: int = SIZE) -> np.ndarray:
    """Features of ``size`` fresh images of the real distribution, all classes equally often."""
    rng = np.random.default_rng(seed)
    return CENTERS[np.arange(size) % NUM_CLASSES] + rng.normal(size=(size, DIMENSION))


def collapsed(features: np.ndarray, dose: float) -> Sample:
    """A copy in which a share ``dose`` of the images became one image between the classes."""
    changed = features.copy()
    changed[: round(dose * len(changed))] = CENTERS.mean(axis=0)
    return sample_of(changed)


def score(name: str, real: Sample, fake: Sample, seed: int = 5) -> float:
    return METRICS.get(name)(real, fake, np.random.default_rng(seed))


def worse(name: str, value: float, than: float) -> bool:
    return value > than if METRICS.get(name).direction == "minimize" else value < than


@pytest.fixture(params=METRICS.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_record_says_what_a_reader_must_know(name):
    record = METRICS.get(name)
    assert isinstance(record, Metric)
    assert record.name == name
    assert record.direction in ("minimize", "maximize")
    assert record.target is None or (record.low or 0.0) <= record.target
    assert record.unit.strip()
    assert record.source.strip()
    # A first line that says what is returned, then what it is not, its bias, its randomness.
    summary, _, rest = (record.function.__doc__ or "").partition("\n")
    assert summary.endswith(".")
    assert len(rest.split()) >= 15


@pytest.mark.parametrize("sizes", [(SIZE, SIZE), (SIZE, 100), (100, SIZE)])
def test_values_are_finite_floats_in_the_declared_range(name, sizes):
    record = METRICS.get(name)
    real, fake = real_of(draw(1, sizes[0])), draw(2, sizes[1])
    for other in (sample_of(fake), sample_of(fake + 3.0), collapsed(fake, 1.0)):
        value = score(name, real, other)
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert record.low is None or value >= record.low
        assert record.high is None or value <= record.high


def test_the_same_seed_gives_the_same_value_with_or_without_the_cache(name):
    real, fake = real_of(draw(1)), sample_of(draw(2, 200))
    first = score(name, real, fake)
    score(name, real, sample_of(draw(3, 150)))  # another sample in between changes nothing
    assert score(name, real, fake) == first
    assert score(name, real_of(draw(1)), sample_of(draw(2, 200))) == first


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(SIZE, SIZE), (SIZE, 100), (100, SIZE)])
def test_the_order_of_the_images_does_not_matter(name, sizes):
    real, fake = draw(1, sizes[0]), draw(2, sizes[1])
    rng = np.random.default_rng(4)
    shuffled = score(name, real_of(rng.permutation(real)), sample_of(rng.permutation(fake)))
    assert shuffled == pytest.approx(score(name, real_of(real), sample_of(fake)), rel=1e-9)


def test_a_constant_generator_is_worse_than_real_images(name):
    if name in BLIND_TO_COLLAPSE:
        pytest.skip("looks for copies of training images")
    real = real_of(draw(1))
    perfect = score(name, real, sample_of(draw(2)))
    constant = score(name, real, collapsed(draw(2), 1.0))
    assert worse(name, constant, than=perfect)


def test_a_larger_dose_of_collapse_is_worse(name):
    if name in SEES_ONLY_TOTAL_COLLAPSE:
        pytest.skip("its own tests show how it misses a partial collapse")
    if name in BLIND_TO_COLLAPSE:
        pytest.skip("looks for copies of training images")
    real = real_of(draw(1))
    none, half, whole = (score(name, real, collapsed(draw(2), dose)) for dose in (0.0, 0.5, 1.0))
    assert not worse(name, none, than=half)
    assert worse(name, whole, than=half)


@pytest.mark.parametrize("name", ENDS_AT)
def test_one_image_between_the_classes_reads_as_badly_as_can_be(name):
    # Exact by definition; 1e-6 is for the rounding of logarithms and of similarity's variances.
    value = score(name, real_of(draw(1)), collapsed(draw(2), 1.0))
    assert value == pytest.approx(ENDS_AT[name], abs=1e-6)


def test_exchanging_the_sides_exchanges_precision_and_recall():
    real, fake = sample_of(draw(1)), sample_of(draw(2, 100) + 1.0)
    assert 0 < score("precision", real, fake) < 1
    assert score("precision", real, fake) == score("recall", fake, real)
    assert score("recall", real, fake) == score("precision", fake, real)


def test_scores_do_not_see_the_pixel_scaling(name):
    real, fake = real_of(draw(1)), sample_of(draw(2))
    images = fake.images
    for pixel_scaling in CHOICES["pixel_scaling"]:
        scaling = fit_scaling(pixel_scaling, real.images)
        images = scaling.unscale(scaling.scale(images))
    returned = Sample(images, fake.features, fake.probabilities)
    assert score(name, real, returned) == score(name, real, fake)
