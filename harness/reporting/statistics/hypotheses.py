"""The hypothesis of a claim's test: its estimate from the runs and its margins, or a reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.core.registry import TEST_KINDS
from harness.core.spec.claims import ClaimTest
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.differences import Failures
from harness.reporting.statistics.estimates import Estimate

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
NO_DIFFERENCE = "no difference that matters"
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Hypothesis:
    """One test of a claim with its estimate and margins.

    estimate: None where ``reason`` says why there is none. failures: of the two arms, None where no
    run failed and in other tests. reference: the effect that the interval must leave; above, below:
    the verdict then, "" for none. margin: the effects that the interval must lie between for the
    verdict ``inside``, None if there is no such verdict. scale: how an effect reads: "ratio" (a
    logarithm) or "" (a plain number). rule: how it was tested. units: what n counts, "seed" or
    "run". runs: how many runs it rests on. lost: what could not be used as a number, one phrase
    each. hopeless: whether more runs cannot give an estimate. correlation: of the arms over the
    seeds that both have, ``common_seeds``, which no test uses; NaN where it is not known.
    """

    estimate: Estimate | None = None
    failures: Failures | None = None
    reference: float = 0.0
    above: str = SUPPORTED
    below: str = CONTRADICTED
    margin: tuple[float, float] | None = None
    inside: str = NO_DIFFERENCE
    scale: str = ""
    rule: str = ""
    units: str = "run"
    runs: int = 0
    lost: tuple[str, ...] = ()
    reason: str = ""
    hopeless: bool = False
    correlation: float = math.nan
    common_seeds: int = 0


Kind = Callable[[ClaimTest, StudyResults, int | None], Hypothesis]
"""A kind of test, as ``statistics/kinds`` has them."""


def formulate(test: ClaimTest, results: StudyResults, first: int | None = None) -> Hypothesis:
    """The hypothesis of ``test`` with the estimate from the runs in ``results``.

    first: only the runs of as many seeds, for tests of arms, or as many runs, in their order; all
    of them if None. ``num_ended`` says how many there are at most.
    """
    kind: Kind = TEST_KINDS.get(test.kind)
    return kind(test, results, first)
