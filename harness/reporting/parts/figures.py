"""Plots and image grids as data URIs: SVG for light and for dark paper, PNG where it is smaller."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from harness.reporting.csv_file import csv_text
from harness.reporting.drawing.marks import marks
from harness.reporting.drawing.theme import VARIANTS, darken, darkened, theme
from harness.reporting.plots import Plot, split_panels
from harness.reporting.results.tables import StudyResults

WIDE_INCHES = 7.2  # one plot over the whole column; its height is its own
HALF = (3.8, 2.8)  # inches; one of several panels side by side
PIXELS_PER_INCH = 96  # CSS pixels
MAX_SVG_BYTES = 45_000  # beyond it, many curves: a PNG is smaller
MAX_GRID_PIXELS = 640  # longest side of an image grid on the page
MAX_DECODED_PIXELS = 4_000_000  # of an image grid; ten by ten images of 64 x 64 have 0.4 million
MAX_SVG_ROWS = 2_000  # each takes 22 bytes or more of an SVG, so that more would be too large

# The plots' text in the page's own sans-serif type; DejaVu Sans only measures the text.
_SVG_FONT = ("'DejaVu Sans'", "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif")


@dataclass(frozen=True)
class Picture:
    """One drawn size of a panel: data URIs for light and for dark paper, size in CSS pixels.

    marks: where those of each trial lie, as ``drawing.marks`` says; "" where that is not known.
    """

    light: str
    dark: str
    width: int
    height: int
    marks: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its name ("" where it is the only one) and its pictures.

    narrow: drawn again for a phone, where ``picture`` takes the whole column; None where half a
    column's picture serves both.
    """

    name: str
    picture: Picture
    narrow: Picture | None
    alt: str


def render(plot: Plot, results: StudyResults) -> list[Panel]:
    """The panels of ``plot``, drawn for light and for dark paper; none if there is nothing to show.

    The same results give the same bytes.
    """
    frame = plot.summarise(results)
    if frame.empty:
        return []
    parts = split_panels(frame)
    panels = []
    for index, (name, part) in enumerate(parts.items()):
        whole = index == 0 and len(parts) % 2 == 1  # else an odd number of panels leaves a gap
        wide = (WIDE_INCHES, plot.height_of(part))
        half = _picture(plot, part, (HALF[0], max(HALF[1], wide[1])) if whole else HALF)
        panels.append(
            Panel(
                name=name,
                picture=_picture(plot, part, wide) if whole else half,
                narrow=half if whole else None,
                alt=_alternative(plot, part, name, results.objective),
            )
        )
    return panels


def render_small(plot: Plot, results: StudyResults) -> list[Panel]:
    """As ``render``, every panel half a column wide."""
    frame = plot.summarise(results)
    parts = {} if frame.empty else split_panels(frame)
    return [
        Panel(name, _picture(plot, part, HALF), None, _alternative(plot, part, name, ""))
        for name, part in parts.items()
    ]


def _alternative(plot: Plot, frame: pd.DataFrame, panel: str, metric: str) -> str:
    """What a panel is and what it shows, for readers who cannot see it."""
    words = [plot.alt.format(panel=panel, metric=metric), plot.finding(frame)]
    return ". ".join(filter(None, words))


def figure_data(plot: Plot, results: StudyResults) -> str:
    """Everything that ``plot`` draws, as CSV, without what describes the axes."""
    frame = plot.summarise(results)
    plain = frame.drop(columns=[name for name in _DRAWING if name in frame])
    return csv_text(plain)


_DRAWING = ("choices", "axes")  # columns that describe axes, and are the same in every row


def draw_figure(plot: Plot, frame: pd.DataFrame, size: tuple[float, float], variant: str) -> Figure:
    """The frame of one panel as a figure of ``size`` inches in one of ``VARIANTS``."""
    assert variant in VARIANTS, variant
    with theme(variant):
        figure = Figure(figsize=size)
        plot.draw(frame, figure.subplots())
    return figure


def grid_uri(png: bytes | None, longest: int = MAX_GRID_PIXELS) -> str | None:
    """``grid_image`` as a data URI; None if there is none."""
    image = grid_image(png, longest)
    return None if image is None else png_uri(image)


def grid_image(png: bytes | None, longest: int = MAX_GRID_PIXELS) -> Image.Image | None:
    """An image grid, its sides ``longest`` pixels at most; None if it is no image.

    Decoded, to be encoded anew, so nothing but pixels reaches the page. Without ``png`` and for one
    of more than MAX_DECODED_PIXELS, which is not decoded, the result is None as well.
    """
    image = decoded(png)
    if image is not None:
        image.thumbnail((longest, longest))
    return image


def decoded(png: bytes | None) -> Image.Image | None:
    """The pixels of a PNG, grey or in colour; None for what ``grid_absence`` has words for."""
    if png is None or isinstance(_size(png), str):
        return None
    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        return image.convert("L" if image.mode in ("1", "L", "I;16") else "RGB")
    except Exception:  # damaged chunks raise errors of many kinds
        return None


def png_uri(image: Image.Image) -> str:
    """``image`` as a data URI of a PNG without any text or time in it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return _uri("image/png", buffer.getvalue())


def grid_absence(png: bytes | None) -> str:
    """Why ``grid_uri`` gives None, as a phrase for the page."""
    if png is None:
        return "not recorded"
    size = _size(png)
    return size if isinstance(size, str) else "not shown: a damaged PNG"


def _size(png: bytes) -> tuple[int, int] | str:
    """(width, height) as the header says; or why the image is not decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            width, height = Image.open(io.BytesIO(png), formats=["PNG"]).size
        except Image.DecompressionBombError:
            return "not shown: too large an image"
        except Exception:  # damaged chunks raise errors of many kinds
            return "not shown: not a PNG"
    if width * height > MAX_DECODED_PIXELS:
        return f"not shown: {width:,} x {height:,} pixels"
    return width, height


def _picture(plot: Plot, frame: pd.DataFrame, size: tuple[float, float]) -> Picture:
    """One panel, drawn once for light and for dark paper."""
    width, height = (round(inches * PIXELS_PER_INCH) for inches in size)
    figure = draw_figure(plot, frame, size, "light")
    kind, texts = "image/svg+xml", _svgs(figure) if len(frame) <= MAX_SVG_ROWS else ()
    if not texts or max(map(len, texts)) > MAX_SVG_BYTES:
        kind, texts = "image/png", _pngs(figure)
    light, dark = (_uri(kind, text) for text in texts)
    return Picture(light, dark, width, height, _marks(plot, frame, figure, width))


def _marks(plot: Plot, frame: pd.DataFrame, figure: Figure, width: int) -> str:
    return "" if plot.marks is None else marks(figure, plot.marks(frame), width)


def _svgs(figure: Figure) -> tuple[bytes, bytes]:
    """The figure as SVG on light and on dark paper."""
    with theme("light"):
        file = io.BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no clock, no versions
        figure.savefig(file, format="svg", metadata=nothing)
    svg = file.getvalue().decode().replace(*_SVG_FONT)
    return svg.encode(), darkened(svg).encode()


def _pngs(figure: Figure) -> tuple[bytes, bytes]:
    """The figure as PNG on light and on dark paper, after which its colours are the dark ones."""
    light = _png(figure, "light")
    darken(figure)
    return light, _png(figure, "dark")


def _png(figure: Figure, variant: str) -> bytes:
    """The figure with two pixels for each CSS pixel, in 128 colours: a third of the bytes."""
    with theme(variant):
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=2 * PIXELS_PER_INCH, metadata={"Software": None})
    image, small = Image.open(file), io.BytesIO()
    image.quantize(128, method=Image.Quantize.FASTOCTREE).save(small, "PNG", optimize=True)
    return small.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
