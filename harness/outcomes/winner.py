"""The winner of a search: the configuration that a study recommends, decided here alone.

Page, study.json, terminal and MLflow say what this module says, so that a study has one winner.
Where its configurations were trained again on fresh seeds, these decide and the search's own scores
do not: the best of many is chosen by its score, which is therefore too good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy import special

from harness.core.spec.search_space import Domain, Range

LEVEL = 0.05
"""The probability that the best of the confirmed configurations is told apart from an equal one."""

CLOSE = 0.10
"""Trials of one seed within this share of the best score are not told apart from it."""

NARROW = 0.25
"""Numbers count as shared if they lie within this share of the searched range."""

NAMED = 4  # the most trials that are named one by one


@dataclass(frozen=True)
class Candidate:
    """A completed trial of a search.

    values: searched field -> its value, None where it is not known. fresh: scores of its
    configuration on fresh seeds, in the order of the seeds; failed: how many of these runs failed.
    """

    trial: int
    score: float
    values: Mapping[str, Any]
    fresh: tuple[float, ...] = ()
    failed: int = 0


@dataclass(frozen=True)
class Winner:
    """The trial whose configuration a study recommends.

    value: the mean score on ``num_seeds`` fresh seeds, or the search's own score where that is 0.
    compared: how many configurations the winner was chosen from. alike: trials that cannot be told
    apart from it, the best first. shared: searched field -> what all of them have in common: a
    value, or (lowest, highest) of numbers that lie close to each other.
    """

    trial: int
    value: float
    num_seeds: int
    compared: int
    alike: tuple[int, ...] = ()
    shared: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self, metric: str) -> dict[str, Any]:
        """Everything, and the words, ready for JSON."""
        plain = {**asdict(self), "alike": list(self.alike)}
        plain["value"] = self.value if math.isfinite(self.value) else None
        plain["shared"] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.shared.items()
        }
        return {**plain, "words": self.words(metric)}

    def words(self, metric: str) -> str:
        """One or two sentences; the same on the page, in study.json and in the terminal."""
        score, seeds = f"{self.value:.4g}", _count(self.num_seeds, "fresh seed")
        if self.alike:
            names = _names([self.trial, *self.alike])
            on = f"on {seeds}" if self.num_seeds else "by one seed each"
            mean = "mean " if self.num_seeds else ""
            return (
                f"Trials {names} cannot be told apart {on}; trial {self.trial} has the best "
                f"{mean}{metric}, {score}. {_shared_words(self.shared)}"
            )
        if self.num_seeds:
            what, single = f"a mean {metric} of {score} over {seeds}", "was confirmed"
            several = f"is the best of {self.compared} confirmed configurations"
        else:
            what, single = f"a {metric} of {score}", "is the only one that was completed"
            several = f"is the best of {self.compared:,} completed trials"
        return f"Trial {self.trial} {single if self.compared == 1 else several}, with {what}."


def find_winner(
    candidates: Sequence[Candidate], space: Mapping[str, Domain], *, lower_is_better: bool
) -> Winner | None:
    """The winner among the ``candidates``; None if there are none.

    With fresh seeds: of the configurations that were trained on some, those without a failed run
    first, the best mean. Alike are those of which a Welch test does not say otherwise, at LEVEL
    divided by the number of tests (Bonferroni), and those with too few seeds for a test. Without
    fresh seeds: the best score; alike are those within CLOSE of it, since one seed says no more.
    """
    sign = 1.0 if lower_is_better else -1.0
    confirmed = [one for one in candidates if one.fresh]
    if confirmed:
        ranked = sorted(confirmed, key=lambda one: (one.failed > 0, sign * mean(one), one.trial))
        first, rest = ranked[0], ranked[1:]
        alike = [one for one in rest if _may_be_equal(first, one, LEVEL / len(rest))]
        value = mean(first)
    elif candidates:
        ranked = sorted(candidates, key=lambda one: (sign * one.score, one.trial))
        first, rest = ranked[0], ranked[1:]
        value = first.score
        alike = [one for one in rest if abs(one.score - value) <= CLOSE * abs(value)]
    else:
        return None
    same = _shared([first, *alike], space) if alike else {}
    numbers = tuple(one.trial for one in alike)
    return Winner(first.trial, value, len(first.fresh), len(ranked), numbers, same)


def mean(candidate: Candidate) -> float:
    """The mean of its scores on fresh seeds; NaN without any."""
    return float(np.mean(candidate.fresh)) if candidate.fresh else math.nan


def _may_be_equal(first: Candidate, other: Candidate, level: float) -> bool:
    """Whether Welch's test of the two means has a p-value of at least ``level``, or cannot be made.

    A configuration of which a run failed is not equal to one of which none did.
    """
    if other.failed > 0 and first.failed == 0:
        return False
    if min(len(first.fresh), len(other.fresh)) < 2:
        return True
    return _welch(first.fresh, other.fresh) >= level


def _welch(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p-value of Welch's t test (Welch 1947) of two samples of at least two."""
    sizes = np.array([len(one), len(other)])
    errors = np.array([np.var(values, ddof=1) for values in (one, other)]) / sizes
    difference = abs(np.mean(one) - np.mean(other))
    if errors.sum() == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    freedom = errors.sum() ** 2 / (errors**2 / (sizes - 1)).sum()
    return float(2.0 * special.stdtr(freedom, -difference / np.sqrt(errors.sum())))


def _shared(candidates: Sequence[Candidate], space: Mapping[str, Domain]) -> dict[str, Any]:
    """Field -> what all ``candidates`` have in common; without fields in which they differ."""
    found: dict[str, Any] = {}
    for name, domain in space.items():
        values = [one.values[name] for one in candidates]
        if None in values:
            continue
        if len(set(values)) == 1:
            found[name] = values[0]
        elif isinstance(domain, Range):
            low, high = min(values), max(values)
            if domain.position(high) - domain.position(low) <= NARROW:
                found[name] = (low, high)
    return found


def _shared_words(shared: Mapping[str, Any]) -> str:
    if not shared:
        return "They have no searched value in common."
    parts = [
        f"{name} {_number(value[0])} to {_number(value[1])}"
        if isinstance(value, tuple)
        else f"{name} {_number(value)}"
        for name, value in shared.items()
    ]
    return f"They share {_listing(parts)}."


def _names(trials: Sequence[int]) -> str:
    names = [str(trial) for trial in trials[:NAMED]]
    more = len(trials) - len(names)
    return _listing([*names, f"{more:,} more"] if more else names)


def _listing(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
