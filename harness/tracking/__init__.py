"""Writing what happened to MLflow: the only room that does.

Importing this package switches MLflow's telemetry and job runner off, before anything can import
MLflow itself: nothing is sent anywhere, and a server has no job endpoint (CVE-2026-0545).
"""

import os

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
)
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
