"""The answer of a study that compares arms: its verdicts in words, and what limits them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.reporting import formats
from harness.reporting.parts.search_answer import Answer, not_inception
from harness.reporting.parts.verdict_words import effect_words, meaning
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.verdicts import WORDS, Verdict


def arms_answer(results: StudyResults, verdicts: Sequence[Verdict]) -> Answer:
    """What the comparison decided, from the verdicts of the study's own tests."""
    if results.trials.empty:
        return Answer("There is no answer yet: no trial was run.", (_tally(results),), ())
    found = [not_inception(results), _own_level(verdicts), _same_runs(results)]
    return Answer(
        _headline(verdicts),
        (*(_sentence(verdict) for verdict in verdicts), _tally(results)),
        tuple(filter(None, found)),
    )


def _headline(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return "The arms were compared; the study claims nothing that could be tested."
    if len(verdicts) == 1:
        verdict = verdicts[0]
        return f"{verdict.decision.word.capitalize()}: {verdict.test.text or verdict.claim.text}."
    number = Counter(verdict.decision.word for verdict in verdicts)
    parts = [f"{number[word]} {word}" for word in WORDS if number[word]]
    return f"{verdicts[0].claim.text}: of {len(verdicts)} tests, {formats.listing(parts)}."


def _sentence(verdict: Verdict) -> str:
    """The effect of one test, or why there is none."""
    if verdict.hypothesis.estimate is None:
        return f"{verdict.hypothesis.reason.capitalize()}."
    return f"{meaning(verdict).capitalize()}: {effect_words(verdict)}."


def _tally(results: StudyResults) -> str:
    number, planned = results.counts, results.spec.search.num_trials
    words = f"{number['complete']} of {planned:,} planned runs completed"
    return words + (f", {number['failed']} failed." if number["failed"] else ".")


def _own_level(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return ""
    return (
        "The verdicts here are corrected for the tests of this study alone. The page of all claims "
        "corrects for all tests together and is stricter."
    )


def _same_runs(results: StudyResults) -> str:
    images = formats.number(results.spec.base_config().images)
    if results.spec.arms is not None and "images" in results.spec.arms.varied:
        return ""
    return (
        f"The comparison holds for {images} training images and this size of network; more images "
        "or larger networks may give another result."
    )
