"""Other features under the same classes, and the cache of what is slow to compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.core.spec.extractor_spec import ExtractorSpec
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.reference import ReferenceClassifier
from harness.evaluation.evaluator import Evaluator
from harness.evaluation.extractors import ExtractingClassifier, PixelExtractor, load_embedding
from harness.evaluation.feature_cache import CachedExtractor
from tests.support.classifiers import TINY, bars

DATA = bars()
FAKES = np.random.default_rng(1).integers(0, 256, (24, 28, 28, 1), dtype=np.uint8)


class Counting:
    """An extractor of two numbers an image that counts the images it is given."""

    name = "counting"
    feature_dim = 2

    def __init__(self, sha256: str = "aa" * 32, preprocessing: str = "none") -> None:
        self.sha256 = sha256
        self.preprocessing = preprocessing
        self.count = 0

    def features(self, images: np.ndarray) -> np.ndarray:
        self.count += len(images)
        flat = images.reshape(len(images), -1)
        return np.column_stack([flat.mean(axis=1), flat.std(axis=1)])

    def to_dict(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "preprocessing": self.preprocessing}


def silent(_: str) -> None:
    """Take no notice."""


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ReferenceClassifier:
    return load_reference(DATA, tmp_path_factory.mktemp("cache"), recipe=TINY)


def test_pixels_are_divided_by_their_range_and_nothing_else():
    features = PixelExtractor((28, 28, 1)).features(FAKES)
    assert features.shape == (24, 784)
    assert features.dtype == np.float64
    np.testing.assert_array_equal(np.rint(features * 255).astype(int), FAKES.reshape(24, 784))


def test_classes_stay_the_classifiers_and_features_do_not(classifier: ReferenceClassifier):
    pixels = ExtractingClassifier(classifier, PixelExtractor(DATA.image_shape))
    plain, changed = classifier.sample(FAKES), pixels.sample(FAKES)
    np.testing.assert_array_equal(changed.probabilities, plain.probabilities)
    np.testing.assert_array_equal(changed.features, FAKES.reshape(24, 784) / 255)
    assert (pixels.info.extractor["feature_dim"], pixels.info.num_classes) == (784, 3)
    assert pixels.info.to_dict() == classifier.info.to_dict()


def test_the_scores_say_which_features_they_were_measured_in(classifier: ReferenceClassifier):
    pixels = ExtractingClassifier(classifier, PixelExtractor(DATA.image_shape))
    described = Evaluator(DATA, pixels, 24, ["modes_captured"]).describe()  # fid takes seconds
    assert described["extractor"]["name"] == "pixels"
    assert described["classifier"]["sha256"] == classifier.info.sha256
    assert "the Fréchet distance in plain pixels, not the Inception FID" in described["note"]


@pytest.mark.slow
def test_every_metric_takes_pixels(classifier: ReferenceClassifier):
    pixels = ExtractingClassifier(classifier, PixelExtractor(DATA.image_shape))
    scores = Evaluator(DATA, pixels, 24).score(FAKES)
    own = Evaluator(DATA, classifier, 24).score(FAKES)
    assert all(np.isfinite(value) for value in scores.values())
    changed = {name for name in scores if scores[name] != own[name]}
    assert "fid" in changed
    # These read classes or images alone.
    assert not changed & {"modes_captured", "modes_hit", "mode_jsd", "mode_kl", "classifier_score"}


def test_absent_weights_are_said_before_a_classifier_is_made(tmp_path: Path):
    with pytest.raises(InputError, match=r"weights none\.h5: No such file"):
        load_embedding(ExtractorSpec("inception", "none.h5"), DATA, tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_features_of_real_images_are_computed_once(tmp_path: Path):
    first, second = Counting(), Counting()
    said: list[str] = []
    computed = CachedExtractor(first, DATA, tmp_path, said.append).features(DATA.x_test)
    read = CachedExtractor(second, DATA, tmp_path, said.append).features(DATA.x_test)
    np.testing.assert_array_equal(computed, read)
    np.testing.assert_array_equal(read, Counting().features(DATA.x_test))
    assert (first.count, second.count) == (24, 0)
    assert said == ["counting features of 24 real images, once for this dataset"]


def test_generated_images_are_not_kept(tmp_path: Path):
    extractor = Counting()
    cached = CachedExtractor(extractor, DATA, tmp_path, silent)
    one_fake = np.concatenate([DATA.x_test[:-1], FAKES[:1]])
    for images in (FAKES, one_fake):
        expected = Counting().features(images)
        np.testing.assert_array_equal(cached.features(images), expected)
        np.testing.assert_array_equal(cached.features(images), expected)
    assert extractor.count == 4 * 24
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["order", "number", "weights", "preprocessing"])
def test_whatever_decides_the_features_is_in_the_key(tmp_path: Path, change: str):
    CachedExtractor(Counting(), DATA, tmp_path, silent).features(DATA.x_test)
    images = {"order": DATA.x_test[::-1], "number": DATA.x_test[:20]}.get(change, DATA.x_test)
    changed = {"weights": {"sha256": "bb" * 32}, "preprocessing": {"preprocessing": "other"}}
    extractor = Counting(**changed.get(change, {}))
    features = CachedExtractor(extractor, DATA, tmp_path, silent).features(images)
    np.testing.assert_array_equal(features, Counting().features(images))
    assert extractor.count == len(images)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["altered", "cut", "renamed"])
def test_a_kept_file_that_is_not_what_it_says_is_replaced(tmp_path: Path, damage: str):
    cached = CachedExtractor(Counting(), DATA, tmp_path, silent)
    cached.features(DATA.x_test)
    (path,) = tmp_path.iterdir()
    sound = path.read_bytes()
    if damage == "altered":
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        np.savez(path, **{**arrays, "features": arrays["features"] + 1})
    elif damage == "cut":
        path.write_bytes(sound[: len(sound) // 2])
    else:  # a sound file of other images, under this name
        path.unlink()
        cached.features(DATA.x_train[:24])
        next(tmp_path.iterdir()).rename(path)
    said: list[str] = []
    extractor = Counting()
    features = CachedExtractor(extractor, DATA, tmp_path, said.append).features(DATA.x_test)
    np.testing.assert_array_equal(features, Counting().features(DATA.x_test))
    assert extractor.count == 24
    assert f"cached features {path} are not used" in said[0]
    assert path.read_bytes() == sound


def test_a_folder_that_cannot_be_written_is_wrong_input(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    cached = CachedExtractor(Counting(), DATA, tmp_path / "file", silent)
    with pytest.raises(InputError, match="cache folder"):
        cached.features(DATA.x_test)
