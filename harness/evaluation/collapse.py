"""The collapse alarm: how probable it is, by a generator's scores, that it has collapsed.

A logistic model with four inputs, each a share or a ratio to the real images' own value, so that
it carries over to another dataset. It was fitted to planted collapses, not to opinions:
``python -m harness.evaluation.calibrate mnist --model harness/evaluation/collapse.json``.

A generator whose images are poor but diverse is not collapsed. One so poor that the classifier
sees a single class, as before any training, is: in this feature space it is one point.
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

MODEL_FILE = Path(__file__).with_name("collapse.json")
SCORES = ("modes_captured", "mode_jsd", "support_size", "ms_ssim")
"""The scores that the alarm reads, of the generated and of the real images."""

INPUTS = ("lost_classes", "imbalance", "repetition", "likeness")
LEVEL = 0.5
"""From this probability on, a collapse is more probable than not, and the alarm is up."""

MAX_REPETITION = 4.0  # a constant generator against real images that read 10,000


@dataclass(frozen=True)
class CollapseModel:
    """P(collapsed) = 1 / (1 + exp(-(intercept + sum of coefficient * input))).

    coefficients: one per name in INPUTS, none negative, so that more of any evidence never makes a
    collapse less probable. provenance: what it was fitted to, and the command. Raises InputError
    for anything else.
    """

    coefficients: Mapping[str, float]
    intercept: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a model that is incomplete or not monotone."""
        if set(self.coefficients) != set(INPUTS):
            raise InputError(f"a collapse model has the inputs {', '.join(INPUTS)}")
        values = [*self.coefficients.values(), self.intercept]
        if not all(math.isfinite(value) for value in values) or min(values[:-1]) < 0:
            raise InputError("a collapse model has finite coefficients, none of them negative")

    def probability(self, inputs: Mapping[str, float]) -> float:
        """The probability of a collapse in [0, 1], given a value for each of INPUTS."""
        logit = self.intercept + sum(self.coefficients[name] * inputs[name] for name in INPUTS)
        return 1.0 / (1.0 + math.exp(-min(max(logit, -700.0), 700.0)))  # exp overflows at 709

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "coefficients": dict(self.coefficients),
            "intercept": self.intercept,
            "provenance": dict(self.provenance),
        }


def evidence(scores: Mapping[str, float], real: Mapping[str, float]) -> dict[str, float]:
    """The four inputs of the alarm, each 0 for samples like the real images.

    lost_classes: share of the real classes that are not captured, in [0, 1]. imbalance: mode_jsd
    over its maximum ln 2, in [0, 1]. repetition: log10 of how many times fewer different images
    there are than the real ones read, in [0, 4]. likeness: how far ms_ssim has gone from the real
    images' own value to 1, in [0, 1]. ``scores`` and ``real`` hold SCORES; ``real`` those of the
    real sample against itself.
    """
    repetition = math.log10(real["support_size"] / scores["support_size"])
    room = 1.0 - real["ms_ssim"]
    return {
        "lost_classes": max(0.0, 1.0 - scores["modes_captured"] / real["modes_captured"]),
        "imbalance": scores["mode_jsd"] / math.log(2.0),
        "repetition": min(max(repetition, 0.0), MAX_REPETITION),
        "likeness": max(0.0, (scores["ms_ssim"] - real["ms_ssim"]) / room) if room > 0 else 0.0,
    }


def collapse_probability(scores: Mapping[str, float], real: Mapping[str, float]) -> float:
    """The probability in [0, 1] that the generator with these ``scores`` has collapsed.

    By the shipped model; ``scores`` and ``real`` as for ``evidence``.
    """
    return shipped_model().probability(evidence(scores, real))


def record() -> dict[str, Any]:
    """What a reader must know of ``collapse_probability``, as for a metric, ready for JSON."""
    return {
        "direction": "minimize",
        "low": 0.0,
        "high": 1.0,
        "unit": "probability",
        "summary": f"Probability that the generator has collapsed; alarm from {LEVEL:g} on.",
        "source": "logistic model of planted collapses, harness.evaluation.calibrate",
        "alarm_level": LEVEL,
    }


@cache
def shipped_model() -> CollapseModel:
    """The model that comes with the package; InputError if its file is damaged."""
    return read_model(MODEL_FILE)


def read_model(path: Path) -> CollapseModel:
    """The model in the JSON file at ``path``; InputError, one line, if there is none."""
    try:
        values = json.loads(path.read_text("utf-8"))
        coefficients = {name: float(value) for name, value in values["coefficients"].items()}
        return CollapseModel(coefficients, float(values["intercept"]), values["provenance"])
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: not a collapse model") from None
