"""``reports/index.html``: every report beside it, with its question, answer, date and winner.

It is made from the summaries that reports leave beside their pages, which are not trusted more than
a store: what is no text or no image in them is left out.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.core.replace_files import replace_files
from harness.reporting import formats
from harness.reporting.html import render_template
from harness.reporting.pages.claims import JSON_FILE as CLAIMS_FILE
from harness.reporting.pages.comparison import SUMMARY_FILE as COMPARISON_FILE
from harness.reporting.pages.study import PAGE_FILE
from harness.reporting.pages.study import SUMMARY_FILE as STUDY_FILE
from harness.reporting.parts.figures import decoded, png_uri
from harness.reporting.parts.trials.sample_grid import Sample
from harness.reporting.results.json_object import MOST_JSON_BYTES, NotRead, parse_object

LONGEST_SIDE = 300  # pixels of a thumbnail
_PNG = "data:image/png;base64,"


@dataclass(frozen=True)
class Entry:
    """One report of the index. link: to its page, percent-encoded. picture: None where there is
    none. The rest are texts, "" for what the summary lacks."""

    name: str
    link: str
    question: str = ""
    answer: str = ""
    date: str = ""
    winner: str = ""
    trials: str = ""
    picture: Sample | None = None


@dataclass(frozen=True)
class Index:
    """The reports of a folder: studies, the newest first, then comparisons and other pages."""

    studies: list[Entry]
    comparisons: list[Entry]
    others: list[Entry]


def write_index(reports: Path) -> Path:
    """The path of the index, written for the reports in the folder ``reports``.

    The same reports give the same bytes. Raises OSError if the folder cannot be read or written.
    """
    page = reports / PAGE_FILE
    replace_files({page: render_index(read_index(reports))})
    return page


def render_index(index: Index) -> str:
    """The index as one self-contained HTML text."""
    return render_template("index.html", script="study.js", index=index)


def read_index(reports: Path) -> Index:
    """What the folder holds: each folder in it that has a page."""
    studies, comparisons, others = [], [], []
    for folder in sorted(path for path in reports.iterdir() if (path / PAGE_FILE).is_file()):
        if (folder / STUDY_FILE).is_file():
            studies.append(_study(folder, _summary(folder / STUDY_FILE)))
        elif (folder / COMPARISON_FILE).is_file():
            comparisons.append(_study(folder, _summary(folder / COMPARISON_FILE)))
        else:
            others.append(_other(folder))
    studies.sort(key=lambda entry: entry.date, reverse=True)  # stable: of one day by name
    return Index(studies, comparisons, others)


def _summary(file: Path) -> dict[str, Any]:
    """The summary of a report; empty if it cannot be read or is none."""
    try:
        with file.open("rb") as opened:
            return parse_object(opened.read(MOST_JSON_BYTES + 1))
    except (OSError, NotRead):
        return {}


def _study(folder: Path, summary: Mapping[str, Any]) -> Entry:
    winner, best, counts = (_mapping(summary.get(key)) for key in ("winner", "best", "counts"))
    trial = _whole(winner.get("trial", best.get("number")))
    done, days = _whole(counts.get("complete")), summary.get("run_on")
    return Entry(
        name=folder.name,
        link=_link(folder),
        question=_text(summary.get("question")),
        answer=_text(summary.get("answer")),
        date=_date(days[-1]) if isinstance(days, list) and days else "",
        winner="" if trial is None else f"trial {trial}",
        trials="" if done is None else formats.count(done, "completed trial"),
        picture=_picture(summary.get("thumbnail")),
    )


def _other(folder: Path) -> Entry:
    """A page of another kind: that of all claims with its verdicts, or one without a summary."""
    claims = _summary(folder / CLAIMS_FILE).get("claims")
    rows = [row for row in claims if isinstance(row, Mapping)] if isinstance(claims, list) else []
    number = Counter(_text(row.get("verdict")) for row in rows)
    parts = [f"{n} {word}" for word, n in sorted(number.items()) if word]
    answer = f"{formats.count(len(rows), 'test')}: {formats.listing(parts)}." if parts else ""
    return Entry(name=folder.name, link=_link(folder), answer=answer)


def _link(folder: Path) -> str:
    return f"{quote(folder.name)}/{PAGE_FILE}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    """``value`` as a number of trials, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _date(value: object) -> str:
    try:
        return dt.date.fromisoformat(_text(value)).isoformat()
    except ValueError:
        return ""


def _picture(value: object) -> Sample | None:
    """The thumbnail in a summary, decoded and encoded anew; None for anything else."""
    text = _text(value)
    if not text.startswith(_PNG):
        return None
    try:
        image = decoded(base64.b64decode(text.removeprefix(_PNG), validate=True))
    except (binascii.Error, ValueError):
        return None
    if image is None or max(image.size) > LONGEST_SIDE:
        return None
    return Sample(png_uri(image), image.width, image.height, "Images of the winner")
