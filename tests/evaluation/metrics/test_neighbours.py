"""The nearest-neighbour metrics against prdc, scikit-learn, their laws and hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from prdc import compute_prdc
from sklearn.neighbors import NearestNeighbors

from harness.core.errors import InputError
from harness.core.registry import METRICS
from harness.evaluation.metrics import _pairs
from harness.evaluation.metrics.coverage import coverage
from harness.evaluation.metrics.density import density
from harness.evaluation.metrics.precision import precision
from harness.evaluation.metrics.recall import recall
from harness.evaluation.metrics.two_sample_accuracy import two_sample_accuracy

FOUR = [precision, recall, density, coverage]


def _share_within_by_scikit_learn(points, manifold, k):
    own, _ = NearestNeighbors(n_neighbors=k + 1).fit(manifold).kneighbors(manifold)
    distances = np.linalg.norm(points[:, None] - manifold, axis=2)
    return (distances <= own[:, k]).any(axis=1).mean()


@pytest.mark.parametrize("block_elements", [2**21, 700, 1])
def test_agree_with_independent_code_whatever_the_blocks(
    from_features, rng, monkeypatch, block_elements
):
    monkeypatch.setattr(_pairs, "BLOCK_ELEMENTS", block_elements)
    x, y = rng.normal(size=(130, 6)), rng.normal(0.4, 0.8, size=(90, 6))
    real, fake = from_features(x), from_features(y)
    # Shares of whole numbers of images without ties: equal but for the rounding of a division.
    exact = {"rel": 1e-12}
    assert precision(real, fake, rng) == pytest.approx(
        _share_within_by_scikit_learn(y, x, 3), **exact
    )
    assert recall(real, fake, rng) == pytest.approx(_share_within_by_scikit_learn(x, y, 3), **exact)
    theirs = compute_prdc(x, y, nearest_k=5)
    assert density(real, fake, rng) == pytest.approx(theirs["density"], **exact)
    assert coverage(real, fake, rng) == pytest.approx(theirs["coverage"], **exact)


def test_exchanging_the_sides_exchanges_precision_and_recall(from_features, rng):
    real, fake = from_features(rng.normal(size=(80, 4))), from_features(rng.normal(size=(60, 4)))
    assert precision(real, fake, rng) == recall(fake, real, rng)
    assert recall(real, fake, rng) == precision(fake, real, rng)


def test_a_tight_generator_is_precise_without_recall(from_features, rng):
    # Fakes N(0, 0.1^2) inside reals N(0, 3^2): all lie among the real ones, which lie outside.
    real = from_features(rng.normal(0.0, 3.0, size=(500, 4)))
    fake = from_features(rng.normal(0.0, 0.1, size=(500, 4)))
    assert precision(real, fake, rng) > 0.8
    assert recall(real, fake, rng) < 0.3
    assert coverage(real, fake, rng) < 0.3


def test_expectations_between_two_samples_of_one_distribution(from_features, rng):
    # E[coverage] = 1 - prod_{j<5} (N - 1 - j)/(N + M - 1 - j) and E[density] = 1, both exact.
    # Tolerance: four standard errors of the repetitions' mean.
    num_real, num_fake = 60, 90
    j = np.arange(5)
    law = 1 - np.prod((num_real - 1 - j) / (num_real + num_fake - 1 - j))
    values = []
    for _ in range(150):
        real = from_features(rng.normal(size=(num_real, 3)))
        fake = from_features(rng.normal(size=(num_fake, 3)))
        values.append((coverage(real, fake, rng), density(real, fake, rng)))
    errors = 4 * np.std(values, axis=0, ddof=1) / np.sqrt(len(values))
    assert np.all(np.abs(np.mean(values, axis=0) - [law, 1.0]) < errors)
    assert np.all(errors < 0.05)


def test_boundaries_are_in_for_precision_and_out_for_density(from_features, rng):
    # Real 0, 1, .., 9 on a line: of 9, the third neighbour is 6 (radius 3), the fifth 4 (radius
    # 5); of 8, the radii are 2 and 4; further in they end earlier still.
    real = from_features(np.arange(10.0)[:, None])
    on_the_edge = from_features(np.full((6, 1), 12.0))
    # 12 is 3 from 9: on the edge of its 3-ball. Nothing else holds it.
    assert precision(real, on_the_edge, rng) == 1.0
    # 14 is 5 from 9: on the edge of its 5-ball, 6 from 8: outside. So both scores are 0.
    outside = from_features(np.full((6, 1), 14.0))
    assert density(real, outside, rng) == 0.0
    assert coverage(real, outside, rng) == 0.0
    just_inside = from_features(np.full((6, 1), 13.999))
    assert density(real, just_inside, rng) == pytest.approx(1 / 5)
    assert coverage(real, just_inside, rng) == pytest.approx(1 / 10)


def test_copies_of_all_real_images(from_features, rng):
    # A copy lies in its own ball and on the edge of the ball whose 5th neighbour it is, so the
    # balls that hold it are its own and those of 4 neighbours on average: density 5/5 exactly.
    real = from_features(1000.0 + rng.normal(size=(100, 8)))
    copies = from_features(rng.permutation(real.features))
    assert density(real, copies, rng) == pytest.approx(1.0, rel=1e-12)
    assert [m(real, copies, rng) for m in (precision, recall, coverage)] == [1.0, 1.0, 1.0]
    assert two_sample_accuracy(real, copies, rng) == 0.0


def test_constant_generators(from_features, rng):
    real = from_features(rng.normal(size=(100, 3)))
    elsewhere = from_features(np.full((100, 3), 50.0))
    assert [m(real, elsewhere, rng) for m in FOUR] == [0.0, 0.0, 0.0, 0.0]
    # One good image again and again: precise, and only its own neighbourhood is covered.
    one_image = from_features(np.repeat(real.features[:1], 100, axis=0))
    assert precision(real, one_image, rng) == 1.0
    assert recall(real, one_image, rng) == 0.01
    assert coverage(real, one_image, rng) < 0.2


def test_real_features_without_any_spread_are_not_perfect_but_finite(from_features, rng):
    equal = from_features(np.tile(rng.normal(0.0, 100.0, 50), (40, 1)))
    assert density(equal, equal, rng) == 0.0
    assert coverage(equal, equal, rng) == 0.0


def test_equal_rows_have_distance_zero_despite_rounding(rng):
    # |x|^2 + |y|^2 - 2 x.y leaves about 1e-10 of 1e6 here; the real distances of 1e-3 must remain.
    x = rng.normal(0.0, 100.0, (30, 50))
    near = x + 1e-3 * np.eye(50)[0]
    ((_, block),) = _pairs.squared_distances(x, np.concatenate([x, near]))
    assert np.all(np.diag(block[:, :30]) == 0.0)
    np.testing.assert_allclose(np.diag(block[:, 30:]), 1e-6, rtol=1e-2)


def test_recall_does_not_see_a_partial_collapse_and_coverage_does(from_features, rng):
    # The documented weakness: ten scattered images among 290 equal ones have their third
    # neighbours far away, and so large balls.
    x = rng.normal(size=(300, 4))
    y = np.zeros((300, 4))
    y[:10] = rng.normal(size=(10, 4))
    real, fake = from_features(x), from_features(y)
    assert recall(real, fake, rng) > 0.5
    assert coverage(real, fake, rng) < 0.3


@pytest.mark.parametrize("block_elements", [2**21, 700, 1])
def test_two_sample_accuracy_agrees_with_scikit_learn_whatever_the_blocks(
    from_features, rng, monkeypatch, block_elements
):
    monkeypatch.setattr(_pairs, "BLOCK_ELEMENTS", block_elements)
    x, y = rng.normal(size=(90, 4)), rng.normal(0.8, 1.0, size=(90, 4))
    pooled, is_fake = np.concatenate([x, y]), np.arange(180) >= 90
    _, nearest = NearestNeighbors(n_neighbors=2).fit(pooled).kneighbors(pooled)
    expected = (is_fake[nearest[:, 1]] == is_fake).mean()
    value = two_sample_accuracy(from_features(x), from_features(y), rng)
    assert value == pytest.approx(expected, rel=1e-12)


def test_two_sample_accuracy_by_hand(from_features, rng):
    # Real 3 is 0.8 from real 2.2 and from fake 3.8: a tie, half. All other reals are next to a
    # real one: 5.5 of 6. Fake 3.8 is next to a real one, the others to a fake: 5 of 6.
    real = from_features(np.array([[0.0], [1.0], [2.2], [3.0], [10.0], [11.1]]))
    fake = from_features(np.array([[3.8], [20.0], [21.0], [22.5], [24.0], [25.0]]))
    assert two_sample_accuracy(real, fake, rng) == pytest.approx(10.5 / 12, rel=1e-12)


def test_two_sample_accuracy_at_the_null_and_apart(from_features, rng):
    # Of 2 x 1,000 draws about half are right; their standard error is below sqrt(2 / 2000) = 0.032
    # even if neighbours agree in pairs.
    real, fake = (from_features(rng.normal(size=(1000, 5))) for _ in range(2))
    assert two_sample_accuracy(real, fake, rng) == pytest.approx(0.5, abs=4 * 0.032)
    assert two_sample_accuracy(real, from_features(fake.features + 50.0), rng) == 1.0


def test_two_sample_accuracy_compares_equal_numbers(from_features, rng):
    # With 1,900 fakes and 100 reals used as they are, the nearest of a real image is nearly always
    # a fake and the accuracy about 0.05 for reals; at equal numbers it is a half for both.
    real, fake = from_features(rng.normal(size=(100, 5))), from_features(rng.normal(size=(1900, 5)))
    values = [two_sample_accuracy(real, fake, rng) for _ in range(10)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", ["precision", "density", "two_sample_accuracy"])
def test_too_few_images_are_refused(from_features, rng, name):
    few = from_features(rng.normal(size=(5, 2)))
    with pytest.raises(InputError, match="at least 6 images, got 5"):
        METRICS.get(name)(few, few, rng)


@pytest.mark.parametrize("score", [*FOUR, two_sample_accuracy], ids=lambda score: score.name)
def test_features_far_from_the_origin_score_as_near_it(from_features, score):
    """At an offset of 1e7 the squares hold no digit of distances of about 1."""
    draws = np.random.default_rng(5)
    x, y = draws.normal(size=(200, 8)), draws.normal(size=(200, 8)) + 0.5
    scores = [
        score(from_features(x + offset), from_features(y + offset), np.random.default_rng(0))
        for offset in (0.0, 1e7)
    ]
    # The offset takes seven of the features' sixteen digits; no neighbour hangs on those.
    assert scores[0] == scores[1] > 0.0
