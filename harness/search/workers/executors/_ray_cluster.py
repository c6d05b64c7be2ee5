"""A running Ray cluster: the connection to it, the resources of its nodes, actors on them."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import ray
import ray._private.worker as ray_driver
from ray._private.services import canonicalize_bootstrap_address
from ray.exceptions import ActorUnavailableError, RayActorError, RayError
from sqlalchemy.engine import make_url

from harness.core.errors import InputError
from harness.core.quiet_import import quiet_import
from harness.core.secrets import mask
from harness.search.plan import StudyPlan, Workforce
from harness.search.workers.executors._ray_actor import WorkerActor
from harness.tracking.stores.mlflow_server import is_server_uri

UNAVAILABLE = ActorUnavailableError
"""Raised by ``answer`` if an actor does not answer now but may do so later."""

ACTOR_LOST = RayError
"""Raised by ``answer`` if an actor is gone, was killed or could not be set up."""

_CONNECT_SECONDS = 5.0
_GPU_PARTS = 10_000  # Ray counts in ten-thousandths and rounds to the nearest


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect this process as a driver with the cluster at ``address`` while inside the block.

    None is the address in RAY_ADDRESS, else the cluster that runs on this machine. Raises
    InputError, one line, if there is none.
    """
    where = address or os.environ.get("RAY_ADDRESS") or "auto"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        _connect(where)
    except (RayError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"--ray-address {where}: {reason}; `ray start --head` makes this machine a cluster"
        ) from None
    if threading.current_thread() is threading.main_thread():  # Ray has set its own
        signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield
    finally:
        ray.shutdown()


def _connect(where: str) -> None:
    """Connect; Ray itself would try an address where nothing listens for many minutes."""
    if where == "local" or "://" in where:
        raise ValueError("allowed: HOST:PORT of a cluster that has this machine as a node, or auto")
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    found = canonicalize_bootstrap_address(where)
    parts = urlsplit(f"//{found}")
    try:
        socket.create_connection((str(parts.hostname), parts.port or 0), _CONNECT_SECONDS).close()
    except OSError as error:
        raise ConnectionError(f"nothing answers at {found} ({error})") from None
    ray_driver.print_to_stdstream = _drop  # it would print the logs of raylets into the display
    failed: Exception | None = None
    with quiet_import():
        try:
            ray.init(where, log_to_driver=False, logging_level=logging.CRITICAL)
        except (
            Exception
        ) as error:  # its message suffices; what quiet_import holds back is not shown
            failed = error
    if failed is not None:
        raise failed


def _drop(data: object, ignore_prefix: bool) -> None:
    """Print nothing: a worker's exit says what concerns it."""


def needs(workforce: Workforce) -> dict[str, float]:
    """The resources that Ray reserves for one worker: CPU, and GPU where GPUs are shared."""
    asked = {"CPU": float(workforce.cpus_per_worker or 1)}
    if workforce.workers_per_gpu is not None:
        asked["GPU"] = _GPU_PARTS // workforce.workers_per_gpu / _GPU_PARTS
    return asked


def check_command_line(plan: StudyPlan, arguments: Sequence[str]) -> None:
    """Raise InputError if ``arguments``, the command line, hold a password or token.

    Ray notes each driver's command line and shows it to everyone on the cluster.
    """
    for option, url in _stores(plan).items():
        if mask(url) != url and any(url in argument for argument in arguments):
            variable = f"HARNESS_{option.strip('-').upper().replace('-', '_')}"
            raise InputError(
                f"{option} holds a password, and Ray shows command lines to all of the cluster; "
                f"set {variable} instead"
            )


def check_plan(plan: StudyPlan) -> None:
    """Raise InputError if no node of the cluster could ever run a worker of the plan."""
    need = needs(plan.workforce)
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if not any(_holds(node["Resources"], need) for node in nodes):
        have = {_as_text({name: node["Resources"].get(name, 0) for name in need}) for node in nodes}
        raise InputError(
            f"a worker needs a node with {_as_text(need)}; "
            f"those of the cluster have {', '.join(sorted(have))}"
        )
    others = {node["NodeManagerAddress"] for node in nodes} - {ray.util.get_node_ip_address()}
    check_stores(plan, sorted(others))


def check_stores(plan: StudyPlan, others: Sequence[str]) -> None:
    """Raise InputError if a store is a file of this machine, which ``others`` cannot use."""
    for option, url in _stores(plan).items():
        if others and not is_server_uri(url) and make_url(url).get_backend_name() == "sqlite":
            raise InputError(
                f"{option} is a SQLite file, which the cluster's other machines, {others[0]} for "
                "one, cannot use; allowed: postgresql://USER:PASSWORD@HOST/NAME or a server"
            )


def start_actor(workforce: Workforce) -> Any:
    """The handle of a new ``WorkerActor``, on a node that has room for what a worker needs."""
    need = needs(workforce)
    kind = ray.remote(
        num_cpus=need["CPU"],
        num_gpus=need.get("GPU", 0),
        max_restarts=0,
        max_task_retries=0,
        max_concurrency=4,  # to be stopped while it is listened to
        scheduling_strategy="SPREAD",
    )(WorkerActor)
    return kind.remote()


def is_answered(call: Any, seconds: float) -> bool:
    """Whether the ``call`` of an actor's method has an answer or an error within ``seconds``."""
    return bool(ray.wait([call], timeout=seconds)[0])


def answer(call: Any) -> Any:
    """What the ``call`` of an actor's method returns; waits for it."""
    return ray.get(call)


def kill_actor(actor: Any) -> None:
    """End the ``actor`` and its worker at once; an actor that has ended is left alone."""
    with suppress(Exception):  # the cluster itself may be gone
        ray.kill(actor)


def describe_need(workforce: Workforce) -> str:
    """What a worker needs and what is free now, in words."""
    need, free = needs(workforce), ray.available_resources()
    return (
        f"a node with {_as_text(need)}; free in the whole cluster: "
        f"{_as_text({name: free.get(name, 0.0) for name in need})}"
    )


def describe(error: Exception) -> str:
    """Why an actor was lost: Ray's own sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    sentence, _, _ = (lines or [type(error).__name__])[-1].partition(". ")
    return sentence.rstrip(".")


def failed_to_start(error: Exception) -> bool:
    """Whether the actor could not be set up on its node."""
    return isinstance(error, RayActorError) and error.actor_init_failed


def _stores(plan: StudyPlan) -> dict[str, str]:
    return {"--storage": plan.storage_url, "--tracking-uri": plan.tracking_uri}


def _holds(have: Mapping[str, float], need: Mapping[str, float]) -> bool:
    return all(have.get(name, 0.0) >= amount for name, amount in need.items())


def _as_text(amounts: Mapping[str, float]) -> str:
    """``amounts`` as a person says them: 2 CPUs and 0.5 GPUs."""
    return " and ".join(
        f"{amount:g} {name}{'' if amount == 1 else 's'}" for name, amount in amounts.items()
    )
