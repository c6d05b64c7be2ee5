"""The other tests of this folder once more, with many more cases, new ones on every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wrong_input import VARIABLE

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.skipif(VARIABLE in os.environ, reason="this is the campaign")
@pytest.mark.timeout(900)
def test_many_more_cases() -> None:
    command = [sys.executable, "-m", "pytest", str(HERE), "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        command,
        cwd=HERE.parents[1],
        env={**os.environ, VARIABLE: "150"},
        capture_output=True,
        text=True,
        timeout=880,
    )
    assert result.returncode == 0, result.stdout[-10_000:]
