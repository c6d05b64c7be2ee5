"""What the page of a study costs at many runs: ``python -m tests.support.page_cost 50 100 1000``.

Stores are written as rows (``large_store.py``); every run has three grids of 64 noise images, the
worst case for a PNG. For each number: processor seconds to read the store and to write the report,
the largest memory of the process, and the sizes of the page and of the data of its figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness.core.schema import sample_path
from harness.tracking.image_grid import grid_png
from harness.tracking.stores.layout import Layout
from tests.support.large_store import write_runs
from tests.support.stores import make_stores

REPORT = """
import json, resource, sys, time
from pathlib import Path
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_results
started = time.process_time()
results = load_results(sys.argv[1], "large")
read = time.process_time()
write_report(results, Path(sys.argv[2]))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps([read - started, time.process_time() - read, memory]))
"""


def add_grids(layout: Layout, number: int) -> None:
    """Give each run of the study "large" three grids, all links to one file."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), dtype=np.uint8)
    content = layout.root / "noise.png"
    content.write_bytes(grid_png(noise))
    for run in range(number):
        folder = layout.artifact_root / "large" / f"{run:032x}" / "artifacts"
        (folder / "samples").mkdir(parents=True)
        for images_seen in (30_000, 60_000, 100_000):
            os.link(content, folder / sample_path(images_seen))


def measure(number: int, folder: Path) -> str:
    """A row of the table in docs/performance.md."""
    layout = make_stores(folder / "mlruns")
    write_runs(layout, number)
    add_grids(layout, number)
    command = [sys.executable, "-c", REPORT, layout.tracking_uri, str(folder / "report")]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    read, written, memory = json.loads(told.stdout)
    page = (folder / "report" / "index.html").stat().st_size
    data = sum(file.stat().st_size for file in (folder / "report" / "data").iterdir())
    sizes = f"{page / 1e6:.2f} MB | {data / 1e6:.2f} MB"
    return f"| {number:,} | {read:.1f} s | {written:.1f} s | {memory:,} MB | {sizes} |"


if __name__ == "__main__":
    for text in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(int(text), Path(folder)), flush=True)
