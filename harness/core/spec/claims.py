"""Claims: statements about GANs that a study is to test, as a study file declares them.

A claim has one or more tests, each with an outcome and the smallest effect that matters; each test
gets a verdict. How a verdict is reached is not declared here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.config import check_field, check_keys
from harness.core.errors import InputError, check_printable, shown, within
from harness.core.registry import METRICS
from harness.core.schema import FID_LATE

IMAGES_TO_FID = "images_to_fid"

OUTCOMES: dict[str, str] = {
    FID_LATE: "minimize",
    IMAGES_TO_FID: "minimize",
    "d_loss_gap": "minimize",
    "imbalance": "minimize",
    "fid_course": "minimize",
    "images_per_second": "maximize",
    "train_seconds": "minimize",
    "d_loss": "minimize",
    "g_loss": "minimize",
    "collapse_probability": "minimize",
    "classification_accuracy_score": "maximize",
    "augmentation_gain": "maximize",
}
"""Outcomes that are no registered metric, with the direction in which they get better.

``fid_late``: geometric mean of fid over the reports in the last quarter of a run. ``imbalance``:
mean over a run's reports of |(d_real_accuracy + d_fake_accuracy) / 2 - 1/2|: 0 where the
discriminator guesses, as in the equilibrium of Goodfellow et al. 2014, 1/2 where it is never wrong.
``fid_course``: geometric mean of fid over a run's reports; a slower run has a higher one.
``images_to_fid``: training images until fid is at a test's ``level``, by interpolation of log fid
between reports; the budget for a run that never is, so that the mean is a restricted one.
``d_loss_gap``: mean over the reports of the last half of |d_loss - 2 ln 2|, the loss of a
discriminator that cannot tell; of the losses of Goodfellow et al. 2014 alone. In all means but
that of ``fid_late`` a report counts by the images since the one before it.
"""

KINDS: dict[str, tuple[str, ...]] = {
    "comparison": ("better", "than", "scale", "level"),
    "gain": (),
    "weak_correlation": ("predictor", "arm"),
    "within_run": ("predictor", "arm"),
    "separation": ("predictor", "threshold", "readable"),
    "importance": ("field", "over"),
}
"""Kind of a test -> its keys besides kind, text, outcome and smallest_effect.

``comparison``: arm ``better`` has the better outcome than arm ``than`` on average over seeds, as a
ratio or a difference (``scale``); ``level`` is the fid of ``images_to_fid``. ``gain``: the outcome
is above 0 on average.
``weak_correlation``: the rank correlation of ``predictor`` and outcome over all runs, or over the
seeds of one ``arm``, is below smallest_effect in size. ``within_run``: so is that over the reports
of one run, on average over the seeds of ``arm``. ``separation``: ``predictor`` tells runs whose
outcome is below ``threshold`` from the others, with an area under the ROC curve of at least
smallest_effect, among runs with a precision of ``readable`` or more.
``importance``: the searched ``field`` matters more for the outcome than every field in ``over``, by
at least smallest_effect, in shares that sum to 1.
"""

FORMER_KINDS = {"paired": "comparison"}
"""Names of kinds in study files and stores of earlier versions -> what they are called now."""

OPTIONAL = ("scale", "level", "readable")
"""Keys that a test may leave out; a ``weak_correlation`` may leave out its arm, too."""

SCALES = ("difference", "ratio")
GROUPS = ("notes", "literature")
"""Where claims come from: the learners' notes behind this project, or papers."""

_CLAIM_KEYS = ("id", "source", "text", "runs_of", "caveat", "group")
_COMMON = ("kind", "text", "outcome", "smallest_effect")


@dataclass(frozen=True)
class ClaimTest:
    """One test of a claim; ``KINDS`` says what each key means. Raises InputError for wrong values.

    smallest_effect: the smallest effect worth caring about: a share for a ratio (0.1 is 10 %), in
    the outcome's unit for a difference and a gain, a correlation, an area or a share otherwise.
    """

    outcome: str
    smallest_effect: float
    kind: str = "comparison"
    text: str = ""
    better: str = ""
    than: str = ""
    scale: str = "ratio"
    predictor: str = ""
    arm: str = ""
    threshold: float = math.nan
    level: float = 0.0
    readable: float = 0.0
    field: str = ""
    over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate every key that the kind of the test takes."""
        if self.kind not in KINDS:
            raise InputError(f"kind is {shown(self.kind)}; allowed: {', '.join(KINDS)}")
        for name in (self.outcome, *([self.predictor] if "predictor" in self.keys else [])):
            direction_of(name)
        if not isinstance(self.text, str):
            raise InputError(f"text takes text, got {shown(self.text)}")
        check_printable("text", self.text)
        effect = self.smallest_effect
        if isinstance(effect, bool) or not isinstance(effect, int | float) or not 0 <= effect < 1e9:
            raise InputError(f"smallest_effect takes a number from 0, got {shown(effect)}")
        if self.scale not in SCALES:
            raise InputError(f"scale is {shown(self.scale)}; allowed: {', '.join(SCALES)}")
        if self.outcome == IMAGES_TO_FID and not (_is_number(self.level) and self.level > 0):
            raise InputError(
                f"{IMAGES_TO_FID} needs a level of fid above 0, got {shown(self.level)}"
            )
        if not isinstance(self.arm, str):
            raise InputError(f"arm takes the name of an arm, got {shown(self.arm)}")
        if not _is_number(self.readable) or not 0 <= self.readable <= 1:
            raise InputError(f"readable takes a precision, 0 to 1, got {shown(self.readable)}")
        if self.kind == "separation" and not _is_number(self.threshold):
            raise InputError(f"threshold takes a number, got {shown(self.threshold)}")
        if self.kind == "importance":
            if not isinstance(self.over, tuple):
                raise InputError(f"over takes a list of fields, got {shown(self.over)}")
            for field in (self.field, *self.over):
                check_field(field)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of this kind of test besides the common ones."""
        return KINDS[self.kind]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that it names; none where it reads all runs of its study."""
        return tuple(filter(None, (self.better, self.than, self.arm)))

    @property
    def direction(self) -> str:
        """Whether the outcome is to ``minimize`` or to ``maximize``."""
        return direction_of(self.outcome)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a study file."""
        values = {key: getattr(self, key) for key in (*_COMMON, *self.keys)}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


@dataclass(frozen=True)
class Claim:
    """``[claim]``: a claim, its source, and the tests that decide the claim.

    id: such as C1. source: the note or the paper that makes the claim. text: the claim. runs_of:
    the study whose runs the tests read, empty for the study's own. caveat: what the tests do not
    test. group: one of GROUPS.
    """

    id: str
    source: str
    text: str
    tests: tuple[ClaimTest, ...]
    runs_of: str = ""
    caveat: str = ""
    group: str = "notes"

    def __post_init__(self) -> None:
        """Validate the texts, and that there is at least one test."""
        for key in ("id", "source", "text"):
            value = getattr(self, key)
            if not isinstance(value, str) or not value.strip():
                raise InputError(f"[claim]: {key} takes text, got {shown(value)}")
            check_printable(f"[claim]: {key}", value)
        if not isinstance(self.caveat, str):
            raise InputError(f"[claim]: caveat takes text, got {shown(self.caveat)}")
        check_printable("[claim]: caveat", self.caveat)
        if self.group not in GROUPS:
            raise InputError(f"[claim]: group is {shown(self.group)}; allowed: {', '.join(GROUPS)}")
        if not isinstance(self.runs_of, str):
            raise InputError(f"[claim]: runs_of takes a study's name, got {shown(self.runs_of)}")
        if not self.tests:
            raise InputError("[claim]: tests is empty; a claim has one [[claim.tests]] at least")

    def check_arms(self, arms: Sequence[str]) -> None:
        """Raise InputError if a test names an arm that is not in ``arms``, or one arm twice."""
        for test in self.tests:
            for name in test.arms if test.kind != "comparison" else (test.better, test.than):
                if name not in arms:
                    known = ", ".join(arms) or "none"
                    raise InputError(f"[claim]: no arm {shown(name)}; known: {known}")
            if test.kind == "comparison" and test.better == test.than:
                raise InputError(f"[claim]: arm {shown(test.better)} is compared with itself")

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a study file."""
        values = {key: getattr(self, key) for key in _CLAIM_KEYS}
        return {**values, "tests": [test.to_dict() for test in self.tests]}


def direction_of(outcome: object) -> str:
    """``minimize`` or ``maximize``, for a metric or one of OUTCOMES; InputError for another."""
    if isinstance(outcome, str) and outcome in OUTCOMES:
        return OUTCOMES[outcome]
    if isinstance(outcome, str) and outcome in METRICS.names():
        return str(METRICS.get(outcome).direction)
    known = ", ".join([*METRICS.names(), *OUTCOMES])
    raise InputError(f"outcome is {shown(outcome)}; known: {known}")


def parse_claim(table: Mapping[str, Any]) -> Claim | None:
    """The claim declared by the table ``[claim]``; None for an empty one."""
    if not table:
        return None
    with within("[claim]"):
        check_keys(table, (*_CLAIM_KEYS, "tests"), "the table")
        tests = table.get("tests", [])
        if not isinstance(tests, list):
            raise InputError(f"tests takes tables [[claim.tests]], got {shown(tests)}")
        parsed = tuple(_test(declared) for declared in tests)
    texts = {"id": "", "source": "", "text": "", **table}
    return Claim(**{**texts, "tests": parsed})


def _test(declared: object) -> ClaimTest:
    if not isinstance(declared, Mapping):
        raise InputError(f"tests takes tables [[claim.tests]], got {shown(declared)}")
    kind = declared.get("kind", "comparison")
    kind = FORMER_KINDS.get(kind, kind) if isinstance(kind, str) else kind
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"kind is {shown(kind)}; allowed: {', '.join(KINDS)}")
    check_keys(declared, (*_COMMON, *KINDS[kind]), f"a test of kind {kind}")
    optional = (*OPTIONAL, "arm") if kind == "weak_correlation" else OPTIONAL
    needed = ("outcome", "smallest_effect", *(k for k in KINDS[kind] if k not in optional))
    for key in needed:
        if key not in declared:
            raise InputError(f"a test of kind {kind} needs {key}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in declared.items()
    }
    return ClaimTest(**{**values, "kind": kind})


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # false for NaN, too
