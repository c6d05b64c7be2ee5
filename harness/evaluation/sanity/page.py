"""The page of the checks: which score passes what, by what it judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from harness.core.registry import METRICS
from harness.evaluation.sanity.checks import CHECKS, DESIDERATA
from harness.evaluation.sanity.run import FAILED, OPEN, PASSED
from harness.html.render import render

_OWN_STYLE = (
    "td.passed{color:var(--good,#1a7f37)} td.failed{color:var(--bad,#b42318);font-weight:600}"
    " td.open{color:var(--soft)} th.lean{writing-mode:vertical-rl;text-align:left}"
)
_GLYPHS = {PASSED: "✓", FAILED: "✗", OPEN: "-"}
_CLASSES = {PASSED: "passed", FAILED: "failed", OPEN: "open"}
_TITLES = {
    "fidelity": "Scores that judge fidelity: are the images like real ones?",
    "diversity": "Scores that judge diversity: are there as many kinds?",
    "both": "Scores that judge both: are the distributions equal?",
}


@dataclass(frozen=True)
class Cell:
    """A verdict in the grid: its glyph, what it means, and the class of its colour."""

    glyph: str
    words: str
    style: str


@dataclass(frozen=True)
class Grid:
    """The verdicts of the scores of one kind: (check, desideratum, cells) per row."""

    title: str
    scores: list[str]
    rows: list[tuple[str, str, list[Cell]]]


@dataclass(frozen=True)
class Summary:
    """How many checks one score passes: of each desideratum, and why it fails the others."""

    score: str
    judges: str
    passed: str
    by_desideratum: list[str]
    faults: list[tuple[str, str, str]]


def render_page(verdicts: pd.DataFrame, provenance: Mapping[str, object]) -> str:
    """The page as HTML: no script, nothing to load; the same verdicts give the same bytes."""
    return render(
        "harness.evaluation.sanity",
        "scores.html",
        style=_OWN_STYLE,
        headline=headline(verdicts),
        desiderata=DESIDERATA,
        summaries=summaries(verdicts),
        grids=[grid(verdicts, judges) for judges in _TITLES],
        left_out=[name for name in METRICS.names() if not METRICS.get(name).judges],
        provenance=provenance,
    )


def headline(verdicts: pd.DataFrame) -> str:
    """Whether any score passes everything, and which of each kind passes most."""
    counts = verdicts[verdicts["verdict"] != OPEN].groupby("score", sort=False)["verdict"]
    whole = [str(name) for name, own in counts if (own == PASSED).all()]
    number = verdicts["score"].nunique()
    if whole:
        return f"Of {number} scores, {', '.join(whole)} passes every check that it can be put to."
    return f"None of {number} scores passes every check that it can be put to."


def summaries(verdicts: pd.DataFrame) -> list[Summary]:
    """One per score, by what it judges, those that pass most first."""
    found = []
    for name, rows in verdicts.groupby("score", sort=False):
        asked = rows[rows["verdict"] != OPEN]
        passed = int((asked["verdict"] == PASSED).sum())
        faults = [
            (CHECKS[row["check"]].title, row["desideratum"], row["reason"])
            for row in asked[asked["verdict"] == FAILED].astype(str).to_dict("records")
        ]
        judges = str(rows["judges"].iloc[0])
        one = Summary(
            str(name),
            judges,
            f"{passed} of {len(asked)}",
            [_share(asked[asked["desideratum"] == wanted]) for wanted in DESIDERATA],
            faults,
        )
        found.append((list(_TITLES).index(judges), -passed / max(1, len(asked)), one))
    return [one for *_, one in sorted(found, key=lambda item: item[:2])]


def grid(verdicts: pd.DataFrame, judges: str) -> Grid:
    """All verdicts of the scores that judge ``judges``; rows that none of them has are left out."""
    own = verdicts[verdicts["judges"] == judges]
    scores = [str(name) for name in own["score"].unique()]
    rows = []
    for (check, desideratum), part in own.groupby(["check", "desideratum"], sort=False):
        if (part["verdict"] == OPEN).all():
            continue
        said = {
            str(row["score"]): (str(row["verdict"]), str(row["reason"]))
            for row in part.to_dict("records")
        }
        cells = [
            Cell(_GLYPHS[verdict], f"{verdict} {reason}".strip(), _CLASSES[verdict])
            for verdict, reason in (said[name] for name in scores)
        ]
        rows.append((CHECKS[str(check)].title, str(desideratum), cells))
    return Grid(_TITLES[judges], scores, rows)


def _share(rows: pd.DataFrame) -> str:
    return f"{(rows['verdict'] == PASSED).sum()} of {len(rows)}" if len(rows) else "-"
