"""``--until-decided``: seeds are added where they decide, no run is trained twice, all resumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.study import study
from tests.support.scored_arms import ScoredArms
from tests.support.wrong_input import check_refusal, pass_door

STUDY = """
question = "Which slope?"
seeds = 2

[base]
dataset = "digits"
width = 0.0625
images = 64
batch_size = 16
latent_dim = 4

{arms}
[search]
minimize = "fid"
reports = 1

[evaluation]
num_samples = 100

[claim]
id = "{claim}"
source = "S"
text = "The slope matters"
{tests}
"""
ARM = """
[arms."{slope}"]
leaky_slope = {slope}
"""
TEST = """
[[claim.tests]]
outcome = "fid"
better = "{better}"
than = "{than}"
smallest_effect = 0.1
"""
LEVELS = {0.1: 20.0, 0.2: 10.0, 0.3: 10.1}
"""The geometric mean of fid by slope: 0.1 is far worse than 0.2, which is as good as 0.3."""


def fid(config: TrialConfig) -> float:
    """Noise of 4 %, so that 0.2 and 0.3 are told to be alike at the second look or the third."""
    rng = np.random.default_rng([round(100 * config.leaky_slope), config.seed])
    return LEVELS[config.leaky_slope] * float(np.exp(0.04 * rng.normal()))


def declare(folder: Path, name: str, claim: str, *pairs: tuple[float, float]) -> None:
    slopes = sorted({slope for pair in pairs for slope in pair})
    arms = "".join(ARM.format(slope=slope) for slope in slopes)
    tests = "".join(TEST.format(better=better, than=than) for better, than in pairs)
    (folder / "studies" / "claims").mkdir(parents=True, exist_ok=True)
    text = STUDY.format(arms=arms, claim=claim, tests=tests)
    (folder / "studies" / "claims" / f"{name}.toml").write_text(text)


@pytest.fixture
def stub(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> ScoredArms:
    """A claim in the current folder: 0.2 is better than 0.1, and than 0.3."""
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    declare(workspace, "two", "C2", (0.2, 0.1), (0.2, 0.3))
    made = ScoredArms(fid)
    made.install(monkeypatch)
    return made


def run(*arguments: str, code: int = 0) -> str:
    """What the command prints, which ends with ``code``."""
    found, said, complaint = pass_door(study, *arguments, "--workers", "1", "--no-report")
    assert found == code, complaint
    return said


def test_an_empty_store_is_filled_until_all_is_decided(stub: ScoredArms) -> None:
    stub.interrupt_at = {8}
    said = run("claims", "--until-decided", code=130)
    assert "2 tests: 0 decided, 2 open; the next looks need 15 runs" in said
    assert "  two (C2): 0.1 0 to 5 seeds, 0.2 0 to 5 seeds, 0.3 0 to 5 seeds" in said
    said = run("claims", "--until-decided")
    assert "2 tests: 1 decided (1 supported), 1 open; the next looks need 6 runs" in said
    assert "  two (C2): 0.2 5 to 8 seeds, 0.3 5 to 8 seeds" in said
    assert "2 tests: 2 decided (1 supported and 1 no difference that matters), 0 open" in said
    # 0.1 ends at five seeds: no open test compares it any more.
    seeds = {slope: sorted(seed for one, seed in stub.ended if one == slope) for slope in LEVELS}
    assert seeds == {0.1: list(range(5)), 0.2: list(range(8)), 0.3: list(range(8))}
    assert "0 open" in run("claims", "--until-decided")
    assert set(stub.ended.values()) == {1}
    assert stub.begun.total() == stub.ended.total() + 1


@pytest.mark.slow
def test_it_resumes_wherever_it_was_stopped_and_trains_no_run_twice(
    stub: ScoredArms, workspace: Path
) -> None:
    declare(workspace, "one", "C1", (0.2, 0.1))
    stub.interrupt_at = {1, 9, 12, 20}
    for _ in range(4):
        run("claims", "--until-decided", code=130)
    said = run("claims", "--until-decided")
    assert "3 decided" in said
    assert "0 open" in said
    # Both studies have the slopes 0.1 and 0.2; the second takes the runs of the first.
    assert set(stub.ended.values()) == {1}
    assert stub.begun.total() == stub.ended.total() + 4


@pytest.mark.slow
def test_runs_of_before_count_and_are_not_trained_again(stub: ScoredArms) -> None:
    run("claims/two")
    assert stub.ended.total() == 6
    plan = run("claims/two", "--until-decided", "--dry-run")
    assert "2 tests: 0 decided, 2 open; the next looks need 9 runs" in plan
    assert "two (C2): 0.1 2 to 5 seeds, 0.2 2 to 5 seeds, 0.3 2 to 5 seeds" in plan
    assert stub.ended.total() == 6
    run("claims/two", "--until-decided", "--max-seeds", "5")
    assert stub.ended.total() == 15
    assert set(stub.ended.values()) == {1}


def test_a_plan_without_a_store_makes_none(
    stub: ScoredArms, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "elsewhere"))
    assert "the next looks need 15 runs" in run("claims", "--until-decided", "--dry-run")
    assert not (workspace / "elsewhere").exists()


@pytest.mark.slow
def test_runs_of_another_declaration_are_named_and_left_alone(
    stub: ScoredArms, workspace: Path
) -> None:
    run("claims/two")
    file = workspace / "studies" / "claims" / "two.toml"
    file.write_text(file.read_text().replace("num_samples = 100", "num_samples = 200"))
    code, said, complaint = pass_door(study, "claims", "--until-decided", "--no-report")
    check_refusal(code, complaint)
    assert "two: its runs in this store were made for another [evaluation] num_samples" in complaint
    assert "2 tests: 0 decided, 2 open" in said
    assert stub.ended.total() == 6


def test_no_trial_begins_once_the_time_is_over(stub: ScoredArms) -> None:
    assert "the time is over" in run("claims", "--until-decided", "--timeout", "0")
    assert stub.begun.total() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["claims", "--max-seeds", "8"], "--max-seeds is for --until-decided"),
        (["claims", "--until-decided", "--seeds", "8"], "--until-decided takes no --seeds"),
        (["claims", "--until-decided", "--max-seeds", "50"], "50"),
        (["quickstart", "--until-decided"], "studies with a [claim]; quickstart has none"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    arguments: list[str], says: str, stub: ScoredArms
) -> None:
    code, _, complaint = pass_door(study, *arguments)
    check_refusal(code, complaint)
    assert says in complaint
    assert stub.begun.total() == 0


@pytest.mark.slow
def test_a_clone_begins_with_the_runs_of_the_table_beside_the_page(
    stub: ScoredArms, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is lost, the table of runs was kept: nothing is trained again."""
    arguments = ("claims", "--workers", "1")
    code, _, complaint = pass_door(study, *arguments)
    assert code == 0, complaint
    table = workspace / "reports" / "claims" / "runs.jsonl"
    before, trained = table.read_text(), stub.ended.total()
    assert len(before.splitlines()) == trained == 6
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "another"))
    code, said, complaint = pass_door(study, *arguments)
    assert code == 0, complaint
    assert "run table-" in said
    assert stub.ended.total() == trained
    assert table.read_text() == before
    table.write_text("{}\n")
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "third"))
    code, _, complaint = pass_door(study, *arguments)
    assert code == 2
    assert "error: two: reports/claims/runs.jsonl: line 1 is no run of a table" in complaint
