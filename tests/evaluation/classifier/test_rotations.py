"""Features without classes: a classifier of how far images are turned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.evaluation.classifier import rotations
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.rotations import turned
from harness.evaluation.classifier.stacked_images import load_classifier
from tests.support.classifiers import TINY, bars

DATA = replace(bars(), class_fault="all images are of one class")


def test_every_image_comes_in_four_rotations_which_are_the_labels():
    made = turned(DATA)
    assert (made.num_classes, made.class_fault) == (4, "")
    assert len(made.x_train) == 4 * len(DATA.x_train)
    for label in range(4):
        of_label = made.x_test[made.y_test == label]
        for original, image in zip(DATA.x_test, of_label, strict=True):
            np.testing.assert_array_equal(image, np.rot90(original, label))


def test_no_more_images_are_turned_than_fit_into_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rotations, "MAX_TRAINING", 10)
    assert len(turned(DATA).x_train) == 40


def test_images_without_classes_get_it_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        rotations, "load_reference", lambda *given: load_reference(*given, recipe=TINY)
    )
    classifier = load_classifier(DATA, tmp_path)
    assert classifier.info.name == f"{DATA.name}-rotations-cnn"
    assert "rotations" in classifier.info.extractor["preprocessing"]
    assert classifier.sample(DATA.x_test).probabilities.shape == (len(DATA.x_test), 4)
