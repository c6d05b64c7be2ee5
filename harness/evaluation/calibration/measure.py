"""Calibration: what every score and the collapse alarm make of planted collapses.

Two halves of the held-out images, without a common one: the alarm and every threshold are made on
the first (``fit``), and what they are worth is measured on the second (``check``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.data.dataset import Dataset
from harness.evaluation.calibration.fit import PARTS, REAL
from harness.evaluation.calibration.planted import PLANTS, Plant, Pool, real_sample
from harness.evaluation.classifier.reference import ReferenceClassifier
from harness.evaluation.collapse import SCORES, evidence
from harness.evaluation.evaluator import Evaluator

MAX_REAL_SIDE = 5_000  # of the test split: halves the time, and no sample is larger


@dataclass(frozen=True)
class Setting:
    """What a calibration tries: sample sizes, planted samples per dose, real ones, and the seed.

    ``repetitions`` samples of each dose and ``nulls`` of real images are drawn for each size and
    part: a 5 % quantile needs more samples than a dose does.
    """

    sizes: tuple[int, ...] = (500, 1_000, 2_000, 5_000)
    repetitions: int = 3
    nulls: int = 100
    seed: int = 0


def split(dataset: Dataset, seed: int) -> tuple[Dataset, dict[str, Pool]]:
    """(the dataset that an evaluator takes, the pool of each part).

    The training split is cut in three, by ``seed``: half of it stays the imagined generator's
    training images, a quarter each goes to the pools. The real side is the test split, at most
    ``MAX_REAL_SIDE`` of it.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(dataset.x_train))
    half, quarter = len(rows) // 2, len(rows) // 4
    training, parts = rows[:half], (rows[half : half + quarter], rows[half + quarter :])
    test = np.sort(rng.permutation(len(dataset.x_test))[:MAX_REAL_SIDE])
    seen = dataclasses.replace(
        dataset,
        x_train=dataset.x_train[training],
        y_train=dataset.y_train[training],
        x_test=dataset.x_test[test],
        y_test=dataset.y_test[test],
    )
    pools = {
        name: Pool(dataset.x_train[part], dataset.y_train[part], seen.x_train)
        for name, part in zip(PARTS, parts, strict=True)
    }
    return seen, pools


def measure(
    dataset: Dataset,
    classifier: ReferenceClassifier,
    setting: Setting,
    on_progress: Callable[[str], None],
    metric_names: Sequence[str] | None = None,
    parts: Sequence[str] = PARTS,
    plants: Mapping[str, Plant] = PLANTS,
) -> pd.DataFrame:
    """The scores of real samples and of every dose of ``plants``, with the alarm's evidence.

    One row per sample, see ``Measured``. A size above what a pool holds becomes what it holds.
    ``metric_names`` None means all; evidence is left out where they lack a score of the alarm's.
    """
    seen, pools = split(dataset, setting.seed)
    largest = min(len(pool.images) for pool in pools.values())
    sizes = sorted({min(size, largest) for size in setting.sizes})
    evaluator = Evaluator(seen, classifier, sizes[0], metric_names, setting.seed, alarm=False)
    whole = set(SCORES) <= set(evaluator.metrics)
    rows = []
    for size in sizes:
        evaluator = evaluator.with_num_samples(size)
        for part in parts:
            on_progress(f"{size:,} images, {part}")
            for plan, images in _samples(pools[part], part, size, setting, plants):
                scores = evaluator.score(images)
                found = evidence(scores, evaluator.real_scores) if whole else {}
                rows.append({**plan, "part": part, "size": size, **scores, **found})
    return pd.DataFrame(rows)


def _samples(
    pool: Pool, part: str, size: int, setting: Setting, plants: Mapping[str, Plant]
) -> Iterator[tuple[dict[str, object], np.ndarray]]:
    """(plant, dose and verdict, images) of every sample of one part and size."""
    stream = [setting.seed, size, PARTS.index(part)]
    rng = np.random.default_rng(stream)
    for _ in range(setting.nulls):
        yield {"plant": REAL, "dose": 0.0, "collapsed": False}, real_sample(pool, size, rng)
    for name, plant in plants.items():
        for dose in plant.doses:
            for _ in range(setting.repetitions):
                plan = {"plant": name, "dose": dose, "collapsed": plant.verdict(dose)}
                yield plan, plant.make(pool, size, dose, rng)
