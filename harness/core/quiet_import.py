"""Hides the messages that TensorFlow prints while it is imported."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_import() -> Iterator[None]:
    """Hold back stderr, that of native code too, inside the block; show it after an exception.

    TensorFlow prints several lines at import, before any of its log levels apply. Its later native
    messages are silenced by TF_CPP_MIN_LOG_LEVEL, unless that is set already; native errors are
    raised as exceptions too.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except Exception:  # not KeyboardInterrupt, which the output does not explain
            held_back.seek(0)
            os.write(terminal, held_back.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
