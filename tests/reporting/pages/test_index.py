"""The list of reports: each with its question, answer, date, winner and images, safe to open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.reporting.pages import study as page_module
from harness.reporting.pages.index import read_index, write_index
from harness.reporting.pages.study import write_report
from tests.support import reports as builder
from tests.support.html_page import Page

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])


def summary(folder: Path, values: object) -> None:
    folder.mkdir()
    (folder / "index.html").touch()
    (folder / "study.json").write_text(json.dumps(values))


def test_a_report_is_listed_with_what_its_summary_says(tmp_path: Path) -> None:
    runs = [builder.record(n, fid=5.0 * n + 1) for n in range(3)]
    write_report(builder.results(runs), tmp_path / "demo")
    index = read_index(tmp_path)
    (entry,) = index.studies
    assert (entry.name, entry.link) == ("demo", "demo/index.html")
    assert entry.question.startswith("Which optimizer")
    assert entry.answer == "Trial 0 is the best of 3 completed trials, with a fid of 1."
    assert entry.date == "2026-09-21"  # builder.STARTED
    assert (entry.winner, entry.trials) == ("trial 0", "3 completed trials")
    assert entry.picture is not None
    assert (entry.picture.width, entry.picture.height) == (64, 64)
    page = Page(write_index(tmp_path).read_text())
    assert page.all("a")[0]["href"] == "demo/index.html"
    assert [image["src"] for image in page.all("img")] == [entry.picture.uri]


def test_the_newest_study_comes_first_and_those_without_a_date_last(tmp_path: Path) -> None:
    for name, days in (("a", []), ("b", ["2026-01-02"]), ("c", ["2026-01-01", "2026-03-04"])):
        summary(tmp_path / name, {"question": name, "run_on": days})
    assert [entry.name for entry in read_index(tmp_path).studies] == ["c", "b", "a"]


def test_pages_of_other_kinds_are_listed_and_folders_without_a_page_are_not(tmp_path: Path) -> None:
    for name in ("claims", "calibration", "A+B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").touch()
    rows = [{"verdict": "supported"}, {"verdict": "undecided"}, {"verdict": "supported"}]
    (tmp_path / "claims" / "claims.json").write_text(json.dumps({"claims": rows}))
    (tmp_path / "A+B" / "comparison.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    index = read_index(tmp_path)
    assert [entry.name for entry in index.others] == ["calibration", "claims"]
    assert index.others[1].answer == "3 tests: 2 supported and 1 undecided."
    assert [entry.link for entry in index.comparisons] == ["A%2BB/index.html"]


@pytest.mark.parametrize(
    "value", [None, 7, EVIL, [EVIL], {"trial": EVIL, "number": [1]}, {"complete": 1e400}]
)
def test_a_summary_may_hold_anything(tmp_path: Path, value: object) -> None:
    keys = ("question", "answer", "winner", "best", "counts", "run_on", "thumbnail")
    summary(tmp_path / "demo", dict.fromkeys(keys, value))
    page = Page(write_index(tmp_path).read_text())
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert "demo" in page.text


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/x.png",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png;base64,no base64",
        "data:image/png;base64,R0lGODlh",
    ],
)
def test_a_thumbnail_is_pixels_or_nothing(tmp_path: Path, uri: str) -> None:
    summary(tmp_path / "demo", {"thumbnail": uri})
    assert read_index(tmp_path).studies[0].picture is None


def test_a_broken_summary_is_listed_by_its_folder(tmp_path: Path) -> None:
    summary(tmp_path / "demo", {})
    (tmp_path / "demo" / "study.json").write_bytes(b"\xff{")
    (entry,) = read_index(tmp_path).studies
    assert (entry.name, entry.question, entry.answer) == ("demo", "", "")
    assert "No answer was recorded." in Page(write_index(tmp_path).read_text()).text
