"""An MLflow server as a store: whether it answers, and how long MLflow retries requests to it."""

from __future__ import annotations

import os
import socket
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
_READ_SECONDS = 30
_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_PAUSE = "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"
_NO_LINKS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_PRESIGNED = "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"


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
    # An address that fails from the start is likely a wrong one: no retries.
    with _environment({_RETRIES: "0"}):
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
def limited_requests() -> Iterator[None]:
    """Let no request of the block wait for longer than 30 s, nor be repeated more than twice.

    For readers, which lose nothing and can be run again. The limit also holds for the artifact
    clients that use Python's sockets, and artifacts of a server come from that server itself.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_READ_SECONDS)
    limits = {_RETRIES: "2", _PAUSE: "1", _TIMEOUT: str(_READ_SECONDS), _PRESIGNED: "false"}
    try:
        with _environment(limits):
            yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set these environment variables for the block; then they are as they were."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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
