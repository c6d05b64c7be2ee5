"""CPU, memory, disk, network and GPUs of the machine during a trial, by MLflow's own monitor.

Importing this module needs psutil, which an installation without the extra lacks: InputError.
"""

from __future__ import annotations

import logging
import math
import os
import time

from harness.core.errors import InputError, shown
from harness.core.secrets import hide_passwords

try:
    import psutil
except ModuleNotFoundError as error:
    if error.name != "psutil":
        raise
    raise InputError(
        "--system-metrics (MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING): psutil is not installed; "
        "it comes with the extra: pip install '.[system-metrics]'"
    ) from None

from mlflow.system_metrics import system_metrics_monitor
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

SAMPLING_SECONDS = 5.0
"""Between two samples, where MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL does not say otherwise.

A sample takes 20 ms of a CPU with a SQLite store: 0.4 % of one core.
"""

_FIRST_SECONDS = 0.1  # the least over which psutil can tell how busy a CPU is
_POSITIVE_NUMBERS = {
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": ("a number of seconds above 0", float),
    "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING": ("a whole number above 0", int),
}


def check_variables() -> None:
    """Raise InputError for a number among MLflow's variables with which its monitor cannot work.

    Without a pause between samples it would not rest; text would end the trial, not the monitor.
    """
    for name, (allowed, kind) in _POSITIVE_NUMBERS.items():
        text = os.environ.get(name)
        if text is not None and not _is_positive(text, kind):
            raise InputError(f"{name} is {shown(text)}; allowed: {allowed}")


def _is_positive(text: str, kind: type[float]) -> bool:
    try:
        number = kind(text)
    except ValueError:
        return False
    return math.isfinite(number) and number > 0


class MachineMonitor(SystemMetricsMonitor):  # type: ignore[misc]  # MLflow is not typed
    """A thread that writes what the machine does to a run, from ``start`` to ``finish``.

    The figures are the whole machine's, not the trial's alone. Writes are repeated like all of
    MLflow's; where that does not help, or where the run has ended, the thread ends, not the trial.
    """

    def __init__(self, run_id: str, tracking_uri: str) -> None:
        """For the run ``run_id`` of the store at ``tracking_uri``."""
        logging.getLogger(system_metrics_monitor.__name__).addFilter(_without_passwords)
        super().__init__(run_id, SAMPLING_SECONDS, tracking_uri=tracking_uri)

    def monitor(self) -> None:
        """What the thread does."""
        psutil.cpu_percent()  # of each thread the first says 0, since it looks back at nothing
        time.sleep(_FIRST_SECONDS)
        super().monitor()


def _without_passwords(record: logging.LogRecord) -> bool:
    """Hide what the line of the log quotes of an address; the line is shown."""
    record.msg, record.args = hide_passwords(record.getMessage()), ()
    return True
