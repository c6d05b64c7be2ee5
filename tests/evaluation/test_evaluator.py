"""The evaluator: what is scored against what, with which randomness, and what it says of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from harness.core import schema
from harness.core.errors import HarnessError, InputError
from harness.core.registry import METRICS
from harness.evaluation import evaluator as evaluate
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.reference import ReferenceClassifier
from harness.evaluation.evaluator import Evaluator
from harness.evaluation.metrics import Metric, NoScoreError, Sample
from harness.evaluation.uncertainty import fid_null_level
from tests.support.classifiers import TINY, bars

DATA = bars(num_train=48, num_test=40)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ReferenceClassifier:
    return load_reference(DATA, tmp_path_factory.mktemp("cache"), recipe=TINY)


@pytest.fixture
def fakes() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)


def _probe(
    name: str, seen: list[tuple[Sample, Sample, float]], value: float | None = None
) -> Metric:
    """A metric that notes what it is given and returns a draw of its own, or ``value``."""

    def function(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
        """One line.

        Another.
        """
        draw = float(rng.random())
        seen.append((real, fake, draw))
        return draw if value is None else value

    return Metric(name, function, "minimize", 0.0, None, "nats", "nobody")


def _evaluator(
    classifier: ReferenceClassifier,
    monkeypatch: pytest.MonkeyPatch,
    metrics: list[Metric],
    seed: int = 0,
) -> Evaluator:
    registered = {metric.name: metric for metric in metrics}
    monkeypatch.setattr(METRICS, "names", lambda: sorted(registered))
    monkeypatch.setattr(METRICS, "get", registered.__getitem__)
    return Evaluator(DATA, classifier, 40, seed=seed)


def test_scores_are_computed_with_one_thread_of_blas(
    classifier: ReferenceClassifier, fakes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()

    def function(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
        seen.update(lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas")
        return 0.0

    probe = Metric("probe", function, "minimize", 0.0, None, "nats", "nobody")
    evaluator = _evaluator(classifier, monkeypatch, [probe])
    with threadpool_limits(3, user_api="blas"):
        evaluator.score(fakes)
        assert evaluator.perfect == {"probe": 0.0}
    assert seen == {1}


def test_fakes_are_scored_against_the_test_split(
    classifier: ReferenceClassifier, fakes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Sample, Sample, float]] = []
    evaluator = _evaluator(classifier, monkeypatch, [_probe("probe", seen)])
    evaluator.score(fakes)
    evaluator.score(fakes)
    (real, fake, _), (real_again, _, _) = seen
    np.testing.assert_array_equal(real.images, DATA.x_test)
    np.testing.assert_array_equal(fake.images, fakes)
    np.testing.assert_array_equal(real.features, classifier.sample(DATA.x_test).features)
    assert real is real_again  # so what is derived from it is computed once


def test_every_metric_has_a_stream_of_its_own(
    classifier: ReferenceClassifier, fakes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = _evaluator(classifier, monkeypatch, [_probe("b", [])]).score(fakes)
    both = _evaluator(classifier, monkeypatch, [_probe("a", []), _probe("b", [])])
    scores = both.score(fakes)
    assert scores["b"] == alone["b"]
    assert scores["a"] != scores["b"]
    assert both.score(fakes) == scores
    other_seed = _evaluator(classifier, monkeypatch, [_probe("b", [])], seed=1).score(fakes)
    assert other_seed["b"] != alone["b"]


def test_more_real_images_than_the_limit_are_thinned_out_by_the_seed(
    classifier: ReferenceClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "MAX_REAL_SAMPLES", 10)

    def drawn(seed: int) -> set[bytes]:
        images = Evaluator(DATA, classifier, 40, ["fid"], seed=seed).real.images
        assert len(images) == 10
        return {image.tobytes() for image in images}

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    assert len(drawn(0)) == 10
    assert drawn(0) <= {image.tobytes() for image in DATA.x_test}


def test_a_value_that_is_not_finite_is_an_error_with_a_name(
    classifier: ReferenceClassifier, fakes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = _evaluator(classifier, monkeypatch, [_probe("broken", [], float("nan"))])
    with pytest.raises(HarnessError, match="broken is not finite"):
        evaluator.score(fakes)


def test_another_number_of_images_is_refused(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="40 images are scored at a time, got 39"):
        Evaluator(DATA, classifier, 40, ["fid"]).score(fakes[:39])


def test_an_unknown_metric_is_wrong_input(classifier: ReferenceClassifier) -> None:
    with pytest.raises(InputError, match="unknown metric 'fib'"):
        Evaluator(DATA, classifier, 40, ["fib"])


def test_the_registered_metrics_tell_real_images_from_noise(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    evaluator = Evaluator(DATA, classifier, 40, ["fid", "kid"])
    noise, real = evaluator.score(fakes), evaluator.score(DATA.x_test)
    ends = {"fid_low", "fid_high", "kid_low", "kid_high"}
    assert set(noise) == {"fid", "fid_debiased", "kid", *ends}
    assert real["fid"] < 1e-6 < noise["fid"]  # the distance of a sample to itself is rounding
    assert real["kid"] < noise["kid"]


def test_all_metrics_run_when_none_is_named(
    classifier: ReferenceClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = _evaluator(classifier, monkeypatch, [_probe("a", []), _probe("b", [])])
    assert list(evaluator.metrics) == ["a", "b"]
    monkeypatch.undo()
    assert list(Evaluator(DATA, classifier, 40).metrics) == METRICS.names()


def test_intervals_stand_beside_the_scores_that_have_one(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    evaluator = Evaluator(DATA, classifier, 40, ["fid", "kid"])
    scores = evaluator.score(fakes)
    assert 0.0 <= scores["fid_low"] < scores["fid_debiased"] < scores["fid_high"]
    assert scores["fid_debiased"] < scores["fid"]  # whose bias is upward
    assert scores["kid_high"] - scores["kid"] == pytest.approx(scores["kid"] - scores["kid_low"])
    assert evaluator.score(fakes) == scores
    assert set(Evaluator(DATA, classifier, 40, ["coverage"]).score(fakes)) == {"coverage"}


def test_too_few_images_for_an_interval_of_fid_have_none_and_the_reason(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    """Five for each of the 6 features are 30."""
    assert classifier.sample(fakes).features.shape == (40, 6)
    enough, few = (Evaluator(DATA, classifier, size, ["fid", "kid"]) for size in (30, 29))
    assert "fid_low" in enough.score(fakes[:30])
    assert set(few.score(fakes[:29])) == {"fid", "kid", "kid_low", "kid_high"}
    words = "none: 40 real and 29 generated images are fewer than 5 for each of 6 features"
    assert few.describe()["fid_interval"] == words
    assert enough.describe()["fid_interval"].startswith("95 %, around fid_debiased, over new sampl")


def test_fid_alone_is_the_fid_of_all_scores(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    evaluator = Evaluator(DATA, classifier, 40, ["fid", "kid"])
    assert evaluator.fid(fakes) == evaluator.score(fakes)["fid"]


def test_perfect_is_what_other_real_images_read(classifier: ReferenceClassifier) -> None:
    evaluator = Evaluator(DATA, classifier, 40, ["fid", "memorized_fraction", "coverage"])
    assert evaluator.num_perfect == 40
    images = {image.tobytes() for image in DATA.x_train}
    seen: list[Sample] = []
    record = evaluator.metrics["coverage"]
    evaluator.metrics["coverage"] = replace(
        record, function=lambda real, fake, rng: seen.append(fake) or record(real, fake, rng)
    )
    perfect = evaluator.perfect
    assert len({image.tobytes() for image in seen[0].images} & images) == 40
    assert evaluator.perfect is perfect  # computed once
    assert set(perfect) == {"fid", "memorized_fraction", "coverage"}
    # Its own images are not among the 24 others that are searched for copies.
    assert perfect["memorized_fraction"] < 0.5
    assert evaluator.score(DATA.x_train[:40])["memorized_fraction"] == 1.0
    again = Evaluator(DATA, classifier, 40, ["fid", "memorized_fraction", "coverage"])
    assert again.perfect == perfect


def test_the_scale_has_the_null_level_of_fid_alone(classifier: ReferenceClassifier) -> None:
    evaluator = Evaluator(DATA, classifier, 40, ["fid", "kid"])
    assert evaluator.scale == {
        "fid": {
            "perfect": evaluator.perfect["fid"],
            "null_level": fid_null_level(evaluator.real, 40),
        },
        "kid": {"perfect": evaluator.perfect["kid"], "null_level": None},
    }


def test_the_number_of_samples_cannot_be_assigned(classifier: ReferenceClassifier) -> None:
    evaluator = Evaluator(DATA, classifier, 40, ["fid"])
    with pytest.raises(AttributeError, match="num_samples"):
        evaluator.num_samples = 20
    assert evaluator.num_samples == 40


def test_an_evaluator_of_another_number_of_samples_shares_the_real_side_alone(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    names = ["fid", "memorized_fraction"]
    evaluator = Evaluator(DATA, classifier, 40, names)
    evaluator.score(fakes)
    large = evaluator.scale
    fewer, made = evaluator.with_num_samples(20), Evaluator(DATA, classifier, 20, names)
    assert fewer.real is evaluator.real
    assert fewer.num_samples == 20
    assert fewer.scale == made.scale != large
    assert fewer.perfect == made.perfect
    assert fewer.score(fakes[:20]) == made.score(fakes[:20])
    assert (evaluator.num_samples, evaluator.scale) == (40, large)


def test_a_small_training_split_is_used_whole_and_said(classifier: ReferenceClassifier) -> None:
    evaluator = Evaluator(DATA, classifier, 500, ["fid", "memorized_fraction"])
    described = evaluator.describe()
    assert described["num_perfect_samples"] == len(DATA.x_train) == 48
    assert "classifier has seen" in described["perfect_samples_from"]
    assert 0.0 <= described["metrics"]["memorized_fraction"]["perfect"] <= 1.0


def test_training_images_are_embedded_only_where_they_are_asked_for(
    classifier: ReferenceClassifier,
) -> None:
    assert Evaluator(DATA, classifier, 40, ["fid"]).real.training is None
    training = Evaluator(DATA, classifier, 40, ["memorized_fraction"]).real.training
    assert training is not None
    np.testing.assert_array_equal(training.images, DATA.x_train)


def test_the_description_says_what_was_measured_with_what(
    classifier: ReferenceClassifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    evaluator = _evaluator(classifier, monkeypatch, [_probe("probe", [])])
    described = evaluator.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["dataset"]["name"] == "bars"
    assert described["dataset"]["fingerprint"] == DATA.fingerprint
    assert described["dataset"]["num_train"] == 48
    assert described["dataset"]["num_test"] == described["num_real_samples"] == 40
    assert described["num_fake_samples"] == 40
    assert described["classifier"]["sha256"] == classifier.info.sha256
    assert described["classifier"]["accuracy"] == classifier.info.accuracy
    assert described["extractor"]["name"] == "reference"
    assert described["extractor"]["sha256"] == classifier.info.sha256
    assert "the reference classifier's features, not the Inception FID" in described["note"]
    assert described["metrics"] == {
        "probe": {
            "direction": "minimize",
            "low": 0.0,
            "high": None,
            "target": None,
            "unit": "nats",
            "summary": "One line.",
            "source": "nobody",
            "perfect": evaluator.perfect["probe"],
            "null_level": None,
        }
    }


def test_what_labelled_images_are_worth_is_explained_where_there_are_any(
    classifier: ReferenceClassifier,
) -> None:
    plain = Evaluator(DATA, classifier, 40, ["fid"]).describe()
    labelled = Evaluator(DATA, classifier, 40, ["fid"], labelled=True).describe()
    assert set(labelled["metrics"]) - set(plain["metrics"]) == set(schema.TRAINING_VALUE_SCORES)
    assert labelled["training value"]["real images"] == len(DATA.x_train)
    assert "training value" not in plain
    json.dumps(labelled, allow_nan=False)


def test_without_classes_their_scores_are_absent_with_the_reason(
    classifier: ReferenceClassifier, fakes: np.ndarray
) -> None:
    data = replace(DATA, class_fault="all images are of one class")
    evaluator = Evaluator(data, classifier, 40)
    counting = {name for name in METRICS.names() if METRICS.get(name).needs_classes}
    assert {"modes_captured", "mode_jsd", "classifier_score"} < counting
    assert "fid" not in counting
    scores = evaluator.score(fakes)
    assert not counting & set(scores)
    assert schema.COLLAPSE_PROBABILITY not in scores  # which is made of them
    described = evaluator.describe()
    assert described["absent"] == dict.fromkeys(sorted(counting), "all images are of one class")
    assert Evaluator(DATA, classifier, 40).describe()["absent"] == {}


def test_a_score_that_does_not_exist_is_absent_with_the_reason_and_ends_nothing(
    classifier: ReferenceClassifier, fakes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
        """Nothing."""
        raise NoScoreError("all real features are equal")

    absent = Metric("absent", nothing, "maximize", 0.0, None, "", "")
    made = _evaluator(classifier, monkeypatch, [absent, _probe("there", [], 0.25)])
    found = made.describe()
    assert found["absent"] == {"absent": "all real features are equal"}
    assert set(found["metrics"]) == {"there"}
    assert made.score(fakes) == {"there": 0.25}
