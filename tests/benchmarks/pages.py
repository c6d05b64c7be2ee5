"""What the page of a study costs, and how that grows with the runs of the study.

``python -m tests.benchmarks.pages [RUNS ...]`` (default: 50 100 1000) writes a store of each number
of runs as rows (``tests/support/large_store.py``), most completed, some pruned or failed, each
with three grids of 64 noise images, which compress as badly as images can. It then prints what
``python -m harness.report`` took, from the start of the process to its end: CPU seconds, seconds on
the clock, the largest memory, and the bytes and elements of the page and of the files beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from harness.core.schema import sample_path
from harness.tracking.image_grid import grid_png
from harness.tracking.stores.layout import Layout
from tests.support.large_store import write_runs
from tests.support.stores import make_stores

COLUMNS = ("runs", "CPU, s", "clock, s", "memory, MB", "page, MB", "elements", "data/, MB")


class Cost(NamedTuple):
    """Of one report of ``runs`` runs. page, data: bytes of index.html and of all files in data/.

    memory: the most bytes that the process held. elements: how many the browser has to lay out.
    """

    runs: int
    cpu_seconds: float
    seconds: float
    memory: int
    page: int
    elements: int
    data: int

    def row(self) -> tuple[str, ...]:
        """The texts below COLUMNS."""
        megabytes = (self.memory / 1e6, self.page / 1e6, self.data / 1e6)
        memory, page, data = (f"{megabytes[0]:.0f}", *(f"{size:.2f}" for size in megabytes[1:]))
        times = (f"{self.cpu_seconds:.1f}", f"{self.seconds:.1f}")
        return (f"{self.runs:,}", *times, memory, page, f"{self.elements:,}", data)


def costs(counts: Sequence[int]) -> Iterator[Cost]:
    """What a report costs at each of ``counts`` runs."""
    for count in counts:
        with TemporaryDirectory() as folder:
            layout = make_stores(Path(folder) / "mlruns")
            write_runs(layout, count, mixed=True)
            _add_grids(layout, count)
            yield _cost(layout, count, Path(folder) / "reports/large")


def _cost(layout: Layout, runs: int, output: Path) -> Cost:
    """Run the command and measure its process."""
    command = [sys.executable, "-m", "harness.report", "large", "--output", str(output)]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--tracking-uri", layout.tracking_uri], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"harness.report ended with {process.returncode}")
    page = output / "index.html"
    return Cost(
        runs,
        used.ru_utime + used.ru_stime,
        seconds,
        used.ru_maxrss * 1024,
        page.stat().st_size,
        _elements(page.read_text()),
        sum(file.stat().st_size for file in (output / "data").iterdir()),
    )


def _elements(html: str) -> int:
    parser = _Counter()
    parser.feed(html)
    return parser.number


class _Counter(HTMLParser):
    """Counts start tags."""

    number = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.number += 1


def _add_grids(layout: Layout, number: int) -> None:
    """Give each run of the study "large" three grids, all links to one file."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), dtype=np.uint8)
    content = layout.root / "noise.png"
    content.write_bytes(grid_png(noise))
    for run in range(number):
        folder = layout.artifact_root / "large" / f"{run:032x}" / "artifacts"
        (folder / "samples").mkdir(parents=True)
        for images_seen in (30_000, 60_000, 100_000):
            os.link(content, folder / sample_path(images_seen))


def main(*counts: int) -> None:
    """Measure and print; each row when it is known."""
    table = Table(*COLUMNS)
    for cost in costs(counts or (50, 100, 1_000)):
        table.add_row(*cost.row())
        print(*cost.row(), flush=True)
    Console().print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
