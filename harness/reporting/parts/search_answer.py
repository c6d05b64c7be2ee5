"""The answer of a search to its study's question, in words, and what limits it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.core.schema import FID_LATE, FID_LATE_SPREAD
from harness.core.spec.study_spec import Range
from harness.outcomes.late import LATE_WORDS
from harness.reporting import formats
from harness.reporting.results.tables import StudyResults, param_column
from harness.reporting.statistics.confirmation import Confirmed

EDGE = 0.05
"""A value counts as at the end of the searched range within this share of its width."""


@dataclass(frozen=True)
class Answer:
    """headline: one sentence. sentences: what supports it. caveats: what limits it."""

    headline: str
    sentences: tuple[str, ...]
    caveats: tuple[str, ...]


def search_answer(results: StudyResults, fresh: Sequence[Confirmed]) -> Answer:
    """What the search found. fresh: its ``confirmed`` winners, the best first, if there are any."""
    winner, row = results.winner, results.winning_trial
    if winner is None or row is None:
        return Answer(_nothing(results), (_tally(results),), ())
    sentences = [_configuration(results, row)]
    if fresh:
        sentences += [_interval(fresh[0]), _winners_curse(results, fresh)]
        caveats = [_few_seeds(fresh[0]), _how_sure(fresh)]
    else:
        sentences.append(_against_untrained(results, row))
        caveats = [_one_seed(results), _optimism(results)]
    sentences += [_late(results, row), _modes(results, row), _tally(results)]
    caveats += [_edge(results, row), _pruned(results), not_inception(results)]
    return Answer(
        winner.words(results.objective),
        tuple(filter(None, sentences)),
        tuple(filter(None, caveats)),
    )


def _interval(one: Confirmed) -> str:
    """The interval of the winner's mean; "" without one."""
    if math.isnan(one.low):
        return ""
    low, high = formats.score(one.low), formats.score(one.high)
    return f"Over the fresh seeds, the 95 % interval of its mean is {low} to {high}."


def _winners_curse(results: StudyResults, fresh: Sequence[Confirmed]) -> str:
    """How optimistic the score of the search's best trial was, and whether it is still the best."""
    first = int(results.ranked["number"].iloc[0])
    own = next((one for one in fresh if one.trial == first), None)
    if own is None:
        return f"The search's best, trial {first}, was not confirmed."
    passed = "" if own is fresh[0] else f"; trial {fresh[0].trial} ranks first on fresh seeds"
    words = "better" if own.too_good > 0 else "worse"
    return (
        f"The search ranked trial {first} first, with {formats.score(own.searched)}: "
        f"{formats.score(abs(own.too_good))} {words} than its mean on fresh seeds{passed}."
    )


def _few_seeds(one: Confirmed) -> str:
    """That the winner's fresh seeds give no interval; "" where they do."""
    if not math.isnan(one.low):
        return ""
    if one.num_seeds == 1:
        return (
            "The winner was confirmed with one fresh seed alone, which says nothing of how its "
            "score varies: there is no interval, and another seed may change the order."
        )
    return (
        f"All {one.num_seeds} fresh seeds of the winner scored the same, so there is no interval."
    )


def _how_sure(fresh: Sequence[Confirmed]) -> str:
    chance = fresh[0].probability_best
    if len(fresh) < 2 or math.isnan(chance):
        return ""
    return (
        f"In {chance:.0%} of the resamples of the seeds, its mean is the best of the "
        f"{len(fresh)} confirmed configurations; only the best of the search were confirmed."
    )


def num_classes(results: StudyResults) -> int | None:
    """The number of classes of the dataset, None where it was not recorded."""
    dataset = results.evaluation.get("dataset")
    found = dataset.get("num_classes") if isinstance(dataset, dict) else None
    return int(found) if isinstance(found, int | float) else None


def _nothing(results: StudyResults) -> str:
    if results.trials.empty:
        return "There is no answer yet: no trial was run."
    return "There is no answer: no trial was completed."


def _configuration(results: StudyResults, best: pd.Series) -> str:
    if not results.spec.space:
        return "No field was searched: every trial had the configuration below."
    parts = [f"{name} {formats.number(best[param_column(name)])}" for name in results.spec.space]
    return f"The configuration of trial {best['number']}: {formats.listing(parts)}."


def _against_untrained(results: StudyResults, best: pd.Series) -> str:
    untrained = results.untrained.get(results.objective)
    if untrained is None:
        return f"The {results.objective} of an untrained generator was not recorded."
    value = float(best[results.objective])
    better = value < untrained if results.lower_is_better else value > untrained
    text = f"An untrained generator scores {formats.score(untrained)}"
    if not better:
        return f"{text}: the winner is no better than that."
    if results.lower_is_better and value > 0 and untrained / value >= 1.1:
        return f"{text}, {formats.number(float(f'{untrained / value:.3g}'))} times as much."
    return f"{text}."


def _late(results: StudyResults, best: pd.Series) -> str:
    """What ``fid_late`` averages, and the fid of the generator that is kept; "" for another."""
    if results.objective != FID_LATE:
        return ""
    text = f"{LATE_WORDS} That of trial {best['number']} has a fid of {formats.score(best['fid'])}"
    spread = best.get(FID_LATE_SPREAD, math.nan)
    if math.isnan(spread):
        return f"{text}."
    return f"{text}; between those reports log fid has a standard deviation of {spread:.2f}."


def _modes(results: StudyResults, best: pd.Series) -> str:
    modes = best.get("modes_captured", math.nan)
    if not math.isfinite(modes):
        return ""
    total = num_classes(results)
    if total is None:
        return f"Its images cover {formats.number(modes)} classes."
    if modes == total:
        return f"Its images cover all {total} classes."
    return f"Its images cover {formats.number(modes)} of the {total} classes."


def _tally(results: StudyResults) -> str:
    number = dict(results.counts)
    planned = results.spec.search.num_trials
    interrupted = number.pop("interrupted")
    words = {"complete": "completed", "pruned": "pruned early", "running": "not ended"}
    parts = [f"{n:,} {words.get(word, word)}" for word, n in number.items() if n]
    run = sum(number.values())
    text = f"{formats.count(run, 'trial')} of {planned:,} planned"
    text += f": {formats.listing(parts)}." if parts else "."
    if interrupted:
        text += f" Not counted: {formats.count(interrupted, 'interrupted trial')}."
    return text


def _one_seed(results: StudyResults) -> str:
    if "seed" in results.spec.space or not results.spec.space or len(results.ranked) < 2:
        return ""
    return (
        "Each configuration was trained once, with one seed. Differences between configurations "
        "that score alike may be chance."
    )


def _optimism(results: StudyResults) -> str:
    num_ranked = len(results.ranked)
    if num_ranked < 2:
        return ""
    return (
        f"The best of {num_ranked:,} was chosen by the score that is shown, so that score is "
        f"optimistic: trained again with a fresh seed, the same configuration should be expected "
        f"to do somewhat worse."
    )


def _edge(results: StudyResults, best: pd.Series) -> str:
    """The fields of which the winner's value lies at an end of its range, in words; or ""."""
    parts = []
    for name, domain in results.spec.space.items():
        value = best[param_column(name)]
        if isinstance(domain, Range) and pd.notna(value):
            position = domain.position(float(value))
            if position <= EDGE:
                parts.append(f"{name} at its lower end")
            elif position >= 1 - EDGE:
                parts.append(f"{name} at its upper end")
    if not parts:
        return ""
    return (
        f"The winner has {formats.listing(parts)} of the searched range; better values may "
        f"lie outside."
    )


def _pruned(results: StudyResults) -> str:
    pruned = results.counts["pruned"]
    if not pruned:
        return ""
    return (
        f"{formats.count(pruned, 'trial')} stopped early because of interim scores: a "
        f"configuration that improves late may have been missed."
    )


def not_inception(results: StudyResults) -> str:
    """That fid is not the Inception FID, and in which features it is; nothing without fid."""
    if "fid" not in results.metrics:
        return ""
    return (
        f"fid is the Fréchet distance in {_features(results)}, not the Inception FID of papers: "
        f"its values compare within this project at equal sample counts only."
    )


def _features(results: StudyResults) -> str:
    extractor: Any = results.evaluation.get("extractor")
    chosen = extractor.get("name") if isinstance(extractor, dict) else "reference"
    if chosen in _CHOSEN_FEATURES:
        return _CHOSEN_FEATURES[chosen]
    classifier: Any = results.evaluation.get("classifier")
    name = classifier.get("name") if isinstance(classifier, dict) else None
    owner = f"the reference classifier {name}" if name else "a small reference classifier"
    return f"the features of {owner}"


_CHOSEN_FEATURES = {
    "inception": "the features of Keras's InceptionV3",
    "pixels": "plain pixels",
}
