"""The name under which the MLflow UI lists the run of a trial."""

from __future__ import annotations

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec


def trial_title(
    spec: StudySpec, number: int, config: TrialConfig | None, arm: str | None = None
) -> str:
    """The name of a trial's run for a person, at most LONGEST_TITLE characters.

    Number and searched values, ``t07 adam 3.1e-4 slope .18 centered``; number, arm and seed,
    ``t07 trial-005 seed 3``, in a study of arms.
    """
    words = [f"t{number:02d}"]
    if config is not None and arm is not None:
        words += [arm, f"seed {config.seed}"]
    elif config is not None:
        values = ((name, getattr(config, name)) for name in spec.space)
        words += [_value_word(name, value) for name, value in values]
    title = " ".join(words)
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 3]}..."


LONGEST_TITLE = 80

_SHORT_NAMES = {"learning_rate": "", "leaky_slope": "slope "}
"""Fields that are said by another word, or need none, in a title; others by their own name."""


def _value_word(name: str, value: str | int | float) -> str:
    if isinstance(value, str):
        return value
    text = f"{value:.2g}".replace("e-0", "e-").replace("e+0", "e")
    if 0 < abs(value) < 1:
        text = text.replace("0.", ".", 1)
    return f"{_SHORT_NAMES.get(name, f'{name} ')}{text}"
