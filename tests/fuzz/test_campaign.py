"""Every test of a property once more, with many more cases, new ones on every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wrong_input import VARIABLE

TESTS = Path(__file__).parents[1]
PROPERTIES = [
    str(path)
    for path in sorted(TESTS.rglob("test_*.py"))
    if "\nfrom hypothesis import" in path.read_text(encoding="utf-8")
]


@pytest.mark.slow
@pytest.mark.skipif(VARIABLE in os.environ, reason="this is the campaign")
@pytest.mark.timeout(900)
def test_many_more_cases() -> None:
    assert len(PROPERTIES) > 8
    command = [sys.executable, "-m", "pytest", *PROPERTIES, "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        command,
        cwd=TESTS.parent,
        env={**os.environ, VARIABLE: "150"},
        capture_output=True,
        text=True,
        timeout=880,
    )
    assert result.returncode == 0, result.stdout[-10_000:]
