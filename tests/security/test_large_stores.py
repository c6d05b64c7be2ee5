"""Ten thousand runs: read in bounded memory and time, and a page that can still be opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from harness.reporting.results import database
from harness.reporting.results.load import load_results
from harness.tracking.stores.layout import Layout
from tests.support.html_page import Page
from tests.support.large_store import METRICS, REPORTS, write_runs

MEGABYTES = 1_200
"""Of the whole process; the libraries of the reading half take 250 of them."""

REPORT = """
import resource, sys
from pathlib import Path
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_results
write_report(load_results(sys.argv[1], "large"), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_study_is_read_with_few_statements(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement per table and chunk, not one per metric of each run."""
    write_runs(layout, 45)
    monkeypatch.setattr(database, "RUNS_AT_ONCE", 20)
    statements = []
    execute = database.Connection.execute
    monkeypatch.setattr(
        database.Connection,
        "execute",
        lambda self, statement: statements.append(statement) or execute(self, statement),
    )
    results = load_results(layout.tracking_uri, "large")
    assert len(results.trials) == 45
    assert len(results.history) == 45 * len(METRICS) * REPORTS
    assert len(statements) == 3 + 3 * 3  # studies, runs of the study, runs of trials; three chunks


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ten_thousand_runs_have_a_report(layout: Layout, tmp_path: Path) -> None:
    write_runs(layout, 10_000)
    output = tmp_path / "report"
    command = [sys.executable, "-c", REPORT, layout.tracking_uri, str(output)]
    before = os.times()
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    after = os.times()
    assert int(told.stdout) < MEGABYTES
    assert sum(after[2:4]) - sum(before[2:4]) < 300  # processor seconds of a slow core
    assert len(pd.read_csv(output / "runs.csv")) == 10_000
    page = output / "index.html"
    assert page.stat().st_size < 8_000_000
    assert (
        "The first 1,000 of 10,000 trials, which are all in runs.csv" in Page(page.read_text()).text
    )
