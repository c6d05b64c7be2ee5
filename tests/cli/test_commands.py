"""Wrong input at the door: one line on stderr, exit 2, nothing begun."""

import subprocess
import sys

import optuna
import pytest

from harness.evaluation.calibrate import calibrate
from harness.evaluation.reference import remake
from harness.report import report
from harness.study import study
from tests.support.wrong_input import check_refusal, pass_door

slow = pytest.mark.slow
EVALUATION = ("calibrate", "reference")  # both load TensorFlow first

CASES = {
    "unknown study": (["nosuch"], "quickstart"),
    "unknown field": (["--set", "optimiser=adam"], "optimizer"),
    "bad choice": (["--set", "optimizer=adamm"], "rmsprop"),
    "no equals sign": (["--set", "optimizer"], "FIELD=VALUE"),
    "bad number": (["--n-trials", "none"], "none"),
    "no trials": (["--n-trials", "0"], "0"),
    "unknown option": (["--n-trails", "3"], "--n-trails"),
    "bad name": (["--study-name", "../x"], "study name"),
    "reserved name": (["--study-name", "Claims"], "calibration, claims, recorded, scores"),
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


def check_nothing_was_begun(folder):
    database = folder / "mlruns" / "optuna.db"
    assert not database.exists() or not optuna.get_all_study_names(f"sqlite:///{database}")


@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_one_line_and_exit_2(case, folder, monkeypatch, capfd):
    arguments, named = CASES[case]
    monkeypatch.setenv("HARNESS_MLRUNS", str(folder / "mlruns"))
    monkeypatch.chdir(folder)
    code, _, complaint = pass_door(study, *arguments)
    check_refusal(code, complaint)
    assert named in complaint
    assert capfd.readouterr() == ("", "")  # nor anything of a library's
    check_nothing_was_begun(folder)


@pytest.mark.parametrize(
    "case", [case if case == "unknown key" else pytest.param(case, marks=slow) for case in CASES]
)
def test_wrong_input_is_one_line_of_the_process_and_its_exit_code(case, folder, monkeypatch):
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
    check_nothing_was_begun(folder)


@pytest.mark.parametrize("command", [report, calibrate, remake])
def test_a_missing_argument_is_named(command):
    code, _, complaint = pass_door(command)
    check_refusal(code, complaint)
    assert complaint.startswith("error: Missing argument")


@pytest.mark.parametrize(
    "door", ["report", *(pytest.param(f"evaluation.{one}", marks=slow) for one in EVALUATION)]
)
def test_a_command_without_what_it_needs_names_it(door, folder):
    command = [sys.executable, "-m", f"harness.{door}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error: Missing argument"), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr


def test_dry_run_prints_the_resolved_study_and_touches_nothing(folder, monkeypatch):
    monkeypatch.setenv("HARNESS_MLRUNS", str(folder / "mlruns"))
    monkeypatch.chdir(folder)
    code, said, complaint = pass_door(study, "--dry-run", "--set", "latent_dim=64")
    assert code == 0, complaint
    assert '"latent_dim": 64' in said
    assert '"beta_1": 0.5' in said
    assert not (folder / "mlruns").exists()
    assert not (folder / "reports").exists()


def test_an_interrupted_command_says_so_and_ends_with_130():
    def command() -> None:
        """Never ends by itself."""
        raise KeyboardInterrupt

    assert pass_door(command) == (130, "", "interrupted\n")
