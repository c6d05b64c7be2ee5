"""A verdict in words: effect, interval, runs, and how many seeds would decide the test."""

from __future__ import annotations

import math
from typing import Any

from harness.reporting import formats
from harness.reporting.statistics.hypotheses import SUPPORTED, UNDECIDED
from harness.reporting.statistics.verdicts import (
    ALPHA,
    LOOKS,
    MAX_NEEDED,
    POWER,
    PROMISED,
    RUNS_PER_SEED,
    Verdict,
    looks,
    share,
)

NOT_RUN = "not run"
_PERCENT = "\N{NO-BREAK SPACE}%"


def level_words(num_tests: int) -> str:
    """How a page of ``num_tests`` tests holds its error, and how its tests are made; "" for 0."""
    if not num_tests:
        return ""
    many = f"Over all {num_tests} tests of this page" if num_tests > 1 else "For the test here"
    whole, own = _percentage(PROMISED), _percentage(ALPHA / num_tests)
    each = f"each test has {own} for all its looks" if num_tests > 1 else f"its looks share {own}"
    room = (
        f", {_percentage(ALPHA)} in all, and the rest is room for outcomes that are skewed and "
        f"spread differently in both arms"
    )
    return (
        f"{many}, the probability of one wrong verdict or more is held at {whole}, whenever a "
        f"person stops: {each}{room}. A test looks at its runs after "
        f"{formats.listing([str(n) for n in LOOKS])} seeds, at the runs of a search after "
        f"{RUNS_PER_SEED} times as many, and each look spends the level in proportion to the new "
        f"seeds. Intervals are those of one look, so they are wider than 95 % intervals. Arms are "
        f"compared by Welch's test, on logarithms where the effect is a ratio. Where runs failed "
        f"(no score, or half of an untrained generator's fid or more), their rates are compared by "
        f"Fisher's exact test and the other runs by the rank-sum test, each at half of the level. "
        f"Runs count as independent over seeds."
    )


def effect_words(verdict: Verdict) -> str:
    """The effect with its interval: "+23 % (5.1 % to 44 %)", "0.31 (0.10 to 0.49)", or a dash.

    Failed runs come first: "failed: 0 of 8 and 5 of 8; +23 % (5.1 % to 44 %)".
    """
    decision, failed = verdict.decision, failure_words(verdict)
    if not math.isfinite(decision.effect):
        return f"failed: {failed}" if failed else formats.MISSING
    return (f"failed: {failed}; " if failed else "") + _interval_words(verdict, 1.0)


def favour_words(verdict: Verdict) -> str:
    """In whose favour the effect is, and by how much: "centered: +23 % (5.1 % to 44 %)".

    Of two arms, the name of the better one, with the effect as it is above 0. Of other tests,
    whether the effect is on the claim's side. "" without an estimate.
    """
    decision, test = verdict.decision, verdict.test
    if not math.isfinite(decision.effect):
        return ""
    if test.kind != "comparison":
        reference, above = verdict.hypothesis.reference, verdict.hypothesis.above == SUPPORTED
        side = "for" if (decision.effect > reference) == above else "against"
        return f"{side} the claim: {_interval_words(verdict, 1.0)}"
    sign = 1.0 if decision.effect >= 0 else -1.0
    return f"{test.better if sign > 0 else test.than}: {_interval_words(verdict, sign)}"


def _interval_words(verdict: Verdict, sign: float) -> str:
    """The effect with its interval; both times ``sign``."""
    decision = verdict.decision
    ends = (decision.low, decision.high)[:: int(sign)]
    effect, low, high = (_value(sign * value, verdict) for value in (decision.effect, *ends))
    return f"{effect} ({low} to {high})"


def failure_words(verdict: Verdict) -> str:
    """How many runs of both arms failed, ``better`` first: "0 of 8 and 5 of 8"; "" if none did."""
    failures = verdict.hypothesis.failures
    if failures is None:
        return ""
    return (
        f"{failures.better} of {failures.better_runs} and {failures.than} of {failures.than_runs}"
    )


def look_words(verdict: Verdict) -> str:
    """The look that the verdict rests on: "2 of 6"; or that there was none yet."""
    look = verdict.decision.look
    return "none yet" if look is None else f"{look + 1} of {len(LOOKS)}"


def meaning(verdict: Verdict) -> str:
    """What the effect is, in words."""
    test = verdict.test
    apart = ", in the median of the runs that did not fail" if verdict.hypothesis.failures else ""
    if test.kind == "comparison" and test.scale == "ratio":
        over, under = (test.than, test.better)
        if test.direction == "maximize":
            over, under = under, over
        return f"how much higher {test.outcome} is with {over} than with {under}{apart}"
    if test.kind == "comparison":
        return f"by how much {test.better} does better than {test.than} in {test.outcome}{apart}"
    return {
        "gain": f"mean {test.outcome}",
        "weak_correlation": f"size of the rank correlation of {test.predictor} and {test.outcome}",
        "within_run": f"size of the mean rank correlation of {test.predictor} and {test.outcome} "
        "within a run",
        "separation": f"area under the ROC curve of {test.predictor}, for {test.outcome} below "
        f"{formats.number(test.threshold)}",
        "importance": f"share of {test.field} less the largest share among the others",
    }[test.kind]


def sentence(verdict: Verdict) -> str:
    """The grounds of the verdict: effect, interval, look, p, lost runs, what would decide it."""
    hypothesis = verdict.hypothesis
    parts = [_effect_sentence(verdict), _failure_sentence(verdict), _look_sentence(verdict)]
    if hypothesis.estimate is not None and verdict.test.kind != "importance":
        parts.append(f"Smallest effect that matters: {_margin(verdict)}.")
    if math.isfinite(hypothesis.correlation):
        correlation = _signed(f"{hypothesis.correlation:.2f}")
        parts.append(f"Correlation of the arms over seeds, which no test uses: {correlation}.")
    if hypothesis.lost:
        parts.append(f"Not used as numbers: {formats.listing(list(hypothesis.lost))}.")
    if verdict.decision.word == UNDECIDED and verdict.needed is not None:
        units, power = needed_words(verdict), _percentage(POWER)
        parts.append(
            f"Would be decided with a probability of {power} by {units}, if the effect is the "
            f"observed one shrunk by its own error."
        )
    return " ".join(filter(None, parts))


def needed_words(verdict: Verdict) -> str:
    """The number of seeds or runs that would decide an undecided test; "" if not known."""
    if verdict.needed is None:
        return ""
    units = f"{verdict.hypothesis.units}s"
    if not math.isfinite(verdict.needed):
        return f"more than {MAX_NEEDED:,} {units}"
    last = looks(verdict.hypothesis.units)[-1]
    if verdict.needed > last:
        return f"about {int(verdict.needed):,} {units}, beyond the last look ({last})"
    return f"{int(verdict.needed):,} {units}"


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain types for JSON and CSV; None for what is missing.

    A ratio's effect and interval are shares: 0.1 where one outcome is 10 % above the other. look:
    counts from 1. n: seeds of each arm, or runs. level: of the interval. p, budget, spent: as of
    ``Decision``.
    """
    decision, hypothesis = verdict.decision, verdict.hypothesis
    ratio = hypothesis.scale == "ratio"

    def reported(value: float) -> float | None:
        return _finite(math.expm1(value) if ratio and math.isfinite(value) else value)

    return {
        "claim": verdict.claim.id,
        "source": verdict.claim.source,
        "study": verdict.study,
        "test": verdict.test.to_dict(),
        "verdict": decision.word,
        "reason": hypothesis.reason,
        "effect": reported(decision.effect),
        "low": reported(decision.low),
        "high": reported(decision.high),
        "level": _finite(decision.level),
        "p": decision.p,
        "budget": decision.budget,
        "spent": decision.spent,
        "look": None if decision.look is None else decision.look + 1,
        "rule": hypothesis.rule,
        "n": num_units(verdict),
        "runs": hypothesis.runs,
        "failures": _failure_record(verdict),
        "correlation": _finite(hypothesis.correlation),
        "lost": list(hypothesis.lost),
        "needed": None if verdict.needed is None else needed_words(verdict),
    }


def num_units(verdict: Verdict) -> int:
    """How many seeds of each arm, or how many runs, the verdict rests on."""
    look = verdict.decision.look
    return verdict.ended if look is None else looks(verdict.hypothesis.units)[look]


def _effect_sentence(verdict: Verdict) -> str:
    decision, hypothesis = verdict.decision, verdict.hypothesis
    if hypothesis.estimate is None:
        return f"{_begun(hypothesis.reason)}."
    effect, low, high = (_value(v, verdict) for v in (decision.effect, decision.low, decision.high))
    return (
        f"{_begun(meaning(verdict))}: {effect} ({low} to {high}), interval of "
        f"{_percentage(1 - decision.level)}."
    )


def _failure_sentence(verdict: Verdict) -> str:
    failures, test = verdict.hypothesis.failures, verdict.test
    if failures is None:
        return ""
    return (
        f"Failed: {failures.better} of {failures.better_runs} with {test.better}, "
        f"{failures.than} of {failures.than_runs} with {test.than} (Fisher's p "
        f"{_p_words(failures.p)})."
    )


def _look_sentence(verdict: Verdict) -> str:
    """Which look it is, its p and level, and how many seeds wait for the next one."""
    decision, units = verdict.decision, verdict.hypothesis.units
    rule, now = verdict.hypothesis.rule, formats.count(num_units(verdict), units)
    of = " of each arm" if verdict.test.kind == "comparison" else ""
    start = f"{_begun(rule)}, {now}{of}"
    if decision.look is None:
        first = looks(units)[0]
        return f"{start}; the first look is at {first} {units}s."
    spent, budget = _percentage(share(decision.look)), _percentage(decision.budget)
    words = (
        f"{start}: look {look_words(verdict)}, which spends {spent} of the test's level. "
        f"p {_p_words(decision.p)} over its looks, decided at {budget} or less."
    )
    further = verdict.ended - num_units(verdict)
    return words + (f" {formats.count(further, units)} more ended since." if further > 0 else "")


def _failure_record(verdict: Verdict) -> dict[str, float] | None:
    failures = verdict.hypothesis.failures
    if failures is None:
        return None
    return {
        "better": failures.better,
        "better_runs": failures.better_runs,
        "than": failures.than,
        "than_runs": failures.than_runs,
        "p": failures.p,
    }


def _begun(words: str) -> str:
    """The words as a sentence begins; names within them stay as they are."""
    return words[:1].upper() + words[1:]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _value(value: float, verdict: Verdict) -> str:
    if not math.isfinite(value):
        return "no bound"
    if verdict.hypothesis.scale == "ratio":
        return _signed(f"{math.expm1(value):+.1%}".replace("%", _PERCENT))
    return _signed(formats.number(float(f"{value:.3g}")))


def _margin(verdict: Verdict) -> str:
    smallest = verdict.test.smallest_effect
    if verdict.test.kind == "comparison" and verdict.test.scale == "ratio":
        return f"{100 * smallest:.3g} %"
    return formats.number(smallest)


def _percentage(probability: float) -> str:
    return f"{formats.number(float(f'{100 * probability:.4g}'))} %"


def _p_words(p: float) -> str:
    if p < 1e-4:
        return "below 0.0001"
    return "above 0.5" if p >= 0.5 else f"= {p:.2g}"


def _signed(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text
