"""The collapse alarm: how probable it is, by a generator's scores, that it has collapsed.

Two logistic models whose inputs are shares, or ratios to the real images' own value, so that they
carry over to another dataset. They were fitted to planted collapses and to snapshots of generators
that a person has labelled: ``python -m harness.evaluation.calibrate``, as ``collapse.json`` says.

A collapsed generator repeats itself: its images are equal, alike or less diverse than real ones.
One whose images are poor but differ is called poor, where the classifier cannot read all classes in
them. Lost classes count as far as the images are like real ones, since a classifier puts images
that it cannot read into few classes. An untrained generator, whose images are all alike, reads as
collapsed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from harness.core.errors import InputError
from harness.core.schema import COLLAPSE_PROBABILITY, POOR_PROBABILITY
from harness.outcomes.alarm import LEVEL

MODEL_FILE = Path(__file__).with_name("collapse.json")
SCORES = ("modes_captured", "mode_jsd", "support_size", "ms_ssim", "vendi_ratio", "precision")
"""The scores that the alarm reads, of the generated and of the real images."""

EVIDENCE = ("lost_classes", "imbalance", "repetition", "likeness", "lost_diversity", "realism")
INPUTS = ("lost_classes", "imbalance", "repetition", "likeness", "lost_diversity")
"""Inputs of the model of a collapse, made from EVIDENCE by ``collapse_inputs``."""

POOR_INPUTS = ("lost_classes", "imbalance")
"""Inputs of the model of poor images that have not collapsed: evidence as it is."""

_AS_REALISTIC = ("lost_classes", "imbalance", "lost_diversity")
MAX_REPETITION = 4.0  # a constant generator against real images that read 10,000


@dataclass(frozen=True)
class Logistic:
    """p = 1 / (1 + exp(-(intercept + sum of coefficient * input))), more of an input raises p.

    Raises InputError for coefficients that are negative or not finite.
    """

    coefficients: Mapping[str, float]
    intercept: float

    def __post_init__(self) -> None:
        """Refuse a model that is not monotone."""
        values = [*self.coefficients.values(), self.intercept]
        if not all(math.isfinite(value) for value in values) or min(values[:-1], default=0) < 0:
            raise InputError("a collapse model has finite coefficients, none of them negative")

    def probability(self, inputs: Mapping[str, float]) -> float:
        """The probability in [0, 1], given a value for each of the coefficients' names."""
        logit = self.intercept + sum(self.coefficients[n] * inputs[n] for n in self.coefficients)
        return 1.0 / (1.0 + math.exp(-min(max(logit, -700.0), 700.0)))  # exp overflows at 709

    def to_dict(self) -> dict[str, Any]:
        """Both fields, ready for JSON."""
        return {"coefficients": dict(self.coefficients), "intercept": self.intercept}


@dataclass(frozen=True)
class CollapseModel:
    """collapsed: P(collapsed), of INPUTS. poor: P(poor, if not collapsed), of POOR_INPUTS.

    provenance: what they were fitted to, and the command. Raises InputError for other inputs.
    """

    collapsed: Logistic
    poor: Logistic
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse models of other inputs."""
        for model, names in ((self.collapsed, INPUTS), (self.poor, POOR_INPUTS)):
            if set(model.coefficients) != set(names):
                raise InputError(f"a collapse model has the inputs {', '.join(names)}")

    def probabilities(self, found: Mapping[str, float]) -> dict[str, float]:
        """``collapse_probability`` and ``poor_probability`` in [0, 1], given all of EVIDENCE."""
        return {
            COLLAPSE_PROBABILITY: self.collapsed.probability(collapse_inputs(found)),
            POOR_PROBABILITY: self.poor.probability(found),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        models = {"collapsed": self.collapsed.to_dict(), "poor": self.poor.to_dict()}
        return {**models, "provenance": dict(self.provenance)}


def evidence(scores: Mapping[str, float], real: Mapping[str, float]) -> dict[str, float]:
    """What the alarm sees, by EVIDENCE; all but realism are 0 for samples like the real images.

    lost_classes: share of the real classes that are not captured, in [0, 1]. imbalance: mode_jsd
    over its maximum ln 2, in [0, 1]. repetition: log10 of how many times fewer different images
    there are than the real ones read, in [0, 4]. likeness: how far ms_ssim has gone from the real
    images' own value to 1, in [0, 1]. lost_diversity: how far vendi_ratio lies below the real
    images' own value, in [0, 1]. realism: precision, the share of images that are like real ones.
    ``scores`` and ``real`` hold SCORES; ``real`` those of the real sample against itself.
    """
    repetition = math.log10(real["support_size"] / scores["support_size"])
    room = 1.0 - real["ms_ssim"]
    return {
        "lost_classes": max(0.0, 1.0 - scores["modes_captured"] / real["modes_captured"]),
        "imbalance": scores["mode_jsd"] / math.log(2.0),
        "repetition": min(max(repetition, 0.0), MAX_REPETITION),
        "likeness": max(0.0, (scores["ms_ssim"] - real["ms_ssim"]) / room) if room > 0 else 0.0,
        "lost_diversity": max(0.0, 1.0 - scores["vendi_ratio"] / real["vendi_ratio"]),
        "realism": scores["precision"],
    }


def collapse_inputs(found: Mapping[str, float]) -> dict[str, float]:
    """INPUTS from EVIDENCE: what is read from classes and features counts times the realism.

    Images unlike any real one lie anywhere in the classifier's features, often close together, and
    say nothing of what the generator has lost; that they are equal or alike is seen without it.
    """
    return {
        name: found[name] * (found["realism"] if name in _AS_REALISTIC else 1.0) for name in INPUTS
    }


def alarm(scores: Mapping[str, float], real: Mapping[str, float]) -> dict[str, float]:
    """``collapse_probability`` and ``poor_probability`` of a generator with these ``scores``.

    By the shipped model; ``scores`` and ``real`` as for ``evidence``.
    """
    return shipped_model().probabilities(evidence(scores, real))


def records() -> dict[str, dict[str, Any]]:
    """What a reader must know of both probabilities, as for a metric, ready for JSON."""
    common = {
        "direction": "minimize",
        "low": 0.0,
        "high": 1.0,
        "unit": "probability",
        "source": "logistic model of planted collapses and labelled generators, "
        "harness.evaluation.calibrate",
        "alarm_level": LEVEL,
    }
    collapsed = f"Probability that the generator has collapsed; alarm from {LEVEL:g} on."
    poor = (
        "Probability that images which have not collapsed are poor, their classes not readable; "
        f"said from {LEVEL:g} on."
    )
    return {
        COLLAPSE_PROBABILITY: {**common, "summary": collapsed},
        POOR_PROBABILITY: {**common, "summary": poor},
    }


@cache
def shipped_model() -> CollapseModel:
    """The model that comes with the package; InputError if its file is damaged."""
    return read_model(MODEL_FILE)


def read_model(path: Path) -> CollapseModel:
    """The model in the JSON file at ``path``; InputError, one line, if there is none."""
    try:
        values = json.loads(path.read_text("utf-8"))
        collapsed, poor = (_logistic(values[name]) for name in ("collapsed", "poor"))
        return CollapseModel(collapsed, poor, values["provenance"])
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: not a collapse model") from None


def _logistic(values: Mapping[str, Any]) -> Logistic:
    coefficients = {name: float(value) for name, value in values["coefficients"].items()}
    return Logistic(coefficients, float(values["intercept"]))
