"""Keep TensorFlow's start-up chatter off the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_import() -> Iterator[None]:
    """Hold back what native code writes to stderr inside; it is shown if an exception leaves.

    TensorFlow writes several lines at import, before any of its log levels apply. Later native
    messages are silenced by its log level, unless TF_CPP_MIN_LOG_LEVEL is set already; what
    matters of them is raised as an exception too.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except Exception:  # an interruption is nothing that it could explain
            held_back.seek(0)
            os.write(terminal, held_back.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
