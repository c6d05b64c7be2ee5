"""Single images of a trial's image grid: thumbnails, and the same latents at several moments.

A grid is what ``tracking/image_grid.py`` writes: square images, row by row, with grey lines between
them. A store may hold anything else; of that, a corner is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.reporting.parts.figures import decoded, png_uri

Pixels = npt.NDArray[np.uint8]

GAP, GAP_VALUE = 2, 128
SIDES = range(16, 65, 4)
"""The sides in pixels that an image of a grid can have."""


@dataclass(frozen=True)
class Sample:
    """Some images of a grid as a data URI; width and height in CSS pixels, a whole multiple."""

    uri: str
    width: int
    height: int
    alt: str


def sample(
    png: bytes | None, columns: int, rows: int, alt: str, scale: int = 1, first: int = 0
) -> Sample | None:
    """``columns * rows`` images of the grid ``png`` from the ``first``, arranged anew; else None.

    The same arguments take the same places of a grid, and so the same latents of a study. Each
    pixel is ``scale`` CSS pixels wide. Where the grid has fewer images, the rest stays grey.
    """
    found = arranged(png, columns, rows, first)
    if found is None:
        return None
    height, width = found.shape[:2]
    return Sample(png_uri(Image.fromarray(found)), width * scale, height * scale, alt)


def arranged(png: bytes | None, columns: int, rows: int, first: int = 0) -> Pixels | None:
    """The pixels of ``sample``, (H, W) or (H, W, 3), before they become a data URI."""
    image = decoded(png)
    if image is None:
        return None
    images = _images(np.asarray(image))
    return _arranged(images[first:] or images[:1], columns, rows)


def side_of_images(pixels: Pixels) -> int | None:
    """The side of the images of a grid (H, W) or (H, W, 3): the smallest that fits its grey lines.

    None if no side fits, as where there is one image alone.
    """
    height, width = pixels.shape[:2]
    for side in SIDES:
        step = side + GAP
        if (height + GAP) % step or (width + GAP) % step:
            continue
        across = [pixels[top + side : top + step] for top in range(0, height - side, step)]
        down = [pixels[:, left + side : left + step] for left in range(0, width - side, step)]
        if (across or down) and all((line == GAP_VALUE).all() for line in [*across, *down]):
            return side
    return None


def _images(pixels: Pixels) -> list[Pixels]:
    """The single images of the grid, row by row; a corner of it where it is none."""
    height, width = pixels.shape[:2]
    side = side_of_images(pixels)
    if side is None:
        corner = min(height, width, max(SIDES))
        return [pixels[:corner, :corner]]
    step = side + GAP
    return [
        pixels[top : top + side, left : left + side]
        for top in range(0, height, step)
        for left in range(0, width, step)
    ]


def _arranged(images: list[Pixels], columns: int, rows: int) -> Pixels:
    """The first images in ``rows`` of ``columns``, with grey lines between them."""
    if len(images) == 1:
        return images[0]
    side, step = images[0].shape[0], images[0].shape[0] + GAP
    shape = (rows * step - GAP, columns * step - GAP, *images[0].shape[2:])
    canvas = np.full(shape, GAP_VALUE, np.uint8)
    for index, image in enumerate(images[: columns * rows]):
        top, left = index // columns * step, index % columns * step
        canvas[top : top + side, left : left + side] = image
    return canvas
