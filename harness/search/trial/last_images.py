"""What a completed trial keeps of its generator for the eye, besides its grids of samples.

Its random numbers come from streams of their own, and no score is made of it.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from harness.core import schema
from harness.core.errors import DivergedError
from harness.evaluation.evaluator import Evaluator
from harness.tracking.image_grid import grid_png
from harness.tracking.tracker import TrialRun
from harness.training.loop import Trainer

WAYS, STEPS = 8, 8
"""Pairs of latent vectors, and the images on the way from one of a pair to the other."""

NUM_COMPARED = 16
"""Generated images that are shown beside the nearest training image: the first of a report's."""


def log_last_images(trainer: Trainer, evaluator: Evaluator, run: TrialRun) -> None:
    """Log images on the way between latent vectors, a row for each pair of them, and samples, each
    followed by the nearest training image, with their distances.

    An image that is not finite costs no trial: the interpolation is left out. Where no score
    compares with the training images, the samples are.
    """
    with suppress(DivergedError):
        images = trainer.interpolate(WAYS, STEPS)
        run.log_image(schema.INTERPOLATION_FILE, grid_png(images, columns=STEPS))
    samples = trainer.generate(NUM_COMPARED)
    found = evaluator.nearest_training(samples)
    if found is not None:
        pairs = np.stack([samples, found.images], axis=1).reshape(-1, *samples.shape[1:])
        run.log_image(schema.NEAREST_TRAINING_FILE, grid_png(pairs, columns=8))
        run.log_json(schema.NEAREST_TRAINING_RECORD_FILE, found.to_dict())
