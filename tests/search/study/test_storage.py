import sqlite3
from contextlib import closing

import optuna
import pytest
import sqlalchemy

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.schema import INTERRUPTED, Tag
from harness.core.spec.study_spec import StudySpec
from harness.search.study.storage import load_or_create_study, open_storage
from harness.search.study.trials import counted_trials, requeue_interrupted, trial_endings


def spec(**changes):
    declared = {
        "question": "?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"num_trials": 5},
    }
    for table, values in changes.items():
        declared[table] = {**declared.get(table, {}), **values}
    return StudySpec.from_dict(declared, name="s")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("optuna") / "optuna.db"
    open_storage(f"sqlite:///{path}").engine.dispose()
    return path.read_bytes()


@pytest.fixture
def storage(tmp_path, template):
    (tmp_path / "optuna.db").write_bytes(template)
    return open_storage(f"sqlite:///{tmp_path}/optuna.db")


def test_a_study_is_opened_again_with_more_trials(storage):
    load_or_create_study(spec(), storage).optimize(
        lambda t: t.suggest_float("leaky_slope", 0, 0.4), 2
    )
    again = load_or_create_study(spec(search={"num_trials": 9}), storage)
    assert len(again.get_trials()) == 2
    assert again.metric_names == ["fid_late"]  # what a dashboard of Optuna shows


def test_a_key_that_came_after_the_study_began_has_its_default(storage):
    study = load_or_create_study(spec(), storage)
    before = spec().to_dict()
    del before["search"]["collapse_alarm"]
    study.set_user_attr("spec", before)
    load_or_create_study(spec(), storage)
    with pytest.raises(InputError, match="collapse_alarm: False, now True"):
        load_or_create_study(spec(search={"collapse_alarm": True}), storage)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"base": {"images": 2_000}}, "images: 1000, now 2000"),
        ({"base": {"dropout": 0.1}}, "dropout: None, now 0.1"),
        ({"space": {"leaky_slope": {"low": 0.0, "high": 0.3}}}, "leaky_slope"),
        ({"search": {"seed": 3}}, "seed: 0, now 3"),
        ({"search": {"minimize": "kid"}}, "minimize: 'fid_late', now 'kid'"),
        ({"evaluation": {"num_samples": 500}}, "num_samples: 5000, now 500"),
        ({"evaluation": {"extractor": "pixels"}}, "extractor: None, now 'pixels'"),
    ],
    ids=str,
)
def test_another_question_under_the_same_name_is_refused(storage, changes, named):
    load_or_create_study(spec(), storage)
    with pytest.raises(InputError, match="--study-name") as caught:
        load_or_create_study(spec(**changes), storage)
    assert named in str(caught.value)


def end_as_interrupted(study):
    trial = study.ask()
    trial.suggest_float("leaky_slope", 0, 0.4)
    trial.set_user_attr(Tag.FAILURE, INTERRUPTED)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return trial


def test_interrupted_trials_do_not_count_and_are_queued_once(storage):
    study = load_or_create_study(spec(), storage)
    study.optimize(lambda t: t.suggest_float("leaky_slope", 0, 0.4), 2)
    interrupted = end_as_interrupted(study)
    assert len(counted_trials(study)) == 2
    requeue_interrupted(study, ["leaky_slope"])
    requeue_interrupted(study, ["leaky_slope"])
    waiting = study.get_trials(states=(optuna.trial.TrialState.WAITING,))
    assert len(waiting) == 1
    assert waiting[0].user_attrs[Tag.RETRY_OF] == interrupted.number
    study.optimize(lambda t: t.suggest_float("leaky_slope", 0, 0.4), 1)
    assert study.trials[-1].params == interrupted.params
    assert len(counted_trials(study)) == 3


def test_a_trial_that_failed_by_itself_counts(storage):
    study = load_or_create_study(spec(), storage)
    trial = study.ask()
    trial.set_user_attr(Tag.FAILURE, "d_loss is not finite at 64 images seen")
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    requeue_interrupted(study, ["leaky_slope"])
    assert len(counted_trials(study)) == 1
    assert len(study.trials) == 1


def test_an_interrupted_trial_is_told_with_its_configuration_if_it_had_one(storage):
    study = load_or_create_study(spec(), storage)
    whole = end_as_interrupted(study)
    half = study.ask()
    study.tell(half, state=optuna.trial.TrialState.FAIL)
    study.optimize(lambda t: t.suggest_float("leaky_slope", 0, 0.4), 1)
    study.ask()
    ends = trial_endings(study, spec())
    assert ends[0].tags == ends[1].tags == {"failure": "interrupted"}
    assert ends[0].config == TrialConfig.from_dict({**spec().base, **whole.params})
    assert ends[1].config is None
    assert (ends[2].config, ends[3]) == (None, None)
    assert trial_endings(study)[0].config is None


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/none/x.db", "mysql://a:secret@h/b"])
def test_a_storage_that_cannot_be_used_is_one_line_without_the_password(url):
    with pytest.raises(InputError) as caught:
        open_storage(url)
    assert "--storage" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_trial_that_was_cut_off_before_its_reason_was_written_is_run_again(storage):
    study = load_or_create_study(spec(), storage)
    space = {"leaky_slope": optuna.distributions.FloatDistribution(0.0, 0.4)}
    trial = study.ask(space)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    assert counted_trials(study) == []
    requeue_interrupted(study, ["leaky_slope"])
    assert study.ask(space).params == trial.params


def interrupt_once(engine, method):
    """Make the next statement of ``engine`` be followed by Ctrl-C before SQLAlchemy goes on."""

    def execute(cursor, statement, parameters, context):
        sqlalchemy.event.remove(engine, method, execute)
        getattr(cursor, method.removeprefix("do_"))(statement, parameters)
        raise KeyboardInterrupt

    sqlalchemy.event.listen(engine, method, execute)


def test_ctrl_c_in_the_middle_of_a_write_leaves_no_lock_behind(storage):
    study = load_or_create_study(spec(), storage)
    trial = study.ask()
    studies = sqlalchemy.table("studies", sqlalchemy.column("study_name"))
    interrupted = pytest.raises(KeyboardInterrupt)
    with interrupted as caught, storage.engine.begin() as connection:
        interrupt_once(storage.engine, "do_executemany")
        connection.execute(studies.insert(), [{"study_name": "a"}, {"study_name": "b"}])
    # The traceback, which holds the statement, lives on here, as it does where a trial is ended.
    with closing(sqlite3.connect(storage.engine.url.database, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    assert caught.tb is not None
    trial.set_user_attr("after", 1)
    assert optuna.load_study(study_name="s", storage=storage).trials[0].user_attrs == {"after": 1}


@pytest.mark.parametrize(("cause", "count"), [(ValueError, 1), (KeyboardInterrupt, 0)])
def test_a_cursor_that_ctrl_c_closed_is_not_logged_as_an_error(storage, caplog, cause, count):
    """As SQLAlchemy logs it with the traceback, when it closes the cursor once more."""
    try:
        try:
            raise cause
        except cause:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")  # noqa: B904
    except sqlite3.ProgrammingError:
        storage.engine.pool.logger.error("Error closing cursor", exc_info=True)
    assert len(caplog.records) == count
