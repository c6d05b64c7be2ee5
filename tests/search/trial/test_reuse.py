"""A trial that the store holds already is taken from there: figures, images, nothing trained."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from harness.core.config import TrialConfig
from harness.core.schema import FinalState, Tag
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.reporting.results.load import load_results
from harness.search.study.space import distributions
from harness.search.trial import runner
from harness.search.trial.objective import Objective
from harness.search.trial.reuse import Reuse
from harness.search.trial.runner import TrialRunner
from harness.study import study
from harness.tracking.tracker import TrainedRun
from harness.trial import trial
from tests.support.memory_tracker import MemoryStudy, MemoryTracker
from tests.support.no_training import train_nothing
from tests.support.scored_arms import ScoredArms
from tests.support.trials import run_next_trial
from tests.support.wrong_input import pass_door

STUDY = """
question = "Which slope?"
seeds = 2
[base]
dataset = "digits"
width = 0.0625
images = 64
batch_size = 16
latent_dim = 4
[arms.low]
leaky_slope = {low}
[arms.high]
leaky_slope = {high}
[search]
minimize = "fid"
reports = 2
[evaluation]
num_samples = {num_samples}
"""


@pytest.fixture
def stub(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> ScoredArms:
    """A folder with the study ``one``, of the slopes 0.1 and 0.2, which was run."""
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    made = ScoredArms(lambda config: 100 * config.leaky_slope + config.seed)
    made.install(monkeypatch)
    declare("one", 0.1, 0.2)
    run("one")
    assert made.ended.total() == 4
    return made


def declare(name: str, low: float, high: float, num_samples: int = 100) -> None:
    text = STUDY.format(low=low, high=high, num_samples=num_samples)
    Path(f"{name}.toml").write_text(text)


def run(name: str, *arguments: str) -> str:
    code, said, complaint = pass_door(
        study, f"{name}.toml", "--workers", "1", "--no-report", *arguments
    )
    assert code == 0, complaint
    return said


def store() -> str:
    """The address of the MLflow store, whole: a client keeps what it has opened by its address."""
    return f"sqlite:///{Path('mlruns/mlflow.db').absolute()}"


def runs_of(name: str) -> list[Run]:
    """The runs of the trials of a study, by trial number."""
    client = MlflowClient(store())
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], "tags.kind = 'trial'")
    return sorted(found, key=lambda one: int(one.data.tags[Tag.TRIAL_NUMBER]))


def test_an_arm_that_another_study_has_trained_is_taken_from_there(stub: ScoredArms) -> None:
    declare("two", 0.2, 0.3)
    said = run("two")
    assert "of one is taken" in said
    assert {count for (slope, _), count in stub.ended.items()} == {1}
    assert stub.ended.total() == 6
    before = {one.data.params["seed"]: one for one in runs_of("one")[1::2]}
    for again in runs_of("two")[::2]:
        source = before[again.data.params["seed"]]
        assert again.data.tags[Tag.REUSED_FROM] == source.info.run_id
        assert Tag.TRAINS not in again.data.tags
        fid = {name: again.data.metrics[name] for name in ("fid", "fid_late", "d_loss")}
        assert fid.items() <= source.data.metrics.items()
        assert "wall_seconds" not in again.data.metrics
        assert again.info.status == "FINISHED"
    results = load_results(store(), "two")
    reused = results.trials["reused_from"].tolist()
    assert [isinstance(one, str) for one in reused] == [True, False, True, False]
    for row in results.trials.itertuples():
        assert results.grids.last(row.run_id) is not None  # of a taken trial, the other run's


@pytest.mark.slow
def test_seeds_are_added_and_no_reuse_trains_again(stub: ScoredArms) -> None:
    run("one", "--study-name", "more", "--seeds", "3")
    assert stub.ended.total() == 6  # the third seed of both
    run("one", "--study-name", "again", "--no-reuse")
    assert stub.ended.total() == 10


@pytest.mark.slow
def test_a_single_trial_is_always_trained(stub: ScoredArms) -> None:
    code, _, complaint = pass_door(trial, "one.toml", "--set", "seed=0")
    assert code == 0, complaint
    assert stub.ended.total() == 5


@pytest.mark.slow
def test_a_run_that_was_deleted_or_killed_is_not_taken(stub: ScoredArms) -> None:
    client = MlflowClient(store())
    deleted, killed, *_ = runs_of("one")
    client.delete_run(deleted.info.run_id)
    client.set_terminated(killed.info.run_id, "KILLED")
    run("one", "--study-name", "again")
    assert sorted(stub.ended.values()) == [1, 1, 2, 2]


@pytest.mark.slow
def test_a_source_of_elsewhere_gives_no_images(stub: ScoredArms, workspace: Path) -> None:
    """A store's tag may name any run: its images are read from this store's artifacts alone."""
    declare("two", 0.2, 0.3)
    run("two")
    client = MlflowClient(store())
    experiment = client.create_experiment("theirs", str(workspace / "elsewhere"))
    stranger = client.create_run(experiment)
    address = stranger.info.artifact_uri
    Path(address, "samples").mkdir(parents=True)
    Path(address, "samples", "000000064.png").write_bytes(b"secret")
    first, _, second, _ = runs_of("two")
    client.set_tag(first.info.run_id, Tag.REUSED_FROM.value, stranger.info.run_id)
    client.set_tag(second.info.run_id, Tag.REUSED_FROM.value, "../../elsewhere")
    results = load_results(store(), "two")
    assert results.grids.last(first.info.run_id) is None
    assert results.grids.last(second.info.run_id) is None
    assert "outside of" in " ".join(results.gaps)
    client.set_tag(first.info.run_id, Tag.REUSED_FROM.value, runs_of("one")[1].info.run_id)
    assert load_results(store(), "two").grids.last(first.info.run_id) is not None
    client.delete_run(runs_of("one")[1].info.run_id)
    gone = load_results(store(), "two")
    assert gone.grids.last(first.info.run_id) is None
    assert gone.trials["fid"].notna().all()  # the figures are its own


SEARCH = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"width": 0.0625, "images": 96, "batch_size": 16, "latent_dim": 4},
        "space": {"leaky_slope": {"choices": [0.1]}},
        "search": {"minimize": "fid", "num_trials": 1, "reports": 3, "collapse_alarm": False},
        "evaluation": {"num_samples": 100},
    },
    name="first",
)


class _Scores:
    """An evaluator whose fid falls from report to report."""

    seed, metrics = 0, ("fid",)
    dataset = load_dataset("digits")

    def __init__(self) -> None:
        self.left = [3.0, 2.0, 1.0]

    def score(self, images: object) -> dict[str, float]:
        return {"fid": self.left.pop(0)}

    def fid(self, images: object) -> float:
        return 7.0

    def nearest_training(self, images: object) -> None:
        return None


class _PruneAt64(optuna.pruners.BasePruner):
    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return trial.last_step == 64


def _search(
    tracker: MemoryTracker, spec: StudySpec, pruner: optuna.pruners.BasePruner
) -> tuple[optuna.trial.FrozenTrial, MemoryStudy]:
    opened = tracker.open_study(spec)
    scores = _Scores()
    reuse = Reuse(spec, scores, opened)
    made = TrialRunner(spec, scores.dataset, scores, opened, lambda event: None, {}, None, reuse)
    searched = optuna.create_study(pruner=pruner)
    run_next_trial(searched, distributions(spec), Objective(made), runner.FAILURES)
    return searched.trials[0], opened


def test_a_pruner_decides_anew_on_the_figures_of_a_taken_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train_nothing(monkeypatch)
    averaged = SEARCH.with_settings(["ema=0.1"])
    tracker = MemoryTracker()
    trained, first = _search(tracker, averaged, optuna.pruners.NopPruner())
    second_spec = averaged.replace(name="second")
    taken, second = _search(tracker, second_spec, optuna.pruners.NopPruner())
    assert taken.value == trained.value == 1.0
    assert taken.intermediate_values == trained.intermediate_values
    assert taken.user_attrs["scores"] == trained.user_attrs["scores"]
    assert taken.user_attrs["scores"]["fid_raw"] == 7.0
    assert second.trials[0].tags[Tag.REUSED_FROM] == first.trials[0].run_id
    pruned, third = _search(tracker, averaged.replace(name="third"), _PruneAt64())
    assert pruned.state == optuna.trial.TrialState.PRUNED
    assert third.trials[0].state == FinalState.PRUNED
    assert dict(third.trials[0].metrics["fid"]) == {32: 3.0, 64: 2.0}


@pytest.mark.parametrize("lost", ["fid", "a report", "a number"])
def test_a_run_that_is_not_whole_is_not_taken(lost: str) -> None:
    """Its tag may say anything: a report without fid, a missing report, a value that is none."""
    opened = MemoryTracker().open_study(SEARCH)
    reuse = Reuse(SEARCH, _Scores(), opened)
    history = {"fid": {32: 3.0, 64: 2.0, 96: 1.0}, "kid": {32: 3.0, 64: 2.0, 96: 1.0}}
    opened.find_trained = lambda trains: TrainedRun("r", "s", history)
    assert reuse.find(SEARCH.base_config()) is not None
    if lost == "fid":
        del history["fid"]
    elif lost == "a report":
        del history["fid"][64], history["kid"][64]
    else:
        history["kid"][64] = float("nan")
    assert reuse.find(SEARCH.base_config()) is None


def test_seeds_configurations_and_settings_have_identities_of_their_own() -> None:
    def identity(spec: StudySpec, **fields: object) -> str:
        opened = MemoryTracker().open_study(spec)
        config: TrialConfig = spec.base_config().replace(**fields)
        return Reuse(spec, _Scores(), opened).identity(config)

    own = identity(SEARCH)
    assert own == identity(SEARCH.replace(name="other", question="Another?"))
    others = [
        identity(SEARCH, seed=1),
        identity(SEARCH, images=112),
        identity(SEARCH, learning_rate=0.5),
        identity(SEARCH.replace(num_samples=101)),
    ]
    assert len({own, *others}) == 5
