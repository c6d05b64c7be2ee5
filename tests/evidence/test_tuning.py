"""``[tune]``: each arm is tuned on seeds of its own before its seeds count, once for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.reporting.results.load import load_results
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
learning_rate = 0.001

[arms."0.1"]
leaky_slope = 0.1

[arms."0.2"]
leaky_slope = 0.2

[tune]
field = "learning_rate"
factors = [0.5, 1, 4]
seeds = 2

[search]
minimize = "fid"
reports = 1

[evaluation]
num_samples = 100

[claim]
id = "C2"
source = "S"
text = "The slope matters"

[[claim.tests]]
outcome = "fid"
better = "0.2"
than = "0.1"
smallest_effect = 0.1
"""
RATES = (0.0005, 0.001, 0.004)
BEST = {0.1: 0.004, 0.2: 0.001, 0.3: 0.001}
"""Slope -> the rate of its lowest fid; the slope 0.2 is far better than 0.1 at each one's best."""

SLOPES = (0.1, 0.2)


def fid(config: TrialConfig) -> float:
    """Worse by 50 % at any other rate; noise of 4 %."""
    rng = np.random.default_rng([round(100 * config.leaky_slope), config.seed])
    level = 20.0 if config.leaky_slope == 0.1 else 10.0
    worse = 1.0 if config.learning_rate == BEST[config.leaky_slope] else 1.5
    return level * worse * float(np.exp(0.04 * rng.normal()))


@pytest.fixture
def stub(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> ScoredArms:
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    folder = workspace / "studies" / "claims"
    folder.mkdir(parents=True)
    (folder / "two.toml").write_text(STUDY)
    made = ScoredArms(fid)
    made.install(monkeypatch)
    return made


def run(*arguments: str, code: int = 0) -> str:
    """What the command prints, which ends with ``code``."""
    found, said, complaint = pass_door(study, *arguments, "--workers", "1", "--no-report")
    assert found == code, complaint
    return said


def counting(stub: ScoredArms) -> dict[tuple[float, float], list[int]]:
    """(rate, slope) -> the seeds of its runs."""
    found: dict[tuple[float, float], list[int]] = {}
    for rate, slope, seed in sorted(stub.rates):
        found.setdefault((rate, slope), []).append(seed)
    return found


def test_arms_are_tuned_on_seeds_of_their_own_and_resumed_after_an_interrupt(
    stub: ScoredArms, workspace: Path
) -> None:
    assert "12 runs to tune arms, 0.1 0 to 5 seeds" in run("claims", "--until-decided", "--dry-run")
    stub.interrupt_at = {7, 15}
    run("claims", "--until-decided", code=130)
    assert "6 runs to tune arms" in run("claims", "--until-decided", "--dry-run")
    run("claims", "--until-decided", code=130)
    said = run("claims", "--until-decided")
    assert "0.1  learning_rate 0.004, at the edge of what was tried (fid by learning_rate" in said
    assert "0.2  learning_rate 0.001 (fid by learning_rate" in said
    assert "1 test: 1 decided (1 supported), 0 open" in said
    # Two seeds of their own for each rate and arm; the five that count have the chosen rate.
    wanted = {(rate, slope): [1000, 1001] for slope in SLOPES for rate in RATES}
    for slope in SLOPES:
        wanted[BEST[slope], slope] = [*range(5), 1000, 1001]
    assert counting(stub) == wanted
    assert set(stub.rates.values()) == {1}
    assert "0 open" in run("claims", "--until-decided")
    assert stub.rates.total() == 12 + 10
    results = load_results(f"sqlite:///{workspace}/mlruns/mlflow.db", "two")
    assert len(results.trials) == 11  # the tuning's runs are no evidence; one was interrupted
    assert results.tuning is not None
    assert results.tuning.spec.name == "two-tune"
    assert set(results.tuning.trials["arm"]) == {f"{s} x{f}" for s in SLOPES for f in ("0.5", 1, 4)}


@pytest.mark.slow
def test_another_study_takes_the_tuning_of_a_shared_arm(stub: ScoredArms, workspace: Path) -> None:
    run("claims/two")
    assert stub.rates.total() == 12 + 4
    text = STUDY.replace('[arms."0.1"]\nleaky_slope = 0.1', "")
    text = text.replace('[arms."0.2"]', '[arms."0.3"]\nleaky_slope = 0.3\n\n[arms."0.2"]')
    (workspace / "studies" / "claims" / "three.toml").write_text(text.replace('"0.1"', '"0.3"'))
    run("claims/three")
    assert stub.rates.total() == 12 + 4 + 6 + 2
    assert set(stub.rates.values()) == {1}


@pytest.mark.slow
def test_other_factors_are_another_study(stub: ScoredArms, workspace: Path) -> None:
    run("claims/two")
    file = workspace / "studies" / "claims" / "two.toml"
    file.write_text(file.read_text().replace("seeds = 2\n\n[search]", "seeds = 3\n\n[search]"))
    code, _, complaint = pass_door(study, "claims", "--until-decided", "--no-report")
    check_refusal(code, complaint)
    assert "its runs in this store were made for another [tune] seeds: 2, now 3" in complaint


def test_no_seed_counts_before_the_tuning_is_complete(stub: ScoredArms) -> None:
    said = run("claims/two", "--timeout", "0")
    assert "study two-tune: 0 of 12 trials done" in said
    assert "resume:  the same command again" in said
    assert stub.rates.total() == 0
