"""Writes the files of a folder together: all of them new, or all of them as they were."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def replace_files(texts: Mapping[Path, str]) -> None:
    """Give every file of ``texts`` its text, UTF-8; parent folders are made.

    All texts are written to temporary files first, then renamed in the order of ``texts``, so that
    no reader sees a partial file, and a full disk or Ctrl-C while they are written changes none.
    Whatever happens, no temporary file stays, except after a kill. Raises OSError.
    """
    temporaries: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():  # noticed now, before any file has its new text
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            temporaries[path] = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            # "x" does not follow a link that somebody else put there.
            with temporaries[path].open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
