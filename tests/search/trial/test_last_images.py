"""What a completed trial keeps of its generator for the eye."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image

from harness.core.config import TrialConfig
from harness.core.errors import DivergedError
from harness.evaluation.metrics._nearest_training import NearestTraining
from harness.search.trial.last_images import NUM_COMPARED, STEPS, WAYS, log_last_images
from tests.support import reports as builder
from tests.support.memory_tracker import MemoryTracker
from tests.support.no_training import IdleTrainer


class Nearest:
    """An evaluator to which a white image is nearest, whatever is asked, or none is at hand."""

    def __init__(self, found: bool = True) -> None:
        self.found = found

    def nearest_training(self, images: np.ndarray) -> NearestTraining | None:
        if not self.found:
            return None
        numbers = np.linspace(0.0, 1.0, len(images))
        return NearestTraining(np.full_like(images, 255), numbers, numbers, np.ones(3), 9)


class Diverged(IdleTrainer):
    def interpolate(self, ways: int, steps: int) -> np.ndarray:
        raise DivergedError("a generated pixel", 10)


def logged(trainer: IdleTrainer, evaluator: Nearest) -> dict[str, bytes]:
    with MemoryTracker().open_study(builder.spec()).start_trial(0, TrialConfig()) as run:
        log_last_images(trainer, evaluator, run)
        run.finish("COMPLETE")
        return run.artifacts


def test_ways_between_latents_and_pairs_with_the_nearest_training_images_are_kept() -> None:
    files = logged(IdleTrainer(TrialConfig(), None), Nearest())
    ways, pairs = (
        np.asarray(Image.open(io.BytesIO(files[name])))
        for name in ("interpolation.png", "nearest_training.png")
    )
    assert ways.shape == (30 * WAYS - 2, 30 * STEPS - 2)
    assert pairs.shape == (30 * 4 - 2, 30 * 8 - 2)
    assert [int(pairs[5, 30 * place + 5]) for place in range(8)] == [0, 255] * 4
    record = json.loads(files["nearest_training.json"])
    assert len(record["distances"]) == len(record["held_out_nearer"]) == NUM_COMPARED
    assert (record["num_training"], record["num_held_out"]) == (9, 3)


def test_what_cannot_be_had_is_left_out() -> None:
    assert set(logged(IdleTrainer(TrialConfig(), None), Nearest(found=False))) == {
        "interpolation.png"
    }
    kept = logged(Diverged(TrialConfig(), None), Nearest())
    assert set(kept) == {"nearest_training.png", "nearest_training.json"}
