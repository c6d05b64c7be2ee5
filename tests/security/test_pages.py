"""What a page and its tables make of images and texts that mean harm."""

from __future__ import annotations

import csv
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from harness.reporting.csv_file import csv_text
from harness.reporting.pages import study as page_module
from harness.reporting.pages.study import write_report
from harness.reporting.parts.figures import MAX_DECODED_PIXELS, grid_absence, grid_uri
from tests.support import reports as builder
from tests.support.html_page import Page


def png(width: int, height: int) -> bytes:
    """A whole PNG of black pixels, one bit each: small as bytes, whatever its size."""
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def test_a_large_image_is_not_decoded_and_its_place_says_why() -> None:
    large = png(13_000, 13_000)
    assert len(large) < 100_000
    tracemalloc.start()
    assert grid_uri(large) is None
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert grid_absence(large) == "not shown: 13,000 x 13,000 pixels"
    header = struct.pack(">IIBBBBB", 200_000, 200_000, 1, 0, 0, 0, 0)
    forty_gigapixels = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    assert grid_uri(forty_gigapixels) is None
    assert grid_absence(forty_gigapixels) == "not shown: too large an image"
    side = int(MAX_DECODED_PIXELS**0.5)
    assert grid_uri(png(side, side)) is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(50), builder.png(1)[:300], b"<svg onload=x>"],
)
def test_what_is_no_whole_png_is_absent(content: bytes) -> None:
    assert grid_uri(content) is None
    assert grid_absence(content) in ("not shown: not a PNG", "not shown: a damaged PNG")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_compute_is_text(text: str) -> None:
    table = pd.DataFrame({"said": [text, "plain"], text: [-1.5, 2.0], "n": [-3, 4]})
    rows = list(csv.reader(io.StringIO(csv_text(table), newline="")))
    shown = "'" + text.replace("\r", "\n")
    assert rows == [["said", shown, "n"], [shown, "-1.5", "-3"], ["plain", "2.0", "4"]]


def test_no_text_begins_a_row_of_its_own() -> None:
    table = pd.DataFrame({"said": ["a\r=1", "a\r\n=1", "a\n=1"]})
    rows = list(csv.reader(io.StringIO(csv_text(table), newline="")))
    assert rows == [["said"], *[["a\n=1"]] * 3]


def test_missing_cells_stay_empty() -> None:
    table = pd.DataFrame({"arm": [None, "a"], "seed": pd.array([None, 1], dtype="Int64")})
    assert csv_text(table) == table.to_csv(index=False, lineterminator="\n")


def test_a_report_quotes_formulas_and_names_images_that_it_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])
    evil = '=HYPERLINK("http://evil",1)'
    runs = [builder.record(0, config={"dataset": evil}), builder.record(1, "failed", fid=None)]
    grids = builder.Grids(png(3_000, 3_000), {"run000": b"no image"})
    page = write_report(builder.results(runs, grids=grids), tmp_path)
    table = pd.read_csv(tmp_path / "runs.csv")
    assert table["params.dataset"][0] == f"'{evil}"
    assert table["fid"][0] == 10.0
    text = Page(page.read_text()).text
    assert "not shown: 3,000 x 3,000 pixels" in text
    assert "not shown: not a PNG" in text
