"""The strip of README: what the winner of a study made of the same latents while it was trained.

``python -m tests.support.strip STUDY FILE.png`` draws the images of the untrained generator and of
every report in the study's store, with the training images seen and fid below.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.core.quiet_import import quiet_import
from harness.reporting.results.load import load_results
from harness.reporting.results.tables import StudyResults
from harness.tracking.stores.layout import Layout

with quiet_import():
    from harness.api.study import load
    from harness.data.load import load_dataset
    from harness.training.loop import Trainer

COLUMNS, ROWS = 4, 4  # of a frame
SIDE, GAP = 28, 2


def frames(results: StudyResults, name: str) -> list[tuple[str, NDArray[np.uint8]]]:
    """A caption and the images, (112, 112), of the untrained generator and of every report."""
    assert results.winner is not None
    trial = results.ranked[results.ranked["number"] == results.winner.trial].iloc[0]
    config = load(name).winner.config
    with Trainer(config, load_dataset(config.dataset)) as trainer:
        untrained = trainer.generate(ROWS * COLUMNS)[..., 0]
    found = [(f"untrained\nfid {results.untrained['fid']:.0f}", _joined(untrained))]
    history = results.history[results.history["trial"] == trial["number"]]
    fids = history[history["metric"] == "fid"].set_index("images_seen")["value"]
    for step in results.grids.steps(trial["run_id"]):
        png = results.grids.last(trial["run_id"], step)
        assert png is not None
        pixels = np.asarray(Image.open(io.BytesIO(png)))
        size = SIDE + GAP
        images = [
            pixels[row * size : row * size + SIDE, column * size : column * size + SIDE]
            for row in range(ROWS)
            for column in range(COLUMNS)
        ]
        found.append((f"{step:,} images\nfid {fids[step]:.1f}", _joined(np.stack(images))))
    return found


def _joined(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grid = images.reshape(ROWS, COLUMNS, SIDE, SIDE)
    return grid.transpose(0, 2, 1, 3).reshape(ROWS * SIDE, COLUMNS * SIDE)


def draw(found: list[tuple[str, NDArray[np.uint8]]], path: Path) -> None:
    """The frames side by side."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(1.55 * len(found), 2.0), dpi=150)
    for one, (caption, pixels) in zip(axes, found, strict=True):
        one.imshow(pixels, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        one.set_title(caption, fontsize=8, y=-0.32)
        one.axis("off")
    figure.subplots_adjust(left=0.01, right=0.99, top=0.99, bottom=0.22, wspace=0.06)
    figure.savefig(path, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    study, file = sys.argv[1:]
    draw(frames(load_results(Layout(Path("mlruns")).tracking_uri, study), study), Path(file))
