"""Reconnects to a database server that stops for a while, so that the trial continues."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine

RECONNECT_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

_connected_dialects: WeakSet[Dialect] = WeakSet()
"""Dialects of engines that have connected once; only those are retried."""


def enable_reconnection() -> None:
    """Make all engines of this process retry lost connections for up to RECONNECT_SECONDS.

    Retries happen where an engine connects, so Optuna's and MLflow's stores behave alike; with
    ``pool_pre_ping`` an engine tests a pooled connection first and reconnects if it is lost. An
    engine's first connection is not retried, so that a wrong address or password fails at once.
    """
    if not event.contains(Engine, "do_connect", _connect):
        event.listen(Engine, "do_connect", _connect)


def _connect(dialect: Dialect, record: object, arguments: Any, options: Any) -> Any:
    """Handle SQLAlchemy's ``do_connect``: the connection, retried if the engine had one before."""
    # A SQLite file that cannot be opened will not come back by itself.
    retries = dialect in _connected_dialects and dialect.name != "sqlite"
    deadline = time.monotonic() + (RECONNECT_SECONDS if retries else 0.0)
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
