"""What the collapse alarm says of a generator, in words: from its two probabilities alone."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.schema import COLLAPSE_PROBABILITY, COLLAPSED, POOR, POOR_PROBABILITY

LEVEL = 0.5
"""From this probability on, a state is more probable than not, and is said."""


def alarm_word(scores: Mapping[str, float], level: float = LEVEL) -> str:
    """``COLLAPSED``, ``POOR`` or "" for a generator with these ``scores``.

    A generator that has collapsed is not called poor as well. Runs of versions that knew no poor
    generators have no such probability: of them a collapse alone can be said.
    """
    if scores.get(COLLAPSE_PROBABILITY, 0.0) >= level:
        return COLLAPSED
    return POOR if scores.get(POOR_PROBABILITY, 0.0) >= level else ""
