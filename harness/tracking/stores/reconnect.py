"""A database server that stops for a while does not end a trial: connections are waited for."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine

RECONNECT_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

_connected_dialects: WeakSet[Dialect] = WeakSet()
"""Of the engines that have reached their server: what they cannot reach now, they could before."""


def enable_reconnection() -> None:
    """From now on, let engines that have reached their server wait up to RECONNECT_SECONDS for it.

    They wait where they connect, so that the stores of Optuna and of MLflow do alike. An engine
    with ``pool_pre_ping`` notices there that its old connection is gone. The first connection is
    not waited for: a wrong address or password is to be said at once.
    """
    if not event.contains(Engine, "do_connect", _connect):
        event.listen(Engine, "do_connect", _connect)


def _connect(dialect: Dialect, record: object, arguments: Any, options: Any) -> Any:
    """SQLAlchemy's event: the connection, for which a known server is tried again and again."""
    waits = (
        dialect in _connected_dialects and dialect.name != "sqlite"
    )  # a file does not come back by itself
    deadline = time.monotonic() + (RECONNECT_SECONDS if waits else 0.0)
    pause = _FIRST_PAUSE
    while True:
        try:
            connection = dialect.connect(*arguments, **options)
        except Exception:  # each driver has its own errors
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            _connected_dialects.add(dialect)
            return connection
