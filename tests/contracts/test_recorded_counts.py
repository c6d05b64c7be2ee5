"""The documents and the recorded page of claims count the same claims, tests and runs."""

from __future__ import annotations

import json
import re

from harness.reporting.pages.fewer_runs import runs_behind
from tests.support.repository import REPOSITORY


def test_the_documents_say_what_the_recorded_claims_hold():
    recorded = json.loads((REPOSITORY / "reports/recorded/claims/claims.json").read_text())
    rows = recorded["claims"]
    claims = len({row["claim"] for row in rows})
    tests = sum("test" in row for row in rows)
    if counts := recorded.get("counts_of_page"):  # pages of earlier versions have none
        assert (claims, runs_behind(recorded)) == (counts["claims"], counts["runs"])
        tests = counts["tests"]
    wanted = f"{claims} claims, {tests} tests, {runs_behind(recorded):,} runs"
    documents = [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    assert set(re.findall(r"[\d,]+ claims, [\d,]+ tests, [\d,]+ runs", text)) == {wanted}
