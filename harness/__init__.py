"""A benchmark harness for the Keras DCGAN; ``harness.load`` reads a recorded study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api.study import RecordedStudy


def load(
    study: str, tracking_uri: str | None = None, data_dir: Path | None = None
) -> RecordedStudy:
    """The recorded study of that name: its trials, curves and winner; as ``harness.api.study``."""
    from harness.api.study import load as load_study

    return load_study(study, tracking_uri, data_dir)
