"""Generated images as files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.core.errors import InputError
from harness.core.replace_files import replace_files
from harness.tracking.image_grid import grid_png

MAX_GRID = 10_000
"""Most images of one grid; more are for an array or a folder."""


def write_images(images: NDArray[np.uint8], target: Path) -> None:
    """Write ``images``, uint8 (N, H, W, C), to ``target``: a grid, an array or a folder.

    ``FILE.png`` is one grid of all, ``FILE.npz`` the array ``images``; any other ``target`` is a
    folder that gets ``000000.png`` and so on. Raises InputError for a folder that is not empty, for
    more than MAX_GRID images in a grid, and for what cannot be written.
    """
    kind = target.suffix.lower()
    try:
        if kind == ".png":
            if len(images) > MAX_GRID:
                raise InputError(
                    f"--output: {target}: a grid of {len(images):,} images; allowed: {MAX_GRID:,}"
                )
            replace_files({target: grid_png(images)})
        elif kind == ".npz":
            buffer = io.BytesIO()
            np.savez_compressed(buffer, images=images)
            replace_files({target: buffer.getvalue()})
        else:
            target.mkdir(parents=True, exist_ok=True)
            if any(target.iterdir()):
                raise InputError(f"--output: {target} is not empty")
            for index, image in enumerate(images):
                pixels = image[..., 0] if image.shape[2] == 1 else image
                Image.fromarray(pixels).save(target / f"{index:06}.png")
    except OSError as error:
        raise InputError(f"--output: {target}: {error.strerror or error}") from None
