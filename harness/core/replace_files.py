"""Writes the files of a folder together: all of them new, or all of them as they were."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def replace_files(contents: Mapping[Path, str | bytes]) -> None:
    """Give every file of ``contents`` its content, text as UTF-8; parent folders are made.

    All of them are written to temporary files first, then renamed in the order of ``contents``, so
    that no reader sees a partial file, and a full disk or Ctrl-C during the writing changes none.
    Whatever happens, no temporary file and no empty folder stays, except after a kill. Raises
    OSError.
    """
    temporaries: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for path, content in contents.items():
            for folder in reversed([path.parent, *path.parent.parents]):
                if not folder.exists():
                    folder.mkdir(exist_ok=True)
                    made.append(folder)
            if path.is_dir():  # noticed now, before any file has its new text
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            temporaries[path] = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            # "x" does not follow a link that somebody else put there.
            with temporaries[path].open("xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
        for folder in reversed(made):
            with suppress(OSError):  # there is something in it
                folder.rmdir()
