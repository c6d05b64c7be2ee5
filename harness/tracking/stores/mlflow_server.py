"""An MLflow server as a store: whether it answers, and how long MLflow retries requests to it."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.parse import urlsplit

from harness.core.errors import InputError, first_line
from harness.core.secrets import hide_passwords, mask
from harness.tracking.stores.urls import check_characters

_CONNECT_SECONDS = 5.0
_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_PAUSE = "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"
_NO_LINKS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"


def is_server_uri(uri: str) -> bool:
    """True if ``uri`` is the address of an MLflow server rather than of a database."""
    return uri.startswith(("http://", "https://"))


def check_server(uri: str, option: str) -> None:
    """Raise InputError, one line and without retries, unless an MLflow server answers at ``uri``.

    Passwords are masked. From here on MLflow prints no links to runs in this process: they hold the
    whole address.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    os.environ[_NO_LINKS] = "true"
    check_characters(uri, option)
    _check_answers(uri, option)
    with _no_retries():
        try:
            MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
        except MlflowException as error:
            reason = hide_passwords(first_line(error))
            raise InputError(f"{option}: {mask(uri)}: {reason}") from None


def enable_retries() -> None:
    """Make MLflow retry failed requests for six minutes in this process, with growing pauses.

    The pauses are 0, 2, 4, 8, 16, 32, 64, 120 and 120 s; MLflow's default is 0, 4, 8 ... 120 s.
    Values already set in the environment are kept.
    """
    os.environ.setdefault(_RETRIES, "9")
    os.environ.setdefault(_PAUSE, "1")


@contextmanager
def _no_retries() -> Iterator[None]:
    """Switch off MLflow's retries: an address that fails from the start is likely a wrong one."""
    before = os.environ.get(_RETRIES)
    os.environ[_RETRIES] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_RETRIES]
        else:
            os.environ[_RETRIES] = before


def _check_answers(uri: str, option: str) -> None:
    """Raise InputError unless an HTTP server answers at ``uri``, with any status."""
    try:
        parts = urlsplit(uri)
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2], path="/health").geturl()
        urllib.request.urlopen(address, timeout=_CONNECT_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
    except (ValueError, HTTPException):  # its text may quote a part of the password as a port
        raise InputError(f"{option}: {mask(uri)}: not the address of a server") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise InputError(f"{option}: {mask(uri)}: no server answers ({reason})") from None
