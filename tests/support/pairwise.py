"""A few cases that stand for many: every pair of values occurs in at least one of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence


def pairs_of(case: Mapping[str, object]) -> set[tuple[object, ...]]:
    """Every pair of (field, value) in ``case``."""
    return set(itertools.combinations(sorted(case.items(), key=lambda item: item[0]), 2))


def pairwise(cases: Sequence[Mapping[str, object]]) -> list[int]:
    """Indices, rising, of cases that hold every pair of values that occurs in any of ``cases``.

    Greedy: always the first case with the most pairs that are still missing.
    """
    pairs = [pairs_of(case) for case in cases]
    missing, chosen = set().union(*pairs), []
    while missing:
        best = max(range(len(cases)), key=lambda index: len(pairs[index] & missing))
        chosen.append(best)
        missing -= pairs[best]
    return sorted(chosen)
