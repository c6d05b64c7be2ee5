"""The page of all claims: what was claimed, what the runs say, and the evidence for each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.core.errors import InputError
from harness.core.replace_files import replace_files
from harness.core.spec.claims import Claim
from harness.core.spec.lookup import CLAIMS, declared_study, studies_in
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.run_table import RUN_TABLE_FILE
from harness.reporting import formats
from harness.reporting.csv_file import csv_text
from harness.reporting.html import render_template
from harness.reporting.pages.fewer_runs import RUNS_KEY, check_not_fewer
from harness.reporting.pages.run_table import grown_table
from harness.reporting.pages.study import num_runs
from harness.reporting.parts import provenance
from harness.reporting.parts.arms import rates
from harness.reporting.parts.claims.arm_correlation import correlation_words
from harness.reporting.parts.claims.forest import HEIGHT, WIDTH, axis
from harness.reporting.parts.claims.late_fall import fall_words
from harness.reporting.parts.claims.tuning import tuning_table
from harness.reporting.parts.tables import Table
from harness.reporting.parts.verdict_words import (
    NOT_RUN,
    level_words,
    verdict_record,
)
from harness.reporting.parts.verdicts import (
    GLYPHS,
    Detail,
    TestRow,
    detail,
    mark,
    shared_runs,
    test_row,
)
from harness.reporting.results.load import load_recorded
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.verdicts import WORDS, Verdict, judge

PAGE_FILE = "index.html"
TABLE_FILE = "claims.csv"
JSON_FILE = "claims.json"
COUNTS_KEY = "counts_of_page"
COUNTS = ("claims", "tests", RUNS_KEY)

GROUP_TITLES = {"notes": "Claims of the notes", "literature": "Claims of the literature"}
"""Group of claims -> the title of its section."""


class NoRunsError(InputError):
    """No run of a claim has ended, so that a page of claims would say nothing."""


@dataclass(frozen=True)
class ClaimRuns:
    """A claim, the study that declares it, and the results with its runs, None before any trial."""

    claim: Claim
    spec: StudySpec
    results: StudyResults | None

    @property
    def runs_spec(self) -> StudySpec | None:
        """The declaration of the study that has the runs; None for another's that has not run."""
        if self.results is not None:
            return self.results.spec
        return None if self.claim.runs_of else self.spec


@dataclass(frozen=True)
class ClaimEvidence:
    """What the page shows of one claim. anchor: its id on the page. rows: one per test."""

    anchor: str
    claim: Claim
    question: str
    rows: list[TestRow]
    details: list[Detail]
    tuning: Table | None
    rates: Table | None
    pixels: Table | None
    facts: list[tuple[str, str]]
    commands: list[str]


def write_claims(
    results: Sequence[StudyResults],
    output_dir: Path,
    specs: Sequence[StudySpec] = (),
    *,
    force: bool = False,
) -> Path:
    """The path of the page, written with claims.csv and claims.json into ``output_dir``.

    The runs are added to the table of runs that is there, which studies read like a store.
    results: the studies that have run, including those whose runs another claim reads. specs: the
    declarations of all claims, run or not; by default those of ``results``. Raises NoRunsError if
    no run has ended, FewerRunsError if the page that is there rests on more runs, unless ``force``.
    """
    found = claim_runs(results, specs)
    counts = page_counts(found)
    runs = counts[RUNS_KEY]
    if not runs:
        raise NoRunsError(
            f"no run of a claim has ended, so there is no page of them; run python -m "
            f"harness.study {CLAIMS} first"
        )
    check_not_fewer(output_dir / JSON_FILE, runs, force)
    output_dir.mkdir(parents=True, exist_ok=True)  # told before the page is drawn, not after
    verdicts = judge_claims(found)
    rows = _claim_records(found, verdicts)
    values = {RUNS_KEY: runs, COUNTS_KEY: counts, "claims": rows}
    summary = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    table = pd.json_normalize(rows).map(lambda v: "; ".join(v) if isinstance(v, list) else v)
    texts = {
        JSON_FILE: summary + "\n",
        TABLE_FILE: csv_text(table),
        RUN_TABLE_FILE: grown_table(output_dir / RUN_TABLE_FILE, _with_tunings(_studies(found))),
        PAGE_FILE: render_claims(found, verdicts),
    }
    replace_files({output_dir / name: text for name, text in texts.items()})
    return output_dir / PAGE_FILE


def write_recorded_claims(tracking_uri: str, output_dir: Path, *, force: bool = False) -> Path:
    """The path of the page, written for the claims in studies/claims with the runs in the store."""
    specs = [declared_study(name) for name in studies_in(CLAIMS) or []]
    results = list(load_recorded(tracking_uri, studies_read(specs)).values())
    return write_claims(results, output_dir, specs, force=force)


def studies_read(specs: Sequence[StudySpec]) -> list[str]:
    """The names of the studies whose runs the claims of ``specs`` read, each once."""
    names = [spec.claim.runs_of or spec.name for spec in specs if spec.claim is not None]
    return list(dict.fromkeys(names))


def judge_claims(found: Sequence[ClaimRuns]) -> list[Verdict]:
    """A verdict for each test that has runs; all tests of ``found`` share the error, run or not."""
    ran = [
        (one.claim, test, one.results) for one in found if one.results for test in one.claim.tests
    ]
    return judge(ran, sum(len(one.claim.tests) for one in found))


def _studies(found: Sequence[ClaimRuns]) -> list[StudyResults]:
    """The results that the claims read, each study's once."""
    return list({one.results.spec.name: one.results for one in found if one.results}.values())


def _with_tunings(studies: Sequence[StudyResults]) -> list[StudyResults]:
    """The studies, and those that have tuned their arms."""
    return [*studies, *(one.tuning for one in studies if one.tuning)]


def claim_runs(results: Sequence[StudyResults], specs: Sequence[StudySpec] = ()) -> list[ClaimRuns]:
    """Every claim with its runs, in the order of ``specs``; a claim without trials has None."""
    by_name = {one.spec.name: one for one in results}
    found = []
    for spec in specs or [one.spec for one in results]:
        if spec.claim is None:
            continue
        runs = by_name.get(spec.claim.runs_of or spec.name)
        ran = runs is not None and not runs.trials.empty
        found.append(ClaimRuns(spec.claim, spec, runs if ran else None))
    return found


def render_claims(found: Sequence[ClaimRuns], verdicts: Sequence[Verdict]) -> str:
    """The page as one self-contained HTML text: no script, nothing loaded from elsewhere."""
    studies = _studies(found)
    tests = [(one.claim, test, one.runs_spec) for one in found for test in one.claim.tests]
    evidence = [_evidence(one, _of(one, verdicts)) for one in found]
    groups = {
        title: [one for one in evidence if one.claim.group == name]
        for name, title in GROUP_TITLES.items()
    }
    return render_template(
        "claims.html",
        headline=_headline(found, verdicts),
        level_words=f"{level_words(len(tests))} {correlation_words(verdicts)}".strip(),
        glyphs={word: (mark(word), glyph) for word, glyph in GLYPHS.items()},
        axis=axis(),
        size=(WIDTH, HEIGHT),
        groups={title: (found, _forest(found)) for title, found in groups.items() if found},
        studies=_study_table(studies),
        shared=shared_runs([(claim, test, spec) for claim, test, spec in tests if spec]),
        provenance=provenance.provenance(studies[0]) if studies else {},
    )


def _forest(evidence: Sequence[ClaimEvidence]) -> list[tuple[ClaimEvidence, TestRow]]:
    """The tests that were run with their claims, decided ones first, in the order of WORDS."""
    rows = [(one, row) for one in evidence for row in one.rows]
    return sorted(rows, key=lambda pair: WORDS.index(pair[1].word))


def _of(one: ClaimRuns, verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.claim is one.claim]


def _headline(found: Sequence[ClaimRuns], verdicts: Sequence[Verdict]) -> str:
    number = Counter(verdict.decision.word for verdict in verdicts)
    parts = [f"{number[word]} {word}" for word in WORDS if number[word]]
    counts = page_counts(found)
    text = ", ".join(formats.count(counts[noun], noun[:-1]) for noun in COUNTS)
    text += f": {formats.listing(parts)}." if parts else "."
    waiting = sum(one.results is None for one in found)
    return text + (f" {formats.count(waiting, 'study')} not run." if waiting else "")


def page_counts(found: Sequence[ClaimRuns]) -> dict[str, int]:
    """How many claims, tests and runs the page has: what page, claims.json and README say."""
    return {
        "claims": len({one.claim.id for one in found}),
        "tests": sum(len(one.claim.tests) for one in found),
        RUNS_KEY: sum(num_runs(one) for one in _studies(found)),
    }


def _evidence(one: ClaimRuns, verdicts: Sequence[Verdict]) -> ClaimEvidence:
    results, name = one.results, one.claim.runs_of or one.spec.name
    lines = [f"python -m harness.study claims/{name}", "python -m harness.report claims"]
    return ClaimEvidence(
        anchor=one.spec.name,
        claim=one.claim,
        question=one.spec.question,
        rows=[test_row(verdict) for verdict in verdicts],
        details=[detail(verdict, results) for verdict in verdicts] if results else [],
        tuning=tuning_table(results) if results else None,
        rates=rates(results) if results else None,
        pixels=_pixel_table(results) if results and results.pixels else None,
        facts=provenance.facts(results) if results else [],
        commands=lines,
    )


def _pixel_table(results: StudyResults) -> Table:
    """What each pixel scaling does to the dataset: one row per scaling."""
    columns = list(dict.fromkeys(name for row in results.pixels.values() for name in row))
    rows = [
        [scaling, *(formats.number(row.get(name)) for name in columns)]
        for scaling, row in results.pixels.items()
    ]
    return Table(["scaling", *columns], rows, [False, *[True] * len(columns)])


def _study_table(studies: Any) -> Table:
    """One row per study with runs: what was trained, for how long, when, by which version."""
    rows = []
    for results in studies:
        facts = dict(provenance.facts(results))
        shown = ("dataset", "trials", provenance.TAKEN, "images per trial", "computing time")
        tuned = num_runs(results.tuning) if results.tuning else 0
        commit = str(results.environment.get("git_commit") or formats.MISSING)[:12]
        rows.append(
            [
                results.spec.name,
                *(facts.get(n, formats.MISSING) for n in shown),
                formats.number(tuned),
                fall_words(results),
                facts.get("run on", formats.MISSING),
                commit,
            ]
        )
    columns = ["study", "dataset", "trials", "taken", "images per trial", "computing time"]
    columns += ["runs to tune", "fid in the last half"]
    numeric = [False, False, *[True] * 6, False, False]
    note = (
        "fid in the last half: the change of fid from half of the budget to its end, the geometric "
        "mean over completed runs: what the last doubling of the budget still took off."
    )
    return Table([*columns, "run on", "version"], rows, numeric, note)


def _claim_records(found: Sequence[ClaimRuns], verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """One record per test, and one per claim that has not run."""
    rows: list[dict[str, Any]] = []
    for one in found:
        judged = _of(one, verdicts)
        rows += [{**verdict_record(verdict), "text": one.claim.text} for verdict in judged]
        if not judged:
            start = {"claim": one.claim.id, "source": one.claim.source, "study": one.spec.name}
            rows.append({**start, "verdict": NOT_RUN, "text": one.claim.text})
    return rows
