"""Wrong input at the door: one line on stderr, exit 2, nothing begun."""

import subprocess
import sys

import optuna
import pytest

CASES = {
    "unknown study": (["nosuch"], "quickstart"),
    "unknown field": (["--set", "optimiser=adam"], "optimizer"),
    "bad choice": (["--set", "optimizer=adamm"], "rmsprop"),
    "no equals sign": (["--set", "optimizer"], "FIELD=VALUE"),
    "bad number": (["--n-trials", "none"], "none"),
    "no trials": (["--n-trials", "0"], "0"),
    "unknown option": (["--n-trails", "3"], "--n-trails"),
    "bad name": (["--study-name", "../x"], "study name"),
    "bad storage": (["--storage", "nonsense://x"], "--storage"),
    "closed port": (["--tracking-uri", "http://127.0.0.1:1", "--n-trials", "1"], "127.0.0.1:1"),
    "missing data": (["mnist", "--data-dir", "nowhere"], "mnist.npz"),
    "bad bounds": (["bad_bounds.toml"], "low"),
    "unknown key": (["bad_key.toml"], "serach"),
    "no time": (["--timeout", "nan"], "--timeout"),
    "endless name": (["x" * 300], "quickstart"),
    "no address": (["--tracking-uri", "http://["], "--tracking-uri"),
    "control characters": (["no\x1b[2Jsuch.toml"], r"no\x1b[2Jsuch"),
    "not toml": (["not.toml"], "not.toml"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bad_bounds.toml").write_text(
        'question = "?"\n[space]\nleaky_slope = { low = 0.4, high = 0.1 }\n'
    )
    (tmp_path / "bad_key.toml").write_text('question = "?"\n[serach]\nnum_trials = 3\n')
    (tmp_path / "not.toml").write_text("question = \n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_one_line_and_exit_2(case, folder, monkeypatch):
    arguments, named = CASES[case]
    monkeypatch.setenv("HARNESS_MLRUNS", str(folder / "mlruns"))
    result = subprocess.run(
        [sys.executable, "-m", "harness.study", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("error: ")
    assert named in result.stderr
    database = folder / "mlruns" / "optuna.db"
    assert not database.exists() or not optuna.get_all_study_names(f"sqlite:///{database}")


@pytest.mark.slow
@pytest.mark.parametrize("door", ["report", "evaluation.calibrate", "evaluation.reference"])
def test_a_command_without_what_it_needs_names_it(door, folder):
    command = [sys.executable, "-m", f"harness.{door}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error: Missing argument"), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr


@pytest.mark.slow
def test_dry_run_prints_the_resolved_study_and_touches_nothing(folder, monkeypatch):
    monkeypatch.setenv("HARNESS_MLRUNS", str(folder / "mlruns"))
    result = subprocess.run(
        [sys.executable, "-m", "harness.study", "--dry-run", "--set", "latent_dim=64"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert '"latent_dim": 64' in result.stdout
    assert '"beta_1": 0.5' in result.stdout
    assert not (folder / "mlruns").exists()
    assert not (folder / "reports").exists()
