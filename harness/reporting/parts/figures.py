"""Plots and image grids as data URIs: SVG for light and for dark paper, PNG where it is smaller."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from harness.reporting.drawing.theme import VARIANTS, theme
from harness.reporting.plots import Plot, split_panels
from harness.reporting.results.tables import StudyResults

WIDE_INCHES = 7.2  # one plot over the whole column; its height is its own
HALF = (3.8, 2.8)  # inches; one of several panels side by side
PIXELS_PER_INCH = 96  # CSS pixels
MAX_SVG_BYTES = 150_000  # beyond it, many curves: a PNG is smaller
MAX_GRID_PIXELS = 640  # longest side of an image grid on the page
MAX_DECODED_PIXELS = 4_000_000  # of an image grid; ten by ten images of 64 x 64 have 0.4 million
MAX_SVG_ROWS = 5_000  # beyond it, an SVG would be too large, so it is not drawn

# The plots' text in the page's own sans-serif type; DejaVu Sans only measures the text.
_SVG_FONT = (b"'DejaVu Sans'", b"system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif")


@dataclass(frozen=True)
class Picture:
    """One drawn size of a panel: data URIs for light and for dark paper, size in CSS pixels."""

    light: str
    dark: str
    width: int
    height: int


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
        half = _picture(plot, part, HALF)
        panels.append(
            Panel(
                name=name,
                picture=_picture(plot, part, (WIDE_INCHES, plot.height)) if whole else half,
                narrow=half if whole else None,
                alt=plot.alt.format(panel=name, metric=results.objective),
            )
        )
    return panels


def render_small(plot: Plot, results: StudyResults) -> list[Panel]:
    """As ``render``, every panel half a column wide."""
    frame = plot.summarise(results)
    parts = {} if frame.empty else split_panels(frame)
    return [
        Panel(name, _picture(plot, part, HALF), None, plot.alt.format(panel=name, metric=""))
        for name, part in parts.items()
    ]


def draw_figure(plot: Plot, frame: pd.DataFrame, size: tuple[float, float], variant: str) -> Figure:
    """The frame of one panel as a figure of ``size`` inches in one of ``VARIANTS``."""
    assert variant in VARIANTS, variant
    with theme(variant):
        figure = Figure(figsize=size)
        plot.draw(frame, figure.subplots())
    return figure


def grid_uri(png: bytes | None, longest: int = MAX_GRID_PIXELS) -> str | None:
    """An image grid as a data URI, its sides ``longest`` pixels at most; None if it is no image.

    Decoded and encoded anew, so nothing but pixels reaches the page. Without ``png`` and for one of
    more than MAX_DECODED_PIXELS, which is not decoded, the result is None as well.
    """
    if png is None or isinstance(_size(png), str):
        return None
    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        image = image.convert("L" if image.mode in ("1", "L", "I;16") else "RGB")
    except Exception:  # damaged chunks raise errors of many kinds
        return None
    image.thumbnail((longest, longest))
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
    light, dark = (_draw(plot, frame, size, variant) for variant in VARIANTS)
    width, height = (round(inches * PIXELS_PER_INCH) for inches in size)
    return Picture(light, dark, width, height)


def _draw(plot: Plot, frame: pd.DataFrame, size: tuple[float, float], variant: str) -> str:
    """One panel as a data URI."""
    with theme(variant):
        figure = draw_figure(plot, frame, size, variant)
        if len(frame) <= MAX_SVG_ROWS:
            svg = io.BytesIO()
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no clock, no versions
            figure.savefig(svg, format="svg", metadata=nothing)
            if len(svg.getvalue()) <= MAX_SVG_BYTES:
                return _uri("image/svg+xml", svg.getvalue().replace(*_SVG_FONT))
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=2 * PIXELS_PER_INCH, metadata={"Software": None})
        return _uri("image/png", png.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
