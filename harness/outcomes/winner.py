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

from harness.core.spec.search_space import Domain, Range
from harness.outcomes.race import CLOSE, Fresh, mean, race

NARROW = 0.25
"""Numbers count as shared if they lie within this share of the searched range."""

NAMED = 4  # the most trials that are named one by one


@dataclass(frozen=True)
class Candidate:
    """A completed trial of a search.

    values: searched field -> its value, None where it is not known. fresh: scores of its
    configuration on fresh seeds, in the order of the seeds.
    """

    trial: int
    score: float
    values: Mapping[str, Any]
    fresh: Fresh = ()


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
    candidates: Sequence[Candidate],
    space: Mapping[str, Domain],
    *,
    looks: Sequence[int],
    lower_is_better: bool,
) -> Winner | None:
    """The winner among the ``candidates``; None if there are none.

    With fresh seeds: of the configurations that were trained on some, the first one in their
    ``race``, held at the ``looks``; alike are the others that have not left it. Without fresh
    seeds: the best score; alike are those within CLOSE of it, since one seed says no more.
    """
    sign = 1.0 if lower_is_better else -1.0
    confirmed = [one for one in candidates if not math.isnan(mean(one.fresh))]
    if confirmed:
        fresh = {one.trial: one.fresh for one in confirmed}
        alive = race(fresh, looks, lower_is_better=lower_is_better).alive
        by_trial = {one.trial: one for one in confirmed}
        first, *alike = (by_trial[trial] for trial in alive)
        value, compared = mean(first.fresh), len(confirmed)
    elif candidates:
        ranked = sorted(candidates, key=lambda one: (sign * one.score, one.trial))
        first, rest = ranked[0], ranked[1:]
        value, compared = first.score, len(ranked)
        alike = [one for one in rest if abs(one.score - value) <= CLOSE * abs(value)]
    else:
        return None
    same = _shared([first, *alike], space) if alike else {}
    numbers = tuple(one.trial for one in alike)
    seeds = len([score for score in first.fresh if score is not None])
    return Winner(first.trial, value, seeds, compared, numbers, same)


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
