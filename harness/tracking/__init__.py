"""Records studies and trials in MLflow. No other package writes to MLflow.

Importing this package switches off MLflow's telemetry and its job runner before MLflow is imported:
nothing is sent anywhere, and an MLflow server has no job endpoint (CVE-2026-0545).
"""

import os

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
)
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
