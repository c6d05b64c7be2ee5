"""Features of InceptionV3: what goes in, what comes out, which files are taken. Random weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from PIL import Image

from harness.core.errors import InputError
from harness.core.spec.extractor_spec import ExtractorSpec
from harness.evaluation import inception
from harness.evaluation.extractors import load_embedding
from harness.evaluation.inception import InceptionExtractor, load_network
from tests.support.classifiers import bars

pytestmark = pytest.mark.slow  # each network takes seconds to build, each image 11 GFLOP


@pytest.fixture(scope="module", autouse=True)
def _small_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception, "BATCH", 4)
        yield


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return keras.applications.InceptionV3(
        weights=None, include_top=False, pooling="avg", input_shape=(299, 299, 3)
    )


@pytest.fixture(scope="module")
def weights(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "random.weights.h5"
    network.save_weights(path)
    return path


@pytest.fixture
def images() -> np.ndarray:
    return bars(num_train=6).x_train


def test_features_are_the_networks_for_enlarged_grey_images(
    network: keras.Model, weights: Path, images: np.ndarray
):
    features = InceptionExtractor(weights, (28, 28, 1)).features(images)
    assert features.shape == (6, 2048)
    assert features.dtype == np.float64
    # Pillow's bilinear filter on floats is the same interpolation when it enlarges.
    large = [
        np.asarray(Image.fromarray(image[..., 0].astype(np.float32)).resize((299, 299), 2))
        for image in images
    ]
    prepared = keras.applications.inception_v3.preprocess_input(np.stack([large] * 3, axis=-1))
    expected = np.asarray(network(prepared, training=False))
    assert expected.std() > 0
    # Single precision through 94 convolutions.
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_an_images_features_do_not_depend_on_its_company(weights: Path, images: np.ndarray):
    extractor = InceptionExtractor(weights, (28, 28, 1))
    together = extractor.features(images)
    np.testing.assert_array_equal(extractor.features(images[:1]), together[:1])
    colour = InceptionExtractor(weights, (28, 28, 3)).features(np.repeat(images, 3, axis=3))
    np.testing.assert_allclose(colour, together, rtol=1e-5)


def test_the_file_that_keras_downloads_is_taken(network: keras.Model, tmp_path: Path):
    path = tmp_path / "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    loaded = load_network(path)
    for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["text.h5", "text.weights.h5", "text.keras", "text.npz"])
def test_a_file_of_something_else_is_refused_in_one_line(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_text("not weights")
    with pytest.raises(InputError, match="not those of Keras's InceptionV3") as caught:
        load_network(path)
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(tmp_path: Path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(InputError, match="not those of Keras's InceptionV3"):
        load_network(path)


def test_a_study_gets_inception_features_and_keeps_the_real_ones(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from harness.evaluation import extractors
    from harness.evaluation.classifier.load import load_reference
    from tests.support.classifiers import TINY

    def tiny(dataset, cache_dir, say):
        return load_reference(dataset, cache_dir, say, TINY)

    monkeypatch.setattr(extractors, "load_classifier", tiny)
    data = bars(num_train=12, num_test=6)
    said: list[str] = []
    spec = ExtractorSpec("inception", str(weights))
    embedding = load_embedding(spec, data, tmp_path, said.append)
    sample = embedding.sample(data.x_test)
    assert sample.features.shape == (6, 2048)
    assert embedding.info.extractor["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert "inception features of 6 real images, once for this dataset" in said
    assert len(list((tmp_path / "features").glob("features-*.npz"))) == 1
