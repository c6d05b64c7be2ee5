"""An outage is one line, wherever in a session it ended the work; a defect keeps its traceback."""

import pytest
from mlflow.exceptions import MlflowException
from requests.exceptions import ConnectionError as Unreachable

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.search.plan import StudyPlan
from harness.search.workers import worker as work
from harness.search.workers.executors import Job
from harness.search.workers.worker import serve
from harness.tracking.failures import stopped
from harness.tracking.stores.layout import Layout


def unreachable():
    """As MLflow raises it when its server is gone for good."""
    try:
        raise Unreachable("refused")
    except Unreachable:
        address = "http://me:s3cret@host:5000/api/2.0/mlflow/runs/log-batch"
        raise MlflowException(f"API request to {address} failed\nmore") from None


def test_a_server_that_is_gone_is_one_line_without_its_password():
    with pytest.raises(MlflowException) as caught:
        unreachable()
    said = str(stopped(caught.value))
    assert said.startswith("stopped: MlflowException: API request to http://me:***@host:5000/api")
    assert said.endswith("; fix it, then run the same command to resume")
    assert "\n" not in said


def test_a_defect_is_no_outage():
    assert stopped(ValueError("a bug")) is None


def test_what_is_said_in_one_line_already_is_left_as_it_is():
    error = InputError("--tracking-uri: no server answers")
    error.__context__ = OSError("refused")
    assert stopped(error) is None


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a bug")])
def test_a_worker_tells_an_outage_in_one_line_and_a_defect_whole(error, tmp_path, monkeypatch):
    def begin(*_, **__):
        raise error

    monkeypatch.setattr(work, "StudyWorker", begin)
    layout = Layout(tmp_path)
    plan = StudyPlan(StudySpec(name="s", question="?"), layout, layout.storage_url, "unused")
    ended = serve(Job(plan, 1, 0), lambda told: None)
    if isinstance(error, OSError):
        assert "No space left on device; fix it, then run the same command to resume" in str(
            ended.error
        )
        assert not ended.defect
    else:
        assert "Traceback" in ended.defect
        assert ended.error is None
