"""What the shipped alarm is worth on datasets that it was not fitted to, and the command."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.core.registry import METRICS
from harness.core.schema import COLLAPSE_PROBABILITY
from harness.data.dataset import Dataset
from harness.data.digits import load_digits
from harness.data.load import load_dataset
from harness.evaluation import calibrate as command
from harness.evaluation import collapse
from harness.evaluation.calibrate import calibrate
from harness.evaluation.calibration.analysis import Measured, alarm_table
from harness.evaluation.calibration.fit import REAL
from harness.evaluation.calibration.measure import PARTS, Setting, measure, split
from harness.evaluation.calibration.planted import PLANTS, real_sample
from harness.evaluation.calibration.snapshots import read_snapshots
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.network import Recipe
from harness.evaluation.evaluator import Evaluator

NUM_CLASSES = 10
REPOSITORY = Path(__file__).parents[3]
JUDGED = ("dropped_classes", "repeated_images")
"""The plants of which the alarm must see 95 % of the collapses."""


def blobs(num_train: int, num_test: int) -> Dataset:
    """Ten classes of images: a blob on a circle, its angle the class, and a bar of any direction.

    Within a class radius, width, brightness and the bar vary.
    """
    rng = np.random.default_rng(0)
    y = np.arange(num_train + num_test) % NUM_CLASSES
    rows, columns = np.mgrid[:28, :28] - 13.5
    x = np.empty((len(y), 28, 28), np.uint8)
    for image, label in zip(x, y, strict=True):
        angle = 2 * np.pi * (label + rng.normal(0, 0.12)) / NUM_CLASSES
        radius, width = rng.uniform(7, 10), rng.uniform(1.2, 2.6)
        to_blob = (rows - radius * np.sin(angle)) ** 2 + (columns - radius * np.cos(angle)) ** 2
        direction = rng.uniform(0, np.pi)
        across = rows * np.cos(direction) - columns * np.sin(direction)
        along = rows * np.sin(direction) + columns * np.cos(direction)
        bar = np.exp(-(across**2) / 2) * (np.abs(along) < rng.uniform(2, 6))
        blob = np.exp(-to_blob / (2 * width**2))
        image[:] = np.maximum(rng.uniform(150, 255) * blob, rng.uniform(80, 255) * bar)
    arrays = {
        "x_train": x[:num_train],
        "y_train": y[:num_train],
        "x_test": x[num_train:],
        "y_test": y[num_train:],
    }
    return Dataset.from_keras_form("blobs", arrays, "made up")


def test_the_parts_and_the_training_images_have_nothing_in_common() -> None:
    digits = load_digits()
    seen, pools = split(digits, seed=0)
    parts = [seen.x_train, *(pools[name].images for name in PARTS)]
    assert sum(map(len, parts)) == len(digits.x_train)
    # The images of digits are all different, so that bytes tell them apart.
    assert len({image.tobytes() for part in parts for image in part}) == len(digits.x_train)
    np.testing.assert_array_equal(seen.x_test, digits.x_test)
    for name in PARTS:
        assert pools[name].training is seen.x_train
        assert len(pools[name].images) == len(pools[name].labels)
    other, _ = split(digits, seed=1)
    assert not np.array_equal(other.x_train, seen.x_train)


def _check_holds(dataset: Dataset, cache: Path, recipe: Recipe, setting: Setting) -> None:
    """The issue's bounds, for the shipped model on ``dataset``, without fitting it again."""
    classifier = load_reference(dataset, cache, recipe=recipe)
    assert classifier.info.accuracy > 0.95
    plants = {name: PLANTS[name] for name in JUDGED}
    measured = measure(
        dataset, classifier, setting, print, collapse.SCORES, parts=("check",), plants=plants
    )
    nothing = read_snapshots(Path("none.csv"))
    table = alarm_table(Measured(measured, nothing, ""), collapse.shipped_model())
    real = table[table["plant"] == REAL]
    assert (real["n"] == setting.nulls).all()
    assert np.average(real["alarms"], weights=real["n"]) <= 0.05
    for plant in JUDGED:
        collapsed = table[table["collapsed"].eq(True) & (table["plant"] == plant)]
        assert np.average(collapsed["alarms"], weights=collapsed["n"]) >= 0.95


@pytest.mark.slow
def test_the_alarm_holds_on_the_digits(tmp_path: Path) -> None:
    # 150 of a pool of 314: a dropped class still leaves different images enough.
    _check_holds(load_digits(), tmp_path, Recipe(), Setting(sizes=(150,), repetitions=2, nulls=20))


@pytest.mark.slow
def test_the_alarm_holds_on_a_third_dataset(tmp_path: Path) -> None:
    recipe = Recipe(channels=(8, 16), feature_dim=32, min_images=24_000, max_images=24_000)
    setting = Setting(sizes=(500,), repetitions=2, nulls=20)
    _check_holds(blobs(num_train=6_000, num_test=1_500), tmp_path, recipe, setting)


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize(
    ("plant", "dose"), [(REAL, 0.0), ("dropped_classes", 0.2), ("repeated_images", 1 / 100)]
)
def test_what_the_alarm_must_see_and_must_not_on_mnist(mnist_dir: Path, plant: str, dose: float):
    # 60 of 60 leave less than 5 % of misses at a confidence of 95 %: 0.95^60 = 0.046. The same
    # holds for false alarms. Samples of 5,000 from the half that the model was not fitted to.
    dataset = load_dataset("mnist", mnist_dir)
    seen, pools = split(dataset, collapse.shipped_model().provenance["seed"])
    classifier = load_reference(dataset, Path("unused"))
    evaluator = Evaluator(seen, classifier, 5_000, collapse.SCORES)
    rng = np.random.default_rng(2)
    up = 0
    for _ in range(60):
        if plant == REAL:
            images = real_sample(pools["check"], 5_000, rng)
        else:
            images = PLANTS[plant].make(pools["check"], 5_000, dose, rng)
        up += evaluator.score(images)[COLLAPSE_PROBABILITY] >= collapse.LEVEL
    assert up == (0 if plant == REAL else 60)


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True])
def test_the_command_writes_page_tables_and_model(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:  # one dose of each plant, and the scores that the alarm reads
        few = {name: replace(plant, doses=plant.doses[-2:-1]) for name, plant in PLANTS.items()}
        monkeypatch.setattr(command.calibration, "measure", partial(measure, plants=few))
        monkeypatch.setattr(METRICS, "names", lambda: list(collapse.SCORES))
    monkeypatch.chdir(tmp_path)
    table = REPOSITORY / "reports/recorded/calibration/snapshots.csv"
    calibrate("digits", sizes="100", repetitions=2, nulls=4, snapshots=table)
    folder = tmp_path / "reports" / "calibration"
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "index.html",
        "responses.csv",
        "sensitivity.csv",
        "detectability.csv",
        "alarm.csv",
        "confusion.csv",
        "collapse.json",
    }
    model = collapse.read_model(folder / "collapse.json")
    page = (folder / "index.html").read_text()
    assert model.provenance["command"] in page
    calibrate("digits", snapshots=table, recorded=True)  # the same again, without measuring
    again = collapse.read_model(folder / "collapse.json")
    assert again.collapsed.coefficients == pytest.approx(model.collapsed.coefficients, rel=1e-3)
    with pytest.raises(InputError, match=r"collapse\.json is of digits, not mnist"):
        calibrate("mnist", snapshots=table, recorded=True)


@pytest.mark.parametrize("sizes", ["", "50", "500,many", "-500"])
def test_sizes_that_are_none_are_one_line(sizes: str) -> None:
    with pytest.raises(InputError, match="--sizes takes whole numbers from 100"):
        calibrate("digits", sizes=sizes)
