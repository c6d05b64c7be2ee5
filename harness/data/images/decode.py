"""One image file, from anyone, as 8-bit RGB: its type and size are checked before its pixels.

Pillow decodes; a decoder that fails in whatever way is one line that names the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from harness.core.errors import InputError, first_line

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Suffix, in lower case, -> Pillow's name. A file may hold any of these formats."""

MAX_PIXELS = 64_000_000
"""Most pixels of an image that is decoded: a few kilobytes of a file can declare billions."""

BACKGROUND = (255, 255, 255)
"""What is seen behind transparent pixels, as on a page."""

_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the image at ``path`` as it is shown; its pixels are not decoded.

    Raises InputError, one line that starts with the path, as ``decode`` does.
    """
    with _opened(path) as image:
        turned = image.getexif().get(_ORIENTATION, 1) in _QUARTER_TURNS
        width, height = image.size
        return (height, width) if turned else (width, height)


def decode(path: Path) -> Image.Image:
    """The image at ``path``, mode RGB, upright as its EXIF says.

    Palettes, CMYK and grey values become RGB, 16-bit grey values 8 bits (65,535 is 255); what is
    transparent shows BACKGROUND. Raises InputError, one line that starts with the path, for a file
    that is broken, animated, of more than MAX_PIXELS, or of another format than FORMATS.
    """
    with _opened(path) as image:
        image.load()
        return _to_rgb(ImageOps.exif_transpose(image), path)


_ORIENTATION = 0x0112  # EXIF 2.3, section 4.6.4
_QUARTER_TURNS = (5, 6, 7, 8)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image at ``path``, opened and checked; all that Pillow raises becomes one InputError."""
    formats = sorted(set(FORMATS.values()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large images are refused below
            with Image.open(path, formats=formats) as image:
                _check(image, path)
                yield image
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"{path}: {_TOO_LARGE}") from None
    except Image.UnidentifiedImageError:
        raise InputError(f"{path}: no image; allowed: {', '.join(formats)}") from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into this machine's memory") from None
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise InputError(f"{path}: cannot be read: {reason}") from None
    except Exception as error:  # decoders raise SyntaxError, ValueError, struct.error and others
        raise InputError(f"{path}: broken: {first_line(error)}") from None


_TOO_LARGE = f"has more than {MAX_PIXELS:,} pixels, which are not decoded"


def _check(image: Image.Image, path: Path) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise InputError(f"{path}: {_TOO_LARGE}")
    # A phone's JPEG may hold further pictures (MPO); the first one is the photograph.
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise InputError(f"{path}: animated, {frames} frames; needed: single images")


def _to_rgb(image: Image.Image, path: Path) -> Image.Image:
    if image.mode in _SIXTEEN_BITS:
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65_535:
            raise InputError(f"{path}: grey values beyond 16 bits; allowed: 8 or 16")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        shown = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        shown.alpha_composite(image.convert("RGBA"))
        return shown.convert("RGB")
    return image.convert("RGB")
