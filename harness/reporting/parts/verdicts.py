"""The parts of a page that show the tests of claims: rows, plots, images."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.spec.claims import Claim, ClaimTest
from harness.core.spec.study_spec import StudySpec
from harness.reporting import formats
from harness.reporting.parts.claims.forest import Row, row
from harness.reporting.parts.figures import Panel, render_small
from harness.reporting.parts.image_grids import Grid
from harness.reporting.parts.tables import Table
from harness.reporting.parts.verdict_plots import plot_of
from harness.reporting.parts.verdict_words import (
    effect_words,
    failure_words,
    favour_words,
    look_words,
    needed_words,
    num_units,
    sentence,
)
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.hypotheses import (
    CONTRADICTED,
    NO_DIFFERENCE,
    SUPPORTED,
    UNDECIDED,
)
from harness.reporting.statistics.samples import by_seed
from harness.reporting.statistics.verdicts import Verdict

GLYPHS = {
    SUPPORTED: "\N{BLACK UP-POINTING TRIANGLE}",
    CONTRADICTED: "\N{BLACK DOWN-POINTING TRIANGLE}",
    NO_DIFFERENCE: "\N{BLACK SQUARE}",
    UNDECIDED: "\N{WHITE CIRCLE}",
}
"""Verdict -> its sign, which is told apart without colours."""

MAX_GRID = 320
"""Longest side in pixels of an image grid beside a test."""


@dataclass(frozen=True)
class Detail:
    """One test with its verdict, plot and images. mark, glyph: colour and sign of the word."""

    title: str
    word: str
    mark: str
    glyph: str
    sentence: str
    panels: list[Panel]
    caption: str
    grids: list[Grid]


@dataclass(frozen=True)
class TestRow:
    """One test in the table of all claims, as texts. needed: what would decide it, "" for none.

    glyph: of the verdict. favour: in whose favour the effect is. place: of the effect in the forest
    plot. seeds: of each arm. look: which look they are. spent: the share of the test's level so
    far.
    """

    text: str
    word: str
    mark: str
    glyph: str
    favour: str
    place: Row | None
    needed: str
    effect: str
    seeds: str
    look: str
    spent: str
    runs: str


def test_row(verdict: Verdict) -> TestRow:
    """The row of one test in the table of all claims."""
    hypothesis, test = verdict.hypothesis, verdict.test
    by_seeds = hypothesis.units == "seed"
    return TestRow(
        text=test.text or test.outcome,
        word=verdict.decision.word,
        mark=mark(verdict.decision.word),
        glyph=GLYPHS[verdict.decision.word],
        favour=_favour(verdict),
        place=row(verdict),
        needed=needed_words(verdict),
        effect=_effect(verdict),
        seeds=formats.number(num_units(verdict)) if by_seeds else formats.MISSING,
        look=look_words(verdict),
        spent=f"{verdict.decision.spent:.0%}",
        runs=formats.number(hypothesis.runs),
    )


def detail(verdict: Verdict, results: StudyResults) -> Detail:
    """The test with its pictures."""
    plot = plot_of(verdict.test)
    panels = render_small(plot, results)
    return Detail(
        title=verdict.test.text or verdict.test.outcome,
        word=verdict.decision.word,
        mark=mark(verdict.decision.word),
        glyph=GLYPHS[verdict.decision.word],
        sentence=sentence(verdict),
        panels=panels,
        caption=plot.caption(results),
        grids=arm_grids(verdict, results) if verdict.test.kind == "comparison" else [],
    )


def _effect(verdict: Verdict) -> str:
    """The effect, or why there is none."""
    hypothesis = verdict.hypothesis
    words = effect_words(verdict) if hypothesis.estimate or hypothesis.failures else ""
    reason = hypothesis.reason if hypothesis.estimate is None else ""
    return "; ".join(filter(None, (words, reason)))


def _favour(verdict: Verdict) -> str:
    """In whose favour the effect is, with what failed before it; or why there is none."""
    failed = failure_words(verdict)
    parts = (f"failed: {failed}" if failed else "", favour_words(verdict))
    reason = verdict.hypothesis.reason if verdict.hypothesis.estimate is None else ""
    return "; ".join(filter(None, (*parts, reason)))


def mark(word: str) -> str:
    """The class of a verdict in the style sheet, which gives it its colour."""
    return word.split()[0]


def arm_grids(verdict: Verdict, results: StudyResults) -> list[Grid]:
    """The images of both arms for the first seed that both completed, at equal images_seen."""
    wide = by_seed(results, verdict.test)
    both = wide[wide[["better_ended", "than_ended"]].isin(["complete"]).all(axis=1)]
    if both.empty:
        return []
    first, seed = both.iloc[0], both.index[0]
    runs = {verdict.test.better: first["better_run"], verdict.test.than: first["than_run"]}
    seen = results.trials.set_index("run_id")["images_seen"]
    common = min(int(seen[run]) for run in runs.values())
    return [
        Grid.of(
            title=arm,
            words=f"seed {seed}, {formats.number(common)} images seen",
            png=results.grids.last(str(run), common),
            alt=f"Grid of images generated by the arm {arm}, seed {seed}",
            longest=MAX_GRID,
        )
        for arm, run in runs.items()
    ]


def shared_runs(tests: Sequence[tuple[Claim, ClaimTest, StudySpec]]) -> Table | None:
    """Which tests lean on the same runs, the runs of most tests first; None if no two do.

    tests: each with the study whose runs it reads. Runs are the same if they are trained and scored
    alike, in whichever study: with the same seeds they have the same outcomes, so that the errors
    of their tests come together.
    """
    leaning: dict[str, list[str]] = {}
    names: dict[str, dict[str, None]] = {}
    for claim, test, spec in tests:
        for key, name in _trained(test, spec):
            leaning.setdefault(key, []).append(claim.id)
            names.setdefault(key, {})[name] = None
    rows = [
        [", ".join(names[key]), formats.number(len(claims)), _counted(claims)]
        for key, claims in sorted(leaning.items(), key=lambda item: -len(item[1]))
        if len(claims) > 1
    ]
    columns = ["runs", "tests that lean on them", "claims"]
    return Table(columns, rows, [False, True, False]) if rows else None


def _trained(test: ClaimTest, spec: StudySpec) -> list[tuple[str, str]]:
    """(what is trained and scored, name) of each group of runs that a test reads."""
    if spec.arms is None:
        return [(spec.name, f"{spec.name}: all")]
    configs = spec.arms.configs(spec.base_config())
    arms = (test.better, test.than) if test.kind == "comparison" else spec.arms.names
    scored = [spec.search.reports, spec.num_samples, spec.extractor.to_dict()]
    return [
        (json.dumps([configs[arm].identity(), *scored], sort_keys=True), f"{spec.name}: {arm}")
        for arm in arms
    ]


def _counted(claims: Sequence[str]) -> str:
    """``C1, C2 (2)``: the claims with the number of their tests, where that is not one."""
    counts = Counter(claims)
    return ", ".join(f"{one} ({n})" if n > 1 else one for one, n in counts.items())
