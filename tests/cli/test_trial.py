"""``python -m harness.trial --json``: every score with the figures that it is read by."""

import json
import os
import subprocess
import sys

import pytest

from harness.core.registry import METRICS

pytestmark = pytest.mark.slow


def run(folder):
    return subprocess.run(
        [sys.executable, "-m", "harness.trial", "quickstart", "--smoke", "--json"],
        env={**os.environ, "HARNESS_MLRUNS": str(folder / "mlruns")},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_every_score_comes_with_what_it_is_read_by(tmp_path):
    result = run(tmp_path)
    assert result.returncode == 0, result.stderr
    scores = json.loads(result.stdout)["scores"]
    derived = ("fid_debiased", "collapse_probability")  # of scores, with no metric of their own
    assert set(scores) == {*METRICS.names(), *derived}
    for name, row in scores.items():
        assert set(row) == {"value", "interval", "null_level", "perfect", "untrained"}
        assert row["untrained"] is not None
        assert (row["interval"] is not None) == (name in ("fid", "kid"))
        assert (row["null_level"] is not None) == (name == "fid")
        assert (row["perfect"] is not None) == (name not in derived)
    fid = scores["fid"]
    assert fid["interval"][0] <= scores["fid_debiased"]["value"] <= fid["interval"][1]
    assert fid["perfect"] < fid["value"]  # a smoke run has learned next to nothing
    assert "95 % interval" in result.stderr  # the same as a table, beside the JSON

    again = run(tmp_path)  # complete: the same figures from the store
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["scores"] == scores
