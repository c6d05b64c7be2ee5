"""Wall and CPU seconds of pieces of work that take turns, so that all of them see the same load."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Seconds(NamedTuple):
    """Seconds on the clock, and CPU seconds of this process in all its threads."""

    wall: float
    cpu: float


def in_turn(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Seconds]]:
    """What each piece of work took in each of ``rounds``, after once to warm up.

    The order is turned around from round to round.
    """
    found: dict[str, list[Seconds]] = {name: [] for name in work}
    names = list(work)
    for number in range(1 + rounds):
        for name in names:
            seconds = _timed(work[name])
            if number:
                found[name].append(seconds)
        names.reverse()
    return found


def median(found: Sequence[Seconds]) -> Seconds:
    """The median of either kind of seconds by itself."""
    return Seconds(*(statistics.median(kind) for kind in zip(*found, strict=True)))


def cpu_medians(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each piece of work: what repeats on a machine that others use, too."""
    return {name: median(found).cpu for name, found in in_turn(work, rounds).items()}


def _timed(work: Callable[[], object]) -> Seconds:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)
