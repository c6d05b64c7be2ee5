"""Reads a study file of at most 1 MB; errors are one line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from harness.core.errors import InputError

MAX_FILE_BYTES = 1_000_000


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of the study file at ``path``; InputError, one line, if it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise InputError(f"larger than {MAX_FILE_BYTES:,} bytes; not a study file")
        return tomllib.loads(content.decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(reason) from None
