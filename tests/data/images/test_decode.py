"""One image file as RGB: every kind that people have, or one line that names what is wrong."""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.core.errors import InputError
from harness.data.images.decode import MAX_PIXELS, decode, image_size

RED, GREY = (200, 30, 40), 120


def saved(folder: Path, image: Image.Image, name: str = "image.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def pixel(path: Path) -> tuple[int, ...]:
    image = decode(path)
    assert image.mode == "RGB"
    return image.getpixel((1, 1))


def plain(mode: str, colour: object) -> Image.Image:
    return Image.new(mode, (6, 4), colour)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_colours_are_kept(tmp_path, suffix):
    path = saved(tmp_path, plain("RGB", RED), f"image.{suffix}", lossless=True)
    assert pixel(path) == RED
    assert image_size(path) == (6, 4)


def test_grey_is_three_equal_channels(tmp_path):
    assert pixel(saved(tmp_path, plain("L", GREY))) == (GREY,) * 3
    assert pixel(saved(tmp_path, plain("1", 1))) == (255,) * 3
    assert pixel(saved(tmp_path, plain("L", GREY), "image.jpg")) == (GREY,) * 3


@pytest.mark.parametrize(
    ("value", "grey"), [(0, 0), (128, 0), (129, 1), (30_840, 120), (65_535, 255)]
)
def test_sixteen_bits_become_eight(tmp_path, value, grey):
    # 257 = 65,535 / 255 steps are one; 128 is just below half of it.
    image = Image.fromarray(np.full((4, 6), value, np.uint16))
    assert pixel(saved(tmp_path, image)) == (grey,) * 3


def test_a_palette_becomes_its_colours(tmp_path):
    image = plain("P", 0)
    image.putpalette([*RED, 0, 0, 0])
    assert pixel(saved(tmp_path, image)) == RED


def test_cmyk_becomes_rgb(tmp_path):
    path = saved(tmp_path, plain("CMYK", (0, 255, 255, 0)), "image.jpg", quality=100)
    assert pixel(path) == pytest.approx((255, 0, 0), abs=3)  # 3: the rounding of JPEG


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (*RED, 0)), ("LA", (GREY, 0))])
def test_transparent_pixels_show_white(tmp_path, mode, colour):
    assert pixel(saved(tmp_path, plain(mode, colour))) == (255,) * 3


def test_half_transparent_pixels_are_mixed_with_white(tmp_path):
    shown = pixel(saved(tmp_path, plain("RGBA", (*RED, 51))))  # a fifth of red, the rest white
    assert shown == pytest.approx([0.2 * value + 0.8 * 255 for value in RED], abs=1)


def test_a_transparent_colour_of_a_palette_shows_white(tmp_path):
    image = plain("P", 0)
    image.putpalette([*RED, 0, 0, 0])
    assert pixel(saved(tmp_path, image, transparency=0)) == (255,) * 3


def test_exif_turns_the_image_upright(tmp_path):
    image = plain("RGB", RED)
    image.putpixel((0, 0), (0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter clockwise: the first pixel comes to the top right
    path = saved(tmp_path, image, exif=exif)
    assert decode(path).size == image_size(path) == (4, 6)
    assert decode(path).getpixel((3, 0)) == (0, 0, 255)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        decode(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def test_a_truncated_file_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("image.png", "image.jpg", "image.webp"):
        path = saved(tmp_path, Image.fromarray(noise), name)
        path.write_bytes(path.read_bytes()[:-300])
        refusal(path)


def test_any_damage_is_one_line_or_an_image(tmp_path):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    refused = 0
    for name in ("image.png", "image.jpg", "image.webp"):
        whole = saved(tmp_path, noise, name).read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            damaged[rng.integers(len(damaged))] = rng.integers(256)
            path = tmp_path / name
            path.write_bytes(damaged)
            with contextlib.suppress(InputError):  # any other exception fails
                refused += 1
                assert decode(path).mode == "RGB"
                refused -= 1
    assert refused > 20


@pytest.mark.parametrize("content", [b"", b"not an image", b"GIF89a" + bytes(20)])
def test_what_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    assert refusal(path).endswith("no image; allowed: JPEG, PNG, WEBP")


def test_an_animation_is_named(tmp_path):
    frames = [plain("RGB", (shade, 0, 0)) for shade in (0, 100, 200)]
    for name in ("image.png", "image.webp"):
        path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
        assert "animated, 3 frames" in refusal(path)


@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 1, 40_000])
def test_a_bomb_is_refused_by_its_header(tmp_path, side):
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1_000)))
        + chunk(b"IEND", b"")
    )
    assert "more than 64,000,000 pixels" in refusal(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    assert "cannot be read: No such file" in refusal(tmp_path / "image.png")
