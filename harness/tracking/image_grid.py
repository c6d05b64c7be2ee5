"""Sample grids as PNG."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def grid_png(images: NDArray[np.uint8], gap: int = 2, columns: int | None = None) -> bytes:
    """The images (N, H, W, C), C in {1, 3}, as the bytes of one PNG, in a grid of
    ``columns``, by default a near-square one.

    Filled row by row; ``gap`` grey pixels between neighbours. ValueError if there are no images.
    """
    count, height, width, channels = images.shape
    if count == 0:
        raise ValueError("a grid needs at least one image")
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    rows = math.ceil(count / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    canvas = np.full(shape, 128, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(canvas.squeeze(-1) if channels == 1 else canvas).save(buffer, "PNG")
    return buffer.getvalue()
