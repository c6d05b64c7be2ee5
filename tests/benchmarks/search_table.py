"""A table of trained configurations, on which a search can be repeated for nothing.

``python -m tests.benchmarks.search_table FILE`` trains every configuration of a grid over the
quickstart's space, smaller and shorter than the quickstart, and appends what was scored to a file
of JSON lines; configurations that stand there are not trained again. Several processes may fill the
same file: each trains what is missing in an order of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.core.config import TrialConfig
from harness.core.errors import DivergedError
from harness.core.quiet_import import quiet_import
from harness.core.schema import FID_LATE
from harness.outcomes.late import late_scores

BASE = {"dataset": "digits", "width": 0.125, "batch_size": 64, "dropout": 0.3, "ema": 0.067}
IMAGES = 24_000
REPORTS = tuple(range(1_600, IMAGES + 1, 1_600))
NUM_SAMPLES = 1_000

OPTIMIZERS = ("adam", "rmsprop", "nadam", "lion")
RATES = tuple(float(rate) for rate in np.geomspace(1e-4, 1e-2, 7))
SLOPES = (0.0, 0.4)
SCALINGS = ("centered", "unit")
GRID = tuple(
    dict(zip(("optimizer", "pixel_scaling", "learning_rate", "leaky_slope"), point, strict=True))
    for point in itertools.product(OPTIMIZERS, SCALINGS, RATES, SLOPES)
)


class Course(NamedTuple):
    """How a trial went: fid at each of REPORTS, (15,), and the images after which it diverged.

    From there on fid is NaN. None for a trial that did not.
    """

    fid: NDArray[np.float64]
    diverged_at: int | None

    def at(self, images_seen: float) -> float:
        """fid after so many images: log fid is linear in log images between two reports."""
        return float(np.exp(np.interp(np.log(images_seen), np.log(REPORTS), np.log(self.fid))))

    def late(self, milestones: Sequence[int]) -> float:
        """``fid_late`` of a trial that reports at ``milestones``, the last at its end."""
        course = [(seen, self.at(seen)) for seen in milestones]
        return late_scores(course, IMAGES)[FID_LATE]


class SearchTable:
    """Courses over the grid, and between its points.

    The choices of optimizer and scaling are the table's own. In the rate, on a logarithmic scale,
    and in the slope log fid is interpolated linearly between the four points around; what lies
    next to a point that diverged diverges when it did.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Of the rows of a file, in any order. ValueError if a point of GRID is missing."""
        found = {_key(row): row for row in rows}
        missing = [point for point in GRID if _key(point) not in found]
        if missing:
            raise ValueError(f"{len(missing)} of {len(GRID)} configurations are not trained yet")
        self._rows = found

    def course(self, params: Mapping[str, Any]) -> Course:
        """That of a configuration with these values of the four searched fields."""
        rate = _between(np.log(RATES), float(np.log(params["learning_rate"])))
        slope = _between(np.array(SLOPES), params["leaky_slope"])
        logs, ends = np.zeros(len(REPORTS)), []
        for (i, of_rate), (j, of_slope) in itertools.product(rate, slope):
            place = {**params, "learning_rate": RATES[i], "leaky_slope": SLOPES[j]}
            row = self._rows[_key(place)]
            logs = logs + of_rate * of_slope * np.log(_padded(row["fid"]))
            if row["diverged_at"] is not None:
                ends.append(row["diverged_at"])
        return Course(np.exp(logs), min(ends, default=None))


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; none if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def train_missing(path: Path) -> None:
    """Train the configurations that ``path`` lacks, and append each when it is done."""
    with quiet_import():
        from harness.data.load import load_dataset
        from harness.evaluation.classifier.load import load_reference
        from harness.evaluation.evaluator import Evaluator
        from harness.training.loop import Trainer
    dataset = load_dataset("digits")
    with TemporaryDirectory() as folder:
        evaluator = Evaluator(dataset, load_reference(dataset, Path(folder)), NUM_SAMPLES, ["fid"])
    for point in random.Random().sample(GRID, len(GRID)):
        have = {_key(row) for row in read_table(path)}
        if _key(point) in have:
            continue
        config = TrialConfig.from_dict({**BASE, **point, "images": IMAGES})
        row: dict[str, Any] = {**point, "fid": [], "diverged_at": None}
        try:
            with Trainer(config, dataset) as trainer:
                for _ in trainer.run(REPORTS):
                    row["fid"].append(evaluator.score(trainer.generate(NUM_SAMPLES))["fid"])
        except DivergedError as error:
            row["diverged_at"] = error.images_seen
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{len(have) + 1} of {len(GRID)}: {point}", flush=True)


def _between(values: NDArray[np.float64], value: float) -> list[tuple[int, float]]:
    """The points around ``value`` with their weights above 0, which sum to 1."""
    position = float(np.interp(value, values, range(len(values))))
    low = min(int(position), len(values) - 2)
    weights = ((low, 1.0 - (position - low)), (low + 1, position - low))
    return [(index, weight) for index, weight in weights if weight > 0.0]


def _padded(fid: Sequence[float]) -> NDArray[np.float64]:
    """fid at all of REPORTS, NaN after the last one."""
    return np.array([*fid, *[np.nan] * (len(REPORTS) - len(fid))])


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    rate = round(float(np.log10(row["learning_rate"])), 6)
    return row["optimizer"], row["pixel_scaling"], rate, float(row["leaky_slope"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search_table")
    parser.add_argument("file", type=Path)
    train_missing(parser.parse_args().file)
