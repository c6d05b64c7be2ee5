"""A verdict in words: effect, interval, runs, and how many seeds would decide the test."""

from __future__ import annotations

import math
from typing import Any

from harness.reporting import formats
from harness.reporting.statistics.estimates import WinRate
from harness.reporting.statistics.hypotheses import UNDECIDED
from harness.reporting.statistics.verdicts import MAX_NEEDED, Verdict

NOT_RUN = "not run"
_PERCENT = "\N{NO-BREAK SPACE}%"


def effect_words(verdict: Verdict) -> str:
    """The effect with its interval: "+23 % (5.1 % to 44 %)", "0.31 (0.10 to 0.49)", or a dash."""
    decision = verdict.decision
    if not math.isfinite(decision.effect):
        return formats.MISSING
    effect, low, high = (_value(v, verdict) for v in (decision.effect, decision.low, decision.high))
    won = verdict.hypothesis.estimate
    start = f"{won.wins} of {won.n} pairs won, " if isinstance(won, WinRate) else ""
    return f"{start}{effect} ({low} to {high})"


def meaning(verdict: Verdict) -> str:
    """What the effect is, in words."""
    test = verdict.test
    if isinstance(verdict.hypothesis.estimate, WinRate):
        return f"share of the pairs in which {test.better} does better than {test.than}"
    if test.kind == "paired" and test.scale == "ratio":
        over, under = (test.than, test.better)
        if test.direction == "maximize":
            over, under = under, over
        return f"how much higher {test.outcome} is with {over} than with {under}"
    if test.kind == "paired":
        return f"by how much {test.better} does better than {test.than} in {test.outcome}"
    return {
        "gain": f"mean {test.outcome}",
        "weak_correlation": f"size of the rank correlation of {test.predictor} and {test.outcome}",
        "separation": f"area under the ROC curve of {test.predictor}, for {test.outcome} below "
        f"{formats.number(test.threshold)}",
        "importance": f"share of {test.field} less the largest share among the others",
    }[test.kind]


def sentence(verdict: Verdict) -> str:
    """The grounds of the verdict: effect, interval, p, lost runs, how many would decide it."""
    decision, hypothesis = verdict.decision, verdict.hypothesis
    if hypothesis.estimate is None:
        parts = [f"{hypothesis.reason.capitalize()}."]
    else:
        noun = "pair" if verdict.test.kind == "paired" else "run"
        coverage = formats.number(float(f"{100 * (1 - decision.level):.4g}"))
        parts = [
            f"{meaning(verdict).capitalize()}: {effect_words(verdict)}, interval of {coverage} %, "
            f"p {_p_words(decision.p)} for this test alone; by {hypothesis.rule}, "
            f"n = {formats.count(hypothesis.estimate.n, noun)}."
        ]
        if hypothesis.scale != "probability":
            parts.append(f"Smallest effect that matters: {_margin(verdict)}.")
    if hypothesis.lost:
        parts.append(f"Not used as numbers: {formats.listing(list(hypothesis.lost))}.")
    if decision.word == UNDECIDED and verdict.needed is not None:
        parts.append(f"{needed_words(verdict).capitalize()} would probably decide it.")
    return " ".join(parts)


def needed_words(verdict: Verdict) -> str:
    """The number of seeds or runs that would decide an undecided test; "" if not known."""
    if verdict.needed is None:
        return ""
    if not math.isfinite(verdict.needed):
        return f"more than {MAX_NEEDED:,} {verdict.hypothesis.units}s"
    return f"about {int(verdict.needed):,} {verdict.hypothesis.units}s"


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain types for JSON and CSV; None for what is missing.

    A ratio's effect and interval are shares: 0.1 where one outcome is 10 % above the other.
    """
    decision, hypothesis = verdict.decision, verdict.hypothesis
    ratio = hypothesis.scale == "ratio"

    def reported(value: float) -> float | None:
        value = math.expm1(value) if ratio and math.isfinite(value) else value
        return value if math.isfinite(value) else None

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
        "level": decision.level if math.isfinite(decision.level) else None,
        "p": decision.p,
        "rule": hypothesis.rule,
        "n": hypothesis.estimate.n if hypothesis.estimate else 0,
        "runs": hypothesis.runs,
        "lost": list(hypothesis.lost),
        "needed": None if verdict.needed is None else needed_words(verdict),
    }


def _value(value: float, verdict: Verdict) -> str:
    scale = verdict.hypothesis.scale
    if scale == "ratio":
        return _signed(f"{math.expm1(value):+.1%}".replace("%", _PERCENT))
    if scale == "probability":
        return f"{value:.0%}".replace("%", _PERCENT)
    return _signed(formats.number(float(f"{value:.3g}")))


def _margin(verdict: Verdict) -> str:
    smallest = verdict.test.smallest_effect
    if verdict.test.kind == "paired" and verdict.test.scale == "ratio":
        return f"{100 * smallest:.3g} %"
    return formats.number(smallest)


def _p_words(p: float) -> str:
    if p < 1e-4:
        return "below 0.0001"
    return "above 0.5" if p >= 0.499 else f"= {p:.2g}"


def _signed(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text
