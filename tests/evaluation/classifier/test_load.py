"""The reference classifier: which file serves which dataset, and what it gives for images."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from scipy.special import softmax

from harness.core.errors import HarnessError, InputError
from harness.data.dataset import Dataset
from harness.data.load import load_dataset
from harness.evaluation import reference as command
from harness.evaluation.classifier import load
from harness.evaluation.classifier import training as reference_training
from harness.evaluation.classifier.load import RECIPE, SHIPPED, load_reference
from harness.evaluation.classifier.network import INFERENCE_BATCH, Recipe, build_network
from harness.evaluation.classifier.reference import ReferenceClassifier
from harness.evaluation.classifier.weights_file import Identity, record_of, write_weights
from harness.evaluation.reference import remake
from tests.support.classifiers import TINY, bars


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def classifier(cache: Path) -> ReferenceClassifier:
    return load_reference(bars(), cache, recipe=TINY)


def test_the_same_dataset_is_trained_once(classifier: ReferenceClassifier, cache: Path) -> None:
    said: list[str] = []
    again = load_reference(bars(), cache, said.append, TINY)
    assert said == []
    assert again.info.to_dict() == classifier.info.to_dict()
    images = bars().x_test
    np.testing.assert_array_equal(again.sample(images).features, classifier.sample(images).features)


@pytest.mark.slow
def test_another_seed_gives_another_classifier(
    classifier: ReferenceClassifier, tmp_path: Path
) -> None:
    other = load_reference(bars(), tmp_path, recipe=dataclasses.replace(TINY, seed=1))
    images = bars().x_test
    assert not np.allclose(other.sample(images).features, classifier.sample(images).features)


def test_it_learns_and_its_accuracy_is_counted_on_the_test_split(tmp_path: Path) -> None:
    data = bars(num_train=240, num_test=60)
    recipe = dataclasses.replace(TINY, min_images=6_400, max_images=6_400, rotation=3.0)
    trained = load_reference(data, tmp_path, recipe=recipe)
    predicted = trained.sample(data.x_test).probabilities.argmax(axis=1)
    assert trained.info.accuracy == np.mean(predicted == data.y_test)
    assert trained.info.accuracy > 0.8  # chance is 1/3; 0.8 of 60 by chance: below 1e-12


def test_training_leaves_op_determinism_as_it_was() -> None:
    enabled = reference_training.tf_config.is_op_determinism_enabled
    assert not enabled()
    with reference_training.deterministic_ops():
        assert enabled()
        with reference_training.deterministic_ops():
            pass
        assert enabled()
    assert not enabled()


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, learning_rate=float("inf"))
    with pytest.raises(HarnessError, match="loss is not finite"):
        load_reference(bars(), tmp_path, recipe=recipe)
    assert list(tmp_path.glob("*.npz")) == []


@pytest.mark.parametrize(
    "damage", ["tampered", pytest.param("of another dataset", marks=pytest.mark.slow)]
)
def test_a_cached_file_that_is_wrong_is_said_and_trained_again_to_the_same_bytes(
    damage: str,
    classifier: ReferenceClassifier,
    cache: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = cache / f"{Identity.of(bars(), TINY).key}.npz"
    data = bars(seed=1) if damage == "of another dataset" else bars()
    path = tmp_path / f"{Identity.of(data, TINY).key}.npz"
    content = bytearray(good.read_bytes())
    if damage == "tampered":
        content[len(content) // 2] ^= 1
    path.write_bytes(content)

    said: list[str] = []
    trained = load_reference(data, tmp_path, said.append, TINY)

    assert "is not used" in said[0]
    assert said[0] in caplog.text
    assert (
        trained.info.made["dataset_content_fingerprint"]
        == Identity.of(data, TINY).dataset_fingerprint
    )
    assert (trained.info.sha256 == classifier.info.sha256) == (damage == "tampered")
    after: list[str] = []
    load_reference(data, tmp_path, after.append, TINY)
    assert after == []


def test_who_waits_for_another_process_uses_what_it_made(
    classifier: ReferenceClassifier, cache: Path, tmp_path: Path
) -> None:
    name = f"{Identity.of(bars(), TINY).key}.npz"
    said: list[str] = []
    loaded: list[ReferenceClassifier] = []
    lock = FileLock((tmp_path / name).with_suffix(".lock"))
    with lock:
        thread = threading.Thread(
            target=lambda: loaded.append(load_reference(bars(), tmp_path, said.append, TINY))
        )
        thread.start()
        thread.join(timeout=1)
        assert thread.is_alive()
        shutil.copy(cache / name, tmp_path / name)
    thread.join(timeout=60)
    assert said == ["waiting for another process that trains the same reference classifier"]
    assert [found.info.sha256 for found in loaded] == [classifier.info.sha256]
    with lock.acquire(timeout=0):  # the waiting one has let go of it
        pass


def test_a_cache_folder_that_is_a_file_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(InputError, match=r"cache folder .*cache"):
        load_reference(bars(), tmp_path / "cache", recipe=TINY)


@pytest.mark.parametrize("count", [2, INFERENCE_BATCH - 1, INFERENCE_BATCH, INFERENCE_BATCH + 1])
def test_an_image_scores_the_same_in_whatever_company(
    count: int, classifier: ReferenceClassifier
) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * INFERENCE_BATCH + 3, 28, 28, 1), dtype=np.uint8)
    whole, part = classifier.sample(images), classifier.sample(images[:count])
    np.testing.assert_array_equal(part.features, whole.features[:count])
    np.testing.assert_array_equal(part.probabilities, whole.probabilities[:count])
    # At another place in the batch, float32 sums of some hundred terms may round differently.
    backwards = classifier.sample(images[::-1])
    np.testing.assert_allclose(backwards.features[::-1], whole.features, atol=1e-5)


def test_a_sample_holds_what_the_network_computes(classifier: ReferenceClassifier) -> None:
    images = bars().x_test
    sample = classifier.sample(images)
    features, logits = classifier.network(images.astype(np.float32), training=False)
    # float32 rounding of sums of some hundred terms of order 1
    np.testing.assert_allclose(sample.features, features.numpy(), atol=1e-5)
    np.testing.assert_allclose(sample.probabilities, softmax(logits.numpy(), axis=1), atol=1e-5)
    np.testing.assert_allclose(sample.probabilities.sum(axis=1), 1.0, atol=1e-12)
    assert sample.images is images
    assert sample.features.dtype == sample.probabilities.dtype == np.float64
    assert sample.features.shape == (len(images), classifier.info.feature_dim) == (24, 6)
    assert sample.probabilities.shape == (len(images), classifier.info.num_classes) == (24, 3)
    assert np.abs(sample.features).max() <= 1.0


@pytest.mark.slow
def test_images_of_three_channels(tmp_path: Path) -> None:
    data = bars(channels=3)
    trained = load_reference(data, tmp_path, recipe=TINY)
    assert trained.sample(data.x_test).features.shape == (24, 6)
    again = load_reference(data, tmp_path, recipe=TINY)
    assert again.info.sha256 == trained.info.sha256


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28, 3), np.uint8),
        np.zeros((2, 28, 28), np.uint8),
        np.zeros((2, 28, 28, 1), np.float32),
        np.zeros((0, 28, 28, 1), np.uint8),
    ],
)
def test_other_images_are_refused(images: np.ndarray, classifier: ReferenceClassifier) -> None:
    with pytest.raises(ValueError, match="the classifier takes uint8 images"):
        classifier.sample(images)


def _check_shipped(data: Dataset, tmp_path: Path, at_least: float) -> None:
    """``data`` gets its shipped classifier, whose recorded accuracy is counted again."""
    shipped = load_reference(data, tmp_path)
    assert shipped.info.sha256 == SHIPPED[data.name].sha256
    assert list(tmp_path.iterdir()) == []  # nothing was trained
    probabilities = shipped.sample(data.x_test).probabilities
    accuracy = np.mean(probabilities.argmax(axis=1) == data.y_test)
    # One image at the border between two classes may fall on the other side on another CPU.
    assert abs(accuracy - shipped.info.accuracy) <= 1.5 / len(data.x_test)
    assert accuracy >= at_least
    assert shipped.info.feature_dim == RECIPE.feature_dim


def test_the_shipped_digits_classifier(tmp_path: Path) -> None:
    _check_shipped(load_dataset("digits"), tmp_path, at_least=0.97)


@pytest.mark.mnist
def test_the_shipped_mnist_classifier_whatever_the_order_of_rows(
    mnist_dir: Path, tmp_path: Path
) -> None:
    data = load_dataset("mnist", mnist_dir)
    _check_shipped(data, tmp_path, at_least=0.993)
    rows = np.random.default_rng(0).permutation(len(data.x_train))
    shuffled = dataclasses.replace(
        data, x_train=data.x_train[rows], y_train=data.y_train[rows], fingerprint="another"
    )
    assert load_reference(shuffled, tmp_path).info.sha256 == SHIPPED["mnist"].sha256


@pytest.mark.parametrize(
    ("damage", "reason"),
    [("cut", "sha256"), ("whole, with other weights", "sha256"), ("missing", "No such file")],
)
def test_a_damaged_shipped_file_is_wrong_input(
    damage: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, path = load_dataset("digits"), tmp_path / "digits.npz"
    if damage == "cut":
        path.write_bytes((load.WEIGHTS / "digits.npz").read_bytes()[:-1])
    if damage == "whole, with other weights":
        network = build_network(RECIPE, data.image_shape, data.num_classes)
        write_weights(path, network, record_of(data, RECIPE, accuracy=1.0))
    monkeypatch.setattr(load, "WEIGHTS", tmp_path)
    with pytest.raises(InputError, match=rf"shipped weights .*digits\.npz: .*{reason}") as error:
        load_reference(data, tmp_path / "cache")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_the_command_writes_the_file_and_prints_its_sha256(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bars()
    source, output = tmp_path / "bars.npz", tmp_path / "weights.npz"
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(source, **{name: getattr(data, name) for name in names})
    monkeypatch.setattr(command, "RECIPE", TINY)

    remake(str(source), None, output)

    printed = capsys.readouterr().out
    shown = dict(line.split(" ", 1) for line in printed.splitlines()[-4:])
    assert shown["written"] == str(output)
    assert shown["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert shown["key"] == Identity.of(data, TINY).key
    assert 0.0 <= float(shown["accuracy"]) <= 1.0


def test_the_command_refuses_wrong_input_in_one_line() -> None:
    for name, output, said in (
        ("bars.npz", None, "--output is needed"),
        ("bras", Path("weights.npz"), "unknown dataset 'bras'"),
    ):
        with pytest.raises(InputError, match=said):
            remake(name, None, output)


def test_recipe_counts_images_in_whole_batches() -> None:
    recipe = Recipe(epochs=10, min_images=1_000, max_images=5_000, batch_size=64)
    assert recipe.images(60) == 960  # 10 x 60 raised to 1,000: 15 whole batches
    assert recipe.images(200) == 1_984  # 2,000: 31 whole batches
    assert recipe.images(60_000) == 4_992  # cut at 5,000: 78 whole batches
